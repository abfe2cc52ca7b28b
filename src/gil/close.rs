//! The end of a lock, and what the end of a thread or a fork does to it.

use super::word::*;
use super::*;
use crate::sync::mutant;
use crate::thread::{CLOSE, DETACHED, DROP, UNBIASED};

impl Gil {
    /// From now on acquires from depth 0 are refused, and so are those that wait. Ok: nobody is inside, nobody will be.
    /// Busy: somebody holds the lock, or has left it for a region that it will come back from (A5).
    pub fn close(&self) -> Result<(), Status> {
        let early = mutant!("close-reads-away-first") && self.inner.lock().someone_away();
        let mut inner = self.inner.lock();
        // From here no CAS from outside the mutex succeeds.
        let seen = self.update(&mut inner, |s| s.with(CLOSING));
        if seen.has(BIASED) && !mutant!("close-forgets-bias") {
            self.revoke(&mut inner, seen);
        }
        // After the word and `self`: whoever left the lock for a region has said so before.
        let away = if mutant!("close-reads-away-first") { early } else { inner.someone_away() };
        self.refuse_waiters(&mut inner);
        // The keeper may have been among the refused.
        let keep = self.entrust(&mut inner, crate::sync::now());
        let (seen, wake) = self.remain(&mut inner, crate::sync::now());
        if seen.has(HELD) {
            self.table.at(seen.holder()).poll.fetch_or(CLOSE, Relaxed);
        }
        drop(inner);
        keep.iter().chain(&wake).for_each(|w| w.bed.ring());
        if seen.has(HELD) || away { Err(Status::Busy) } else { Ok(()) }
    }

    /// Under the mutex, when waiters have left otherwise than with the lock: the word says so, and if one of them was on its
    /// way to a free lock, another of those who stay is woken to try instead. The word, and whom to ring.
    fn remain(&self, inner: &mut Inner, now: Ns) -> (Word, Option<&'static Thread>) {
        let flags = inner.flags();
        let seen = self.update(inner, |s| s.without(WAITERS | WAKING).with(flags));
        if seen.has(HELD | WAKING) || !seen.has(WAITERS) || mutant!("close-wakes-no-first") {
            return (seen, None);
        }
        let wake = inner.wake_next(now);
        (self.update(inner, |s| s.with(WAKING)), wake)
    }

    /// Rings under the mutex: there may be any number of them, and no room to remember whom.
    fn refuse_waiters(&self, inner: &mut Inner) {
        for m in 0..inner.seats.len() {
            let Seat { thread: Some(w), returns } = inner.seats[m] else { continue };
            if returns || !inner.sched.waits(Member(m as u32)) {
                continue;
            }
            inner.depart(w, crate::sync::now());
            w.bed.answer(crate::park::CLOSED);
            w.bed.ring();
        }
    }

    /// Somebody has left a closing lock.
    pub fn departed(&self) {
        self.departures.fetch_add(1, Release); // pairs with the Acquire in `departures`
        crate::sys::futex::wake_all(&self.departures);
    }

    /// Changes when somebody leaves a closing lock: to be read before [`Gil::close`], for [`Gil::await_departure`].
    pub fn departures(&self) -> u32 {
        self.departures.load(Acquire)
    }

    pub fn await_departure(&self, seen: u32, deadline: Ns) {
        crate::sys::futex::wait(&self.departures, seen, deadline);
    }

    /// The thread ends, or its state is given up: whatever it still has of the lock goes (L16). True if it was attached,
    /// or inside a region.
    pub fn abandon(&self, t: &'static Thread) -> bool {
        let mut inner = self.inner.lock();
        let away = t.away.swap(0, Relaxed) != 0;
        // Release: pairs with the Acquire of whoever reads `self`.
        let attached = t.identity.swap(DETACHED, Release) != DETACHED;
        t.depth.store(0, Relaxed);
        let mut ring = [None; 2];
        if inner.sched.waits(member(t)) {
            // Cancelled in its sleep.
            let now = crate::sync::now();
            inner.depart(t, now);
            ring = [self.remain(&mut inner, now).1, self.entrust(&mut inner, now)];
        }
        let seen = self.word();
        if seen.held_by(t.id) {
            t.breaker.fetch_or(UNBIASED, Relaxed);
            ring = self.let_go(t, &mut inner, seen.without(BIASED));
        }
        drop(inner);
        ring.iter().flatten().for_each(|w| w.bed.ring());
        if seen.has(CLOSING) {
            self.departed();
        }
        attached || away
    }

    /// For an interpreter that is made anew in the same place: nobody uses the lock.
    pub fn reset(&self) {
        let mut inner = self.inner.lock();
        let (policy, slice) = (inner.sched.policy(), inner.sched.slice());
        *inner = Inner::new(policy, slice);
        self.earned.store(if cfg!(loom) { u32::MAX } else { 0 }, Relaxed);
        self.word.store(Word::NEW, Relaxed);
    }

    /// In a forked child, by its only thread, which holds the mutex: the others do not exist any more (L15). Their states
    /// are handed to `bury`; the lock stays held only by the survivor.
    pub fn reset_after_fork(
        &self,
        inner: &mut Inner,
        survivor: Option<&'static Thread>,
        mut bury: impl FnMut(&'static Thread),
    ) {
        inner.sched.forget_waiters();
        inner.keeper = None;
        inner.waking = 0;
        inner.asked = false;
        for m in 0..inner.seats.len() {
            let Some(t) = inner.seats[m].thread.filter(|t| survivor.is_none_or(|s| s.id != t.id)) else { continue };
            inner.seats[m].thread = None;
            inner.acquires_before += t.acquires.load(Relaxed);
            inner.sched.leave(Member(m as u32));
            bury(t);
        }
        let seen = self.word();
        let ours = survivor.is_some_and(|s| seen.held_by(s.id));
        let flags = WAITERS | WAKING | FAIR | if ours { 0 } else { HELD | BIASED };
        self.word.store(seen.without(flags).0, Relaxed);
        if let Some(s) = survivor {
            s.poll.fetch_and(!DROP, Relaxed);
            if !(ours && seen.has(BIASED)) {
                s.breaker.fetch_or(UNBIASED, Relaxed);
            }
        }
    }
}

impl Inner {
    pub fn someone_away(&self) -> bool {
        self.threads().any(|t| t.away.load(Relaxed) != 0)
    }
}
