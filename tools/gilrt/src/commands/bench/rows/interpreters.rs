//! What an interpreter takes: the time of its birth and its end, and memory.

use super::{Effort, Policy, RESPONSIVE, Row, Verdict};
use crate::failure::Failure;
use crate::kernels::{Kernels, Task};
use crate::measured::{Figures, Round, Sample, Unit};

const LIFE: &str = "new and close";
const ENTERED: &str = "new, enter, attach, close";
const NEW: &str = "new";
const OPEN: &str = "open";
const GROWTH: &str = "growth";
const AFTER_EACH_OTHER: &str = "one after the other";
const AT_ONCE: &str = "500 at once";
/// In the order of the kernel.
const FIRST_LIFE: [(&str, Unit); 5] = [
    (OPEN, Unit::Bytes),
    ("with a thread", Unit::Bytes),
    (GROWTH, Unit::Bytes),
    (NEW, Unit::Nanoseconds),
    ("close", Unit::Nanoseconds),
];
/// With a lock of its own, and without one.
const MODES: [(&str, bool); 2] = [("gilrt, with a lock", false), ("gilrt, free-threaded", true)];

pub static ROW: Row = Row {
    name: "interpreters",
    help: "Interpreters made and closed: time and memory",
    title: "an interpreter: its bytes and its time among hundreds; the growth, and the time, of thousands one after the other",
    policies: RESPONSIVE,
    measure,
    judge,
    recorded: &[],
};

fn measure(kernels: &Kernels, _: Policy, effort: Effort) -> Result<Round, Failure> {
    let mut round = Round::default();
    // First, while none has been closed yet that could be used again.
    if kernels.has("kernel_interps_memory") {
        let task = Task { units: effort.units(250), ..Task::default() };
        let shares = kernels.run("kernel_interps_memory", &task)?.shares;
        for ((subject, _), shares) in MODES.iter().zip(shares.chunks_exact(FIRST_LIFE.len())) {
            for ((figure, unit), value) in FIRST_LIFE.iter().zip(shares) {
                round.samples.push(Sample::new(subject, AT_ONCE, figure, *unit, *value as f64));
            }
        }
    } else {
        round.missing("bytes", "this C library does not tell how much memory is allocated (mallinfo2)");
    }
    for (subject, timed) in MODES {
        for (figure, kernel) in [(LIFE, "kernel_interps"), (ENTERED, "kernel_interps_entered")] {
            let outcome =
                kernels.run(kernel, &Task { units: effort.units(2000), timed, ..Task::default() })?;
            let each = outcome.elapsed.as_nanos() as f64 / outcome.done as f64;
            round.samples.push(Sample::nanoseconds(subject, AFTER_EACH_OTHER, figure, each));
        }
    }
    Ok(round)
}

fn judge(figures: &Figures) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (subject, _) in MODES {
        let mut judge = |setting, figure, limit, unit| {
            let value = figures.median((subject, setting, figure));
            verdicts.push(Verdict::at_most(format!("{subject}: {figure}, {setting}"), value, limit, unit));
        };
        judge(AFTER_EACH_OTHER, LIFE, 50e3, Unit::Nanoseconds);
        judge(AT_ONCE, NEW, 50e3, Unit::Nanoseconds);
        judge(AT_ONCE, OPEN, 65536.0, Unit::Bytes);
        judge(AT_ONCE, GROWTH, 0.0, Unit::Bytes);
    }
    verdicts
}
