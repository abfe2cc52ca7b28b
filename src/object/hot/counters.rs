//! Two counters for each slot and thread, in chunks that are made when they are first needed, never moved and never given back:
//! a sweep reads them at any time.

use crate::sync::{AtomicU64, Ordering::*};
use crate::sys::boxed::try_box;
use crate::thread::Thread;
use std::alloc::{Layout, alloc};
use std::ptr;
use std::sync::atomic::AtomicPtr;

/// As many objects may be hot at once.
pub const SLOTS: usize = 1 << 16;
/// A page of counters.
const CHUNK: usize = if cfg!(loom) { 2 } else { 256 };
const CHUNKS: usize = if cfg!(loom) { 2 } else { SLOTS / CHUNK };
/// No two threads' counters share a cache line, nor a pair of them.
const ALIGN: usize = 128;

/// What one thread has done in one slot. Both only grow, and never wrap in the life of a process.
///
/// Release, everywhere: pairs with the Acquire of who sums, who then knows of all that came before.
#[derive(Debug)]
pub struct Pair {
    taken: AtomicU64,
    dropped: AtomicU64,
}

impl Pair {
    /// By its thread alone.
    #[inline(always)]
    pub fn take(&self) {
        self.taken.store(self.taken.load(Relaxed) + 1, Release);
    }

    /// By its thread alone; the object may be gone at once.
    #[inline(always)]
    pub fn drop(&self) {
        self.dropped.store(self.dropped.load(Relaxed) + 1, Release);
    }

    pub fn take_shared(&self) {
        self.taken.fetch_add(1, Release);
    }

    pub fn drop_shared(&self) {
        self.dropped.fetch_add(1, Release);
    }

    /// References that were counted otherwise before.
    pub fn take_many(&self, references: i64) {
        self.taken.fetch_add(references as u64, Release);
    }

    pub fn taken(&self) -> u64 {
        self.taken.load(Acquire)
    }

    pub fn dropped(&self) -> u64 {
        self.dropped.load(Acquire)
    }
}

/// One thread's.
#[derive(Debug)]
pub struct Counters {
    chunks: [AtomicPtr<Pair>; CHUNKS],
}

impl Counters {
    pub const fn new() -> Counters {
        Counters { chunks: [const { AtomicPtr::new(ptr::null_mut()) }; CHUNKS] }
    }

    /// Those of a state, if it has any.
    #[inline(always)]
    pub fn of(t: &Thread) -> Option<&'static Counters> {
        // SAFETY: null, or what `make` stored, which is never given back. Acquire: pairs with its Release.
        unsafe { t.hot.load(Acquire).cast::<Counters>().as_ref() }
    }

    /// By the thread itself. None: no memory.
    pub fn make(t: &'static Thread) -> Option<&'static Counters> {
        if Counters::of(t).is_none() {
            let made: *mut Counters = Box::leak(try_box(Counters::new())?);
            t.hot.store(made.cast(), Release); // pairs with the Acquire in `of`
        }
        Counters::of(t)
    }

    /// Those of a slot in the first chunk, of the calling thread, if that has been made.
    #[inline(always)]
    pub fn first(t: &Thread, slot: u32) -> Option<&'static Pair> {
        let chunk = t.hot_first.load(Relaxed).cast::<Pair>(); // written by this thread
        if chunk.is_null() || slot as usize >= CHUNK {
            return None;
        }
        // SAFETY: within the chunk, which is never given back.
        Some(unsafe { &*chunk.add(slot as usize) })
    }

    /// As [`Self::make_pair`], by the thread `t` of these counters.
    pub fn make_pair_of(&self, t: &Thread, slot: u32) -> Option<&'static Pair> {
        let pair = self.make_pair(slot);
        t.hot_first.store(self.chunk(0).load(Relaxed).cast(), Relaxed);
        pair
    }

    /// Those of a slot, if its chunk has been made.
    #[inline(always)]
    pub fn pair(&self, slot: u32) -> Option<&'static Pair> {
        // Acquire: pairs with the Release in `make_pair`.
        let chunk = self.chunk(slot).load(Acquire);
        if chunk.is_null() {
            return None;
        }
        // SAFETY: within the chunk, which is never given back.
        Some(unsafe { &*chunk.add(slot as usize % CHUNK) })
    }

    #[inline(always)]
    fn chunk(&self, slot: u32) -> &AtomicPtr<Pair> {
        &self.chunks[slot as usize / CHUNK % CHUNKS] // within bounds, for all that the compiler knows
    }

    /// By whoever may add chunks: the counters' thread, or the holder of the mutex of all slots. None: no memory.
    pub fn make_pair(&self, slot: u32) -> Option<&'static Pair> {
        if self.pair(slot).is_none() {
            let layout = Layout::array::<Pair>(CHUNK).ok()?.align_to(ALIGN).ok()?;
            // SAFETY: not empty.
            let chunk = unsafe { alloc(layout) }.cast::<Pair>();
            if chunk.is_null() {
                return None;
            }
            for i in 0..CHUNK {
                // SAFETY: within the fresh chunk.
                unsafe { chunk.add(i).write(Pair { taken: AtomicU64::new(0), dropped: AtomicU64::new(0) }) };
            }
            self.chunk(slot).store(chunk, Release); // pairs with the Acquire in `pair`
        }
        self.pair(slot)
    }
}
