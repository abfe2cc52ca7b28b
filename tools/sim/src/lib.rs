//! A lock in virtual time: a discrete-event simulator that drives the library's real schedule as the lock does, with as
//! many processors and threads as one likes. A virtual second of a hundred threads takes milliseconds, and the same seed
//! gives the same run.
//!
//! | file | idea |
//! |---|---|
//! | `plan` | what a thread does, and what it runs on |
//! | `agenda` | what happens when |
//! | `lock` | the lock: the steps of `src/gil`, without atomics |
//! | `processors` | who has a processor |
//! | `world` | threads that run, block, ask, hold and poll |
//! | `figures` | what came of it |
//!
//! The schedule is the library's source, compiled here a second time: the tool, which must not link a second runtime, can use it
//! then, and so can the tests.
//!
//! What it leaves out: the bias, closing and deadlines, which are the lock's own business and no matter of the schedule;
//! and the cost of the lock's own steps, which take no virtual time. A wake-up does.

#![allow(missing_docs, reason = "no crate for others: a comment is where a name does not say it all")]

#[path = "../../../src"]
mod library {
    pub mod sched;
}

mod agenda;
mod figures;
mod lock;
mod plan;
mod processors;
mod world;

pub use library::sched;

pub use figures::{Figures, Wait, jain};
pub use lock::NAP;
pub use plan::{Choice, MS, Plan, SECOND, Setting, US};
pub use world::run;
