//! Increments and decrements: plain for the owner, atomic for everybody else.

use super::header::*;
use super::{death, handed, hot, locked, merge, types};
use crate::check::{self, count::Counted, record::Event};
use crate::sync::{Ordering::*, fence_after_rmw, mutant};
use crate::watch::log::{self, Text};

enum After {
    Alive,
    Dead,
    /// The count was 0: the reference is not subtracted, it belongs to the owner's queue now (C1).
    Handed,
}

/// `me` is the caller's `self`. It has a reference, which is what keeps the object alive: Relaxed everywhere.
#[inline(always)]
pub fn incref(o: &'static Object, me: u32) {
    if o.owner.load(Relaxed) != me {
        return incref_shared(o);
    }
    let n = o.local.load(Relaxed).wrapping_add(1);
    o.local.store(n, Relaxed);
    if n == 0 {
        saturate(o); // 2^32 references
    }
}

#[inline(always)]
pub fn decref(o: &'static Object, me: u32) {
    if o.owner.load(Relaxed) != me {
        return decref_shared(o);
    }
    let n = o.local.load(Relaxed).wrapping_sub(1);
    o.local.store(n, Relaxed);
    if n == 0 {
        local_zero(o, me);
    }
}

// The slow halves are `extern "C"`, that is, never unwind: so an exported function needs no frame to guard, and ends in a jump.
#[inline(always)]
pub(super) fn incref_shared(o: &'static Object) {
    let owner = o.owner.load(Relaxed);
    // In checking mode nothing is believed of what a pointer leads to.
    if owner >= SPECIAL || check::enabled() {
        return incref_special(o, owner);
    }
    add(o);
}

#[inline(always)]
fn add(o: &'static Object) {
    if i64::from(count(o.shared.fetch_add(ONE, Relaxed))) >= LIMIT {
        return incref_beyond(o);
    }
    counted(o);
}

/// The count has come to its end, or the object is hot, and its owner was looked at before it was.
#[cold]
fn incref_beyond(o: &'static Object) {
    if hot::is(o) { hot::incref(o) } else { saturate(o) }
}

/// By who has just taken a reference to an object that it does not own, by an RMW: if the collector has marked it, it is no
/// garbage, or not yet.
#[inline(always)]
pub fn counted(o: &'static Object) {
    fence_after_rmw(); // the count comes before the look: pairs with the fence in `collect::find`
    if o.gc.load(Relaxed) & COLLECTING != 0 {
        unmark(o);
    }
}

/// Likewise, by who had no reference: whether the collector had made up its mind before. One RMW on `gc` against that of
/// `collect::find`: either it sees that the mark is gone, or this sees GARBAGE.
pub fn is_condemned(o: &'static Object) -> bool {
    fence_after_rmw();
    o.gc.load(Relaxed) & COLLECTING != 0 && o.gc.fetch_and(!COLLECTING, AcqRel) & GARBAGE != 0
}

/// Likewise, where the mark has been seen.
#[cold]
pub fn unmark(o: &'static Object) {
    o.gc.fetch_and(!COLLECTING, Release); // pairs with the Acquire in `collect::find`
}

#[inline(never)]
extern "C" fn incref_special(o: &'static Object, owner: u32) {
    if owner == HOT { hot::incref(o) } else { incref_rare(o) } // nothing becomes hot in checking mode
}

#[cold]
#[inline(never)]
extern "C" fn incref_rare(o: &'static Object) {
    if check::enabled() {
        match check::count::incref(o) {
            Counted::Elsewhere => {}
            Counted::Full => return saturate(o),
            _ => return,
        }
    }
    match o.owner.load(Relaxed) {
        IMMORTAL => {}
        HOT => hot::incref(o),
        LOCKED => locked::incref(o),
        _ => add(o),
    }
}

#[inline(always)]
pub fn decref_shared(o: &'static Object) {
    let owner = o.owner.load(Relaxed);
    if owner >= SPECIAL || check::enabled() {
        return decref_special(o, owner);
    }
    drop_shared(o);
}

#[inline(never)]
extern "C" fn decref_special(o: &'static Object, owner: u32) {
    if owner == HOT { hot::decref(o) } else { decref_rare(o) }
}

#[cold]
#[inline(never)]
extern "C" fn decref_rare(o: &'static Object) {
    if check::enabled() {
        match check::count::decref(o) {
            Counted::Elsewhere => {}
            Counted::Dead => return death::bury(o),
            _ => return,
        }
    }
    match o.owner.load(Relaxed) {
        IMMORTAL => {}
        HOT => hot::decref(o),
        LOCKED => locked::decref(o),
        _ => drop_shared(o),
    }
}

#[inline(always)]
fn drop_shared(o: &'static Object) {
    match subtract(o) {
        After::Alive => {}
        After::Dead => death::bury(o),
        After::Handed => handed::hand_over(o),
    }
}

