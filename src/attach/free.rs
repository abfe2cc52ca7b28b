//! The slow paths of threads that run at once, in an interpreter without a lock. The fast ones are those of a biased lock: a store
//! to `self` and a look at the breaker. What the breaker can say:
//!
//! | bit | at attaching | at detaching |
//! |---|---|---|
//! | UNBIASED | there is no asymmetric barrier: a whole fence, and look again | the same |
//! | HANDED | merge what was handed over, bury the dead | merge; the dead wait |
//! | CLOSED | refused, but for who comes back | whoever closes is told |

use super::Done;
use crate::gil::Wait;
use crate::interp::Interp;
use crate::object::death;
use crate::status::Status;
use crate::sync::{Ordering::*, full_fence};
use crate::thread::{CLOSED, DETACHED, HANDED, Thread, UNBIASED};

/// `self` holds the token already. On Err it is DETACHED.
pub fn acquire(t: &'static Thread, interp: &'static Interp, how: Wait) -> Done {
    if t.breaker.load(Relaxed) & UNBIASED != 0 {
        full_fence(); // pairs with the one of whoever sets a bit, instead of the heavy barrier
    }
    if t.breaker.load(Acquire) & CLOSED != 0 && how != Wait::Return {
        t.identity.store(DETACHED, Release); // pairs with the Acquire in `Owners::close`
        interp.gil.departed();
        return Err(Status::Closed);
    }
    t.acquires.store(t.acquires.load(Relaxed) + 1, Relaxed);
    Ok(())
}

/// `self` is DETACHED already.
pub fn release(t: &'static Thread, interp: &'static Interp) {
    if t.breaker.load(Relaxed) & UNBIASED != 0 {
        full_fence();
    }
    let asked = t.breaker.load(Relaxed);
    if asked & HANDED != 0 {
        interp.owners.take(t).into_iter().for_each(death::await_burial);
    }
    if asked & CLOSED != 0 {
        interp.gil.departed();
    }
}
