//! The mode of an interpreter, switched while threads are in it.

use std::time::Duration;

use super::quantiles::{HALF, parts};
use super::world::{BARE, BARE_KERNEL, stops};
use super::{Effort, Policy, RESPONSIVE, Row, Verdict, with_two_cpus};
use crate::failure::Failure;
use crate::kernels::{Kernels, Task};
use crate::measured::{Figures, Round, Unit};

const OURS: &str = "gilrt";
const WAYS: [&str; 2] = ["to free-threaded", "to locked"];
const UNTIL: [&str; 2] = ["until one goes on", "until the call returns"];
const THREADS: u32 = 16;

pub static ROW: Row = Row {
    name: "switch",
    help: "The mode switched under 16 threads",
    title: "a switch of the mode, under 16 threads that attach, count and poll",
    policies: RESPONSIVE,
    measure,
    judge,
    recorded: &[],
};

fn measure(kernels: &Kernels, _: Policy, effort: Effort) -> Result<Round, Failure> {
    let duration = effort.duration(Duration::from_secs(1));
    let task = Task { duration, threads: THREADS, waits: 4000, ..Task::default() };
    let mut round = Round::default();
    if kernels.library_has("gil_interp_set_mode") {
        let waits = kernels.run("kernel_switch", &task)?.waits;
        let settings = WAYS.map(|way| UNTIL.map(|until| format!("{way}, {until}"))).concat();
        round.samples.extend(parts(OURS, &settings, &waits));
    } else {
        round.missing(OURS, "the library has no gil_interp_set_mode");
    }
    // What a switch needs at the least: all others at a safepoint, once.
    round.samples.extend(stops(kernels, BARE_KERNEL, &task, BARE, "16 threads")?);
    Ok(round)
}

fn judge(figures: &Figures) -> Vec<Verdict> {
    let at_most_1_ms = |way| {
        let setting = format!("{way}, {}", UNTIL[0]);
        let half = with_two_cpus(figures.median((OURS, &setting, HALF)));
        Verdict::at_most(format!("{setting}: p50"), half, 1e6, Unit::Nanoseconds)
    };
    WAYS.map(at_most_1_ms).into()
}
