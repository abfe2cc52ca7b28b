//! Sleeping on a word: until it has changed. A wake that was forgotten goes unnoticed, a change that was forgotten does not.

use crate::sync::{AtomicU32, Ordering::*};

/// loom has no clock: a sleep with a deadline is over at once, which is one of the things that may happen.
pub fn wait(word: &AtomicU32, expected: u32, deadline: u64) {
    while deadline == u64::MAX && word.load(SeqCst) == expected {
        loom::thread::yield_now();
    }
}

pub fn wake_all(_word: &AtomicU32) {}
