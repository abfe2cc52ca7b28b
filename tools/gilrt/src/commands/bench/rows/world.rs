//! A thread stops all others and lets them go on.

use std::time::Duration;

use super::quantiles::{HALF, parts};
use super::{Effort, Policy, RESPONSIVE, Row, Verdict, with_two_cpus};
use crate::failure::Failure;
use crate::kernels::{Kernels, Task};
use crate::measured::{Figures, Round, Sample, Unit};

const OURS: &str = "gilrt, free-threaded";
/// Of the row `switch` too, which stops the world as well.
pub const BARE: &str = "a bare flag and two futexes";
pub const BARE_KERNEL: &str = "kernel_stop_bare";
const STOPPED: &str = "until all stand still";
const RESUMED: &str = "until one goes on";
const THREADS: [u32; 4] = [2, 4, 16, 64];
const JUDGED: u32 = 16;
const ENOUGH_NS: f64 = 100e3;

pub static ROW: Row = Row {
    name: "world",
    help: "Stop and resume the world among 2 to 64 threads",
    title: "stop and resume all other threads, which poll each microsecond",
    policies: RESPONSIVE,
    measure,
    judge,
    recorded: &[],
};

fn measure(kernels: &Kernels, _: Policy, effort: Effort) -> Result<Round, Failure> {
    let mut round = Round::default();
    for threads in THREADS {
        for (subject, kernel) in [(OURS, "kernel_stop_gilrt"), (BARE, BARE_KERNEL)] {
            // A stop a millisecond at the most.
            let task = Task {
                duration: effort.duration(Duration::from_millis(400)),
                threads,
                waits: 1200,
                ..Task::default()
            };
            round.samples.extend(stops(kernels, kernel, &task, subject, &format!("{threads} threads"))?);
        }
    }
    Ok(round)
}

/// Of each stop the kernel tells three waits.
pub fn stops(
    kernels: &Kernels,
    kernel: &str,
    task: &Task<'_>,
    subject: &str,
    beside: &str,
) -> Result<Vec<Sample>, Failure> {
    let waits = kernels.run(kernel, task)?.waits;
    let until = [STOPPED, RESUMED, "until the call returns"].map(|until| format!("{beside}, {until}"));
    Ok(parts(subject, &until, &waits).collect())
}

fn judge(figures: &Figures) -> Vec<Verdict> {
    let judge = |until| {
        let setting = format!("{JUDGED} threads, {until}");
        let bare = figures.median((BARE, &setting, HALF));
        let limit = bare.map_or(ENOUGH_NS, |bare| ENOUGH_NS.max(2.0 * bare));
        let ours = with_two_cpus(figures.median((OURS, &setting, HALF)));
        let what = format!("{setting}: p50, against 100 µs or twice the bare stop");
        Verdict::at_most(what, ours, limit, Unit::Nanoseconds)
    };
    [STOPPED, RESUMED].map(judge).into()
}