/// PLAIN and 0: no reference is left, and a try refuses. Anything else is decided by one atomic word, after merging (R16).
///
/// `extern "C"` like all that a decrement may end in: that never unwinds, so the exported function needs no frame to guard, and
/// jumps here.
#[cold]
#[inline(never)]
extern "C" fn local_zero(o: &'static Object, me: u32) {
    // Acquire: pairs with the Release of the decrements in `subtract`, so that their threads' last accesses come before
    // the free (R3).
    let order = if mutant!("zero-relaxed") { Relaxed } else { Acquire };
    if o.shared.load(order) == PLAIN || merge::merge(o, me, 0) {
        death::bury(o);
    }
}

fn subtract(o: &'static Object) -> After {
    let mut s = o.shared.load(Relaxed);
    loop {
        // Release: this thread's accesses come before the free. Acquire: so do the others', if this is the last.
        let (next, after) = match state(s) {
            // The state, since an owner of 0 is there before the counts are merged (R2). It lasts as long as references do, and one
            // is the caller's: so whatever the count is by now, this need not be tried twice, be the threads ever so many.
            MERGED => return subtract_from_all(o),
            _ if i64::from(count(s)) <= -LIMIT => {
                saturate(o); // with the reference that was to be dropped
                return After::Alive;
            }
            PLAIN | MAYBE_WEAK if count(s) == 0 && mutant!("queue-owns-nothing") => (QUEUED - ONE, After::Handed),
            PLAIN | MAYBE_WEAK if count(s) == 0 => (QUEUED, After::Handed),
            _ => (s - ONE, After::Alive),
        };
        match o.shared.compare_exchange_weak(s, next, AcqRel, Relaxed) {
            Ok(_) => return after,
            Err(now) => s = now,
        }
    }
}

/// All references are in the count, or the object is hot.
#[inline(always)]
fn subtract_from_all(o: &'static Object) -> After {
    let old = o.shared.fetch_sub(ONE, AcqRel);
    if old == MERGED + ONE {
        return After::Dead;
    }
    if i64::from(count(old)) >= LIMIT {
        decref_beyond(o);
    }
    After::Alive
}

/// As [`incref_beyond`].
#[cold]
fn decref_beyond(o: &'static Object) {
    if hot::is(o) {
        hot::decref(o);
    } else {
        saturate(o); // as whoever took it there is about to do
    }
}

/// The inline code has taken a reference, and found the count full or the object marked.
pub fn was_incremented(o: &'static Object, me: u32) {
    let full = if o.owner.load(Relaxed) == me {
        o.local.load(Relaxed) == 0
    } else {
        i64::from(count(o.shared.load(Relaxed))) > LIMIT
    };
    match full {
        _ if hot::is(o) => hot::incref(o),
        true => saturate(o),
        false => unmark(o),
    }
}

/// The inline code has made `local` 0, being the owner, or dropped the last reference of a merged object, or found a count
/// beyond the limit.
pub fn came_to_zero(o: &'static Object, me: u32) {
    if o.owner.load(Relaxed) == me {
        return local_zero(o, me);
    }
    // Whoever dropped the last reference finds this: nothing changes it any more.
    if o.shared.load(Relaxed) == MERGED { death::bury(o) } else { decref_beyond(o) }
}

/// Drops a reference of a queue whose object was merged by somebody else meanwhile; true if it was the last.
pub(super) fn subtract_merged(o: &'static Object) -> bool {
    matches!(subtract(o), After::Dead)
}

/// The caller's reference, counted and never dropped, is what keeps the object for ever: whoever skips a decrement has
/// seen IMMORTAL, and whoever has not drops a reference that was counted. The sentinel is in `owner`, where no plain store
/// of an owner can lose it (R12).
#[cold]
pub fn immortalize(o: &'static Object) {
    if check::enabled() && !check::table::step("obj_immortalize", o, Event::Immortal) {
        return;
    }
    if mutant!("immortal-local") {
        return o.local.store(u32::MAX, Relaxed);
    }
    // An RMW: against the CAS of a merge either order is right.
    if o.owner.swap(IMMORTAL, Relaxed) != IMMORTAL {
        types::of(o).gain_immortal();
    }
}

/// The count has come near its end: a leak, never a use after free (C4, R21), and not a silent one.
#[cold]
#[inline(never)]
pub extern "C" fn saturate(o: &'static Object) {
    immortalize(o);
    tell_saturated(o);
}

pub(super) fn tell_saturated(o: &'static Object) {
    if check::enabled() {
        let about = check::table::About(o);
        return check::report(format_args!("too many references to count, it lives for ever now\n  {about}"));
    }
    let name = Text(types::of(o).name().as_ptr());
    log::error(format_args!("an object of type {name} has too many references to count: it lives for ever now"));
}
