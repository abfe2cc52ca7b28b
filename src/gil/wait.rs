//! The queue. Who is in it has been answered nothing and sleeps on its own word; whoever takes a thread out writes its
//! answer before unlocking. So "am I still in the queue?", asked under the mutex, settles every race between a deadline,
//! a grant and a close (A4, A9).
//!
//! Time is kept by those who wait. One of them, the keeper, sleeps only until the holder is due to be asked to drop. Who is about to sleep and has the earlier date becomes the keeper; when the keeper leaves,
//! the first in the queue is woken once to take over (S2).

use super::acquire::refuse;
use super::release::{Rings, poke};
use super::word::*;
use super::*;
use crate::park::{CLOSED, GRANTED};
use crate::sched::NEVER;
use crate::sync::{mutant, now};
use crate::thread::{DETACHED, DROP};

/// How long a waiter that was woken and came too late sleeps before it looks again. Meanwhile the word says that it is on the
/// way, so that others' releases are one CAS, instead of a wake-up across processors each 20 to 50 µs: 2.5 times as many pairs a
/// second for two threads that do nothing but acquire and release. A lock that falls free meanwhile stays so no longer.
const NAP: Ns = 30_000;

impl Gil {
    /// Under the mutex, on a lock that another holds and that says WAITERS: queues, rings whom the caller has answered,
    /// and sleeps until answered itself.
    pub(super) fn queue<'a>(
        &'a self,
        t: &'static Thread,
        how: Wait,
        mut inner: Guard<'a, Inner>,
        holder: u32,
        mut ring: Rings,
    ) -> Result<(), Status> {
        t.identity.store(DETACHED, Release); // pairs with the Acquire of whoever reads `self`; a granter attaches again
        t.bed.make();
        self.arrive(t, how, &mut inner, self.table.at(holder));
        loop {
            let until = self.tend(t, &mut inner, now());
            drop(inner);
            ring.iter().flatten().for_each(|w| w.bed.ring());
            t.bed.sleep(until.min(how.deadline()));
            if let Some(answer) = answered(t) {
                return answer;
            }
            // Woken to try, or to keep the time, or for nothing, or the deadline has passed.
            inner = self.inner.lock();
            if let Some(answer) = answered(t).filter(|_| !mutant!("timeout-drops-grant")) {
                return answer;
            }
            t.bed.make();
            let now = now();
            let expired = how.deadline() <= now;
            let taken = !(expired && mutant!("timeout-forgets-wake")) && self.try_from_queue(t, &mut inner, now, expired);
            if taken || expired {
                if !taken {
                    self.give_up(t, &mut inner, now);
                }
                ring = [self.entrust(&mut inner, now), None];
                drop(inner);
                ring.iter().flatten().for_each(|w| w.bed.ring());
                return if taken { Ok(()) } else { refuse(t, Status::Timeout) };
            }
            ring = [None; 2];
        }
    }

    fn arrive(&self, t: &'static Thread, how: Wait, inner: &mut Inner, holder: &'static Thread) {
        let now = now();
        let running = (holder.id != HELPER).then(|| (member(holder), inner.ran(holder, now)));
        inner.seats[member(t).0 as usize].returns = how == Wait::Return;
        inner.counters.contended += 1;
        if inner.sched.arrive(member(t), now, running) && !inner.asked {
            self.ask(inner);
        }
    }

    /// Under the mutex, by a waiter: takes a free lock if it was woken for that, is next anyway, or has to go.
    fn try_from_queue(&self, t: &'static Thread, inner: &mut Inner, now: Ns, expired: bool) -> bool {
        loop {
            let seen = self.word();
            let woken = inner.waking == t.id;
            if !seen.has(HELD) && !woken && !expired && inner.sched.next(now) != Some(member(t)) {
                return false;
            }
            let next = match () {
                // Others may barge meanwhile: hence a CAS. The flags are what will be true once this thread has left.
                _ if !seen.has(HELD) => {
                    let others = if inner.sched.waiters() > 1 { WAITERS } else { 0 };
                    let waking = if inner.waking != 0 && !woken { WAKING } else { 0 };
                    seen.without(WAITERS | WAKING).taken_by(t.id).with(others | waking)
                }
                // Came too late, and sleeps until the next release wakes somebody again; or stays the one that is on the way.
                _ if woken && (expired || !inner.is_barged(self.table.at(seen.holder()))) => seen.without(WAKING),
                _ => return false,
            };
            // Acquire: pairs with the Release that freed the lock.
            if self.word.compare_exchange(seen.0, next.0, Acquire, Relaxed).is_err() {
                continue;
            }
            if woken {
                inner.waking = 0;
            }
            if seen.has(HELD) {
                return false;
            }
            inner.charge_barger(self.table.at(seen.holder()), now);
            self.note_holder(t);
            inner.depart(t, now);
            inner.asked = false;
            t.since.store(now, Relaxed);
            t.streak.store(0, Relaxed);
            t.identity.store(t.token.load(Relaxed), Relaxed);
            return true;
        }
    }

    /// Under the mutex: leaves the queue of a held lock without an answer.
    fn give_up(&self, t: &'static Thread, inner: &mut Inner, now: Ns) {
        if !inner.sched.waits(member(t)) {
            return; // never but in the model that forgets to look for an answer
        }
        inner.depart(t, now);
        if inner.sched.waiters() == 0 {
            let seen = self.update(inner, |s| s.without(WAITERS | FAIR));
            if seen.has(HELD) {
                // Nobody is left who asked. The holder may release by CAS now, which clears nothing.
                self.table.at(seen.holder()).poll.fetch_and(!DROP, Relaxed);
            }
        }
    }

    /// Under the mutex, by a waiter before it sleeps: does what is due, and says until when it may sleep.
    fn tend(&self, t: &'static Thread, inner: &mut Inner, now: Ns) -> Ns {
        if inner.keeper.is_some_and(|k| k.id == t.id) {
            inner.keeper = None;
        }
        let nap = if inner.waking == t.id { now + NAP } else { NEVER };
        let seen = self.word();
        if !seen.has(HELD) {
            return nap; // somebody is on the way to it, if not this thread, and looks after those who stay
        }
        let holder = self.table.at(seen.holder());
        let due = inner.sched.due(now, inner.ran(holder, now));
        if due.drop <= now && !inner.asked {
            self.ask(inner);
        } else if due.handoff <= now && !seen.has(FAIR) {
            self.update(inner, |s| if s.has(HELD) { s.with(FAIR) } else { s });
        }
        let until = self.next_due(inner, now);
        if until == NEVER || inner.keeper.is_some_and(|k| k.until <= until) {
            return nap;
        }
        inner.keeper = Some(Keeper { id: t.id, until });
        until.min(nap)
    }

    /// Under the mutex, by one that has left the queue: somebody must keep the time for those who stay. Whom to ring.
    pub(super) fn entrust(&self, inner: &mut Inner, now: Ns) -> Option<&'static Thread> {
        let until = self.next_due(inner, now);
        if until == NEVER || inner.keeper.is_some_and(|k| k.until <= until) {
            return None;
        }
        let first = inner.sched.first().and_then(|m| inner.thread(m))?;
        inner.keeper = None;
        poke(first);
        Some(first)
    }

    /// Under the mutex: when a waiter must ask the holder to drop. The end of a barging needs no timer: barging begins with
    /// a release that wakes somebody, who looks here when it comes too late, and each further release looks too.
    fn next_due(&self, inner: &Inner, now: Ns) -> Ns {
        let seen = self.word();
        if inner.asked || !seen.has(HELD) {
            return NEVER;
        }
        inner.sched.due(now, inner.ran(self.table.at(seen.holder()), now)).drop
    }

    /// Under the mutex: asks whoever holds to drop at its next poll, and makes its next release a handoff. FAIR goes first:
    /// with it the release comes through the mutex, so that DROP cannot be left behind on a thread that is gone.
    fn ask(&self, inner: &mut Inner) {
        let seen = self.update(inner, |s| if s.has(HELD) { s.with(FAIR) } else { s });
        if seen.has(HELD) {
            self.table.at(seen.holder()).ask(DROP);
            inner.asked = true;
            inner.counters.drop_requests += 1;
        }
    }
}

