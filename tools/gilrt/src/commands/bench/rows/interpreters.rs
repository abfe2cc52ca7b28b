//! What an interpreter takes: the time of its birth and its end, and memory.

use super::{Effort, Policy, RESPONSIVE, Row, Verdict};
use crate::commands::bench::figures::{Figures, Round, Sample, Unit};
use crate::commands::bench::kernels::{Kernels, Task};
use crate::failure::Failure;

const LIFE: &str = "new and close";
const ENTERED: &str = "the same, entered and attached";
const OPEN: &str = "open";
const WITH_THREAD: &str = "with a thread";
const GROWTH: &str = "growth, one after the other";
/// With a lock of its own, and without one.
const MODES: [(&str, bool); 2] = [("gilrt, with a lock", false), ("gilrt, free-threaded", true)];

pub static ROW: Row = Row {
    name: "interpreters",
    help: "Interpreters made and closed: time and memory",
    title: "an interpreter: time from new to close, bytes while it is open, growth over thousands",
    policies: RESPONSIVE,
    measure,
    judge,
    recorded: &[],
};

fn measure(kernels: &Kernels, _: Policy, effort: Effort) -> Result<Round, Failure> {
    let mut round = Round::default();
    for (subject, timed) in MODES {
        let of = |kernel, units| kernels.run(kernel, &Task { units, timed, ..Task::default() });
        // What is made once for all, and the first of each, count for nothing.
        of("kernel_interps_entered", 10)?;
        for (figure, kernel) in [(LIFE, "kernel_interps"), (ENTERED, "kernel_interps_entered")] {
            let outcome = of(kernel, effort.units(2000))?;
            let each = outcome.elapsed.as_nanos() as f64 / outcome.done as f64;
            round.samples.push(Sample::nanoseconds(subject, "", figure, each));
        }
    }
    if kernels.has("kernel_interps_memory") {
        for (subject, timed) in MODES {
            // As many at once as thousands one after the other: with growth this would be the place for it.
            let task = Task { units: effort.units(2000), timed, ..Task::default() };
            let shares = kernels.run("kernel_interps_memory", &task)?.shares;
            for (figure, bytes) in [OPEN, WITH_THREAD, GROWTH].into_iter().zip(shares) {
                round.samples.push(Sample::new(subject, "", figure, Unit::Bytes, bytes as f64));
            }
        }
    } else {
        round.missing("bytes", "this C library does not tell how much memory is allocated (mallinfo2)");
    }
    Ok(round)
}

fn judge(figures: &Figures) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (subject, _) in MODES {
        let mut judge = |figure, limit, unit| {
            let value = figures.median((subject, "", figure));
            verdicts.push(Verdict::at_most(format!("{subject}: {figure}"), value, limit, unit));
        };
        judge(LIFE, 50e3, Unit::Nanoseconds);
        judge(OPEN, 65536.0, Unit::Bytes);
        judge(GROWTH, 0.0, Unit::Bytes);
    }
    verdicts
}
