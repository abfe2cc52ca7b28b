//! What the fast paths find when a breaker or the poll word is set, and what only the library's own threads do.

use super::*;
use crate::gil::Gil;
use crate::interp::{BURY, Interp, MERGE, mode};
use crate::object::{death, section};
use crate::runtime;
use crate::sync::{AtomicU32, fence_after_rmw, mutant};
use crate::sys::errno::KeepErrno;
use crate::sys::tls::{self, Inside};
use crate::thread::blocking::UnblockFn;
use crate::thread::*;
use std::ffi::c_void;

/// The slow paths of the library itself.
pub struct Runtime;

impl Slow for Runtime {
    #[inline(always)]
    fn acquire(t: &'static Thread, how: Wait) -> Done {
        acquire_slow(t, how)
    }

    #[inline(always)]
    fn release(t: &'static Thread) {
        release_slow(t)
    }

    #[inline(always)]
    fn interrupted(t: &'static Thread) -> bool {
        tls::is_inside() || t.breaker.load(Relaxed) & UNBIASED != 0 && !Interp::of(t).is_held_by(t)
    }
}

/// None in a signal handler that interrupted this thread inside the library.
pub fn enter() -> Option<Inside> {
    Inside::enter(|| {
        let t = tls::current();
        if t.id != 0 && t.identity.load(Relaxed) == DETACHED {
            release_slow(t);
        }
    })
}

/// Releases whatever the depth, and returns it for [`attach`]; until then another thread may call `unblock`.
pub fn detach(t: &'static Thread, unblock: Option<UnblockFn>, user: *mut c_void) -> u32 {
    let saved = super::detach::<Runtime>(t);
    if saved != 0 && (unblock.is_some() || t.blocking.open() != 0) {
        let _errno = KeepErrno::new();
        // While the function runs here the library is closed to it, as it is where another thread calls it.
        if let Some(_inside) = enter() {
            t.blocking.begin(unblock, user, || is_interrupted(t));
        }
    }
    saved
}

fn is_interrupted(t: &Thread) -> bool {
    t.poll.load(Relaxed) & INTERRUPT != 0
}

/// The inverse of [`detach`].
pub fn attach(t: &'static Thread, depth: u32) -> Done {
    if depth == 0 {
        return Ok(());
    }
    if t.identity.load(Relaxed) != DETACHED {
        return Err(Status::Nested);
    }
    if t.blocking.open() != 0 {
        let _errno = KeepErrno::new();
        let _inside = enter().ok_or(Status::Deadlock)?; // in a signal handler, or in the function itself
        t.blocking.end(|| is_interrupted(t));
    }
    acquire::<Runtime>(t)?;
    // A thread that was nowhere has a state only now.
    tls::current().depth.store(depth - 1, Relaxed);
    Ok(())
}

/// A safepoint: gives way if asked, runs what is pending. Closed: the interpreter is closing, and the caller should leave.
#[inline(always)]
pub fn poll(t: &'static Thread) -> Result<i32, Status> {
    if t.identity.load(Relaxed) == DETACHED {
        return Err(Status::NotAttached);
    }
    if t.poll.load(Relaxed) != 0 { poll_slow(t) } else { Ok(0) }
}

/// The breaker was set; the token is in `self` already, or DETACHED in the static state. A lock without a bias that is free
/// costs one CAS from here, and nothing that could change errno.
#[inline]
pub fn acquire_slow(t: &'static Thread, how: Wait) -> Done {
    let known = t.breaker.load(Relaxed) & (NOWHERE | ELSEWHERE) == 0;
    let interp = Interp::of(t);
    let gil = &interp.gil;
    let taken = known && !interp.is_free() && !tls::is_inside() && gil.take_free(t);
    if taken && !is_left(t, &interp.requests) && !gil.has_earned(t) {
        return Ok(());
    }
    acquire_rest(t, how, taken)
}

