//! The lock, as `src/gil` drives its schedule: the same steps in the same order, without atomics and without a bias. A
//! change there is made here too.

use crate::plan::Choice;
use crate::sched::{Member, NEVER, Ns, Sched};

/// How long a waiter that was woken and came too late sleeps before it looks again, as in `src/gil/wait.rs`.
pub const NAP: Ns = 30_000;

/// What comes of asking for the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Held,
    /// Queued: asleep until rung, or until then.
    Sleep(Ns),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    /// Granted, but not yet run.
    NotYet,
    /// Nobody waited when it was taken, so no clock was read.
    LongAgo,
    At(Ns),
}

#[derive(Debug, Clone, Copy)]
struct Seat {
    member: Member,
    since: Since,
    granted: bool,
    /// Asked to drop.
    drop: bool,
    /// How often it has had the lock.
    holds: u64,
}

#[derive(Debug)]
pub struct Lock {
    pub sched: Sched,
    choice: Choice,
    /// By thread, and by member the thread.
    seats: Vec<Option<Seat>>,
    threads: Vec<usize>,
    held: bool,
    /// The present holder or the last.
    holder: usize,
    fair: bool,
    waking: Option<usize>,
    /// The hold that the woken waiter has seen.
    glimpsed: (usize, u64),
    /// The hold that was charged last.
    charged: (usize, u64),
    asked: bool,
    keeper: Option<(usize, Ns)>,
    /// Who is to be woken: the caller takes them out.
    pub rings: Vec<usize>,
    pub handoffs: u64,
}

impl Lock {
    pub fn new(sched: Sched, choice: Choice, threads: usize) -> Lock {
        Lock {
            sched,
            choice,
            seats: vec![None; threads],
            threads: Vec::new(),
            held: false,
            holder: usize::MAX,
            fair: false,
            waking: None,
            glimpsed: (usize::MAX, 0),
            charged: (usize::MAX, 0),
            asked: false,
            keeper: None,
            rings: Vec::new(),
            handoffs: 0,
        }
    }

    pub fn join(&mut self, t: usize, weight: u32) {
        let member = self.sched.join().expect("memory for a member");
        self.sched.set_weight(member, weight);
        self.threads.resize(self.threads.len().max(member.0 as usize + 1), usize::MAX);
        self.threads[member.0 as usize] = t;
        self.seats[t] = Some(Seat { member, since: Since::LongAgo, granted: false, drop: false, holds: 0 });
    }

    pub fn leave(&mut self, t: usize) {
        self.sched.leave(self.seat(t).member);
        self.seats[t] = None;
    }

    pub fn holder(&self) -> Option<usize> {
        self.held.then_some(self.holder)
    }

    pub fn asked_to_drop(&self, t: usize) -> bool {
        self.seat(t).drop
    }

    /// `Gil::win`.
    pub fn acquire(&mut self, t: usize, now: Ns) -> Answer {
        if self.held {
            return self.queue(t, now);
        }
        if self.holder != t {
            let watched = self.sched.waiters() > 0;
            self.seat_mut(t).since = if watched { Since::At(now) } else { Since::LongAgo };
        }
        self.take(t);
        Answer::Held
    }

    /// `Gil::queue`, after its sleep.
    pub fn woken(&mut self, t: usize, now: Ns) -> Answer {
        if self.seat(t).granted {
            self.seat_mut(t).since = Since::At(now);
            return Answer::Held;
        }
        if self.try_from_queue(t, now) {
            self.entrust(now);
            return Answer::Held;
        }
        Answer::Sleep(self.tend(t, now))
    }

    /// `Gil::release_slow`.
    pub fn release(&mut self, t: usize, now: Ns) {
        assert_eq!(self.holder(), Some(t));
        let waiters = self.sched.waiters() > 0;
        if !self.fair && (!waiters || self.waking.is_some()) {
            self.held = false;
            return;
        }
        self.seat_mut(t).drop = false;
        if !waiters {
            (self.held, self.fair, self.asked, self.waking) = (false, false, false, None);
            return;
        }
        let ran = self.charge(t, now);
        if self.fair || self.sched.due(now, ran).handoff <= now {
            self.hand_over(now);
            self.entrust(now);
            return;
        }
        let next = (self.choice)(&self.sched, now).expect("a waiter");
        self.waking = Some(self.thread(next));
        self.rings.push(self.thread(next));
        self.held = false;
    }

    /// `Gil::give_way`; None when nobody waits.
    pub fn give_way(&mut self, t: usize, now: Ns) -> Option<Answer> {
        self.seat_mut(t).drop = false;
        if self.sched.waiters() == 0 {
            return None;
        }
        self.charge(t, now);
        self.hand_over(now);
        Some(self.queue(t, now))
    }

