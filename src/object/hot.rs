//! Hot objects: counted by each thread for itself, so that what all threads count is nobody's cache line.
//!
//! A hot object has a slot. In it each thread has two counters that only grow, one of the references it took and one of those it
//! dropped; a thread that is nowhere uses the common ones, by RMW. The number of references is the sum of all, made by a sweep.
//!
//! | slot | counters | leaves to |
//! |---|---|---|
//! | free | whatever they are, all that was taken is all that was dropped: nothing needs to be set back | used |
//! | used | as many taken as dropped and as there are references, at any one time | free, by the death of its object; never, if that became immortal |
//!
//! | `owner`, `shared` | means | leaves to |
//! |---|---|---|
//! | a token or MERGED_OWNER, any | not hot yet; under the mutex `local` may hold the slot already | HOT |
//! | HOT, not FROZEN | only within `make`, under the mutex: what was counted before is not in the slot yet | FROZEN |
//! | HOT, FROZEN | hot; a thread that has seen the old owner finds FROZEN by its RMW on `shared`, and counts in the slot instead | dead, IMMORTAL |
//! | MERGED_OWNER, MERGED and 0 | dead | as any dead object |
//!
//! # Why no death is early
//!
//! The sweep reads all counters of a slot, and then all of them once more. It believes that the object is dead if nothing has changed
//! and as much was dropped as taken. Counters never go back, so the two passes have seen the same *events*, not only the same sum.
//! Call them C. If an event e happened before an event d of C, then e is in C: the first pass has seen d by an Acquire that pairs with
//! d's Release, so the second pass comes after e and sees it; and the second saw nothing but C. So C is what had happened at some
//! moment, and at that moment there was no reference. Whoever counts has a reference, or borrows one that is dropped later. So an
//! event outside of C would need a reference whose taking is outside of C as well, and so on back to a first that had none: an
//! upgrade of a weak reference, or a try. Those count under the lock of the weak references, which both passes hold: the ones
//! before it are seen, and those after it are refused. It takes no barrier, and no thread is disturbed.
//!
//! Threads that come meanwhile: the second pass looks anew which states there are, so a state, or a chunk of counters, that was made
//! before an event of C is seen. A state's next thread goes on with the counters of the one before it.

mod counters;

use super::header::*;
use super::{death, types, weak};
use crate::attach::slow as attach;
use crate::interp::THREADS;
use crate::status::Status;
use crate::sync::{Guard, Mutex, Ordering::*};
use crate::sys::errno::KeepErrno;
use crate::sys::tls;
use crate::thread::{DETACHED, Thread};
use counters::{Counters, Pair, SLOTS};

/// Of threads that are nowhere, and of those for whose own there was no memory.
static COMMON: Counters = Counters::new();

static TABLE: Mutex<Slots> = Mutex::new(Slots { slots: Vec::new(), free: NONE });

#[derive(Debug)]
pub struct Slots {
    slots: Vec<Slot>,
    /// The first that is free.
    free: u32,
}

#[derive(Debug)]
enum Slot {
    Used(&'static Object),
    /// The next that is free.
    Free(u32),
}

const NONE: u32 = u32::MAX;

pub type Frozen = Guard<'static, Slots>;

/// Held by a fork while the process is copied.
pub fn freeze() -> Frozen {
    TABLE.lock()
}

/// What has happened in one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sum {
    taken: u64,
    dropped: u64,
}

impl Sum {
    fn is_zero(self) -> bool {
        self.taken == self.dropped
    }
}

/// By a thread that has a reference, and has seen HOT.
#[inline(always)]
pub fn incref(o: &'static Object) {
    match Counters::first(tls::current(), slot_of(o)) {
        Some(pair) => pair.take(),
        None => incref_by_table(o),
    }
}

#[inline(always)]
pub fn decref(o: &'static Object) {
    match Counters::first(tls::current(), slot_of(o)) {
        Some(pair) => pair.drop(),
        None => decref_by_table(o),
    }
}

// `extern "C"`, that is, never unwinding, so that those above end in a jump and need no frame.
#[inline(never)]
extern "C" fn incref_by_table(o: &'static Object) {
    let slot = slot_of(o);
    match mine(slot) {
        Some(pair) => pair.take(),
        None => common(slot).take_shared(),
    }
}

#[inline(never)]
extern "C" fn decref_by_table(o: &'static Object) {
    let slot = slot_of(o);
    match mine(slot) {
        Some(pair) => pair.drop(),
        None => common(slot).drop_shared(),
    }
}

/// By a thread whose RMW on `shared` has found a count beyond the limit: whether that is FROZEN.
#[cold]
pub fn is(o: &Object) -> bool {
    // Acquire: pairs with the Release of the swap in `make`, before which the object had become HOT.
    i64::from(count(o.shared.load(Acquire))) >= LIMIT && o.owner.load(Relaxed) == HOT
}

/// A snapshot.
pub fn references(o: &Object) -> usize {
    let Sum { taken, dropped } = sum(slot_of(o));
    // The caller has one, whatever a sum says that others change meanwhile.
    (taken.wrapping_sub(dropped) as i64).max(1) as usize
}

#[inline(always)]
fn slot_of(o: &Object) -> u32 {
    // Acquire: pairs with the Release of the CAS in `make`, before which the slot was stored. HOT, or IMMORTAL since, which
    // leaves `local` as it is.
    o.owner.load(Acquire);
    o.local.load(Relaxed)
}

