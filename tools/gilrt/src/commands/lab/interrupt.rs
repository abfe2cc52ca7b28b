//! Ctrl-C, and being told to end: the first is remembered, so that what is done can be written; the second ends at once.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::Failure;

/// Set by the handler's thread, read between cases and while one runs. Relaxed: it orders nothing.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// What shells have for a program that Ctrl-C ended.
const ENDED_BY_INTERRUPT: i32 = 130;

pub fn watch() -> Result<(), Failure> {
    // Children end with the tool, as they asked the system for (`run`).
    ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(ENDED_BY_INTERRUPT);
        }
    })
    .map_err(|error| Failure::Failed(format!("cannot watch for Ctrl-C: {error}")))
}

pub fn came() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}
