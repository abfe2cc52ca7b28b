//! A reference from nothing: the caller has none, and takes one if the object lives (C5). Its memory stays an object's
//! meanwhile, which is the caller's business: a weak reference's lock, or a map's (R9, R22).
//!
//! | who tries | finds | so |
//! |---|---|---|
//! | anybody | FINALIZED | refused for good, even if the finalizer has revived the object |
//! | anybody | GARBAGE | refused: the collector has found that nothing refers to it (C9) |
//! | the owner | `local == 0` | its own corpse (R10); otherwise nobody can take the last reference away meanwhile |
//! | anybody | LOCKED | the count decides, under its lock |
//! | another | PLAIN or MERGED, and 0 | refused: dead, or, if PLAIN, about to be for all one can tell |
//! | another | MAYBE_WEAK or QUEUED, or a count | one CAS on `shared`, against the one of a merge or of the last decrement |
//! | anybody | HOT, or FROZEN | one count more under the lock of its weak references, under which its death is decided too |

use super::header::*;
use super::{count, hot, locked, weak};
use crate::check::{self, count::Counted};
use crate::sync::{Ordering::*, mutant};

enum Answer {
    Taken,
    Refused,
    /// Whether it lives can be told under the lock only.
    Hot,
}

/// `me` is the caller's `self`.
pub fn try_incref(o: &'static Object, me: u32) -> bool {
    match attempt(o, me) {
        Answer::Taken => true,
        Answer::Refused => false,
        Answer::Hot => weak::try_hot(o, me),
    }
}

/// As [`try_incref`], under the lock of the object's weak references.
pub(super) fn try_locked(o: &'static Object, me: u32) -> bool {
    match attempt(o, me) {
        Answer::Taken => true,
        Answer::Refused => false,
        Answer::Hot => {
            hot::incref(o);
            true
        }
    }
}

fn attempt(o: &'static Object, me: u32) -> Answer {
    if check::enabled() {
        match check::count::try_incref(o) {
            Counted::Elsewhere => {}
            Counted::Full => {
                count::saturate(o); // and then a reference need not be counted
                return Answer::Taken;
            }
            Counted::Done => return Answer::Taken,
            _ => return Answer::Refused,
        }
    }
    // Acquire: pairs with the Release by which a corpse becomes IMMORTAL, before which it was FINALIZED.
    let owner = o.owner.load(Acquire);
    if o.gc.load(Relaxed) & (FINALIZED | GARBAGE) != 0 {
        return Answer::Refused;
    }
    if owner == me {
        if o.local.load(Relaxed) == 0 {
            return Answer::Refused;
        }
        count::incref(o, me);
        return Answer::Taken;
    }
    match owner {
        IMMORTAL => Answer::Taken,
        HOT => Answer::Hot,
        LOCKED if locked::try_incref(o) => Answer::Taken,
        LOCKED => Answer::Refused,
        _ => take_shared(o),
    }
}

fn take_shared(o: &'static Object) -> Answer {
    let refuses = |s| s == PLAIN && !mutant!("try-plain-zero") || s == MERGED || i64::from(super::header::count(s)) >= LIMIT;
    // Acquire: pairs with the Release of whoever last dropped a reference.
    match o.update(Acquire, |s| (!refuses(s)).then_some(s + ONE)) {
        Ok(_) if count::is_condemned(o) => {
            count::decref_shared(o); // not the last: the garbage refers to itself
            Answer::Refused
        }
        Ok(_) => Answer::Taken,
        Err(PLAIN | MERGED) => Answer::Refused,
        Err(_) if hot::is(o) => Answer::Hot,
        Err(_) => {
            count::saturate(o); // so many references that it lives, and is about to become that anyway (C4)
            Answer::Taken
        }
    }
}