/// What a waiter has been told: a grant is a grant, also at the deadline and also when it closes (A4).
fn answered(t: &'static Thread) -> Option<Result<(), Status>> {
    match t.bed.look() {
        GRANTED => {
            // Again: a signal handler that was refused while this thread slept has put DETACHED over the granter's store
            // (L17). Nobody else reads `self` of a holder without a bias.
            t.identity.store(t.token.load(Relaxed), Relaxed);
            t.since.store(now(), Relaxed);
            Some(Ok(()))
        }
        CLOSED => Some(refuse(t, Status::Closed)),
        _ => None,
    }
}

impl Inner {
    /// Under the mutex, by the woken waiter, of the holder that it finds: whether others come and go, so that a nap is worth
    /// more than a sleep. Not if the same hold lasts since it last looked. Models have no clock, and no naps.
    fn is_barged(&mut self, holder: &Thread) -> bool {
        let hold = hold(holder);
        let same = std::mem::replace(&mut self.glimpsed, hold) == hold;
        !same && !cfg!(loom)
    }

    /// Under the mutex, by a waiter that has just taken the lock: whoever barged in before, since somebody was last charged,
    /// has let go by a CAS and was charged nothing. Nobody, if the last holder has left, or has a state that another had then
    /// and has not held the lock itself.
    fn charge_barger(&mut self, last: &Thread, now: Ns) {
        let seat = self.seats.get(member(last).0 as usize).and_then(|s| s.thread);
        if seat.is_some_and(|t| t.id == last.id) && last.acquires.load(Relaxed) > 0 && hold(last) != self.charged {
            self.charge(last, now);
        }
    }

