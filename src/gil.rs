//! The lock of an interpreter: one word, a mutex around the queue and its schedule, and the threads' own words.
//!
//! | file | idea |
//! |---|---|
//! | `word` | the lock word and its table |
//! | `acquire` | winning it: by CAS, by revoking an idle bias, or by queueing |
//! | `wait` | the queue: who sleeps, who keeps the time, who gives up |
//! | `release` | letting go, handing over, giving way |
//! | `bias` | plain stores for a thread that is alone, until somebody else comes |
//! | `close` | the end, and what a fork or the exit of a thread does to the lock |
//!
//! The fast paths are in `attach`: they touch only the thread's own words, and come here when `breaker` is not zero.

mod acquire;
mod bias;
mod close;
mod release;
mod wait;
pub mod word;

use crate::sched::{Member, Ns, Policy, Sched};
use crate::status::Status;
use crate::sync::{AtomicU32, AtomicU64, Guard, Mutex, Ordering::*, OwnU32, OwnU64};
use crate::thread::{Thread, UNBIASED};
use crate::thread::table::Table;
use crate::watch::counters::Counters;
use std::ffi::c_void;
use word::*;

/// In `Thread::since`: the lock was granted, but the thread has not run yet. Runtime is charged from when it runs.
pub const NOT_YET: Ns = 0;
/// In `Thread::since`: nobody waited when the thread took the lock, so no clock was read.
pub const LONG_AGO: Ns = 1;

/// The number of the state that is no thread's: whoever merges on behalf of those that are not attached holds the lock as it,
/// one at a time. It never queues, never has a bias, and is no member of a schedule.
pub const HELPER: u32 = 0;

/// How an acquire waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    Forever,
    /// Nanoseconds of the monotonic clock.
    Until(Ns),
    /// Not at all.
    Try,
    /// The way back into an attachment that was left (a region, a poll): closing does not refuse it (A5).
    Return,
}

impl Wait {
    pub fn deadline(self) -> Ns {
        match self {
            Wait::Until(deadline) => deadline,
            _ => Ns::MAX,
        }
    }
}

#[derive(Debug)]
pub struct Gil {
    word: AtomicU64,
    /// What whoever has the lock can do for any interpreter that has it: set before [`Gil::tell`], and looked at by every release.
    /// They stand beside the word because a release looks at both.
    pub requests: AtomicU32,
    /// How many interpreters have it beside the first. Changes under the mutex of all interpreters.
    pub others: OwnU32,
    /// How many acquisitions in a row earn a bias: none for the first ever, later [`bias::EARNED`].
    earned: OwnU32,
    /// Changes whenever somebody leaves a closing lock; the closer sleeps on it.
    departures: AtomicU32,
    /// The number of the thread that the lock word names, or last named: states serve others after their thread has ended.
    last: OwnU64,
    inner: Mutex<Inner>,
    table: &'static Table,
}

/// What the mutex protects.
#[derive(Debug)]
pub struct Inner {
    sched: Sched,
    /// By member: the thread, and how it waits.
    seats: Vec<Seat>,
    /// The waiter whose sleep ends when something is due (S2): there is no timer thread.
    keeper: Option<Keeper>,
    /// The number of the waiter that a release has woken to try; 0 when WAKING is not set.
    waking: u32,
    /// The hold that the woken waiter has seen: whose, and its number.
    glimpsed: (u32, u64),
    /// The hold that was charged last, as [`hold`] names it.
    charged: (u32, u64),
    /// The present holder has been asked to drop.
    asked: bool,
    bias: bias::History,
    /// Acquisitions by threads that have left.
    acquires_before: u64,
    pub counters: Counters,
}

#[derive(Debug, Clone, Copy)]
struct Seat {
    thread: Option<&'static Thread>,
    /// On its way back into an attachment: closing does not refuse it.
    returns: bool,
}

#[derive(Debug, Clone, Copy)]
struct Keeper {
    id: u32,
    until: Ns,
}

impl Gil {
    #[cfg(not(loom))]
    pub const fn new(table: &'static Table, policy: Policy, slice: Ns) -> Gil {
        Gil {
            word: AtomicU64::new(Word::NEW),
            requests: AtomicU32::new(0),
            others: OwnU32::new(0),
            earned: OwnU32::new(0),
            departures: AtomicU32::new(0),
            last: OwnU64::new(0),
            inner: Mutex::new(Inner::new(policy, slice)),
            table,
        }
    }

