//! Objects: a header of 16 bytes, and counts that any thread may touch.
//!
//! | file | idea |
//! |---|---|
//! | `header` | the words of an object, and their tables |
//! | `count` | increments and decrements, by the owner and by everybody else |
//! | `merge` | from two counts to one |
//! | `owners` | who counts plainly, and the references that wait for them |
//! | `handed` | the way of a reference to its owner |
//! | `attempt` | a reference from nothing, which a dying object refuses |
//! | `weak` | weak references, cleared before the finalizer |
//! | `death` | finalizer once and attached, pending otherwise; then the memory |
//! | `types` | the process-wide table of types |
//! | `heap` | memory, from the host's hooks or from malloc |
//!
//! The invariant of all of it: `local + count(shared)` is the number of references, a queue's included. The protocol is
//! biased reference counting (Choi, Shull, Torrellas, PACT 2018; PEP 703), with the rules that docs/pitfalls.md gives
//! reasons for.

pub mod attempt;
pub mod count;
pub mod death;
pub mod handed;
pub mod header;
pub mod heap;
pub mod merge;
pub mod owners;
pub mod types;
pub mod weak;

use crate::config::Counting;
use crate::interp::Interp;
use crate::runtime;
use crate::status::Status;
use crate::sync::Ordering::*;
use crate::thread::{DETACHED, Thread};
use header::*;
use types::Type;

/// The largest payload: a size that cannot overflow, nor be meant.
const MAX_BYTES: usize = isize::MAX as usize / 2;

/// A new object with one reference and a payload of zeroes.
pub fn new(t: &'static Thread, ty: &'static Type, extra: usize) -> Result<&'static Object, Status> {
    if t.identity.load(Relaxed) == DETACHED {
        return Err(Status::NotAttached);
    }
    let interp = Interp::of(t);
    if !ty.interp().is_some_and(|i| std::ptr::eq(i, interp)) {
        return Err(Status::Invalid); // an object is its type's interpreter's (C6)
    }
    let bytes = ty.payload_size.checked_add(extra).filter(|&b| b <= MAX_BYTES).ok_or(Status::Nomem)?;
    let config = runtime::started()?;
    let o = heap::allocate(&config.hooks, bytes, extra).ok_or(Status::Nomem)?;
    // SAFETY: fresh memory of at least a header, aligned, that nobody else knows.
    unsafe {
        let me = t.identity.load(Relaxed);
        o.as_ptr().write(match interp.counting() {
            Counting::Biased if me != NOBODY => {
                let shared = if ty.tries { MAYBE_WEAK } else { PLAIN };
                Object::born(me, 1, shared, ty.index)
            }
            Counting::Biased | Counting::Atomic => Object::born(MERGED_OWNER, 0, MERGED + ONE, ty.index),
        });
        if extra != 0 {
            o.as_ref().gc.store(EXTRA, Relaxed);
        }
    }
    ty.gain();
    if let Some(library) = ty.library {
        library.refs.fetch_add(1, Relaxed); // the code stays mapped while an object of its types lives
    }
    // SAFETY: lives until its last reference is dropped; the caller has one.
    Ok(unsafe { o.as_ref() })
}
