//! Where threads sleep for a lock that has no room for a queue: a fixed table of buckets by address (after WebKit's
//! WTF::ParkingLot and parking_lot). A waiter stands on its thread's stack, so nothing is allocated, and any thread may wait.
//!
//! | a waiter | its answer | who may touch it |
//! |---|---|---|
//! | before [`Lot::wait`] has the bucket's mutex | any | its thread |
//! | in a bucket | WAITING | whoever has that mutex |
//! | taken out | POKED or GRANTED | its thread; of whoever has answered, only its bed |

use super::{Bed, GRANTED, POKED, Sleeper, WAITING};
use crate::sync::{Guard, Mutex};
use std::cell::Cell;
use std::ptr;

/// More than threads that usually wait at once, so that strangers seldom share a mutex.
const BUCKETS: usize = 64;

#[derive(Debug)]
pub struct Waiter {
    /// What it waits for.
    key: usize,
    /// When it began to.
    pub since: u64,
    /// It was woken and came too late: its place is the first.
    again: Cell<bool>,
    next: Cell<*const Waiter>,
    sleeper: Sleeper,
}

impl Waiter {
    /// `stable`: the bed of the calling thread's state.
    pub fn new(key: usize, since: u64, stable: Option<&'static Bed>) -> Waiter {
        let (again, next) = (Cell::new(false), Cell::new(ptr::null()));
        Waiter { key, since, again, next, sleeper: Sleeper::new(stable) }
    }

    fn bed(&self) -> &Bed {
        self.sleeper.bed()
    }
}

/// The waiters of one bucket, in the order of their arrival.
#[derive(Debug)]
pub struct List {
    first: *const Waiter,
}

// SAFETY: the waiters are touched only by whoever has the mutex around the list.
unsafe impl Send for List {}

#[derive(Debug)]
pub struct Lot {
    buckets: [Mutex<List>; BUCKETS],
}

/// What the first of those who wait for a key looks like to the one who is about to wake it.
#[derive(Debug, Clone, Copy)]
pub struct First {
    pub since: u64,
    pub others: bool,
}

pub type Frozen = [Guard<'static, List>; BUCKETS];

impl Lot {
    #[cfg(not(loom))]
    pub const fn new() -> Lot {
        Lot { buckets: [const { Mutex::new(List { first: ptr::null() }) }; BUCKETS] }
    }

    #[cfg(loom)]
    pub fn new() -> Lot {
        Lot { buckets: std::array::from_fn(|_| Mutex::new(List { first: ptr::null() })) }
    }

    fn bucket(&self, key: usize) -> &Mutex<List> {
        // Fibonacci hashing: addresses differ in the middle.
        let hash = ((key >> 4) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        &self.buckets[(hash >> 58) as usize % BUCKETS]
    }

    /// Sleeps until somebody answers, if `stay`, asked under the mutex, says so. True: what it waits for was handed to it.
    pub fn wait(&self, w: &Waiter, stay: impl FnOnce() -> bool) -> bool {
        let mut list = self.bucket(w.key).lock();
        if !stay() {
            return false;
        }
        w.bed().make();
        list.insert(w, w.again.replace(true));
        drop(list);
        let answer = loop {
            match w.bed().look() {
                WAITING => w.bed().sleep(u64::MAX),
                answer => break answer,
            }
        };
        w.sleeper.leave(self.bucket(w.key));
        answer == GRANTED
    }

    /// Takes out the first that waits for `key`. `decide` is shown it, or that there is none, under the mutex, where
    /// nobody can come to wait; true hands over.
    pub fn wake(&self, key: usize, decide: impl FnOnce(Option<First>) -> bool) {
        let mut list = self.bucket(key).lock();
        let Some((w, others)) = list.take(key) else {
            decide(None);
            return;
        };
        let handed = decide(Some(First { since: w.since, others }));
        w.sleeper.wake(if handed { GRANTED } else { POKED }, list);
    }

    /// Held by a fork while the process is copied.
    pub fn freeze(&'static self) -> Frozen {
        std::array::from_fn(|i| self.buckets[i].lock())
    }
}

impl List {
    fn insert(&mut self, w: &Waiter, in_front: bool) {
        let last = if in_front { None } else { self.iter().last() };
        w.next.set(if in_front { self.first } else { ptr::null() });
        match last {
            Some(last) => last.next.set(w),
            None => self.first = w,
        }
    }

    /// The first that waits for `key`, taken out, and whether there are more.
    fn take<'a>(&mut self, key: usize) -> Option<(&'a Waiter, bool)> {
        let mut before: Option<&Waiter> = None;
        let mut at = self.iter();
        let found = loop {
            let w = at.next()?;
            if w.key == key {
                break w;
            }
            before = Some(w);
        };
        match before {
            Some(before) => before.next.set(found.next.get()),
            None => self.first = found.next.get(),
        }
        Some((found, at.any(|w| w.key == key)))
    }

    /// The lifetime is the caller's promise: what is in the list lives until it is answered.
    fn iter<'a>(&self) -> impl Iterator<Item = &'a Waiter> + use<'a> {
        let mut at = self.first;
        std::iter::from_fn(move || {
            // SAFETY: null, or a waiter that has not been answered, so that it stays where it is; the mutex is held.
            let w = unsafe { at.as_ref() }?;
            at = w.next.get();
            Some(w)
        })
    }

    /// In a forked child: nobody waits but a thread that forked in a signal handler, which shall look again. The stacks of
    /// the others are copied too.
    pub fn reset(&mut self) {
        for w in self.iter() {
            w.bed().answer(POKED);
        }
        self.first = ptr::null();
    }
}

const _: () = assert!(BUCKETS == 1 << (64 - 58));
const _: () = assert!(WAITING != POKED && POKED != GRANTED);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiters_are_taken_in_order_of_arrival_and_those_who_came_too_late_first() {
        let mut list = List { first: ptr::null() };
        let [a, b, c, x] = [(16, 1), (16, 2), (16, 3), (32, 4)].map(|(key, since)| Waiter::new(key, since, None));
        for w in [&a, &x, &b] {
            list.insert(w, false);
        }
        list.insert(&c, true);
        let mut since = || list.take(16).map(|(w, others)| (w.since, others));
        assert_eq!([since(), since(), since(), since()], [Some((3, true)), Some((1, true)), Some((2, false)), None]);
        assert_eq!(list.take(32).map(|(w, others)| (w.since, others)), Some((4, false)));
        assert!(list.first.is_null());
    }
}