    #[cfg(loom)]
    pub fn new(table: &'static Table, policy: Policy, slice: Ns) -> Gil {
        Gil {
            word: AtomicU64::new(Word::NEW),
            requests: AtomicU32::new(0),
            others: OwnU32::new(0),
            earned: OwnU32::new(u32::MAX),
            departures: AtomicU32::new(0),
            last: OwnU64::new(0),
            inner: Mutex::new(Inner::new(policy, slice)),
            table,
        }
    }

    /// A new thread, before its first acquire. The only function here that allocates.
    pub fn join(&self, t: &'static Thread) -> Result<(), Status> {
        let mut inner = self.inner.lock();
        let member = inner.sched.join().map_err(|_| Status::Nomem)?;
        let index = member.0 as usize;
        if index >= inner.seats.len() {
            if inner.seats.try_reserve(1).is_err() {
                inner.sched.leave(member);
                return Err(Status::Nomem);
            }
            inner.seats.resize(index + 1, Seat { thread: None, returns: false });
        }
        inner.seats[index].thread = Some(t);
        t.member.store(member.0, Relaxed);
        if inner.sched.policy() == Policy::Ticks {
            t.poll.fetch_or(crate::thread::TICK, Relaxed);
        }
        Ok(())
    }

    /// The thread is gone. It neither holds nor waits, and owns no bias: see [`Gil::abandon`].
    pub fn leave(&self, t: &'static Thread) {
        let mut inner = self.inner.lock();
        inner.vacate(t, member(t));
        self.forget_last(&mut inner, t.id);
    }

    /// As [`Gil::leave`], for all the threads of which `gone` says so.
    pub fn forget(&self, gone: impl Fn(&Thread) -> bool) {
        let mut inner = self.inner.lock();
        for m in 0..inner.seats.len() {
            if let Some(t) = inner.seats[m].thread.filter(|t| gone(t)) {
                inner.vacate(t, Member(m as u32));
                self.forget_last(&mut inner, t.id);
            }
        }
    }

    /// From now on. Who keeps the time by the old interval is woken, so that a shorter one does not wait for it.
    pub fn set_slice(&self, slice: Ns) {
        let mut inner = self.inner.lock();
        inner.sched.set_slice(slice);
        inner.keeper = None;
        let poked = self.entrust(&mut inner, crate::sync::now());
        drop(inner);
        poked.inspect(|w| w.bed.ring());
    }

    /// By the holder, whose interpreter has no lock from now on.
    pub fn hand_in(&self, t: &'static Thread) {
        let mut inner = self.inner.lock();
        t.breaker.fetch_or(UNBIASED, Relaxed);
        let ring = self.let_go(t, &mut inner, self.word().without(BIASED));
        drop(inner);
        ring.iter().flatten().for_each(|w| w.bed.ring());
    }

