//! Which lock an interpreter has: its own, or one that it shares with others. Where it shares, one thread at a time runs in all of
//! them; everything else (objects, owners, requests, closing) stays each one's own. So what is said of an interpreter with a lock
//! holds for one that shares, but that the holder may be in another one.

use crate::gil::Gil;
use crate::sync::Ordering::Relaxed;
use std::ops::Deref;
use std::ptr;
use std::sync::atomic::AtomicPtr;

/// Changes only while nobody knows the interpreter. Locks are never given back to the allocator: a stale look leads to one that is
/// another's by now, and is refused by a breaker.
#[derive(Debug)]
pub struct Lock(AtomicPtr<Gil>);

impl Lock {
    pub const fn new(gil: &'static Gil) -> Lock {
        Lock(AtomicPtr::new(ptr::from_ref(gil).cast_mut()))
    }

    #[inline(always)]
    pub fn get(&self) -> &'static Gil {
        // SAFETY: made from a reference for ever.
        unsafe { &*self.0.load(Relaxed) }
    }

    pub fn set(&self, gil: &'static Gil) {
        self.0.store(ptr::from_ref(gil).cast_mut(), Relaxed);
    }
}

impl Deref for Lock {
    type Target = Gil;

    #[inline(always)]
    fn deref(&self) -> &Gil {
        self.get()
    }
}
