//! Running a module's code: attached to its interpreter, and with everything as it was before when it returns.

use super::Library;
use crate::attach::slow::{self as attach, Runtime};
use crate::attach::{acquire, detach, release};
use crate::check;
use crate::interp::{Interp, lives};
use crate::runtime;
use crate::status::Status;
use crate::sync::Ordering::*;
use crate::sys::tls;
use crate::thread::{DETACHED, Thread};
use crate::watch::error_text;
use std::ptr;

/// What the code returned, and whether it left the thread as it found it.
pub struct Ran<R> {
    result: R,
    balanced: bool,
}

impl<R> Ran<R> {
    pub fn balanced(self, library: &Library) -> Result<R, Status> {
        self.balanced_only(library)?;
        Ok(self.result)
    }

    pub fn balanced_only(&self, library: &Library) -> Result<(), Status> {
        if self.balanced {
            return Ok(());
        }
        let text = format_args!("module {} returned with other acquires than releases", library.name());
        Err(error_text::set(check::refused(Status::Module, text), text))
    }
}

/// Runs `f`, code of `library`, attached to the calling thread's interpreter, which is the library's. Err: it did not run.
pub fn attached<R>(library: &'static Library, f: impl FnOnce() -> R) -> Result<Ran<R>, Status> {
    acquire::<Runtime>(tls::current())?;
    let t = tls::current();
    let before = t.library.swap(ptr::from_ref(library).cast_mut().cast(), Relaxed);
    let (depth, away) = (t.depth.load(Relaxed), t.away.load(Relaxed) + 1);
    let mut balanced = false;
    // Also if it lets go of the lock in between, it is inside for whoever closes the interpreter (A5).
    let result = attach::call_out(t, None, || {
        let result = f();
        let here = ptr::eq(tls::current(), t);
        let as_before = t.depth.load(Relaxed) == depth && t.away.load(Relaxed) == away;
        balanced = here && as_before && t.identity.load(Relaxed) != DETACHED;
        if !here {
            come_back(t);
        }
        result
    });
    t.library.store(before, Relaxed);
    let released = release::<Runtime>(t);
    debug_assert!(released.is_ok()); // whatever `f` did, the thread was attached again
    Ok(Ran { result, balanced })
}

/// As [`attached`], in `interp`, which stays open meanwhile, from wherever the calling thread is.
pub fn within<R>(library: &'static Library, interp: &'static Interp, f: impl FnOnce() -> R) -> Result<Ran<R>, Status> {
    lives::visit(interp, |_| attached(library, f))?
}

/// The calling thread acts by `t` again, its state in another interpreter.
fn come_back(t: &'static Thread) {
    detach::<Runtime>(tls::current());
    let _inside = attach::enter();
    runtime::set_current(t);
}
