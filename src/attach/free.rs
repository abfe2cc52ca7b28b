//! The slow paths of threads that run at once, in an interpreter without a lock. The fast ones are those of a biased lock: a store
//! to `self` and a look at the breaker. What the breaker can say:
//!
//! | bit | at attaching | at detaching |
//! |---|---|---|
//! | UNBIASED | there is no asymmetric barrier: a whole fence, and look again | the same |
//! | HANDED | merge what was handed over, bury the dead | merge; the dead wait |
//! | SECTIONS | the innermost section is taken again | all are given up |
//! | CLOSED | refused, but for who comes back | whoever closes is told |
//! | STOP | detach again, and wait until the world goes on (A4a) | whoever stops it is told |
//! | REFRESH | a new token; or detach again, for there is a lock by now | |
//!
//! Whoever sets a bit makes a heavy barrier and reads `self`: after it, either the thread is seen attached, or it sees the bit.

use crate::gil::Wait;
use crate::interp::{Interp, mode, world};
use crate::object::{death, section};
use crate::status::Status;
use crate::sync::{Ordering::*, full_fence, light_barrier, mutant};
use crate::sys::futex;
use crate::thread::{CLOSED, DETACHED, HANDED, REFRESH, SECTIONS, STOP, Thread, UNBIASED};

/// `self` holds the token already. On Err it is DETACHED, and on false too: the interpreter has a lock by now.
pub fn acquire(t: &'static Thread, interp: &'static Interp, how: Wait) -> Result<bool, Status> {
    loop {
        if t.breaker.load(Relaxed) & UNBIASED != 0 {
            full_fence(); // pairs with the one of whoever sets a bit, instead of the heavy barrier
        }
        let seen = interp.resumptions.load(Acquire);
        // Acquire: pairs with the Release that clears HANDED or STOP.
        let asked = t.breaker.load(Acquire);
        if asked & CLOSED != 0 && how == Wait::Return && !mutant!("return-meets-close") {
            // Whoever closes looks at `self` and then at `away`, which the caller is about to count down: not in between.
            drop(interp.owners.freeze());
        }
        let closed = asked & CLOSED != 0 && how != Wait::Return;
        if !closed && asked & STOP == 0 {
            if asked & REFRESH != 0 {
                if mode::renew(interp, t) {
                    continue;
                }
                leave(t, interp);
                return Ok(false);
            }
            if asked & HANDED != 0 && !mutant!("return-does-not-merge") {
                // Here and not only where it is served: a merge on its behalf may be under way, and nothing is counted plainly
                // before that is over. The dead wait for the next safepoint, or the outermost destructor.
                death::put_off(t, interp.owners.take(t));
            }
            t.acquires.store(t.acquires.load(Relaxed) + 1, Relaxed);
            return Ok(true);
        }
        leave(t, interp);
        if closed {
            return Err(Status::Closed);
        }
        if how.deadline() <= crate::sync::now() || how == Wait::Try {
            return Err(Status::Timeout);
        }
        futex::wait(&interp.resumptions, seen, how.deadline());
        t.identity.store(t.token.load(Relaxed), Relaxed);
        light_barrier();
    }
}

fn leave(t: &'static Thread, interp: &'static Interp) {
    t.identity.store(DETACHED, Release); // pairs with the Acquire of whoever closes or stops
    section::suspend(t); // what it took while it was detached, the one who stops the world may want
    world::departed(t, interp);
}

/// `self` is DETACHED already.
pub fn release(t: &'static Thread, interp: &'static Interp) {
    if t.breaker.load(Relaxed) & UNBIASED != 0 {
        full_fence();
    }
    let asked = t.breaker.load(Relaxed);
    if asked & HANDED != 0 && !mutant!("detach-does-not-look") {
        interp.owners.take(t).into_iter().for_each(death::await_burial);
    }
    world::departed(t, interp);
}

/// By an attached thread: detached for as long as another one has stopped the world. It comes back whatever happens (A5).
pub fn pause(t: &'static Thread, interp: &'static Interp) {
    leave_for(t, interp, || world::sit_out(t, interp));
    resume_sections(t, interp);
}

/// In a slow path, by a thread that has come back: its innermost section is taken again.
pub fn resume_sections(t: &'static Thread, interp: &'static Interp) {
    section::resume_by(t, |wait| leave_for(t, interp, wait));
}

fn leave_for(t: &'static Thread, interp: &'static Interp, wait: impl FnOnce()) {
    // A signal handler that the fast paths let in meanwhile attaches from 0, and back.
    let depth = t.depth.load(Relaxed);
    t.depth.store(0, Relaxed);
    t.away.store(t.away.load(Relaxed) + 1, Relaxed); // published by the next line
    t.identity.store(DETACHED, Release); // pairs with the Acquire of whoever stops
    light_barrier();
    if t.breaker.load(Relaxed) & SECTIONS != 0 {
        section::suspend(t);
    }
    release(t, interp);
    wait();
    t.identity.store(t.token.load(Relaxed), Relaxed);
    light_barrier();
    let back = interp.attach(t, Wait::Return);
    debug_assert!(back.is_ok());
    t.away.store(t.away.load(Relaxed) - 1, Relaxed);
    t.depth.store(depth, Relaxed);
}
