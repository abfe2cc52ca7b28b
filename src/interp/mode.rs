//! The mode of an interpreter, and changing it while threads run.
//!
//! | from | what excludes everybody else | tokens |
//! |---|---|---|
//! | locked to free | holding the lock | the lock's is retired, each thread gets one |
//! | free to locked | stopping the world | the threads' are retired, the lock gets one |
//!
//! Who changes it writes, in this order: each thread's new token, REFRESH into its breaker, the mode. Then the lock is let go, or the
//! world goes on; whoever comes after that sees all three. A thread that has looked at the mode, or at its token, before, finds REFRESH
//! when it has won the lock, or has stored its token: then it does both anew. It clears REFRESH where nobody can change the mode
//! again meanwhile: with the lock, or attached and not asked to stop.
//!
//! A token that is retired is nobody's `self` any more, so whoever counts an object that carries it does so atomically, and merges it
//! at the first occasion (`Owners::hand_over`). All changes are made under the mutex of all interpreters, which keeps threads from
//! joining, ending and closing meanwhile.

use super::{BURY, CALL, Interp, lives, world};
use crate::attach::{Done, free, slow as attach};
use crate::config::Mode;
use crate::gil::Wait;
use crate::object::death;
use crate::object::header::MERGED_OWNER;
use crate::object::owners::Queue;
use crate::status::Status;
use crate::sync::{Ordering::*, full_fence, heavy_barrier_available, light_barrier, mutant};
use crate::thread::{CLOSED, DETACHED, REFRESH, STOP, Thread, UNBIASED};

/// The token of a lock that there is not: nobody's.
pub const NO_TOKEN: u32 = MERGED_OWNER;

/// Before anybody knows the interpreter, or its first thread comes.
pub fn begin(interp: &Interp, mode: Mode) -> Done {
    let token = match mode {
        Mode::Locked => interp.owners.join(None).ok_or(Status::Nomem)?,
        Mode::Free => NO_TOKEN,
    };
    publish(interp, mode, token);
    Ok(())
}

/// Gives a new thread what the mode asks for. Under the mutex of all interpreters.
pub fn seat(interp: &Interp, t: &'static Thread) -> Done {
    if !interp.is_free() {
        t.token.store(interp.token(), Relaxed);
        if interp.owners.refuses_newcomers() {
            t.breaker.fetch_or(CLOSED, Relaxed);
        }
        return Ok(());
    }
    t.token.store(interp.owners.join(Some(t)).ok_or(Status::Nomem)?, Relaxed);
    without_bias(t, 0);
    interp.look(t);
    Ok(())
}

/// Attaches by the slow path. The token is in `self`, and if `won`, the lock is the thread's already. On Err `self` is DETACHED.
pub fn attach(interp: &'static Interp, t: &'static Thread, how: Wait, mut won: bool) -> Done {
    loop {
        if !won && interp.is_free() {
            if free::acquire(t, interp, how)? {
                return Ok(());
            }
        } else {
            let won = if won { interp.gil.admit(t, how) } else { interp.gil.acquire_slow(t, how) };
            // Refused: there may be no lock any more, and somebody who stops the world.
            if won.is_err() && !mutant!("refused-untold") {
                world::departed(t, interp);
            }
            won?;
            if keeps_lock(interp, t) {
                if interp.gil.has_earned(t) {
                    interp.gil.take_bias(t);
                }
                return Ok(());
            }
        }
        won = false;
        t.identity.store(t.token.load(Relaxed), Relaxed);
        light_barrier();
    }
}

/// By a thread that has the lock again, and has been let in to come back (A5), without having gone through [`attach()`].
pub fn come_back(interp: &'static Interp, t: &'static Thread) {
    if t.breaker.load(Relaxed) & REFRESH != 0 {
        t.away.store(t.away.load(Relaxed) + 1, Relaxed); // published by the release, if there is one
        let back = attach(interp, t, Wait::Return, true);
        debug_assert!(back.is_ok());
        t.away.store(t.away.load(Relaxed) - 1, Relaxed);
    }
    interp.look(t);
}

/// By a thread that has just won the lock. False: the interpreter has none any more, and the thread is detached.
fn keeps_lock(interp: &'static Interp, t: &'static Thread) -> bool {
    // Relaxed: whoever changed the mode had the lock since, so it is seen.
    if t.breaker.load(Relaxed) & REFRESH == 0 || mutant!("wins-without-refresh") {
        return true;
    }
    if !interp.is_free() {
        t.breaker.fetch_and(!REFRESH, Relaxed);
        t.identity.store(t.token.load(Relaxed), Relaxed);
        return true;
    }
    t.identity.store(DETACHED, Release); // pairs with the Acquire of whoever stops or closes
    interp.gil.release_slow(t);
    world::departed(t, interp);
    false
}

