//! Why the last call of this thread failed, where a status says too little.

use super::log::Line;
use crate::status::Status;
use std::cell::RefCell;
use std::ffi::c_char;
use std::fmt::Arguments;

thread_local! {
    // Without a destructor, so that it also works in a thread that ends.
    static TEXT: RefCell<Line> = const { RefCell::new(Line::new()) };
}

/// Remembers the sentence; returns the status, for `Err(set(…))`.
pub fn set(status: Status, sentence: Arguments) -> Status {
    TEXT.with(|text| {
        if let Ok(mut text) = text.try_borrow_mut() {
            *text = Line::of(sentence);
        }
    });
    status
}

/// Valid until the next failure on this thread. Empty if there was none.
pub fn get() -> *const c_char {
    TEXT.with(|text| {
        // SAFETY: only this thread writes, in `set`; the pointer is handed to C, which has been told how long it lasts.
        unsafe { (*text.as_ptr()).c_str() }
    })
}