/// None for a thread that is nowhere, or without memory.
fn mine(slot: u32) -> Option<&'static Pair> {
    let t = tls::current();
    if let Some(pair) = Counters::of(t).and_then(|counters| counters.pair(slot)) {
        return Some(pair);
    }
    let _errno = KeepErrno::new();
    if t.id == 0 { None } else { Counters::make(t)?.make_pair_of(t, slot) }
}

fn common(slot: u32) -> &'static Pair {
    // SAFETY: its chunk was made with the slot, and is never given back. No check: what cannot panic needs no frame.
    unsafe { COMMON.pair(slot).unwrap_unchecked() }
}

fn sum(slot: u32) -> Sum {
    let own = THREADS.all().filter_map(|t| Counters::of(t)?.pair(slot));
    own.chain([common(slot)]).fold(Sum { taken: 0, dropped: 0 }, |sum, pair| Sum {
        taken: sum.taken.wrapping_add(pair.taken()),
        dropped: sum.dropped.wrapping_add(pair.dropped()),
    })
}

/// Makes an object hot, by its owner, or by anybody who is attached if it has been merged, or nobody owns it any more.
pub fn make(o: &'static Object, t: &'static Thread) -> Result<(), Status> {
    let me = t.identity.load(Relaxed);
    if me == DETACHED {
        return Err(Status::NotAttached);
    }
    let _errno = KeepErrno::new();
    let _inside = attach::enter().ok_or(Status::Deadlock)?;
    // Its thread has ended, or the mode was changed since.
    if o.owner.load(Relaxed) != me
        && let Some(interp) = types::of(o).interp()
    {
        interp.owners.merge_if_nobodys(o);
    }
    let mut table = TABLE.lock();
    let owner = loop {
        match o.owner.load(Relaxed) {
            SPECIAL.. => return Ok(()),
            // Acquire: pairs with the Release of the merge's last step. Until then `local` is the merge's.
            MERGED_OWNER if state(o.shared.load(Acquire)) != MERGED => std::thread::yield_now(),
            owner if owner == MERGED_OWNER || owner == me => break owner,
            _ => return Err(Status::Invalid),
        }
    };
    let slot = table.take(o)?;
    let local = if owner == me { o.local.load(Relaxed) } else { 0 };
    o.local.store(slot, Relaxed);
    // Release: pairs with the Acquire in `slot_of`. A CAS, so that IMMORTAL stays, which alone can come in between.
    if o.owner.compare_exchange(owner, HOT, Release, Relaxed).is_err() {
        table.give_back(slot);
        return Ok(());
    }
    // Release: pairs with the Acquire in `is`. From here on nobody counts in `shared`; a queue that owns a reference drops it in
    // the slot.
    let before = o.shared.swap(FROZEN, AcqRel);
    common(slot).take_many(i64::from(local) + i64::from(count(before)));
    Ok(())
}

/// Buries the hot objects that nobody refers to any more, and those that only they have referred to; how many.
pub fn sweep() -> usize {
    let mut buried = 0;
    loop {
        let before = buried;
        let mut next = 0;
        while let Some(o) = next_dead(&mut next) {
            death::bury(o);
            buried += 1;
        }
        if buried == before {
            return buried;
        }
    }
}

/// From that slot on. One at a time: its destructor runs outside of the mutex.
fn next_dead(next: &mut u32) -> Option<&'static Object> {
    let _errno = KeepErrno::new();
    let _inside = attach::enter();
    let mut table = TABLE.lock();
    while let Some(place) = table.slots.get(*next as usize) {
        let slot = *next;
        *next += 1;
        if let &Slot::Used(o) = place
            && dies(o, slot)
        {
            table.give_back(slot);
            return Some(o);
        }
    }
    None
}

/// Under the mutex of the table, so that none is just becoming hot.
fn dies(o: &'static Object, slot: u32) -> bool {
    // At a glance. What decides is under the lock, where no upgrade comes in between for ever.
    sum(slot).is_zero()
        && weak::clear_if(o, || {
            let first = sum(slot);
            let dead = first.is_zero() && sum(slot) == first;
            if dead {
                o.local.store(0, Relaxed);
                o.shared.store(MERGED, Relaxed);
                // Release: pairs with the Acquire of a try, which then finds MERGED and 0.
                o.owner.store(MERGED_OWNER, Release);
            }
            dead
        })
}

impl Slots {
    fn take(&mut self, o: &'static Object) -> Result<u32, Status> {
        if self.free == NONE {
            let slot = self.slots.len() as u32;
            if slot as usize == SLOTS {
                return Err(Status::Limit);
            }
            COMMON.make_pair(slot).ok_or(Status::Nomem)?;
            self.slots.try_reserve(1).map_err(|_| Status::Nomem)?;
            self.slots.push(Slot::Free(NONE));
            self.free = slot;
        }
        let slot = self.free;
        if let Slot::Free(next) = self.slots[slot as usize] {
            self.free = next;
        }
        self.slots[slot as usize] = Slot::Used(o);
        Ok(slot)
    }

    fn give_back(&mut self, slot: u32) {
        self.slots[slot as usize] = Slot::Free(self.free);
        self.free = slot;
    }
}
