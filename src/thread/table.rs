//! All thread states, by number. The lock word has room for a number, not for a pointer.
//!
//! The states live in chunks, each twice as large as the one before it, which are never moved and never given back.

use super::Thread;
use crate::sync::{Guard, Mutex, OwnU32};
use std::alloc::{Layout, alloc};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering::*};

/// Chunk k holds `FIRST << k` states.
const FIRST: u32 = if cfg!(loom) { 8 } else { 32 };
const CHUNKS: usize = 20;
/// What the lock word has room for.
pub const MAX_ID: u32 = (1 << 24) - 1;

#[derive(Debug)]
pub struct Table {
    chunks: [AtomicPtr<Thread>; CHUNKS],
    /// As in [`Free`], for [`Table::all`].
    published: OwnU32,
    free: Mutex<Free>,
}

/// Which states exist and are nobody's.
#[derive(Debug)]
pub struct Free {
    /// The states that exist are 0 to `made - 1`. Number 0 is the helper: nobody's thread, which holds a lock for an
    /// instant on behalf of those that are not attached.
    made: u32,
    /// The first of those that are nobody's; 0 is none.
    first: u32,
}

/// Why there is no state.
#[derive(Debug, PartialEq, Eq)]
pub enum NoState {
    Memory,
    Limit,
}

impl Table {
    #[cfg(not(loom))]
    pub const fn new() -> Table {
        Table {
            chunks: [const { AtomicPtr::new(ptr::null_mut()) }; CHUNKS],
            published: OwnU32::new(0),
            free: Mutex::new(Free { made: 0, first: 0 }),
        }
    }

    #[cfg(loom)]
    pub fn new() -> Table {
        Table {
            chunks: std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())),
            published: OwnU32::new(0),
            free: Mutex::new(Free { made: 0, first: 0 }),
        }
    }

    /// The state with this number, which must have been made: numbers come from states only.
    pub fn at(&'static self, id: u32) -> &'static Thread {
        let (chunk, offset) = place(id);
        // Acquire: pairs with the Release in `make`, so that the state is seen initialised.
        let start = self.chunks[chunk].load(Acquire);
        debug_assert!(!start.is_null());
        // SAFETY: whoever has a number got it from a state, whose chunk was published before; `offset` is within it;
        // chunks are never given back.
        unsafe { &*start.add(offset) }
    }

    /// All states that were ever made, those that are nobody's too. Async-signal-safe.
    pub fn all(&'static self) -> impl Iterator<Item = &'static Thread> {
        (1..self.published.load(Acquire)).map(|id| self.at(id))
    }

    /// A state for a new thread. The caller fills it in before anybody else learns its number.
    pub fn take(&'static self) -> Result<&'static Thread, NoState> {
        let mut free = self.free.lock();
        if free.made == 0 {
            self.make(&mut free)?; // number 0, the helper
        }
        match free.first {
            0 => self.make(&mut free),
            id => {
                let t = self.at(id);
                free.first = t.next_unused.load(Relaxed);
                Ok(t)
            }
        }
    }

    /// The thread is gone from its lock; its state serves another.
    pub fn give_back(&'static self, t: &'static Thread) {
        let mut free = self.free.lock();
        t.next_unused.store(free.first, Relaxed);
        free.first = t.id;
    }

    /// Held by a fork while the process is copied.
    pub fn freeze(&'static self) -> Guard<'static, Free> {
        self.free.lock()
    }

    fn make(&'static self, free: &mut Free) -> Result<&'static Thread, NoState> {
        let id = free.made;
        if id > MAX_ID {
            return Err(NoState::Limit);
        }
        let (chunk, offset) = place(id);
        let slot = self.chunks.get(chunk).ok_or(NoState::Limit)?;
        if offset == 0 {
            let layout = layout(chunk).ok_or(NoState::Limit)?;
            // SAFETY: the layout is not empty.
            let start = unsafe { alloc(layout) }.cast::<Thread>();
            if start.is_null() {
                return Err(NoState::Memory);
            }
            slot.store(start, Release); // pairs with the Acquire in `at`
        }
        // SAFETY: within the chunk, and nobody else knows this number yet: `made` is behind the mutex.
        unsafe { slot.load(Relaxed).add(offset).write(Thread::new(id)) };
        free.made += 1;
        self.published.store(free.made, Release); // pairs with the Acquire in `all`
        Ok(self.at(id))
    }
}

#[cfg(loom)]
impl Drop for Table {
    fn drop(&mut self) {
        for (k, chunk) in self.chunks.iter().enumerate().filter(|(_, c)| !c.load(Relaxed).is_null()) {
            // SAFETY: a model's threads have all ended; the layout is the one that `make` used. States own no memory.
            unsafe { std::alloc::dealloc(chunk.load(Relaxed).cast(), layout(k).unwrap()) };
        }
    }
}

fn layout(chunk: usize) -> Option<Layout> {
    Layout::array::<Thread>((FIRST as usize) << chunk).ok()
}

fn place(id: u32) -> (usize, usize) {
    let chunk = (id / FIRST + 1).ilog2();
    (chunk as usize, (id - FIRST * ((1 << chunk) - 1)) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lead_to_places_without_gaps() {
        let mut expected = (0, 0);
        for id in 0..100_000 {
            assert_eq!(place(id), expected);
            expected.1 += 1;
            if expected.1 == (FIRST as usize) << expected.0 {
                expected = (expected.0 + 1, 0);
            }
        }
        assert!(place(MAX_ID).0 < CHUNKS);
    }

    #[test]
    fn a_state_that_was_given_back_is_used_again() {
        static TABLE: Table = Table::new();
        let a = TABLE.take().unwrap();
        let b = TABLE.take().unwrap();
        assert_eq!((a.id, b.id), (1, 2));
        TABLE.give_back(a);
        assert_eq!(TABLE.take().unwrap().id, 1);
        assert_eq!(TABLE.take().unwrap().id, 3);
    }
}