    /// `Gil::tick`; None when nobody waits.
    pub fn tick(&mut self, t: usize, now: Ns) -> Option<Answer> {
        if self.sched.waiters() == 0 {
            return None;
        }
        self.release(t, now);
        Some(self.acquire(t, now))
    }

    fn queue(&mut self, t: usize, now: Ns) -> Answer {
        self.seat_mut(t).granted = false;
        let running = (self.seat(self.holder).member, self.ran(self.holder, now));
        if self.sched.arrive(self.seat(t).member, now, Some(running)) && !self.asked {
            self.ask();
        }
        Answer::Sleep(self.tend(t, now))
    }

    fn try_from_queue(&mut self, t: usize, now: Ns) -> bool {
        let woken = self.waking == Some(t);
        let next = (self.choice)(&self.sched, now) == Some(self.seat(t).member);
        if woken && !(self.held && self.is_barged()) {
            self.waking = None;
        }
        if self.held || !(woken || next) {
            return false;
        }
        // `Inner::charge_barger`: whoever barged in since somebody was last charged has let go by a CAS, without a charge.
        if self.seats[self.holder].is_some_and(|seat| (self.holder, seat.holds) != self.charged) {
            self.charge(self.holder, now);
        }
        self.depart(t, now);
        self.asked = false;
        self.seat_mut(t).since = Since::At(now);
        self.take(t);
        true
    }

    fn is_barged(&mut self) -> bool {
        let hold = (self.holder, self.seat(self.holder).holds);
        std::mem::replace(&mut self.glimpsed, hold) != hold
    }

    fn hand_over(&mut self, now: Ns) {
        let next = (self.choice)(&self.sched, now).expect("a waiter");
        let n = self.thread(next);
        self.depart(n, now);
        self.sched.handed_over(now);
        self.handoffs += 1;
        self.asked = false;
        self.waking = self.waking.filter(|&w| w != n);
        let seat = self.seat_mut(n);
        (seat.since, seat.granted) = (Since::NotYet, true);
        self.fair = false;
        self.take(n);
        self.rings.push(n);
    }

    /// Before a waiter sleeps: does what is due, and says until when it may sleep.
    fn tend(&mut self, t: usize, now: Ns) -> Ns {
        self.keeper = self.keeper.filter(|&(k, _)| k != t);
        let nap = if self.waking == Some(t) { now + NAP } else { NEVER };
        if !self.held {
            return nap;
        }
        let due = self.sched.due(now, self.ran(self.holder, now));
        if due.drop <= now && !self.asked {
            self.ask();
        } else if due.handoff <= now {
            self.fair = true;
        }
        let until = self.next_due(now);
        if until == NEVER || self.keeper.is_some_and(|(_, k)| k <= until) {
            return nap;
        }
        self.keeper = Some((t, until));
        until.min(nap)
    }

    /// Somebody has left the queue, and somebody must keep the time for those who stay.
    fn entrust(&mut self, now: Ns) {
        let until = self.next_due(now);
        if until == NEVER || self.keeper.is_some_and(|(_, k)| k <= until) {
            return;
        }
        if let Some(first) = self.sched.first() {
            self.keeper = None;
            self.rings.push(self.thread(first));
        }
    }

    fn next_due(&self, now: Ns) -> Ns {
        if self.asked || !self.held {
            return NEVER;
        }
        self.sched.due(now, self.ran(self.holder, now)).drop
    }

    fn ask(&mut self) {
        (self.fair, self.asked) = (true, true);
        self.seat_mut(self.holder).drop = true;
    }

    fn ran(&self, t: usize, now: Ns) -> Ns {
        let most = self.sched.slice() + self.sched.watched(now);
        match self.seat(t).since {
            Since::NotYet => 0,
            Since::LongAgo => most,
            Since::At(since) => (now - since).min(most),
        }
    }

    fn charge(&mut self, t: usize, now: Ns) -> Ns {
        let ran = self.ran(t, now);
        self.sched.charge(self.seat(t).member, ran);
        self.seat_mut(t).since = Since::At(now);
        self.charged = (t, self.seat(t).holds);
        ran
    }

    fn depart(&mut self, t: usize, now: Ns) {
        self.sched.depart(self.seat(t).member, now);
        self.keeper = self.keeper.filter(|&(k, _)| k != t);
        if self.sched.waiters() == 0 {
            self.asked = false;
        }
    }

    fn take(&mut self, t: usize) {
        (self.held, self.holder) = (true, t);
        self.seat_mut(t).holds += 1;
    }

    fn thread(&self, m: Member) -> usize {
        self.threads[m.0 as usize]
    }

    fn seat(&self, t: usize) -> &Seat {
        self.seats[t].as_ref().expect("a thread that has joined")
    }

    fn seat_mut(&mut self, t: usize) -> &mut Seat {
        self.seats[t].as_mut().expect("a thread that has joined")
    }
}
