//! The way of a reference to the owner of its object.

use super::header::*;
use super::owners::Handed;
use super::{count, death, types};
use crate::interp::MERGE;
use crate::sync::Ordering::*;
use crate::sys::errno::KeepErrno;
use crate::watch::log;

/// The caller has set QUEUED, and its reference belongs to the owner's queue now.
#[cold]
#[inline(never)]
pub(super) extern "C" fn hand_over(o: &'static Object) {
    let _errno = KeepErrno::new();
    let inside = crate::attach::slow::enter(); // None when it is a slow path that drops the reference
    if o.owner.load(Relaxed) == IMMORTAL {
        return;
    }
    let Some(interp) = types::of(o).interp() else {
        let owner = o.owner.load(Relaxed);
        if is_token(owner) {
            super::merge::merge(o, owner, 0); // its interpreter is gone (C8), and so are all owners
        }
        drop(inside);
        return count::decref_shared(o);
    };
    match interp.owners.hand_over(o) {
        Handed::Merged => {
            drop(inside); // the object may die of it, and its finalizer may do what the host may
            count::decref_shared(o);
        }
        Handed::ForThread => {}
        Handed::Done(dead) if inside.is_some() => {
            drop(inside);
            dead.into_iter().for_each(|o| death::bury(o));
        }
        Handed::Done(dead) => dead.into_iter().for_each(death::await_burial),
        Handed::ForLock => {
            interp.request(MERGE);
            interp.help();
        }
        Handed::NoMemory => {
            // Nothing can be remembered, nothing can be answered: a leak, never a use after free.
            count::immortalize(o);
            log::error(format_args!("out of memory: an object that another thread dropped is leaked"));
        }
    }
}
