//! A fixed amount of work by 1, 2 and 4 CPU-bound threads under the lock.

use std::time::Duration;

use super::{ALL_POLICIES, Effort, Policy, Recorded, Row, Verdict, name};
use crate::failure::Failure;
use crate::kernels::{Kernels, Task};
use crate::measured::{Figures, Round, Sample, Unit};

const AGAINST_ONE: &str = "time against 1 thread";
const TWO: &str = "2 threads";
const FOUR: &str = "4 threads";

pub static ROW: Row = Row {
    name: "compute",
    help: "CPU-bound threads, in total against one",
    title: "CPU-bound threads under the lock: the time for the same work, shared among them",
    policies: ALL_POLICIES,
    measure,
    judge,
    recorded: &[
        recorded("CPython 2.7", 1.97),
        recorded("CPython 3.11", 0.98),
        recorded("CPython 3.13", 1.12),
        recorded("CPython 3.14", 0.96),
        recorded("PyPy", 1.32),
    ],
};

const fn recorded(subject: &'static str, ratio: f64) -> Recorded {
    (subject, TWO, AGAINST_ONE, Unit::Ratio, ratio)
}

fn measure(kernels: &Kernels, policy: Policy, effort: Effort) -> Result<Round, Failure> {
    let time = |units, threads| {
        kernels
            .run("kernel_compute", &Task { units, threads, ..Task::default() })
            .map(|outcome| outcome.elapsed)
    };
    // As many units as fill the time on this machine; the first run also wakes the processor up.
    const PROBE: u64 = 100_000;
    time(PROBE, 1)?;
    let full = effort.duration(Duration::from_millis(400));
    let units = (PROBE as f64 * full.as_secs_f64() / time(PROBE, 1)?.as_secs_f64().max(1e-9)) as u64;
    let alone = time(units, 1)?.as_secs_f64().max(1e-9);
    let subject = format!("gilrt, {}", name(&policy));
    [(TWO, 2), (FOUR, 4)]
        .into_iter()
        .map(|(setting, threads)| {
            let ratio = time(units, threads)?.as_secs_f64() / alone;
            Ok(Sample::new(&subject, setting, AGAINST_ONE, Unit::Ratio, ratio))
        })
        .collect()
}

fn judge(figures: &Figures) -> Vec<Verdict> {
    let judge = |setting| {
        let ratio = figures.median(("gilrt, responsive", setting, AGAINST_ONE));
        Verdict::at_most(format!("{setting} against 1"), ratio, 1.02, Unit::Ratio)
    };
    vec![judge(TWO), judge(FOUR)]
}
