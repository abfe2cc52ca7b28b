//! Letting go: to whoever comes first, to the next in the queue, or to the next and back.

use super::word::*;
use super::*;
use crate::sync::{fence_after_rmw, mutant};
use crate::thread::{CLOSED, DETACHED, DROP};

impl Gil {
    /// Called by a release that found its breaker set; it has stored DETACHED into `self` already. Waits for nothing but
    /// the short mutex (S3, L3).
    #[inline]
    pub fn release_slow(&self, t: &'static Thread) {
        if !self.free_held(t) {
            self.release_in_mutex(t);
        }
        self.tell_closer(t);
    }

    /// By a thread that has let the lock go: whoever closes its interpreter may wait for that.
    fn tell_closer(&self, t: &Thread) {
        fence_after_rmw(); // pairs with the fence in `close`: either the closer sees the lock free, or this thread sees CLOSED
        if t.breaker.load(Relaxed) & CLOSED != 0 {
            self.departed();
        }
    }

    /// Frees the lock by one CAS, if nobody is to be told. False: it is still to be released, in the mutex.
    #[inline]
    pub fn free_held(&self, t: &'static Thread) -> bool {
        let mut seen = self.word();
        if mutant!("release-plain-store") && seen.held_by(t.id) {
            self.word.store(seen.without(HELD).0, Release);
            return true;
        }
        // Not for a bias: its revoker may have found us attached, be about to queue, and count on the mutex.
        while seen.held_by(t.id) && !seen.has(BIASED | FAIR) && (!seen.has(WAITERS) || seen.has(WAKING)) {
            // Release: pairs with the Acquire in `try_word` and `wait`. Fails when a waiter changes a flag.
            let order = if mutant!("word-release-relaxed") { Relaxed } else { Release };
            match self.word.compare_exchange_weak(seen.0, seen.without(HELD).0, order, Relaxed) {
                Ok(_) => return true,
                Err(now) => seen = Word(now),
            }
        }
        !seen.held_by(t.id) // revoked, and the lock is another's
    }

    #[cold]
    fn release_in_mutex(&self, t: &'static Thread) {
        if mutant!("release-trusts-bias") && self.word().has(BIASED) {
            return;
        }
        let mut inner = self.inner.lock();
        let seen = self.word();
        if !seen.held_by(t.id) || seen.has(BIASED) {
            return; // revoked, and the lock is another's; or an idle bias that stays one
        }
        let ring = self.let_go(t, &mut inner, seen);
        drop(inner);
        ring.iter().flatten().for_each(|w| w.bed.ring());
    }

    /// Under the mutex, by the holder: frees the lock or hands it over. Whom to ring after the mutex.
    pub(super) fn let_go(&self, t: &'static Thread, inner: &mut Inner, seen: Word) -> Rings {
        t.poll.fetch_and(!DROP, Relaxed); // before it lets go, never after it is back (S2)
        if inner.sched.waiters() == 0 {
            inner.asked = false;
            let free = seen.without(HELD | WAITERS | WAKING | FAIR);
            self.word.store(free.0, Release); // held by us, so nobody else changes it outside the mutex
            return [None; 2];
        }
        let now = crate::sync::now();
        let ran = inner.charge(t, now);
        if seen.has(FAIR) || inner.sched.due(now, ran).handoff <= now {
            let next = self.hand_over(inner, seen, now, 0);
            return [next, self.entrust(inner, now)];
        }
        let wake = if seen.has(WAKING) { None } else { inner.wake_next(now) };
        self.word.store(seen.without(HELD).with(WAITERS | WAKING).0, Release); // pairs with the Acquire in `win`, `wait`
        [wake, None]
    }

