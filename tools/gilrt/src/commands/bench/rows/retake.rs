//! The longest wait beside a thread that holds for 100 µs, releases and takes back at once.

use std::time::Duration;

use super::{ALL_POLICIES, Effort, Policy, Recorded, Row, Verdict, name, with_two_cpus};
use crate::failure::Failure;
use crate::kernels::{Kernels, Task};
use crate::measured::{Figures, Round, Sample, Unit};

const LONGEST: &str = "longest wait";
/// A slice of 5 ms, one hold of 0.1 ms, and 1 ms for being woken.
const LIMIT_NS: f64 = 6.1e6;

pub static ROW: Row = Row {
    name: "retake",
    help: "A thread beside one that holds for 100 µs, releases and takes back at once",
    title: "the longest wait in 1 s beside a thread that holds 100 µs, releases and takes back at once",
    policies: ALL_POLICIES,
    measure,
    judge,
    recorded: &[
        recorded("CPython 2.7", 169.0),
        recorded("CPython 3.11", 920.0),
        recorded("CPython 3.13", 1007.0),
        recorded("CPython 3.14", 698.0),
    ],
};

const fn recorded(subject: &'static str, milliseconds: f64) -> Recorded {
    (subject, "", LONGEST, Unit::Nanoseconds, milliseconds * 1e6)
}

fn measure(kernels: &Kernels, policy: Policy, effort: Effort) -> Result<Round, Failure> {
    let duration = effort.duration(Duration::from_secs(1));
    let outcome = kernels.run("kernel_retake", &Task { duration, ..Task::default() })?;
    let subject = format!("gilrt, {}", name(&policy));
    Ok(vec![Sample::nanoseconds(&subject, "", LONGEST, outcome.longest_wait.as_nanos() as f64)].into())
}

fn judge(figures: &Figures) -> Vec<Verdict> {
    let longest = with_two_cpus(figures.median(("gilrt, responsive", "", LONGEST)));
    vec![Verdict::at_most("the longest wait", longest, LIMIT_NS, Unit::Nanoseconds)]
}
