//! Who counts plainly in an interpreter, and the references that wait for them: each was dropped by a thread that does not
//! own the object, when nobody had counted the object atomically before (C1).
//!
//! An owner is a token: of the one lock of an interpreter, or of a thread in one without a lock. A lock's queue is merged by
//! whoever holds the lock, or by a helper that takes it while it is free. A thread's queue is merged by the thread, or on
//! its behalf while it is detached (C3, R6):
//!
//! | `self` | `breaker` | means |
//! |---|---|---|
//! | token | 0 | counts plainly |
//! | token | HANDED | the same until it looks; then it takes the mutex here, which waits for a merge in progress |
//! | DETACHED | 0 | counts atomically; nothing waits |
//! | DETACHED | HANDED | frozen: a merge on its behalf is under way, or destructors are pending |
//!
//! HANDED is set and cleared under the mutex only, and says both "there is something for you" and "wait". A token that is
//! not here is retired: nobody's `self` is it any more, or ever will be.

use super::header::*;
use super::merge::merge;
use crate::sync::{Guard, Mutex, Ordering::*, fence_or_heavy_barrier, mutant};
use crate::thread::{CLOSE, CLOSED, DETACHED, HANDED, SERVE, STOP, Thread, token};

/// Each entry owns one reference.
pub type Queue = Vec<&'static Object>;

#[derive(Debug)]
pub struct Owners(Mutex<Registry>);

#[derive(Debug)]
pub struct Registry {
    /// By token, which only grow.
    seats: Vec<Seat>,
    /// Destructors wait for a thread to attach: HANDED stays set in all of them.
    pending: bool,
    closing: bool,
    /// The number of the thread that has stopped all others, and how often; 0 is nobody.
    stopper: u32,
    stops: u32,
}

#[derive(Debug)]
struct Seat {
    token: u32,
    /// None for the lock.
    thread: Option<&'static Thread>,
    queue: Queue,
    /// HANDED is set, and a heavy barrier was made since: the thread looks before it counts plainly again.
    frozen: bool,
}

/// What became of a reference.
#[derive(Debug)]
pub enum Handed {
    /// Somebody has merged the object: the reference is to be dropped again.
    Merged,
    /// It waits for the lock's next holder.
    ForLock,
    /// It waits for a thread that is attached.
    ForThread,
    /// It was merged here, with others maybe; these have died of it.
    Done(Queue),
    NoMemory,
}

impl Owners {
    #[cfg(not(loom))]
    pub const fn new() -> Owners {
        Owners(Mutex::new(Registry::new()))
    }

    #[cfg(loom)]
    pub fn new() -> Owners {
        Owners(Mutex::new(Registry::new()))
    }

