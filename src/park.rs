//! Where a thread sleeps: a word of its own that nobody else waits on, so that whoever answers wakes exactly it, and
//! never through somebody's condition variable (L8).

pub mod lot;

use crate::sync::{AtomicU32, Guard, Mutex, Ordering::*, mutant};

/// What a sleeper has been told.
///
/// | word | means | written by, always under the mutex of the lock |
/// |---|---|---|
/// | WAITING | queued, nothing answered | the waiter |
/// | POKED | look again: there is something to try, or a timer to take over | who wakes it for that |
/// | GRANTED | the lock word names the waiter, and its `self` is attached | the granter |
/// | CLOSED | refused | the closer |
pub const WAITING: u32 = 0;
pub const POKED: u32 = 1;
pub const GRANTED: u32 = 2;
pub const CLOSED: u32 = 3;

#[derive(Debug)]
pub struct Bed {
    word: AtomicU32,
    #[cfg(loom)]
    bell: loom::sync::Notify,
}

impl Bed {
    #[cfg(not(loom))]
    pub const fn new() -> Bed {
        Bed { word: AtomicU32::new(WAITING) }
    }

    #[cfg(loom)]
    pub fn new() -> Bed {
        Bed { word: AtomicU32::new(WAITING), bell: loom::sync::Notify::new() }
    }

    pub fn make(&self) {
        self.word.store(WAITING, Relaxed);
    }

    /// Release: pairs with the Acquire in [`Bed::look`]. It carries the critical section to the next holder.
    pub fn answer(&self, answer: u32) {
        self.word.store(answer, if mutant!("grant-relaxed") { Relaxed } else { Release });
    }

    /// Acquire: pairs with the Release in [`Bed::answer`].
    pub fn look(&self) -> u32 {
        self.word.load(Acquire)
    }

    /// Sleeps unless there is an answer already, until the deadline at the latest; returns also for nothing.
    #[cfg(not(loom))]
    pub fn sleep(&self, deadline: u64) {
        if self.look() == WAITING {
            crate::sys::futex::wait(&self.word, WAITING, deadline);
        }
    }

    /// loom has no clock: a sleep with a deadline is over at once, which is one of the things that may happen.
    #[cfg(loom)]
    pub fn sleep(&self, deadline: u64) {
        if self.look() == WAITING && deadline == u64::MAX {
            self.bell.wait();
        }
    }

    /// Rings, after the mutex was unlocked (L9). By then the sleeper may be long gone: thread states are type-stable,
    /// and a ring too many is a spurious return.
    pub fn ring(&self) {
        #[cfg(not(loom))]
        crate::sys::futex::wake(&self.word);
        #[cfg(loom)]
        self.bell.notify();
    }
}

/// A thread that waits under somebody's mutex, wherever it is. One with a state sleeps in the bed of that, which is there for
/// ever and is rung after the mutex (L9). One that is nowhere brings a bed of its own, on its stack: that is rung under the mutex,
/// and its thread leaves through the mutex.
#[derive(Debug)]
pub struct Sleeper {
    stable: Option<&'static Bed>,
    own: Bed,
}

impl Sleeper {
    /// `stable`: the bed of the calling thread's state.
    pub fn new(stable: Option<&'static Bed>) -> Sleeper {
        Sleeper { stable, own: Bed::new() }
    }

    pub fn bed(&self) -> &Bed {
        self.stable.unwrap_or(&self.own)
    }

    /// Answers, under the mutex of `guard`, and wakes. With the answer the thread may go, and the sleeper with it.
    pub fn wake<T>(&self, answer: u32, guard: Guard<T>) {
        let stable = self.stable;
        self.bed().answer(answer);
        match stable {
            Some(bed) => {
                drop(guard);
                bed.ring();
            }
            None => self.own.ring(), // the guard goes after it
        }
    }

    /// By its thread, after an answer: until nobody touches the sleeper any more.
    pub fn leave<T>(&self, mutex: &Mutex<T>) {
        if self.stable.is_none() {
            drop(mutex.lock());
        }
    }
}
