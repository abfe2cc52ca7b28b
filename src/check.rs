//! Checking mode (`GILRT_CHECK`): misuse that is undefined otherwise is recognised and told, with the object's type, the threads
//! and the last operations on it.
//!
//! | file | idea |
//! |---|---|
//! | `table` | a record of each object by its address, the dead included for a while |
//! | `record` | one of them: what it is, its state, its history |
//! | `count` | counting under the table's mutex |
//!
//! The objects of a checking runtime are born with the owner CHECKED, so that no inline code and no fast path counts them.
//! Nothing here allocates but the table, when an object is made: a report may be about memory that has run out.

pub mod count;
pub mod record;
pub mod table;

use crate::status::Status;
use crate::sync::Ordering::Relaxed;
use crate::sys::errno::KeepErrno;
use crate::sys::tls;
use crate::watch::log::{self, Buffer};
use record::By;
use std::fmt::Arguments;
use std::sync::atomic::AtomicU8;

/// What a report leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Nothing is checked.
    #[default]
    Off,
    Abort,
    Continue,
}

static MODE: AtomicU8 = AtomicU8::new(Mode::Off as u8);

/// Before the first object is made, and never again: an object is checked for life, or not at all.
pub fn start(mode: Mode) {
    MODE.store(mode as u8, Relaxed);
}

#[inline(always)]
pub fn enabled() -> bool {
    MODE.load(Relaxed) != Mode::Off as u8
}

/// Tells of a misuse, in one or more lines, and ends the process unless it shall go on. Not with a mutex held that the host's
/// log function could need.
#[cold]
pub fn report(text: Arguments) {
    note(text);
    end();
}

/// Tells of something that has an answer of its own, such as a deadlock that was refused: the process goes on.
#[cold]
pub fn note(text: Arguments) {
    let _errno = KeepErrno::new();
    log::report(format_args!("check: {text}"));
}

fn end() {
    if MODE.load(Relaxed) == Mode::Abort as u8 {
        std::process::abort();
    }
}

/// A call is refused because it was wrong: where there is a status, checking mode has a sentence too. For `Err(refused(…))`.
#[cold]
pub fn refused(status: Status, text: Arguments) -> Status {
    if enabled() {
        report(format_args!("{text}: {}\n  by {}", Name(status), By::me()));
    }
    status
}

/// The code of what a call of the lock answers; tells if the caller was wrong: not attached, or attached already, or a signal
/// handler that interrupted the library.
#[inline(always)]
pub fn answer(call: &'static &'static str, result: Result<(), Status>) -> i32 {
    result.map_or_else(|why| tell(call, why), |()| 0)
}

/// The code of a status; tells likewise. Never unwinds, so that the exported functions need no frame to guard.
#[cold]
#[inline(never)]
pub extern "C" fn tell(call: &'static &'static str, why: Status) -> i32 {
    match why {
        Status::NotAttached | Status::Nested => _ = refused(why, format_args!("{call}")),
        // Whom the handler interrupted may hold the mutex of the log, and that of standard error.
        Status::Deadlock if enabled() && tls::is_inside() => {
            let text = format_args!("gilrt: check: {call} in a signal handler that interrupted the library\n");
            let text = Buffer::<256>::of(text);
            // SAFETY: so many bytes are there. What standard error does not take is lost.
            unsafe { libc::write(libc::STDERR_FILENO, text.c_str().cast(), text.as_str().len()) };
            end();
        }
        _ => {}
    }
    why as i32
}

/// A status as in the header.
struct Name(Status);

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name().to_str().unwrap_or_default())
    }
}