#[cold]
#[inline(never)]
fn acquire_rest(t: &'static Thread, how: Wait, taken: bool) -> Done {
    let _errno = KeepErrno::new();
    let Some(inside) = enter() else {
        // A signal handler inside the library. `self` was DETACHED before.
        t.identity.store(DETACHED, Release);
        tls::owe_release();
        // What is owed comes when the thread leaves the library, which may be where it waits for the end of a stop; and whoever
        // stops the world may have seen it attached.
        crate::interp::world::departed(t, Interp::of(t));
        return Err(Status::Deadlock);
    };
    let t = if t.breaker.load(Relaxed) & NOWHERE != 0 {
        let t = runtime::register()?;
        t.identity.store(t.token.load(Relaxed), Relaxed);
        t
    } else {
        t
    };
    if t.breaker.load(Relaxed) & ELSEWHERE != 0 {
        // A state that the caller kept from before it entered another interpreter (A8). Who saw it attached waits for a release.
        t.identity.store(DETACHED, Release);
        light_barrier();
        drop(inside);
        release_slow(t);
        return Err(Status::Invalid);
    }
    let interp = Interp::of(t);
    mode::attach(interp, t, how, taken)?;
    serve(t, interp, &inside);
    drop(inside);
    section::resume(t);
    Ok(())
}

/// The breaker was set; DETACHED is in `self` already.
#[inline]
pub fn release_slow(t: &'static Thread) {
    let interp = Interp::of(t);
    let freed = !interp.is_free() && !tls::is_inside() && interp.gil.free_held(t);
    // After the release: whoever hands something over either saw the lock held, and told the holder, or finds it free.
    if !freed || is_left(t, &interp.gil.requests) {
        release_rest(t);
    }
}

#[cold]
#[inline(never)]
fn release_rest(t: &'static Thread) {
    let _errno = KeepErrno::new();
    let Some(_inside) = enter() else {
        return tls::owe_release(); // a signal handler inside the library, or a fork handler: later
    };
    let interp = Interp::of(t);
    if t.breaker.load(Relaxed) & SECTIONS != 0 {
        section::suspend(t); // whatever the mode is by now
    }
    if interp.is_free() {
        return free::release(t, interp);
    }
    interp.gil.release_slow(t); // if it is still to be released; tells who closes in any case
    if t.breaker.load(Relaxed) & HANDED != 0 {
        t.breaker.fetch_and(!HANDED, Release);
    }
    fence_after_rmw();
    if interp.gil.requests.load(Relaxed) & MERGE != 0 && !mutant!("release-does-not-help") {
        interp.help();
    }
    // What a release may not do is for the next acquire, which with a bias looks at nothing but the breaker.
    if interp.requests.load(Relaxed) & (MERGE | BURY) != 0 {
        t.breaker.fetch_or(HANDED, Relaxed);
    }
}

/// After an RMW on the lock word: whether the thread or its interpreter was left something (S5).
#[inline(always)]
fn is_left(t: &'static Thread, requests: &AtomicU32) -> bool {
    fence_after_rmw();
    t.breaker.load(Relaxed) & !UNBIASED != 0 || requests.load(Relaxed) != 0
}

#[cold]
#[inline(never)]
pub fn poll_slow(t: &'static Thread) -> Result<i32, Status> {
    let _errno = KeepErrno::new();
    let Some(inside) = enter() else {
        return Err(Status::Deadlock);
    };
    let interp = Interp::of(t);
    let asked = t.poll.load(Relaxed);
    if asked & STOP != 0 {
        free::pause(t, interp);
    }
    if asked & (DROP | TICK) != 0 && !interp.is_free() {
        give_way(t, interp, |gil| {
            if asked & DROP != 0 {
                gil.give_way(t, true);
            }
            if asked & TICK != 0 {
                gil.count_tick(t);
            }
        });
    }
    let mut answer = 0;
    if t.poll.load(Relaxed) & SERVE != 0 {
        t.poll.fetch_and(!SERVE, Relaxed);
        answer = interp.run_calls(t, &inside);
        serve(t, interp, &inside);
    }
    let asked = t.poll.load(Relaxed);
    let closing = asked & CLOSE != 0;
    // What a call has answered goes first, and the interrupt is told by the next poll; closing says it too.
    if asked & INTERRUPT != 0 && (answer == 0 || closing) {
        t.poll.fetch_and(!INTERRUPT, Relaxed);
        if !closing {
            return Err(Status::Timeout);
        }
    }
    if closing { Err(Status::Closed) } else { Ok(answer) }
}

