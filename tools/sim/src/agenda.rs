//! What happens when: events in the order of their times, and of their making where the times are equal.

use crate::sched::Ns;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// An event of a thread. It is void if the thread's stamp of that kind has changed since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// It comes into being.
    Start(usize),
    /// It is awake and wants a processor.
    Ready(usize, u32),
    /// What it was to do on its processor is done, or its quantum is.
    Stop(usize, u32),
}

#[derive(Debug, Default)]
pub struct Agenda {
    events: BinaryHeap<Reverse<(Ns, u64, Event)>>,
    made: u64,
}

impl Agenda {
    pub fn at(&mut self, time: Ns, event: Event) {
        self.made += 1;
        self.events.push(Reverse((time, self.made, event)));
    }

    pub fn pop(&mut self) -> Option<(Ns, Event)> {
        self.events.pop().map(|Reverse((time, _, event))| (time, event))
    }
}
