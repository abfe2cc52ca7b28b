//! A reference from nothing: the caller has none, and takes one if the object lives (C5). Its memory stays an object's
//! meanwhile, which is the caller's business: a weak reference's lock, or a map's (R9, R22).
//!
//! | who tries | finds | so |
//! |---|---|---|
//! | anybody | FINALIZED | refused for good, even if the finalizer has revived the object |
//! | the owner | `local == 0` | its own corpse (R10); otherwise nobody can take the last reference away meanwhile |
//! | another | PLAIN or MERGED, and 0 | refused: dead, or, if PLAIN, about to be for all one can tell |
//! | another | MAYBE_WEAK or QUEUED, or a count | one CAS on `shared`, against the one of a merge or of the last decrement |

use super::count;
use super::header::*;
use crate::check::{self, count::Counted};
use crate::sync::Ordering::*;

/// `me` is the caller's `self`.
pub fn try_incref(o: &'static Object, me: u32) -> bool {
    if check::enabled() {
        match check::count::try_incref(o) {
            Counted::Elsewhere => {}
            Counted::Full => {
                count::saturate(o); // and then a reference need not be counted
                return true;
            }
            counted => return counted == Counted::Done,
        }
    }
    // Acquire: pairs with the Release by which a corpse becomes IMMORTAL, before which it was FINALIZED.
    let owner = o.owner.load(Acquire);
    if o.gc.load(Relaxed) & FINALIZED != 0 {
        return false;
    }
    if owner == me {
        let lives = o.local.load(Relaxed) != 0;
        if lives {
            count::incref(o, me);
        }
        return lives;
    }
    if owner == IMMORTAL {
        return true;
    }
    // Acquire: pairs with the Release of whoever last dropped a reference.
    match o.update(Acquire, |s| (s != PLAIN && s != MERGED).then_some(s + ONE)) {
        Ok(old) => {
            if i64::from(count(old)) >= LIMIT {
                count::saturate(o); // with the reference that was just taken (C4)
            }
            count::counted(o);
            true
        }
        Err(_) => false,
    }
}
