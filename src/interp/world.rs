//! Stopping the world: one thread goes on, all others of the interpreter are detached until it lets them.
//!
//! In an interpreter with a lock, holding that is all. Without one, the others are asked by a bit that attaching, detaching
//! and safepoints see (`Owners::begin_stop`), and the last who detaches tells; the price is one heavy barrier, and what the slowest of
//! them needs to get to a safepoint. Detached threads go on counting, atomically (R15).

use super::Interp;
use crate::attach::{Done, free, slow as attach};
use crate::status::Status;
use crate::sync::{Ordering::*, full_fence, light_barrier, mutant};
use crate::sys::futex;
use crate::thread::{CLOSED, DETACHED, STOP, Thread, UNBIASED};

/// By an attached thread. Nests.
pub fn stop(t: &'static Thread, interp: &'static Interp) {
    let _inside = attach::enter(); // None in a slow path: a signal handler is refused while this thread is on its way
    loop {
        if !interp.is_free() {
            t.halts.store(t.halts.load(Relaxed) + 1, Relaxed);
            return;
        }
        if interp.owners.begin_stop(t) {
            break;
        }
        free::pause(t, interp); // after which there may be a lock
    }
    loop {
        // In this order: see `muster`.
        let early = mutant!("musters-late").then(|| interp.owners.running_beside(t));
        let seen = interp.muster.arrivals();
        match early.unwrap_or_else(|| interp.owners.running_beside(t)) {
            0 => return,
            running => interp.muster.wait_for(seen, running),
        }
    }
}

/// Undoes one [`stop`]. Invalid if this thread has not stopped the world.
pub fn resume(t: &'static Thread, interp: &'static Interp) -> Done {
    let halts = t.halts.load(Relaxed);
    if halts != 0 {
        t.halts.store(halts - 1, Relaxed);
        return Ok(());
    }
    if interp.owners.end_stop(t).ok_or(Status::Invalid)? {
        resumed(interp);
    }
    Ok(())
}

/// Undoes the [`stop`] that the caller made just before.
pub fn resume_own(t: &'static Thread, interp: &'static Interp) {
    let done = resume(t, interp);
    debug_assert!(done.is_ok());
}

/// By a thread whose `self` says DETACHED by now: whoever stops the world, or closes it, may have seen it attached, and waits.
pub fn departed(t: &Thread, interp: &Interp) {
    light_barrier(); // pairs with the barrier of whoever asks: it has seen DETACHED, or is seen to ask
    if t.breaker.load(Relaxed) & UNBIASED != 0 {
        full_fence(); // likewise, where there is no asymmetric barrier
    }
    let asked = t.breaker.load(Relaxed);
    if asked & STOP != 0 {
        interp.muster.arrive();
    }
    if asked & CLOSED != 0 {
        interp.gil.departed();
    }
}

/// Waits until nobody stops `t`, which is detached, any more.
pub fn sit_out(t: &Thread, interp: &Interp) {
    loop {
        let seen = interp.resumptions.load(Acquire); // pairs with the Release in `resumed`
        if t.breaker.load(Relaxed) & STOP == 0 {
            return;
        }
        futex::wait(&interp.resumptions, seen, u64::MAX);
    }
}

/// Wakes those who wait for the end of a stop.
pub fn resumed(interp: &Interp) {
    interp.resumptions.fetch_add(1, Release); // pairs with the Acquire in `free::acquire`
    futex::wake_all(&interp.resumptions);
}

/// For the host: attaches the calling thread and stops the others.
pub fn stop_attached(t: &'static Thread) -> Done {
    crate::attach::acquire::<attach::Runtime>(t)?;
    let t = crate::sys::tls::current();
    let Some(_inside) = attach::enter() else {
        crate::attach::release::<attach::Runtime>(t)?; // a signal handler that the fast path let in
        return Err(Status::Deadlock);
    };
    stop(t, Interp::of(t));
    Ok(())
}

/// For the host: the inverse.
pub fn resume_attached(t: &'static Thread) -> Done {
    if t.identity.load(Relaxed) == DETACHED {
        return Err(Status::NotAttached);
    }
    {
        let Some(_inside) = attach::enter() else {
            return Err(Status::Deadlock);
        };
        resume(t, Interp::of(t))?;
    }
    crate::attach::release::<attach::Runtime>(t)
}
