//! A thread stops all others and lets them go on.

use std::time::Duration;

use super::quantiles::{HALF, MOST, quantiles};
use super::{Effort, Policy, RESPONSIVE, Row, Verdict, with_two_cpus};
use crate::commands::bench::figures::{Figures, Round, Unit};
use crate::commands::bench::kernels::{Kernels, Task};
use crate::failure::Failure;

const OURS: &str = "gilrt, free-threaded";
/// Of the row `switch` too, which stops the world as well.
pub const BARE: &str = "a bare flag and two futexes";
pub const BARE_KERNEL: &str = "kernel_stop_bare";
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
            let task =
                Task { duration: effort.duration(Duration::from_millis(400)), threads, waits: 400, ..Task::default() };
            let outcome = kernels.run(kernel, &task)?;
            round.samples.extend(quantiles(subject, &setting(threads), &outcome.waits));
        }
    }
    Ok(round)
}

fn setting(threads: u32) -> String {
    format!("{threads} threads")
}

fn judge(figures: &Figures) -> Vec<Verdict> {
    let setting = setting(JUDGED);
    let bare = figures.median((BARE, &setting, HALF));
    let limit = bare.map_or(ENOUGH_NS, |bare| ENOUGH_NS.max(2.0 * bare));
    let ours = with_two_cpus(figures.median((OURS, &setting, HALF)));
    let against = figures.ratio((OURS, &setting, MOST), (BARE, &setting, MOST));
    vec![
        Verdict::at_most(
            format!("{setting}: p50, against 100 µs or twice the bare stop"),
            ours,
            limit,
            Unit::Nanoseconds,
        ),
        Verdict::at_most(format!("{setting}: p99 against the bare stop"), with_two_cpus(against), 2.0, Unit::Ratio),
    ]
}
