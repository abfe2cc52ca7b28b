//! What is known of one object.
//!
//! | state | means | leaves to |
//! |---|---|---|
//! | Alive | it has references | Dead, at count 0 |
//! | Dead | no reference is left, and its destructor waits or begins | Alive, for the finalizer's time; Clearing; Freed |
//! | Clearing | its `clear` runs: counting it changes nothing any more | Freed |
//! | Freed | its memory is kept, so that who still uses it is recognised | the record goes with the memory |

use crate::sync::Ordering::Relaxed;
use crate::sys::tls;
use crate::watch::log::Buffer;
use std::fmt::{Display, Formatter, Result};

/// What happens to an object, as its history shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Made,
    Incref,
    Decref,
    Finalize,
    Clear,
    Freed,
    Immortal,
    /// To a channel, which may not take it.
    Offered,
    Received,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Alive,
    Dead,
    Clearing,
    Freed,
}

/// How much of a history is kept.
const DEPTH: usize = 16;

#[derive(Debug, Clone, Copy)]
struct Operation {
    event: Event,
    /// After it.
    count: u32,
    /// The low half of the thread's number, which is enough for a report.
    thread: u32,
}

#[derive(Debug)]
pub struct Record {
    /// A copy: the type may have ended with its module.
    name: Buffer<48>,
    pub state: State,
    /// All of the payload, behind which the canary stands.
    pub payload: usize,
    /// Freed: the block to give back, and who was freed after it.
    pub block: (usize, usize),
    pub next: usize,
    operations: usize,
    history: [Operation; DEPTH],
}

impl Record {
    pub fn new(name: &dyn Display, payload: usize) -> Record {
        Record {
            name: Buffer::of(format_args!("{name}")),
            state: State::Alive,
            payload,
            block: (0, 0),
            next: 0,
            operations: 0,
            history: [Operation { event: Event::Made, count: 0, thread: 0 }; DEPTH],
        }
    }

    pub fn remember(&mut self, event: Event, count: u32, thread: u64) {
        self.history[self.operations % DEPTH] = Operation { event, count, thread: thread as u32 };
        self.operations += 1;
    }

    /// The latest operations, the latest first.
    fn latest(&self) -> impl Iterator<Item = &Operation> {
        (self.operations.saturating_sub(DEPTH)..self.operations).rev().map(|i| &self.history[i % DEPTH])
    }
}

/// Its type, its state and its history, in lines that belong below an address.
impl Display for Record {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let state = match self.state {
            State::Alive => "alive",
            State::Dead => "dead, its destructor is due",
            State::Clearing => "dead, its clear runs",
            State::Freed => "freed",
        };
        write!(f, "of type {}, {state}; the last operations on it, the latest first:", self.name)?;
        self.latest().try_for_each(|operation| write!(f, "\n    {operation}"))
    }
}

impl Display for Operation {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (what, counts) = match self.event {
            Event::Made => ("made", true),
            Event::Incref => ("incref", true),
            Event::Decref => ("decref", true),
            Event::Finalize => ("finalize", true),
            Event::Clear => ("clear", false),
            Event::Freed => ("freed", false),
            Event::Immortal => ("made immortal", false),
            Event::Offered => ("offered to a channel", true),
            Event::Received => ("received from a channel", true),
        };
        f.write_str(what)?;
        if counts {
            write!(f, ", count {}", self.count)?;
        }
        write!(f, ", by {}", By(u64::from(self.thread)))
    }
}

/// A thread by its number.
pub struct By(pub u64);

impl By {
    pub fn me() -> By {
        By(tls::current().serial.load(Relaxed))
    }
}

impl Display for By {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.0 {
            0 => f.write_str("a thread that never attached"),
            n => write!(f, "thread {n}"),
        }
    }
}
