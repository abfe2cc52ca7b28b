//! Atomic words whose memory may be given back. Every touch must come before that by happens-before, not by luck: loom then
//! finds a late one in whatever order it tries the two.
//!
//! Every touch is a read-modify-write of a word beside it, which orders nothing. loom tries a write before an earlier read only
//! if no other read came between them; it has no such blind spot for read-modify-writes.

use loom::cell::UnsafeCell;
use loom::sync::atomic::{self, Ordering::Relaxed};
use std::ops::Deref;

pub type AtomicU32 = Watched<atomic::AtomicU32>;
pub type AtomicI32 = Watched<atomic::AtomicI32>;
pub type AtomicU8 = Watched<atomic::AtomicU8>;

#[derive(Debug)]
pub struct Watched<T> {
    word: T,
    touched: atomic::AtomicBool,
    freed: UnsafeCell<bool>,
}

// SAFETY: the word is an atomic; loom checks every access to the other field.
unsafe impl<T: Sync> Sync for Watched<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Watched<T> {}

impl<T> Deref for Watched<T> {
    type Target = T;

    #[track_caller]
    fn deref(&self) -> &T {
        self.touched.fetch_or(true, Relaxed);
        // SAFETY: loom panics if nothing orders this before `free`.
        self.freed.with(|freed| assert!(!unsafe { *freed }, "touched after it was freed"));
        &self.word
    }
}

impl<T> Watched<T> {
    pub fn free(&self) {
        // SAFETY: loom panics if nothing orders the touches of others before this.
        self.freed.with_mut(|freed| assert!(!std::mem::replace(unsafe { &mut *freed }, true), "freed twice"));
    }

    /// By a model that owns everything again.
    pub fn is_freed(&self) -> bool {
        // SAFETY: as in `deref`.
        self.freed.with(|freed| unsafe { *freed })
    }
}

macro_rules! new {
    ($($ty:ty, $of:ty;)*) => {
        $(impl Watched<$ty> {
            pub fn new(value: $of) -> Watched<$ty> {
                Watched {
                        word: <$ty>::new(value),
                        touched: atomic::AtomicBool::new(false),
                        freed: UnsafeCell::new(false),
                    }
            }
        })*
    };
}
new! { atomic::AtomicU32, u32; atomic::AtomicI32, i32; atomic::AtomicU8, u8; }
