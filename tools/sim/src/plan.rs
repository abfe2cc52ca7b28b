//! What a thread does, and what it runs on.

use crate::sched::{DEFAULT_SLICE, DEFAULT_WEIGHT, Member, NEVER, Ns, Policy, Sched, TICKS};
use std::ops::RangeInclusive;

pub const US: Ns = 1_000;
pub const MS: Ns = 1_000_000;
pub const SECOND: Ns = 1_000_000_000;

/// A thread goes round: blocked, then busy outside the lock, then holding it. Every kind of thread is a case of this.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub weight: u32,
    /// When the thread comes into being.
    pub start: Ns,
    /// After so many rounds it leaves.
    pub rounds: u32,
    /// Blocked, without a processor.
    pub blocked: Ns,
    /// On a processor, without the lock.
    pub outside: Ns,
    /// On a processor, with the lock.
    pub hold: Ns,
    /// Of holding, between one safepoint and the next.
    pub poll: Ns,
}

impl Plan {
    /// Computes with the lock for ever.
    pub fn hog(poll: Ns) -> Plan {
        Plan { weight: DEFAULT_WEIGHT, start: 0, rounds: 1, blocked: 0, outside: 0, hold: NEVER / 4, poll }
    }

    /// Blocks, then has something short to do.
    pub fn io(blocked: Ns, hold: Ns) -> Plan {
        Plan { rounds: u32::MAX, blocked, hold, ..Plan::hog(NEVER) }
    }

    /// Holds, lets go and takes back after `outside`, without a safepoint.
    pub fn holder(hold: Ns, outside: Ns) -> Plan {
        Plan { rounds: u32::MAX, outside, hold, ..Plan::hog(NEVER) }
    }

    /// Of holding, between one tick of GIL_POLICY_TICKS and the next.
    pub fn tick(&self) -> Ns {
        self.poll.saturating_mul(TICKS.into())
    }

    pub fn weighing(self, weight: u32) -> Plan {
        Plan { weight, ..self }
    }

    pub fn starting(self, start: Ns) -> Plan {
        Plan { start, ..self }
    }

    pub fn times(self, rounds: u32) -> Plan {
        Plan { rounds, ..self }
    }
}

/// Who is next: [`Sched::next`], or what a test puts in its place.
pub type Choice = fn(&Sched, Ns) -> Option<Member>;

/// What the threads run on, and for how long.
#[derive(Debug, Clone)]
pub struct Setting {
    pub policy: Policy,
    pub slice: Ns,
    pub choice: Choice,
    pub processors: usize,
    /// From the wake-up of a thread until it is ready to run.
    pub wake: RangeInclusive<Ns>,
    /// What the operating system gives a thread when others want its processor.
    pub quantum: Ns,
    /// Before that, nothing is recorded.
    pub warm_up: Ns,
    pub end: Ns,
    pub seed: u64,
}

impl Default for Setting {
    /// A small machine: a wake-up across processors takes about 18 µs there, and Linux gives 3 ms.
    fn default() -> Setting {
        Setting {
            policy: Policy::Responsive,
            slice: DEFAULT_SLICE,
            choice: Sched::next,
            processors: 2,
            wake: 10 * US..=20 * US,
            quantum: 3 * MS,
            warm_up: 0,
            end: SECOND,
            seed: 1,
        }
    }
}
