//! Who is next, and when the holder must drop: pure code, without a clock, atomics or an operating system, so that a
//! simulator can drive it with virtual time, 128 processors and 10,000 threads.
//!
//! Every thread of a lock is a [`Member`]. A member that waits is in two orders at once: by runtime (a heap) and by
//! arrival (a list). The caller keeps time: it passes `now`, and how long the present holder has run.
//!
//! | policy | who is next | when the holder is asked to drop | how long a voluntary release may be barged |
//! |---|---|---|---|
//! | RESPONSIVE | the least runtime; the oldest once it has aged (waiters × slice) | on arrival, if its runtime exceeds the arrival's by the granularity; else at the end of its slice, or when the oldest has aged a slice more | 1 ms |
//! | INTERVAL | the oldest | one interval after the first waiter came or the holder began, whichever is later | until the drop was asked for |
//! | TICKS | the oldest | never: the holder counts its own polls | for ever |

pub mod heap;

use heap::Heap;
use std::collections::TryReserveError;

/// Nanoseconds.
pub type Ns = u64;
/// Never, as a time.
pub const NEVER: Ns = Ns::MAX;

/// How much more the holder must have run than an arrival to be interrupted for it. Below it the switch (two wake-ups
/// across processors, some 36 µs) would cost more than it gives.
pub const GRANULARITY: Ns = 50_000;
/// How long a waiter lets others barge past it. parking_lot and Go use 0.5 and 1 ms; a shorter bound makes a convoy of
/// short critical sections, a longer one is noticed by people.
pub const BARGING: Ns = 1_000_000;
/// CPython's switch interval since 3.2, and the slice of RESPONSIVE.
pub const DEFAULT_SLICE: Ns = 5_000_000;
/// Below 1 µs a slice is shorter than the switch that ends it (L11); above 10 s nobody would tell it from a hang.
pub const SLICE_RANGE: std::ops::RangeInclusive<Ns> = 1_000..=10_000_000_000;
/// The weight of a thread that nobody has weighted.
pub const DEFAULT_WEIGHT: u32 = 1024;
/// From a thousandth of the normal share to a thousand times it.
pub const WEIGHT_RANGE: std::ops::RangeInclusive<u32> = 1..=1_048_576;
/// How many polls make a tick of GIL_POLICY_TICKS: Python 2's `sys.getcheckinterval()`.
pub const TICKS: u32 = 100;

/// How a lock chooses among those who want it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    #[default]
    Responsive,
    Interval,
    Ticks,
}

/// A thread of one lock: an index that is valid from [`Sched::join`] to [`Sched::leave`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member(pub u32);

const NONE: u32 = u32::MAX;

#[derive(Debug, Clone, Copy)]
struct Record {
    /// Virtual runtime: nanoseconds held, divided by the weight.
    runtime: Ns,
    weight: u32,
    waiting: bool,
    /// It has neither held the lock nor asked for it.
    new: bool,
    arrived: Ns,
    /// The same by [`Sched::clock`], which is what age is measured in.
    entered: Ns,
    /// How many slices of age it waits at the most, whoever comes later.
    patience: u32,
    /// Neighbours in the order of arrival, or, for a record that is nobody's, the next such.
    before: u32,
    after: u32,
}

/// When something is due because of those who wait. Both are times; what is past is due now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The holder is asked to drop.
    pub drop: Ns,
    /// The next release hands over, instead of letting others barge.
    pub handoff: Ns,
}

/// The schedule of one lock.
#[derive(Debug)]
pub struct Sched {
    policy: Policy,
    slice: Ns,
    records: Vec<Record>,
    unused: u32,
    oldest: u32,
    youngest: u32,
    waiters: u32,
    by_runtime: Heap,
    /// The turns that are over, each counted as one slice at the most, and when the present one began.
    turns: Ns,
    turn_began: Ns,
    /// Who was charged last: the holder that has let go.
    left: u32,
    /// The smallest runtime that was ever next, so that a new thread has somewhere to start when nobody is there.
    floor: Ns,
    /// The last handoff that ended a barging: one convoy's worth a millisecond, not one a release (L5).
    last_handoff: Ns,
}

impl Sched {
    pub const fn new(policy: Policy, slice: Ns) -> Sched {
        Sched {
            policy,
            slice,
            records: Vec::new(),
            unused: NONE,
            oldest: NONE,
            youngest: NONE,
            waiters: 0,
            by_runtime: Heap::new(),
            turns: 0,
            turn_began: 0,
            left: NONE,
            floor: 0,
            last_handoff: 0,
        }
    }