/// By a thread that is attached where there is no lock, and has not been asked to stop: what it knows is of another time. False:
/// there is a lock by now.
pub fn renew(interp: &Interp, t: &'static Thread) -> bool {
    if !interp.is_free() {
        return false;
    }
    without_bias(t, REFRESH);
    t.identity.store(t.token.load(Relaxed), Relaxed);
    true
}

/// Where there is no lock UNBIASED says that there is no asymmetric barrier. Acquire: pairs with the Release that set `and`, after
/// the token.
pub fn without_bias(t: &Thread, and: u32) {
    let unbiased = if heavy_barrier_available() { UNBIASED } else { 0 };
    t.breaker.fetch_and(!(unbiased | and), Acquire);
}

/// By an attached thread, which is attached afterwards too, whatever the mode is then. Busy: it has itself stopped the world, or the
/// interpreter shares its lock.
pub fn change(interp: &'static Interp, t: &'static Thread, to: Mode) -> Done {
    let inside = attach::enter().ok_or(Status::Deadlock)?;
    if interp.mode() == to {
        return Ok(()); // nobody changes it while this thread is attached
    }
    if interp.shares_its_lock() || t.halts.load(Relaxed) != 0 || interp.owners.is_stopper(t) {
        return Err(Status::Busy);
    }
    let changed = match to {
        Mode::Free => to_free(interp, t),
        Mode::Locked => {
            world::stop(t, interp);
            // Another thread may have come first.
            let changed = if interp.is_free() { to_locked(interp, t) } else { Ok(()) };
            world::resume_own(t, interp);
            changed
        }
    };
    // Who leaves a request looks at the mode after it: either it saw the new one, or this sees the request.
    full_fence();
    for what in [BURY, CALL] {
        if interp.requests.load(Relaxed) & what != 0 {
            interp.request(what);
        }
    }
    drop(inside);
    crate::object::section::resume(t);
    changed
}

/// With the lock, which is let go.
fn to_free(interp: &'static Interp, t: &'static Thread) -> Done {
    let all = lives::hold();
    if interp.shares_its_lock() {
        return Err(Status::Busy); // since just now
    }
    let (mut states, of) = (0, interp.address());
    interp.gil.each_of(of, |_| states += 1);
    let dead = interp.owners.seat_threads(interp.token(), states, |registry| {
        interp.gil.each_of(of, |w| {
            w.token.store(registry.seat_for(Some(w)), Relaxed);
            w.breaker.fetch_or(REFRESH, Release);
            interp.look(w); // what was requested was told to who had the lock then
        });
    });
    let dead = dead.ok_or(Status::Nomem)?;
    publish(interp, Mode::Free, NO_TOKEN);
    interp.gil.hand_in(t);
    renew(interp, t);
    drop(all);
    dead.into_iter().for_each(death::await_burial);
    Ok(())
}

/// With the world stopped; takes the lock. First, since who sees the new mode may want it, and have it, and change the mode again.
fn to_locked(interp: &'static Interp, t: &'static Thread) -> Done {
    // A helper, or who is on its way out of a lock of before, may have it for a moment; nobody else does, since nobody is attached.
    // Nor is this thread while it waits, but it comes back (A5).
    t.away.store(t.away.load(Relaxed) + 1, Relaxed); // published by the Release of a detach
    t.breaker.fetch_or(UNBIASED, Relaxed); // so that a signal handler is refused meanwhile
    let taken = interp.gil.acquire_slow(t, Wait::Return);
    debug_assert!(taken.is_ok());
    t.away.store(t.away.load(Relaxed) - 1, Relaxed);
    let dead = give_lock(interp, t);
    if dead.is_none() {
        interp.gil.hand_in(t);
        without_bias(t, 0);
    }
    dead.ok_or(Status::Nomem)?.into_iter().for_each(death::await_burial);
    Ok(())
}

/// By a thread that has the lock already, which the others are to use from now on. What has died; None, and nothing is changed, if
/// there is no memory.
fn give_lock(interp: &'static Interp, t: &'static Thread) -> Option<Queue> {
    let _all = lives::hold();
    let (token, dead) = interp.owners.seat_lock()?;
    interp.gil.each_of(interp.address(), |w| {
        w.token.store(token, Relaxed);
        if !mutant!("refresh-untold") {
            w.breaker.fetch_or(UNBIASED | REFRESH, Release);
        }
    });
    publish(interp, Mode::Locked, token);
    t.identity.store(token, Relaxed);
    t.breaker.fetch_and(!REFRESH, Relaxed);
    interp.look(t);
    // The end of the stop finds the threads that have seats, which they have no longer. Release: pairs with the Acquire of the breaker
    // in `free::acquire`.
    interp.gil.each_of(interp.address(), |w| {
        w.poll.fetch_and(!STOP, Relaxed);
        w.breaker.fetch_and(!STOP, Release);
    });
    Some(dead)
}

/// Release: pairs with the Acquire in `is_free`. Last, after the tokens and REFRESH.
fn publish(interp: &Interp, mode: Mode, token: u32) {
    interp.let_many_in(mode == Mode::Free);
    interp.store_mode(mode, token);
}