    /// For a fork, and for whoever takes from a list that one at a time may take from.
    pub fn freeze(&self) -> Guard<'_, Registry> {
        self.0.lock()
    }

    /// A new owner: the lock, or a thread that is detached. Its token; None if there is no memory.
    pub fn join(&self, thread: Option<&'static Thread>) -> Option<u32> {
        let mut registry = self.0.lock();
        registry.seats.try_reserve(1).ok()?;
        Some(registry.seat_for(thread))
    }

    /// The lock, whose token this was, goes, by its holder; `each` gives its threads, of which there are so many, seats of their own.
    /// What has died of what was handed to the lock; None, and nothing is changed, if there is no memory.
    pub fn seat_threads(&self, lock: u32, threads: usize, each: impl FnOnce(&mut Registry)) -> Option<Queue> {
        let mut registry = self.0.lock();
        registry.seats.try_reserve(threads).ok()?;
        let dead = registry.retire_all()?;
        debug_assert!(registry.seat(lock).is_none());
        each(&mut registry);
        Some(dead)
    }

    /// The inverse, with the world stopped: a lock comes. Its token, and what has died of what was handed to the threads.
    pub fn seat_lock(&self) -> Option<(u32, Queue)> {
        let mut registry = self.0.lock();
        registry.seats.try_reserve(1).ok()?;
        let dead = registry.retire_all()?;
        Some((registry.seat_for(None), dead))
    }

    /// Threads that join from now on are refused.
    pub fn refuse_newcomers(&self) {
        self.0.lock().closing = true;
    }

    pub fn refuses_newcomers(&self) -> bool {
        self.0.lock().closing
    }

    /// Whether `t` has stopped all others.
    pub fn is_stopper(&self, t: &Thread) -> bool {
        self.0.lock().stopper == t.id
    }

    /// The caller has set QUEUED, and its reference belongs to the owner's queue now.
    pub fn hand_over(&self, o: &'static Object) -> Handed {
        let mut registry = self.0.lock();
        // Under the mutex, for the owner may have merged since, and then no queue owns the reference (R4).
        let owner = o.owner.load(Acquire);
        if !is_token(owner) {
            return Handed::Merged; // or immortal, and then the second decrement does nothing
        }
        let pending = registry.pending;
        let Some(seat) = registry.seat(owner) else {
            merge(o, owner, 0); // nobody has the token any more
            return Handed::Merged;
        };
        if seat.queue.try_reserve(1).is_err() {
            return Handed::NoMemory;
        }
        seat.queue.push(o);
        let Some(w) = seat.thread else { return Handed::ForLock };
        let early = mutant!("looks-before-it-freezes") && w.identity.load(Acquire) != DETACHED;
        seat.freeze(w);
        // Acquire: pairs with the Release of a detach, so that plain counts are seen.
        if early || w.identity.load(if mutant!("self-relaxed") { Relaxed } else { Acquire }) != DETACHED {
            return Handed::ForThread;
        }
        Handed::Done(seat.merge(pending))
    }

    /// Merges an object whose owner has retired its token: nobody's `self` is it, so anybody may.
    pub fn merge_if_nobodys(&self, o: &'static Object) {
        let mut registry = self.0.lock();
        let owner = o.owner.load(Acquire);
        if is_token(owner) && registry.seat(owner).is_none() {
            merge(o, owner, 0); // the caller has a reference
        }
    }

    /// By a thread that sees HANDED: merges what was handed to it; the dead. HANDED stays while destructors are pending, also where
    /// the thread is attached: it may be on the way back from a callback, where none may run.
    pub fn take(&self, t: &Thread) -> Queue {
        let mut registry = self.0.lock();
        let pending = registry.pending && !mutant!("take-forgets-pending");
        match registry.place(t) {
            Some(at) => registry.seats[at].merge(pending),
            None => Vec::new(),
        }
    }

    /// The next reference that waits for the lock `token`. None: `none` has run under the mutex.
    pub fn pop(&self, token: u32, none: impl FnOnce()) -> Option<&'static Object> {
        let mut registry = self.0.lock();
        let next = registry.seat(token).and_then(|seat| seat.queue.pop());
        if next.is_none() {
            none();
        }
        next
    }

    /// The token is retired: by its thread, which counts nothing more, or in a forked child. In one critical section the
    /// thread is detached, its queue is empty, and nobody finds it any more (R7). The dead, and whether it was attached.
    pub fn leave(&self, t: &Thread) -> (Queue, bool) {
        let mut registry = self.0.lock();
        if registry.stopper == t.id {
            registry.stops = 1;
            registry.end_stop(); // whoever waits for that is woken as somebody has departed
        }
        let next = if mutant!("retires-attached") { t.token.load(Relaxed) } else { DETACHED };
        let attached = t.identity.swap(next, Release) != DETACHED;
        let Some(at) = registry.place(t) else { return (Vec::new(), attached) };
        let mut seat = registry.seats.remove(at);
        (seat.merge(false), attached)
    }

    /// Destructors wait: every thread is told, those that are detached for when they attach.
    pub fn announce_pending(&self) {
        let mut registry = self.0.lock();
        registry.pending = true;
        if !mutant!("pending-untold") {
            registry.tell(HANDED, SERVE);
        }
    }

    /// From now on threads that attach are refused. True if nobody is inside, or comes back: see [`crate::gil::Gil::close`].
    pub fn close(&self) -> bool {
        let mut registry = self.0.lock();
        registry.closing = true;
        let early = mutant!("close-looks-away-first") && registry.nobody_away();
        registry.tell(CLOSED, CLOSE);
        if !mutant!("close-without-barrier") {
            fence_or_heavy_barrier(); // pairs with the light barriers in `attach`
        }
        // Acquire: pairs with the Release of a detach. First `self`, then the regions: who leaves for one says so before.
        registry.threads().all(|t| t.identity.load(Acquire) == DETACHED) && (early || registry.nobody_away())
    }

    /// By an attached thread: the others are to detach, and those that attach wait. False if another one has stopped this thread.
    pub fn begin_stop(&self, t: &Thread) -> bool {
        let mut registry = self.0.lock();
        if registry.stopper != 0 && registry.stopper != t.id {
            return false;
        }
        registry.stopper = t.id;
        registry.stops += 1;
        if registry.stops == 1 {
            registry.threads().filter(|w| w.id != t.id).for_each(|w| {
                w.breaker.fetch_or(STOP, Relaxed);
                w.ask(STOP);
            });
            if !mutant!("stop-without-barrier") {
                fence_or_heavy_barrier(); // pairs with the light barriers in `attach`
            }
        }
        true
    }

    /// How many but `t` have not stopped yet. Acquire: pairs with the Release of a detach, so that what they did is seen.
    pub fn running_beside(&self, t: &Thread) -> u32 {
        let order = if mutant!("stopped-relaxed") { Relaxed } else { Acquire };
        let runs = |w: &&Thread| w.id != t.id && w.identity.load(order) != DETACHED;
        self.0.lock().threads().filter(runs).count() as u32 // numbers of threads fit
    }

    /// Undoes one [`Owners::begin_stop`]; true if the others may go on.
    pub fn end_stop(&self, t: &Thread) -> Option<bool> {
        let mut registry = self.0.lock();
        (registry.stopper == t.id && t.id != 0).then(|| registry.end_stop())
    }

    /// For an interpreter that is made anew in the same place: nobody is inside any more. What has died of what was still handed
    /// over.
    pub fn reset(&self) -> Queue {
        let mut registry = self.0.lock();
        let dead = registry.retire_all().unwrap_or_default(); // without memory they are leaked
        *registry = Registry::new();
        dead
    }
}

