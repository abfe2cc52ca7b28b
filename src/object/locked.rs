//! The strategy of one lock for each object: everybody counts in `local`, under the COUNT lock. It is the older way of making
//! counts safe, for comparison and for hosts that want it.
//!
//! The lock is held for a few instructions, so who waits for it stays attached. In checking mode it is held across the
//! destructor too, which is the mistake that this way invites (R14): two destructors that drop what the other one keeps then
//! wait for each other. The cycle is reported, and that decrement deferred (M2).

use super::header::*;
use super::lock::{self, Kind};
use super::quiesce::Counting;
use super::waits::{self, Got};
use super::{count, death};
use crate::check;
use crate::status::Status;
use crate::sync::Ordering::*;
use crate::watch::log;

/// What a thread found that came to count.
enum Found {
    Alive,
    Dead,
    /// One more would not fit: it must live for ever (R21).
    Full,
    /// There was no reference left to drop.
    Nothing,
    /// It is not LOCKED any more.
    Other,
}

#[cold]
pub(super) fn incref(o: &'static Object) {
    let add = || add(o);
    // In a cycle of waits nobody is between the two halves of a count, so this one can be made all the same.
    match counting(o, add).unwrap_or_else(|_| add()) {
        Found::Full => count::saturate(o),
        Found::Other => count::incref_shared(o),
        _ => {}
    }
}

#[cold]
pub(super) fn decref(o: &'static Object) {
    match counting(o, || subtract(o)) {
        Ok(Found::Dead) => death::bury(o),
        Ok(Found::Nothing) => tell_dropped_too_often(o),
        Ok(Found::Other) => count::decref_shared(o),
        Ok(_) => {}
        Err(_) => waits::defer(o),
    }
}

/// A reference for somebody who has none; false if the object is dying. Its memory is kept by whoever asks.
pub fn try_incref(o: &'static Object) -> bool {
    let alive = || o.local.load(Relaxed) != 0 && o.gc.load(Relaxed) & FINALIZED == 0;
    let found = counting(o, || match o.owner.load(Relaxed) {
        LOCKED if alive() => add(o),
        LOCKED => Found::Dead,
        _ => Found::Other,
    });
    match found {
        Ok(Found::Other) => o.owner.load(Relaxed) == IMMORTAL,
        Ok(Found::Full) => {
            count::saturate(o);
            true
        }
        found => matches!(found, Ok(Found::Alive)),
    }
}

/// One reference, of the thread that runs the finalizer. FINALIZED is set: a try that sees the reference refuses.
pub(super) fn revive(o: &'static Object) {
    let one = || o.local.store(1, Relaxed);
    counting(o, one).unwrap_or_else(|_| one());
}

/// In checking mode: keeps the count locked, until it is dropped, while the destructor runs.
pub(super) fn hold(o: &'static Object) -> Option<Hold> {
    let mine = check::enabled() && o.owner.load(Relaxed) == LOCKED && waits::lock(o, Kind::Count) == Ok(Got::Now);
    mine.then_some(Hold(o))
}

pub(super) struct Hold(&'static Object);

impl Drop for Hold {
    fn drop(&mut self) {
        let unlocked = waits::unlock(self.0, Kind::Count);
        debug_assert!(unlocked.is_ok());
    }
}

/// Runs `f` with the count locked. Deadlock, in checking mode only, if it would never be.
fn counting<R>(o: &'static Object, f: impl FnOnce() -> R) -> Result<R, Status> {
    if !check::enabled() {
        let _no_fork = Counting::begin();
        lock::lock(o, Kind::Count);
        let result = f();
        lock::unlock(o, Kind::Count);
        return Ok(result);
    }
    let got = waits::lock(o, Kind::Count)?;
    let result = f();
    if got == Got::Now {
        waits::unlock(o, Kind::Count)?;
    }
    Ok(result)
}

fn add(o: &'static Object) -> Found {
    if o.owner.load(Relaxed) != LOCKED {
        return Found::Other;
    }
    let n = o.local.load(Relaxed);
    if i64::from(n) >= LIMIT {
        return Found::Full;
    }
    o.local.swap(n + 1, Relaxed);
    count::counted(o); // the collector reads the count without the lock
    Found::Alive
}

fn subtract(o: &'static Object) -> Found {
    if o.owner.load(Relaxed) != LOCKED {
        return Found::Other;
    }
    let Some(n) = o.local.load(Relaxed).checked_sub(1) else {
        return Found::Nothing;
    };
    o.local.swap(n, AcqRel); // as the decrement of whoever does not own an object
    if n == 0 { Found::Dead } else { Found::Alive }
}

#[cold]
fn tell_dropped_too_often(o: &'static Object) {
    if check::enabled() {
        return check::report(format_args!("obj_decref: decref below zero\n  {}", check::table::About(o)));
    }
    log::error(format_args!("object {o:p} was dropped more often than it was taken"));
}
