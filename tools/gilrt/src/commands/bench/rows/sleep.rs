//! A thread that sleeps for 1 ms and then wants the lock, beside CPU-bound threads that poll.

use std::time::Duration;

use super::quantiles::{HALF, MOST, quantiles};
use super::{ALL_POLICIES, Effort, Policy, Row, Verdict, name, with_two_cpus};
use crate::failure::Failure;
use crate::kernels::{Kernels, Task};
use crate::measured::{Figures, Round, Sample, Unit};

const RESPONSIVE: &str = "gilrt, responsive, from CPU to CPU";
const INTERVAL: &str = "gilrt, interval, from CPU to CPU";
const FUTEX: &str = "a bare futex, from CPU to CPU";
const LOST: &str = "CPU time lost";
const BESIDE: [u32; 4] = [1, 2, 4, 8];

pub static ROW: Row = Row {
    name: "sleep",
    help: "A thread that sleeps and comes back, beside CPU-bound ones",
    title: "acquire after a sleep of 1 ms, beside CPU-bound threads that poll",
    policies: ALL_POLICIES,
    measure,
    judge,
    recorded: &[],
};

fn measure(kernels: &Kernels, policy: Policy, effort: Effort) -> Result<Round, Failure> {
    let duration = effort.duration(Duration::from_millis(700));
    // More than there can be: each takes a millisecond of sleep.
    let task = Task { duration, waits: 2000, ..Task::default() };
    let mut samples = Vec::new();
    let two_cpus = std::thread::available_parallelism().is_ok_and(|cpus| cpus.get() > 1);
    if policy == Policy::Responsive && two_cpus {
        let outcome = kernels.run("kernel_futex", &task)?;
        samples.extend(quantiles(FUTEX, "", &outcome.waits));
    }
    let subject = format!("gilrt, {}{}", name(&policy), if two_cpus { ", from CPU to CPU" } else { "" });
    for threads in BESIDE {
        let outcome = kernels.run("kernel_sleeper", &Task { threads, ..task })?;
        let setting = beside(threads);
        samples.extend(quantiles(&subject, &setting, &outcome.waits));
        let lost = outcome.lost.as_nanos() as f64 / outcome.waits.len().max(1) as f64;
        samples.push(Sample::nanoseconds(&subject, &setting, LOST, lost));
    }
    Ok(samples.into())
}

fn beside(threads: u32) -> String {
    format!("beside {threads}")
}

fn judge(figures: &Figures) -> Vec<Verdict> {
    let futex = (FUTEX, "", HALF);
    let mut verdicts = Vec::new();
    for threads in BESIDE {
        let setting = beside(threads);
        let ours = |figure| (RESPONSIVE, setting.as_str(), figure);
        let interval = (INTERVAL, setting.as_str(), HALF);
        let mut judge = |what: &str, value, limit, unit| {
            verdicts.push(Verdict::at_most(format!("{setting}: {what}"), with_two_cpus(value), limit, unit));
        };
        judge("p50 against the futex", figures.ratio(ours(HALF), futex), 2.0, Unit::Ratio);
        judge("p99", figures.median(ours(MOST)), 500e3, Unit::Nanoseconds);
        judge("p50 against INTERVAL", figures.ratio(ours(HALF), interval), 0.01, Unit::Ratio);
        judge("CPU time lost against the futex", figures.ratio(ours(LOST), futex), 3.0, Unit::Ratio);
    }
    verdicts
}