    /// Under the mutex: `t` is no longer in the queue.
    pub(super) fn depart(&mut self, t: &Thread, now: Ns) {
        let waited = self.sched.depart(member(t), now);
        self.counters.waited(waited);
        if self.keeper.is_some_and(|k| k.id == t.id) {
            self.keeper = None;
        }
        if self.waking == t.id {
            self.waking = 0;
        }
        if self.sched.waiters() == 0 {
            self.asked = false;
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sched::{DEFAULT_SLICE, Policy};
    use crate::thread::table::Table;

    static TABLE: Table = Table::new();

    /// A lock whose holder has let it go to a waiter, who is on the way; the holder, and the waiter.
    fn woken() -> (&'static Gil, &'static Thread, &'static Thread) {
        let gil: &Gil = Box::leak(Box::new(Gil::new(&TABLE, Policy::Responsive, DEFAULT_SLICE)));
        let [holder, waiter] = [(); 2].map(|()| {
            let t = TABLE.take().unwrap();
            gil.join(t).unwrap();
            t
        });
        assert!(gil.take_free(holder));
        let mut inner = gil.lock_inner();
        gil.arrive(waiter, Wait::Forever, &mut inner, holder);
        gil.update(&mut inner, |s| s.with(WAITERS).without(FAIR));
        drop(inner);
        gil.release_slow(holder);
        assert!(gil.word().has(WAKING) && !gil.word().has(HELD));
        (gil, holder, waiter)
    }

    fn barge(gil: &Gil, t: &'static Thread) {
        assert!(gil.take_free(t) && gil.free_held(t));
    }

    /// The hold that was charged last when the waiter has the lock.
    fn charged_when_taken(gil: &Gil, waiter: &'static Thread) -> (u32, u64) {
        let mut inner = gil.lock_inner();
        assert!(gil.try_from_queue(waiter, &mut inner, now(), false));
        inner.charged
    }

    #[test]
    fn who_barges_is_charged_for_its_last_hold() {
        let (gil, holder, waiter) = woken();
        assert_eq!(gil.lock_inner().charged, (holder.id, 1));
        barge(gil, holder);
        barge(gil, holder);
        assert_eq!(charged_when_taken(gil, waiter), (holder.id, 3));
    }

    #[test]
    fn a_hold_is_charged_once_although_the_waiter_comes_late() {
        let (gil, holder, waiter) = woken();
        let until = holder.since.load(Relaxed);
        assert_eq!(charged_when_taken(gil, waiter), (holder.id, 1));
        assert_eq!(holder.since.load(Relaxed), until);
    }

    #[test]
    fn nobody_is_charged_for_one_who_has_left() {
        for its_state_is_used_again in [false, true] {
            let (gil, holder, waiter) = woken();
            barge(gil, holder);
            gil.leave(holder);
            if its_state_is_used_again {
                holder.acquires.store(0, Relaxed);
                gil.join(holder).unwrap();
            }
            assert_eq!(charged_when_taken(gil, waiter), (holder.id, 1));
        }
    }
}