    pub fn policy(&self) -> Policy {
        self.policy
    }

    pub fn slice(&self) -> Ns {
        self.slice
    }

    pub fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
    }

    pub fn set_slice(&mut self, slice: Ns) {
        self.slice = slice;
    }

    pub fn waiters(&self) -> u32 {
        self.waiters
    }

    /// Comparisons of the heap so far: the cost of decisions, for tests.
    pub fn comparisons(&self) -> u64 {
        self.by_runtime.comparisons
    }

    /// A new thread starts at the smallest runtime (S1). The only function here that allocates.
    pub fn join(&mut self) -> Result<Member, TryReserveError> {
        let record = Record {
            runtime: self.floor,
            weight: DEFAULT_WEIGHT,
            waiting: false,
            new: true,
            arrived: 0,
            entered: 0,
            patience: 0,
            before: NONE,
            after: NONE,
        };
        if self.unused != NONE {
            let m = Member(self.unused);
            self.unused = self.at(m).after;
            self.records[m.0 as usize] = record;
            return Ok(m);
        }
        self.records.try_reserve(1)?;
        self.by_runtime.reserve(self.records.len() + 1)?;
        self.records.push(record);
        Ok(Member(self.records.len() as u32 - 1))
    }

    /// The thread is gone. It must not be waiting.
    pub fn leave(&mut self, m: Member) {
        debug_assert!(!self.at(m).waiting);
        self.records[m.0 as usize].after = self.unused;
        self.unused = m.0;
    }

    pub fn set_weight(&mut self, m: Member, weight: u32) {
        self.records[m.0 as usize].weight = weight;
    }

    /// `m` queues. `holder` is who holds the lock and for how long it has run; true: ask it to drop now.
    ///
    /// S1: a thread that comes back from blocking continues at the greater of its own runtime and the smallest of all
    /// less one slice, so that it has some credit but cannot save it up. Who gave way has not blocked and keeps what it is
    /// owed: with a heavy weight that is more than a slice. A new thread has no credit.
    pub fn arrive(&mut self, m: Member, now: Ns, holder: Option<(Member, Ns)>) -> bool {
        let running = holder.map(|(h, ran)| self.runtime_after(h, ran));
        let waiting = self.by_runtime.least().map(|(runtime, _)| runtime);
        let smallest = match (running, waiting) {
            (Some(a), Some(b)) => a.min(b),
            (a, b) => a.or(b).unwrap_or(self.floor),
        };
        self.floor = self.floor.max(smallest);
        // Back before the next holder has run to speak of.
        let gave_way = self.left == m.0 && holder.is_some_and(|(_, ran)| ran < GRANULARITY);
        if self.waiters == 0 {
            self.turn_began = now;
        }
        self.waiters += 1;
        let (slice, clock, waiters) = (self.slice, self.clock(now), self.waiters);
        let record = &mut self.records[m.0 as usize];
        if !gave_way {
            let credit = if record.new { 0 } else { slice };
            record.runtime = record.runtime.max(smallest.saturating_sub(credit));
        }
        record.new = false;
        record.arrived = now;
        record.entered = clock;
        record.patience = waiters + 1;
        record.waiting = true;
        record.before = self.youngest;
        record.after = NONE;
        let runtime = record.runtime;
        match self.youngest {
            NONE => self.oldest = m.0,
            y => self.records[y as usize].after = m.0,
        }
        self.youngest = m.0;
        self.by_runtime.push(m.0, runtime);
        self.policy == Policy::Responsive && running.is_some_and(|r| r > runtime.saturating_add(GRANULARITY))
    }

    /// `m` no longer waits: it has the lock, or gave up. Says how long it waited.
    pub fn depart(&mut self, m: Member, now: Ns) -> Ns {
        let Record { before, after, arrived, .. } = *self.at(m);
        match before {
            NONE => self.oldest = after,
            b => self.records[b as usize].after = after,
        }
        match after {
            NONE => self.youngest = before,
            a => self.records[a as usize].before = before,
        }
        self.records[m.0 as usize].waiting = false;
        self.waiters -= 1;
        self.by_runtime.remove(m.0);
        (self.turns, self.turn_began) = (self.clock(now), now);
        now.saturating_sub(arrived)
    }

    /// Who gets the lock if it is given now. Stays in the queue.
    pub fn next(&self, now: Ns) -> Option<Member> {
        let oldest = self.first()?;
        match self.policy {
            Policy::Responsive if !self.aged(oldest, now) => self.least(),
            _ => Some(oldest),
        }
    }

    /// Whether the oldest has waited for so long that runtimes no longer count.
    fn aged(&self, oldest: Member, now: Ns) -> bool {
        self.clock(now).saturating_sub(self.at(oldest).entered) > self.patience(oldest)
    }

    /// One slice for each that waits, but not for those alone who wait now: a flood of fresh threads would raise that
    /// faster than anybody ages.
    fn patience(&self, m: Member) -> Ns {
        u64::from(self.waiters.min(self.at(m).patience)) * self.slice
    }

    /// When the present holder must go although its slice is not over: the oldest has then aged a slice beyond its
    /// patience. NEVER if it had before the turn began, so that each waiter cuts one turn short at the most.
    fn last_call(&self, oldest: Member) -> Ns {
        let before = self.turns.saturating_sub(self.at(oldest).entered);
        match (self.patience(oldest) + self.slice).checked_sub(before) {
            Some(left) if left > 0 => self.turn_began + left,
            _ => NEVER,
        }
    }

    /// The time by which waiters age. It runs as real time does, but stops when a turn has lasted a slice, until the
    /// next one begins: switching takes time too, and with 64 hogs that alone would make every waiter old, whereupon
    /// arrival would rule and a thread back from I/O would wait for them all.
    fn clock(&self, now: Ns) -> Ns {
        self.turns + now.saturating_sub(self.turn_began).min(self.slice)
    }

    /// The waiter with the least runtime.
    pub fn least(&self) -> Option<Member> {
        self.by_runtime.least().map(|(_, slot)| Member(slot))
    }

    /// The first that came.
    pub fn first(&self) -> Option<Member> {
        (self.oldest != NONE).then_some(Member(self.oldest))
    }

    pub fn waits(&self, m: Member) -> bool {
        self.at(m).waiting
    }

    /// For how long somebody has been waiting.
    pub fn watched(&self, now: Ns) -> Ns {
        self.first().map_or(0, |m| now.saturating_sub(self.at(m).arrived))
    }

    /// `m` held the lock for `ran`.
    pub fn charge(&mut self, m: Member, ran: Ns) {
        let runtime = self.runtime_after(m, ran);
        let record = &mut self.records[m.0 as usize];
        (record.runtime, record.new) = (runtime, false);
        self.left = m.0;
    }

    /// The lock was handed over, which ended a barging.
    pub fn handed_over(&mut self, now: Ns) {
        self.last_handoff = now;
    }

    /// When those who wait want something of a holder that has run for `ran`.
    pub fn due(&self, now: Ns, ran: Ns) -> Due {
        let Some(first) = self.first() else {
            return Due { drop: NEVER, handoff: NEVER };
        };
        let arrived = self.at(first).arrived;
        match self.policy {
            Policy::Responsive => Due {
                drop: (now + self.slice.saturating_sub(ran)).min(self.last_call(first)),
                handoff: arrived.max(self.last_handoff) + BARGING,
            },
            Policy::Interval => {
                let asked = arrived.max(now.saturating_sub(ran)) + self.slice;
                Due { drop: asked, handoff: asked }
            }
            Policy::Ticks => Due { drop: NEVER, handoff: NEVER },
        }
    }

    /// Nobody waits any more, and nobody is told: after a fork the others do not exist.
    pub fn forget_waiters(&mut self) {
        self.by_runtime.clear();
        while let Some(m) = self.first() {
            let after = self.at(m).after;
            self.records[m.0 as usize].waiting = false;
            self.oldest = after;
        }
        self.youngest = NONE;
        self.waiters = 0;
    }

    fn runtime_after(&self, m: Member, ran: Ns) -> Ns {
        let Record { runtime, weight, .. } = *self.at(m);
        // In 128 bits: a second times the normal weight already needs 40 of 64.
        let charged = u128::from(ran) * u128::from(DEFAULT_WEIGHT) / u128::from(weight);
        runtime.saturating_add(charged.min(u128::from(Ns::MAX / 4)) as Ns)
    }

    fn at(&self, m: Member) -> &Record {
        &self.records[m.0 as usize]
    }
}
