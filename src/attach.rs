//! Attaching and detaching: the fast paths on one screen. What they find when a breaker is set is in `slow`, which the
//! models replace; hence the parameter.
//!
//! | path | what it is made of |
//! |---|---|
//! | acquire + release | two stores, two loads and two tests each |
//! | poll | a load and a test |

pub mod free;
pub mod slow;

use crate::gil::Wait;
use crate::status::Status;
use crate::sync::{Ordering::*, light_barrier, mutant};
use crate::thread::{DETACHED, Thread};

/// Where a fast path goes when the breaker is set.
pub trait Slow {
    /// The token is in `self` already (DETACHED in the static state). On Err `self` is DETACHED.
    fn acquire(t: &'static Thread, how: Wait) -> Done;
    /// DETACHED is in `self` already.
    fn release(t: &'static Thread);
    /// `t` says attached, but has not won the lock: the caller is a signal handler that interrupted an acquire. An acquire
    /// there must not count as a nested one (L17).
    fn interrupted(t: &'static Thread) -> bool;
}

pub type Done = Result<(), Status>;

/// Attaches the calling thread, whose state `t` is.
#[inline(always)]
pub fn acquire<S: Slow>(t: &'static Thread) -> Done {
    acquire_as::<S>(t, Wait::Forever)
}

/// As [`acquire`], with a limit to its patience, or none. Granted at the deadline is granted (A9).
#[inline(always)]
pub fn acquire_as<S: Slow>(t: &'static Thread, how: Wait) -> Done {
    // Relaxed: written by this thread, or by a granter whose grant it has seen. Compared with DETACHED, not with the
    // token: in the static state the two are the same (A2).
    if t.identity.load(Relaxed) != DETACHED && !mutant!("nesting-ignored") {
        return nest::<S>(t);
    }
    t.identity.store(t.token.load(Relaxed), Relaxed); // ordered by the barriers against `Gil::revoke`
    light_barrier();
    // Acquire: pairs with the Release that clears HANDED, so that what was merged meanwhile is seen.
    if t.breaker.load(if mutant!("breaker-relaxed") { Relaxed } else { Acquire }) != 0 {
        return S::acquire(t, how);
    }
    t.acquires.store(t.acquires.load(Relaxed) + 1, Relaxed);
    Ok(())
}

#[cold]
#[inline(never)]
fn nest<S: Slow>(t: &'static Thread) -> Done {
    if S::interrupted(t) {
        return Err(Status::Deadlock);
    }
    let depth = t.depth.load(Relaxed);
    if depth == u32::MAX - 1 {
        return Err(Status::Limit);
    }
    t.depth.store(depth + 1, Relaxed);
    Ok(())
}

/// The inverse of one acquire.
#[inline(always)]
pub fn release<S: Slow>(t: &'static Thread) -> Done {
    if t.identity.load(Relaxed) == DETACHED {
        return Err(Status::NotAttached);
    }
    let depth = t.depth.load(Relaxed);
    if depth > 0 {
        t.depth.store(depth - 1, Relaxed);
        return Ok(());
    }
    leave::<S>(t);
    Ok(())
}

#[inline(always)]
fn leave<S: Slow>(t: &'static Thread) {
    // Release: pairs with the Acquire in `Gil::revoke`; it carries the critical section over.
    t.identity.store(DETACHED, if mutant!("detach-relaxed") { Relaxed } else { Release });
    light_barrier();
    if t.breaker.load(Relaxed) != 0 {
        S::release(t);
    }
}

/// Releases whatever the depth, and returns it for [`slow::attach`]; 0 if the thread was not attached.
#[inline(always)]
pub fn detach<S: Slow>(t: &'static Thread) -> u32 {
    if t.identity.load(Relaxed) == DETACHED {
        return 0;
    }
    let saved = t.depth.load(Relaxed) + 1;
    t.depth.store(0, Relaxed);
    leave::<S>(t);
    saved
}

/// Leaves for a region that the thread certainly comes back from (A5): closing waits for it. What it returns belongs into
/// the caller's frame, since regions nest.
#[inline(always)]
pub fn region_begin<S: Slow>(t: &'static Thread) -> u32 {
    if t.identity.load(Relaxed) == DETACHED {
        return 0;
    }
    t.away.store(t.away.load(Relaxed) + 1, Relaxed); // published by the Release of the release, whichever it is
    detach::<S>(t)
}

/// Comes back, also into an interpreter that is closing.
#[inline(always)]
pub fn region_end<S: Slow>(t: &'static Thread, saved: u32) {
    if saved == 0 {
        return;
    }
    if t.identity.load(Relaxed) == DETACHED {
        // Never refused: only regions begun attached get here, and those are let in to the end.
        let back = acquire_as::<S>(t, Wait::Return);
        debug_assert!(back.is_ok());
    }
    t.depth.store(saved - 1, Relaxed);
    t.away.store(t.away.load(Relaxed) - 1, Relaxed); // published by the next release
}