impl Registry {
    const fn new() -> Registry {
        Registry { seats: Vec::new(), pending: false, closing: false, stopper: 0, stops: 0 }
    }

    /// By who has taken out one whose destructor was pending: whether there are more. Who brings another says so after it.
    pub fn leave_pending(&mut self, more: bool) {
        self.pending = more && !mutant!("takes-all-pending");
    }

    /// A fresh token for a new owner, for which there is room.
    pub fn seat_for(&mut self, thread: Option<&'static Thread>) -> u32 {
        let token = token::fresh(); // under the mutex, so that the seats stay in order
        self.seats.push(Seat { token, thread, queue: Vec::new(), frozen: false });
        if let Some(t) = thread {
            let closed = if self.closing && !mutant!("joins-unaware-of-close") { CLOSED } else { 0 };
            let handed = if self.pending && !mutant!("joins-unaware-of-pending") { HANDED } else { 0 };
            let stop = if self.stopper != 0 && !mutant!("joins-unaware-of-stop") { STOP } else { 0 };
            t.breaker.fetch_or(closed | handed | stop, Relaxed);
        }
        token
    }

    /// All tokens are retired, while nobody counts under one of them. The dead; None, and nothing is changed, if there is no memory.
    fn retire_all(&mut self) -> Option<Queue> {
        let mut dead = Queue::new();
        dead.try_reserve(self.seats.iter().map(|seat| seat.queue.len()).sum()).ok()?;
        self.seats.drain(..).for_each(|mut seat| dead.append(&mut seat.merge(false)));
        Some(dead)
    }

    fn seat(&mut self, token: u32) -> Option<&mut Seat> {
        let at = self.seats.binary_search_by_key(&token, |seat| seat.token).ok()?;
        Some(&mut self.seats[at])
    }

    /// Not by its token, which may be NOBODY.
    fn place(&self, t: &Thread) -> Option<usize> {
        self.seats.iter().position(|seat| seat.thread.is_some_and(|w| w.id == t.id))
    }

    /// In a forked child: of the threads only `survivor` exists. What was handed to the others is merged; `dead` takes what has
    /// died of it.
    pub fn forget_others(&mut self, survivor: Option<&Thread>, mut dead: impl FnMut(&'static Object)) {
        self.pending = true;
        if self.stopper != 0 && survivor.is_none_or(|s| s.id != self.stopper) {
            self.stops = 1;
            self.end_stop();
        }
        self.seats.retain_mut(|seat| {
            if seat.thread.is_none_or(|t| survivor.is_some_and(|s| s.id == t.id)) {
                seat.frozen = false;
                return true;
            }
            seat.merge(false).into_iter().for_each(&mut dead);
            false
        });
    }

    fn end_stop(&mut self) -> bool {
        self.stops -= 1;
        if self.stops != 0 {
            return false;
        }
        self.stopper = 0;
        for w in self.threads() {
            // Release: pairs with the Acquire of the breaker in `acquire`, so that what the stopper did is seen.
            w.breaker.fetch_and(!STOP, if mutant!("resume-relaxed") { Relaxed } else { Release });
            w.poll.fetch_and(!STOP, Relaxed);
        }
        true
    }

    fn nobody_away(&self) -> bool {
        self.threads().all(|t| t.away.load(Relaxed) == 0)
    }

    fn threads(&self) -> impl Iterator<Item = &'static Thread> {
        self.seats.iter().filter_map(|seat| seat.thread)
    }

    fn tell(&self, breaker: u32, poll: u32) {
        for t in self.threads() {
            t.breaker.fetch_or(breaker, Relaxed);
            t.ask(poll);
        }
    }
}

impl Seat {
    /// After this the thread looks before it counts plainly again, if it is detached now.
    fn freeze(&mut self, w: &Thread) {
        w.ask(SERVE);
        if !self.frozen {
            w.breaker.fetch_or(HANDED, Relaxed);
            if !mutant!("freeze-without-barrier") {
                fence_or_heavy_barrier(); // pairs with the light barriers in `attach`
            }
            self.frozen = true;
        }
    }

    /// By the thread, or while it is detached and frozen, or retired. The queue keeps the dead.
    fn merge(&mut self, pending: bool) -> Queue {
        let mut queue = std::mem::take(&mut self.queue);
        queue.retain(|o| merge(o, self.token, 1));
        self.frozen = mutant!("stays-frozen") && self.frozen;
        if (!pending || mutant!("thaws-while-pending")) && let Some(t) = self.thread {
            t.breaker.fetch_and(!HANDED, if mutant!("thaw-relaxed") { Relaxed } else { Release }); // pairs with the Acquire of the breaker in `acquire`
        }
        queue
    }
}
