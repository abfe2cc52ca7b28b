//! Locks of two bits in an object's `lock` byte: no object is larger for having them. Who has to wait does so in the
//! [`Lot`], by the object's address. Neither of them detaches: see [`attach::detached`].
//!
//! | lock | bits | who may hold it, and how long |
//! |---|---|---|
//! | SECTION | 1, 2 | a thread in a critical section, until it blocks or detaches |
//! | COUNT | 4, 8 | whoever changes the count of a LOCKED object; in checking mode also whoever runs its destructor |
//! | BARE | 16, 32 | whoever called `obj_lock`, until it calls `obj_unlock` |
//!
//! Each by itself:
//!
//! | held | waiters | means | guaranteed by |
//! |---|---|---|---|
//! | 0 | 0 | free, nobody waits | |
//! | 1 | 0 | held, nobody waits: the unlock is one CAS | |
//! | 1 | 1 | held, and somebody waits, or is about to and will look again under the bucket's mutex | the waiter, by CAS |
//! | 0 | 1 | free, one waiter was woken to try, and more wait; anybody may barge | the unlock, under the bucket's mutex |
//!
//! A waiter sleeps only if it sees 1, 1 under the mutex of its bucket; held goes from 1, 1 to 0, and from one thread to
//! another, only under that mutex. So whoever sleeps is known to the next unlock (L7).

use super::header::Object;
use crate::attach::slow as attach;
use crate::park::lot::{First, Lot, Waiter};
use crate::sync::Ordering::*;
use crate::sys::errno::KeepErrno;
use crate::sys::tls;

/// A barger may come before a waiter only so long: then the lock is handed over (L5). As parking_lot's TIME_TO_BE_FAIR:
/// far above a hand-off's 5 to 50 µs, so that these cost little, and far below what a host would notice.
const PATIENCE: u64 = 1_000_000;

#[cfg(not(loom))]
static LOT: Lot = Lot::new();
#[cfg(loom)]
loom::lazy_static! {
    static ref LOT: Lot = Lot::new();
}

/// Which of the locks, by the place of its first bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    Section = 0,
    Count = 2,
    Bare = 4,
}

impl Kind {
    const fn held(self) -> u8 {
        1 << self as u8
    }

    const fn waiters(self) -> u8 {
        2 << self as u8
    }

    /// Objects are 16-aligned: one key for each lock of each object.
    fn key(self, o: &Object) -> usize {
        std::ptr::from_ref(o) as usize | self as usize
    }
}

/// Takes the lock if it is free.
#[inline]
pub fn try_lock(o: &Object, kind: Kind) -> bool {
    // Acquire: pairs with the Release in `unlock`. Release: who keeps a record of what it locks has made it before, for a
    // forked child.
    o.lock.fetch_update(AcqRel, Relaxed, |seen| (seen & kind.held() == 0).then_some(seen | kind.held())).is_ok()
}

#[inline]
pub fn lock(o: &Object, kind: Kind) {
    if !try_lock(o, kind) {
        wait(o, kind);
    }
}

/// Whether anybody holds it. A snapshot.
pub fn is_locked(o: &Object, kind: Kind) -> bool {
    o.lock.load(Relaxed) & kind.held() != 0
}

#[cold]
#[inline(never)]
pub fn wait(o: &Object, kind: Kind) {
    let _errno = KeepErrno::new();
    let _inside = attach::enter(); // a signal handler must not come to wait for the bucket's mutex
    let both = kind.held() | kind.waiters();
    let t = tls::current();
    let waiter = Waiter::new(kind.key(o), crate::sync::now(), (t.id != 0).then_some(&t.bed));
    while !try_lock(o, kind) {
        let announced = |seen| (seen & kind.held() != 0).then_some(seen | kind.waiters());
        if o.lock.fetch_update(Relaxed, Relaxed, announced).is_ok()
            && LOT.wait(&waiter, || o.lock.load(Relaxed) & both == both)
        {
            return; // handed over: held was never 0
        }
    }
}

/// By whoever holds it. The object is not touched after: the next holder may drop the last reference to it (R14).
#[inline]
pub fn unlock(o: &Object, kind: Kind) {
    let alone = |seen| (seen & kind.waiters() == 0).then_some(seen & !kind.held());
    // Release: pairs with the Acquire in `try_lock`.
    if o.lock.fetch_update(Release, Relaxed, alone).is_err() {
        wake(o, kind);
    }
}

#[cold]
#[inline(never)]
fn wake(o: &Object, kind: Kind) {
    let _errno = KeepErrno::new();
    let _inside = attach::enter(); // as in `wait`
    LOT.wake(kind.key(o), |first| {
        let others = first.is_some_and(|f| f.others);
        let hand_over = first.is_some_and(is_due);
        let mut gone = if hand_over { 0 } else { kind.held() };
        if !others {
            gone |= kind.waiters();
        }
        // Release: pairs with the Acquire in `try_lock`. A hand-over is carried by the waiter's answer.
        o.lock.fetch_and(!gone, Release);
        hand_over
    });
}

fn is_due(first: First) -> bool {
    crate::sync::now().saturating_sub(first.since) >= PATIENCE
}

/// Whoever held it does not exist in this forked child, and nor do those who waited.
pub fn reset(o: &Object, kind: Kind) {
    o.lock.fetch_and(!(kind.held() | kind.waiters()), Relaxed);
}

/// Takes it as if nobody else had it.
pub fn insist(o: &Object, kind: Kind) {
    o.lock.fetch_or(kind.held(), Relaxed);
}

#[cfg(not(loom))]
pub type Frozen = crate::park::lot::Frozen;

/// Held by a fork while the process is copied.
#[cfg(not(loom))]
pub fn freeze() -> Frozen {
    LOT.freeze()
}
