//! The end of a lock, and what the end of a thread or a fork does to it.

use super::word::*;
use super::*;
use crate::sync::{full_fence, mutant};
use crate::thread::{CLOSE, CLOSED, DETACHED, DROP, UNBIASED};
use std::ffi::c_void;
use std::ptr;

impl Gil {
    /// From now on acquires from depth 0 by the threads of the interpreter `of` are refused, and so are those that wait. Ok: none of
    /// them is inside, none will be. Busy: one holds the lock, or has left it for a region that it will come back from (A5).
    pub fn close(&self, of: *const c_void) -> Result<(), Status> {
        let early = mutant!("close-reads-away-first") && self.inner.lock().someone_away(of);
        let mut inner = self.inner.lock();
        for t in inner.threads_of(of) {
            t.breaker.fetch_or(CLOSED, Relaxed);
            t.ask(CLOSE);
        }
        // Pairs with the fences in `admit` and `tell_closer`: who wins the lock unseen by what follows lets it go again, and who
        // lets it go tells.
        if !mutant!("close-unfenced") {
            full_fence();
        }
        // Acquire: pairs with the Release of whoever let the lock go, so that what it did is seen.
        let mut seen = Word(self.word.load(Acquire));
        if seen.has(BIASED) && !mutant!("close-forgets-bias") {
            seen = self.revoke(&mut inner, seen);
        }
        let held = seen.has(HELD) && is_of(self.table.at(seen.holder()), of);
        // After the word and `self`: whoever left the lock for a region has said so before.
        let away = if mutant!("close-reads-away-first") { early } else { inner.someone_away(of) };
        self.refuse_waiters(&mut inner, of);
        // The keeper may have been among the refused.
        let keep = self.entrust(&mut inner, crate::sync::now());
        let wake = self.remain(&mut inner, crate::sync::now());
        drop(inner);
        keep.iter().chain(&wake).for_each(|w| w.bed.ring());
        if held || away { Err(Status::Busy) } else { Ok(()) }
    }

    /// Under the mutex, when waiters have left otherwise than with the lock: the word says so, and if one of them was on its
    /// way to a free lock, another of those who stay is woken to try instead. Whom to ring.
    fn remain(&self, inner: &mut Inner, now: Ns) -> Option<&'static Thread> {
        let flags = inner.flags();
        let seen = self.update(inner, |s| s.without(WAITERS | WAKING).with(flags));
        if seen.has(HELD | WAKING) || !seen.has(WAITERS) || mutant!("close-wakes-no-first") {
            return None;
        }
        let wake = inner.wake_next(now);
        self.update(inner, |s| s.with(WAKING));
        wake
    }

    /// Rings under the mutex: there may be any number of them, and no room to remember whom.
    fn refuse_waiters(&self, inner: &mut Inner, of: *const c_void) {
        for m in 0..inner.seats.len() {
            let Seat { thread: Some(w), returns } = inner.seats[m] else { continue };
            if returns || !is_of(w, of) || !inner.sched.waits(Member(m as u32)) {
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
            ring = [self.remain(&mut inner, now), self.entrust(&mut inner, now)];
        }
        let seen = self.word();
        if seen.held_by(t.id) {
            t.breaker.fetch_or(UNBIASED, Relaxed);
            ring = self.let_go(t, &mut inner, seen.without(BIASED));
        }
        drop(inner);
        ring.iter().flatten().for_each(|w| w.bed.ring());
        if t.breaker.load(Relaxed) & CLOSED != 0 {
            self.departed(); // set under the mutex: seen, or the closer has seen what this thread left
        }
        attached || away
    }

    /// No interpreter has the lock any more, and nobody uses it: it may become another's.
    pub fn reset(&self) {
        let mut inner = self.inner.lock();
        let (policy, slice) = (inner.sched.policy(), inner.sched.slice());
        *inner = Inner::new(policy, slice);
        self.requests.store(0, Relaxed);
        self.earned.store(if cfg!(loom) { u32::MAX } else { 0 }, Relaxed);
        self.last.store(0, Relaxed);
        self.word.store(Word::NEW, Relaxed);
    }

    /// In a forked child, by its only thread, which holds the mutex: the others do not exist any more (L15). Their states
    /// are handed to `bury`; the lock stays held only by one of those that survive, the forking thread's own.
    pub fn reset_after_fork(
        &self,
        inner: &mut Inner,
        survives: impl Fn(&Thread) -> bool,
        mut bury: impl FnMut(&'static Thread),
    ) {
        inner.sched.forget_waiters();
        inner.keeper = None;
        inner.waking = 0;
        inner.asked = false;
        for m in 0..inner.seats.len() {
            let Some(t) = inner.seats[m].thread.filter(|t| !survives(t)) else { continue };
            inner.vacate(t, Member(m as u32));
            bury(t);
        }
        let seen = self.word();
        let ours = seen.has(HELD) && survives(self.table.at(seen.holder()));
        let flags = WAITERS | WAKING | FAIR | if ours { 0 } else { HELD | BIASED };
        let left = seen.holder() != 0 && !survives(self.table.at(seen.holder()));
        let next = seen.without(flags);
        self.word.store(if left { next.of_nobody() } else { next }.0, Relaxed);
        for s in inner.threads() {
            s.poll.fetch_and(!DROP, Relaxed);
            if !(seen.held_by(s.id) && seen.has(BIASED)) {
                s.breaker.fetch_or(UNBIASED, Relaxed);
            }
        }
    }
}

impl Inner {
    fn someone_away(&self, of: *const c_void) -> bool {
        self.threads_of(of).any(|t| t.away.load(Relaxed) != 0)
    }

    /// Those of one of the interpreters that have the lock.
    pub(super) fn threads_of(&self, of: *const c_void) -> impl Iterator<Item = &'static Thread> {
        self.threads().filter(move |t| is_of(t, of))
    }
}

fn is_of(t: &Thread, interp: *const c_void) -> bool {
    ptr::eq(t.interp.load(Relaxed), interp)
}
