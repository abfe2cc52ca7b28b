//! The words of an object.
//!
//! | `owner` | who counts in `local` | leaves to |
//! |---|---|---|
//! | a token | the thread whose `self` it is, or the holder of the lock whose token it is | MERGED_OWNER, HOT, IMMORTAL |
//! | MERGED_OWNER | nobody; `local` is the business of the merge that won the CAS on `owner` | HOT, IMMORTAL |
//! | HOT | nobody: `local` is the number of a slot, and everybody counts for himself (see `hot`) | MERGED_OWNER by its death, IMMORTAL |
//! | LOCKED | whoever has the COUNT lock; `shared` is PLAIN and 0 | IMMORTAL |
//! | IMMORTAL | nobody; nothing is counted any more | nothing |
//! | CHECKED | whoever has the mutex of the check table | IMMORTAL |
//!
//! | state in `shared` | count | means | leaves to |
//! |---|---|---|---|
//! | PLAIN | >= 0 | the owner may free at `local == 0 && shared == 0` without an RMW, so a try refuses 0 | any |
//! | MAYBE_WEAK | >= 0 | the owner must merge first, so a try may start from 0 | QUEUED, MERGED |
//! | QUEUED | any sign: references move | as MAYBE_WEAK; one reference belongs to the owner's queue | MERGED |
//! | MERGED | >= 0 | all references are in the count; 0 is dead | PLAIN, by the finalizer's thread alone; FROZEN |
//! | FROZEN, which is MERGED and beyond LIMIT | means nothing | the object is hot: who comes with an owner of before learns it here | MERGED and 0, by its death |
//!
//! The states are values, not bits: `MAYBE_WEAK | QUEUED` would read MERGED (C1). Any state becomes FROZEN.

#[cfg(loom)]
use super::watched::{AtomicI32, AtomicU8, AtomicU32};
#[cfg(not(loom))]
use crate::sync::{AtomicI32, AtomicU8, AtomicU32};
use crate::sync::{Ordering, Ordering::*};
pub use crate::thread::token::{NOBODY, SPECIAL};

pub const PLAIN: i32 = 0;
pub const MAYBE_WEAK: i32 = 1;
pub const QUEUED: i32 = 2;
pub const MERGED: i32 = 3;
/// One reference in `shared`.
pub const ONE: i32 = 4;
/// The count stays within half of its 30 bits, so every thread may overshoot by one before it sees that (C4).
pub const LIMIT: i64 = 1 << 28;

/// In `shared`: an object that is hot. So far beyond the limit, on either side of it, that those who find it by a count of
/// before, each thread once, never get back to it.
pub const FROZEN: i32 = ((LIMIT + LIMIT / 2) as i32) << 2 | MERGED;

/// In `owner`: all counts are in `shared`. Tokens have their top bit set, so neither this nor a dead header that is used
/// as a link can look like somebody's token (R19).
pub const MERGED_OWNER: u32 = 0;
/// In `owner`: never freed.
pub const IMMORTAL: u32 = u32::MAX;
/// In `owner`: of a checking runtime. The count is in `local`, and changes under the mutex of the check table only.
pub const CHECKED: u32 = 0xFFFF_FFFA;
/// In `owner`: counted by each thread for itself, in the slot whose number is in `local`.
pub const HOT: u32 = 0xFFFF_FFFD;
/// What is below is no token: merged, or the upper half of a link.
pub const FIRST_TOKEN: u32 = 0x8000_0000;

/// In `owner`: everybody counts in `local`, under the object's COUNT lock.
pub const LOCKED: u32 = 0xFFFF_FFFC;

/// Whether objects of this owner are counted plainly by somebody.
pub fn is_token(owner: u32) -> bool {
    (FIRST_TOKEN..SPECIAL).contains(&owner)
}

/// In `gc`: the finalizer has begun, and never begins again. Tries are refused for good (C5).
pub const FINALIZED: u8 = 1;
/// In `gc`: made with extra bytes, whose number stands before the header.
pub const EXTRA: u8 = 2;
/// In `gc`: has, or had, weak references: death looks into their table.
pub const WEAK: u8 = 4;
/// In `gc`: its references to children are being dropped, or have been: no clear and no traverse any more.
pub const CLEARED: u8 = 8;
/// In `gc`: a candidate that the collector looks at again. Taken away by whoever takes a reference to what it does not own.
pub const COLLECTING: u8 = 16;
/// In `gc`: the collector has found it unreachable: no new weak references, unless it turns out not to be (C9).
pub const GARBAGE: u8 = 32;

pub fn count(shared: i32) -> i32 {
    shared >> 2
}

pub fn state(shared: i32) -> i32 {
    shared & 3
}

/// Offsets 0 to 11, and 15 with COLLECTING, are frozen by GILRT_ABI: gilrt_inline.h knows them. Two 32-bit loads, never one of 64 bits, which
/// would stall after the store of one half (R17).
#[derive(Debug)]
#[repr(C, align(16))]
pub struct Object {
    pub local: AtomicU32,
    pub owner: AtomicU32,
    pub shared: AtomicI32,
    pub ty: u16,
    pub lock: AtomicU8,
    /// Changed by RMW only.
    pub gc: AtomicU8,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Object>() == 16);

impl Object {
    pub fn born(owner: u32, local: u32, shared: i32, ty: u16, gc: u8) -> Object {
        Object {
            local: AtomicU32::new(local),
            owner: AtomicU32::new(owner),
            shared: AtomicI32::new(shared),
            ty,
            lock: AtomicU8::new(0),
            gc: AtomicU8::new(gc),
        }
    }

    /// A CAS loop on `shared`; the value it replaced, or the one that `f` refused. Failure is Relaxed: nothing was learnt.
    pub fn update(&self, success: Ordering, f: impl Fn(i32) -> Option<i32>) -> Result<i32, i32> {
        self.shared.fetch_update(success, Relaxed, f)
    }

    /// A snapshot.
    pub fn references(&self) -> usize {
        let local = match self.owner.load(Relaxed) {
            IMMORTAL => return usize::MAX,
            MERGED_OWNER => 0,
            HOT => return super::hot::references(self),
            _ => i64::from(self.local.load(Relaxed)),
        };
        (local + i64::from(count(self.shared.load(Relaxed)))).max(0) as usize
    }
}