    /// Under the mutex, by the holder of a lock that has waiters: the next holder is the one whom the schedule names.
    pub(super) fn hand_over(&self, inner: &mut Inner, seen: Word, now: Ns, flags: u64) -> Option<&'static Thread> {
        let n = inner.sched.next(now).and_then(|m| inner.thread(m))?;
        inner.depart(n, now);
        inner.sched.handed_over(now);
        inner.counters.handoffs += 1;
        inner.asked = false;
        self.note_holder(n);
        n.since.store(NOT_YET, Relaxed);
        n.streak.store(0, Relaxed);
        // Attached first (A4, L25): once answered, the next holder may release, and a late store would attach a thread
        // that has left. All three are published by the Release of the answer.
        if !mutant!("grant-before-attach") {
            n.identity.store(n.token.load(Relaxed), Relaxed);
        }
        let next = seen.without(FAIR | WAITERS | WAKING).taken_by(n.id).with(inner.flags() | flags);
        self.word.store(next.0, Release); // pairs with the Acquire in `Gil::tell`
        n.bed.answer(crate::park::GRANTED);
        if mutant!("grant-before-attach") {
            n.identity.store(n.token.load(Relaxed), Relaxed);
        }
        Some(n)
    }

    /// Hands the lock to a waiter now and queues for it again; returns attached whatever happens. False when nobody
    /// waits, and nothing happened. For `gil_yield`, and for a poll that was asked to drop.
    pub fn give_way(&self, t: &'static Thread, asked: bool) -> bool {
        let mut inner = self.inner.lock();
        let seen = self.word();
        match mutant!("poll-whole-word") {
            false => _ = t.poll.fetch_and(!DROP, Relaxed),
            true => t.poll.store(0, Relaxed),
        }
        if inner.sched.waiters() == 0 || !seen.held_by(t.id) {
            return false;
        }
        self.count_away(t, 1);
        t.identity.store(DETACHED, Release); // pairs with the Acquire of whoever reads `self`
        let now = crate::sync::now();
        inner.charge(t, now);
        inner.counters.forced_drops += u64::from(asked);
        // The grant says WAITERS already: once answered, the next holder may be gone again before this thread has queued.
        let again = if mutant!("flag-after-grant") { 0 } else { WAITERS };
        let next = self.hand_over(&mut inner, seen, now, again);
        let seen = match mutant!("flag-after-grant") {
            false => self.word(),
            true => self.update(&mut inner, |s| s.with(WAITERS)),
        };
        // This thread is awake and about to sleep, so it keeps the time itself: nobody need be woken for that.
        let returned = self.queue(t, Wait::Return, inner, seen.holder(), [next, None]);
        debug_assert!(returned.is_ok());
        self.count_away(t, u32::MAX);
        true
    }

    /// A poll under GIL_POLICY_TICKS.
    pub fn count_tick(&self, t: &'static Thread) {
        let ticks = t.ticks.load(Relaxed) + 1;
        t.ticks.store(ticks % crate::sched::TICKS, Relaxed);
        if ticks == crate::sched::TICKS {
            self.tick(t);
        }
    }

    /// Python 2's check interval: lets the lock go and competes for it again at once.
    fn tick(&self, t: &'static Thread) {
        if self.word().has(WAITERS) {
            self.count_away(t, 1);
            t.identity.store(DETACHED, Release);
            self.release_slow(t);
            t.identity.store(t.token.load(Relaxed), Relaxed);
            let returned = if self.try_word(t) { self.admit(t, Wait::Return) } else { self.win_in_mutex(t, Wait::Return) };
            debug_assert!(returned.is_ok());
            self.count_away(t, u32::MAX);
        }
    }

    /// Counts the thread among those that come back whatever happens (A5), or no longer.
    fn count_away(&self, t: &Thread, change: u32) {
        t.away.store(t.away.load(Relaxed).wrapping_add(change), Relaxed); // published by the next release
    }
}

/// Whom to ring once the mutex is unlocked (L9).
pub(super) type Rings = [Option<&'static Thread>; 2];

/// Under the mutex: a sleeper that was answered nothing shall look again. The caller rings it.
pub(super) fn poke(w: &Thread) {
    w.bed.answer(crate::park::POKED);
}

impl Inner {
    /// Chooses who is woken to try; the word must then say WAKING. Whom to ring.
    pub(super) fn wake_next(&mut self, now: Ns) -> Option<&'static Thread> {
        let w = self.sched.next(now).and_then(|m| self.thread(m))?;
        self.waking = w.id;
        poke(w);
        Some(w)
    }

    /// What the word says about the queue.
    pub(super) fn flags(&self) -> u64 {
        let waiters = if self.sched.waiters() > 0 { WAITERS } else { 0 };
        waiters | if self.waking != 0 { WAKING } else { 0 }
    }
}