/// Gives way to a waiter, if there is one; where there is no lock, to who stops the world.
pub fn yield_now(t: &'static Thread) -> Done {
    if t.identity.load(Relaxed) == DETACHED {
        return Err(Status::NotAttached);
    }
    let _errno = KeepErrno::new();
    let Some(_inside) = enter() else { return Err(Status::Deadlock) };
    let interp = Interp::of(t);
    if !interp.is_free() {
        give_way(t, interp, |gil| _ = gil.give_way(t, false));
    } else if t.poll.load(Relaxed) & STOP != 0 {
        free::pause(t, interp);
    }
    Ok(())
}

/// By an attached thread, in a slow path: `by` lets the lock go and takes it again, unless there is none any more then.
fn give_way(t: &'static Thread, interp: &'static Interp, by: impl FnOnce(&Gil)) {
    if t.halts.load(Relaxed) != 0 {
        return; // it has stopped the world: who waits does so until that goes on
    }
    by(&interp.gil);
    mode::come_back(interp, t);
    free::resume_sections(t, interp);
}

/// Whether the calling thread is attached, and not only about to be. Async-signal-safe (A7).
pub fn held(t: &'static Thread) -> bool {
    t.identity.load(Relaxed) != DETACHED && t.id != 0 && Interp::of(t).is_held_by(t)
}

/// By a thread that has just attached through a slow path, or polls: what others have left for it (S5, C7).
fn serve(t: &'static Thread, interp: &'static Interp, inside: &Inside) {
    if t.breaker.load(Relaxed) & HANDED != 0 {
        if interp.is_free() {
            death::put_off(t, interp.owners.take(t));
        } else {
            t.breaker.fetch_and(!HANDED, Release); // pairs with the Acquire of the breaker in `acquire`
        }
    }
    if death::has_put_off(t) {
        call_out(t, Some(inside), || death::bury_put_off(t));
    }
    // After the lock was won: whoever leaves something either sees us as the holder, or we see what it left.
    fence_after_rmw();
    if interp.requests.load(Relaxed) != 0 {
        interp.serve(t, inside);
    }
}

/// Runs a callback of the host on an attached thread, as if outside of the library, and restores what it left behind: the
/// attachment, the depth, and blocking calls that it has not come back from.
pub fn call_out<R>(t: &'static Thread, inside: Option<&Inside>, f: impl FnOnce() -> R) -> R {
    let (depth, away, open) = (t.depth.load(Relaxed), t.away.load(Relaxed), t.blocking.open());
    t.away.store(away + 1, Relaxed); // it comes back whatever `f` does: closing waits for it (A5)
    let result = match inside {
        Some(inside) => inside.outside(f),
        None => f(),
    };
    while t.blocking.open() > open {
        t.blocking.end(|| is_interrupted(t));
    }
    if t.identity.load(Relaxed) == DETACHED {
        t.identity.store(t.token.load(Relaxed), Relaxed);
        light_barrier();
        let interp = Interp::of(t);
        let back = interp.attach(t, Wait::Return);
        debug_assert!(back.is_ok());
        interp.look(t);
        match inside {
            Some(inside) => inside.outside(|| section::resume(t)),
            None => section::resume(t),
        }
    }
    t.depth.store(depth, Relaxed);
    t.away.store(away, Relaxed);
    result
}

/// Waits as in any blocking call: a thread that is attached keeps neither the GIL nor its sections meanwhile. From inside the library
/// it waits as it is.
pub fn detached<R>(wait: impl FnOnce() -> R) -> R {
    if tls::is_inside() {
        return wait();
    }
    let _errno = KeepErrno::new();
    let t = tls::current();
    let saved = region_begin::<Runtime>(t);
    let result = wait();
    region_end::<Runtime>(t, saved);
    result
}