    /// All threads of an interpreter that has the lock.
    pub fn each_of(&self, interp: *const c_void, f: impl FnMut(&'static Thread)) {
        self.inner.lock().threads_of(interp).for_each(f);
    }

    pub fn has_any_of(&self, interp: *const c_void, f: impl FnMut(&'static Thread) -> bool) -> bool {
        self.inner.lock().threads_of(interp).any(f)
    }

    /// Whoever gets the state of a thread that has left is another thread: the lock changes hands when it takes it.
    fn forget_last(&self, inner: &mut Inner, id: u32) {
        if self.word().holder() == id && !self.word().has(HELD) {
            self.update(inner, |s| if s.has(HELD) || s.holder() != id { s } else { s.of_nobody() });
        }
    }

    /// The number of the thread that holds the lock or held it last; 0 if none has. Async-signal-safe.
    pub fn last_holder(&self) -> u64 {
        self.last.load(Relaxed)
    }

    /// By whoever makes the lock word name another thread. Not for the helper, which holds it for others.
    fn note_holder(&self, t: &Thread) {
        if t.id != HELPER {
            self.last.store(t.serial.load(Relaxed), Relaxed);
        }
    }

    /// The mutex, for statistics, settings and the fork.
    pub fn lock_inner(&self) -> Guard<'_, Inner> {
        self.inner.lock()
    }

    pub fn is_shared(&self) -> bool {
        self.others.load(Relaxed) != 0
    }

    /// Relaxed: what follows from it is checked again by a CAS or under the mutex.
    pub fn word(&self) -> Word {
        Word(self.word.load(Relaxed))
    }

    /// Whether the lock is this thread's, whose `self` says attached (A7). Async-signal-safe.
    ///
    /// With the bias `self` is the lock. Without it the word is; but while a revoker has set UNBIASED and not yet stored the
    /// word, the word cannot be believed (A3), and is awaited: the revoker is about to store it.
    pub fn held_by(&self, t: &Thread) -> bool {
        loop {
            let seen = self.word();
            if !seen.held_by(t.id) || !seen.has(BIASED) || t.breaker.load(Relaxed) & UNBIASED == 0 {
                return seen.held_by(t.id);
            }
            std::thread::yield_now();
        }
    }

    /// Makes the holder look at [`Gil::requests`] (S5), which the caller has set: at its next poll, and with `breaker`
    /// at its next release or acquire too. Async-signal-safe.
    pub fn tell(&self, poll: u32, breaker: u32) {
        // After the request: either we see the holder here, or the holder's fence after its grant shows it the request.
        crate::sync::fence_after_rmw();
        let mut seen = Word(self.word.load(Acquire)); // pairs with the Release of whoever stored the holder
        loop {
            if seen.has(HELD) {
                let holder = self.table.at(seen.holder());
                holder.ask(poll);
                if breaker != 0 {
                    holder.breaker.fetch_or(breaker, Relaxed);
                    if seen.has(BIASED) {
                        crate::sync::heavy_barrier();
                    }
                }
            }
            let now = Word(self.word.load(SeqCst));
            if (now.holder(), now.epoch(), now.has(HELD)) == (seen.holder(), seen.epoch(), seen.has(HELD)) {
                return;
            }
            seen = now;
        }
    }

    /// One RMW on the word, under the mutex; the new value.
    fn update(&self, _inner: &mut Inner, f: impl Fn(Word) -> Word) -> Word {
        let mut old = self.word();
        loop {
            let new = f(old);
            // Release and Acquire: a free lock changes hands here too.
            match self.word.compare_exchange(old.0, new.0, AcqRel, Relaxed) {
                Ok(_) => return new,
                Err(now) => old = Word(now),
            }
        }
    }
}

impl Inner {
    const fn new(policy: Policy, slice: Ns) -> Inner {
        Inner {
            sched: Sched::new(policy, slice),
            seats: Vec::new(),
            keeper: None,
            waking: 0,
            glimpsed: (0, 0),
            charged: (0, 0),
            asked: false,
            bias: bias::History::new(),
            acquires_before: 0,
            counters: Counters::new(),
        }
    }

    pub fn sched(&mut self) -> &mut Sched {
        &mut self.sched
    }

    /// The states of all threads of this lock.
    pub fn threads(&self) -> impl Iterator<Item = &'static Thread> {
        self.seats.iter().filter_map(|s| s.thread)
    }

    /// Outermost acquisitions so far, by all threads, fast ones included.
    pub fn acquires(&self) -> u64 {
        self.acquires_before + self.threads().map(|t| t.acquires.load(Relaxed)).sum::<u64>()
    }

    fn vacate(&mut self, t: &Thread, m: Member) {
        self.seats[m.0 as usize].thread = None;
        self.sched.leave(m);
        self.acquires_before += t.acquires.load(Relaxed);
    }

    fn thread(&self, m: Member) -> Option<&'static Thread> {
        self.seats[m.0 as usize].thread
    }

    /// How long `holder` has held the lock. What ran while nobody waited counts as one slice at the most: no clock was
    /// read then, and nobody was kept waiting.
    fn ran(&self, holder: &Thread, now: Ns) -> Ns {
        match holder.since.load(Relaxed) {
            NOT_YET => 0,
            since => now.saturating_sub(since).min(self.sched.slice().saturating_add(self.sched.watched(now))),
        }
    }

    /// Closes the account of a holder that lets go; for how long it ran. The helper has none: it holds for an instant, for
    /// others.
    fn charge(&mut self, t: &Thread, now: Ns) -> Ns {
        if t.id == HELPER {
            return 0;
        }
        let ran = self.ran(t, now);
        self.sched.charge(member(t), ran);
        t.since.store(now, Relaxed); // or a holder that barges back would be charged for the same time again
        self.charged = hold(t);
        self.counters.held(ran);
        ran
    }
}

fn member(t: &Thread) -> Member {
    Member(t.member.load(Relaxed))
}

/// The present or last hold of a thread: whose, and its number. Read by who has seen the thread take the lock or let it go.
fn hold(t: &Thread) -> (u32, u64) {
    (t.id, t.acquires.load(Relaxed))
}
