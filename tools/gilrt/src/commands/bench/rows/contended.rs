//! Two threads in a loop of acquire, tiny work, release.

use std::time::Duration;

use super::{Effort, Policy, RESPONSIVE, Row, Verdict, with_two_cpus};
use crate::commands::bench::peers;
use crate::failure::Failure;
use crate::kernels::{Kernels, Task};
use crate::measured::{Figures, Round, Sample, Unit};

const OURS: &str = "gilrt, inline";
const PARKING_LOT: &str = "parking_lot";
const THROUGHPUT: &str = "pairs a second";
const LONGEST: &str = "longest wait";
const THREADS: u32 = 2;

pub static ROW: Row = Row {
    name: "contended",
    help: "Two threads that do nothing but take the lock",
    title: "two threads in a loop of acquire, count, release",
    policies: RESPONSIVE,
    measure,
    judge,
    recorded: &[],
};

fn measure(kernels: &Kernels, _: Policy, effort: Effort) -> Result<Round, Failure> {
    let duration = effort.duration(Duration::from_millis(300));
    // Once as fast as it goes, and once with every wait timed, which halves the speed of the fast ones.
    let kernel = |name: &'static str| {
        move |timed| {
            let task = Task { duration, threads: THREADS, timed, ..Task::default() };
            let outcome = kernels.run(name, &task)?;
            Ok((per_second(outcome.done, outcome.elapsed), outcome.longest_wait))
        }
    };
    let mut samples = of("pthread mutex", kernel("kernel_contended_pthread"))?;
    samples.extend(of(OURS, kernel("kernel_contended_gilrt"))?);
    samples.extend(of(PARKING_LOT, rust::<parking_lot::Mutex<u64>>(PARKING_LOT, duration))?);
    samples.extend(of("std Mutex", rust::<std::sync::Mutex<u64>>("std Mutex", duration))?);
    Ok(samples.into())
}

fn rust<P: peers::Peer>(
    name: &'static str,
    duration: Duration,
) -> impl Fn(bool) -> Result<(f64, Duration), Failure> {
    move |timed| {
        let contest = peers::contended::<P>(name, THREADS as usize, duration, timed)?;
        Ok((per_second(contest.done, contest.elapsed), contest.longest_wait))
    }
}

fn of(
    subject: &str,
    compete: impl Fn(bool) -> Result<(f64, Duration), Failure>,
) -> Result<Vec<Sample>, Failure> {
    let (throughput, _) = compete(false)?;
    let (_, longest) = compete(true)?;
    Ok(vec![
        Sample::new(subject, "", THROUGHPUT, Unit::PerSecond, throughput),
        Sample::nanoseconds(subject, "", LONGEST, longest.as_nanos() as f64),
    ])
}

fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(1e-9)
}

fn judge(figures: &Figures) -> Vec<Verdict> {
    let ratio = figures.ratio((OURS, "", THROUGHPUT), (PARKING_LOT, "", THROUGHPUT));
    let longest = figures.median((OURS, "", LONGEST));
    vec![
        Verdict::at_least("throughput against parking_lot", with_two_cpus(ratio), 0.7, Unit::Ratio),
        Verdict::at_most("the longest wait", with_two_cpus(longest), 2e6, Unit::Nanoseconds),
    ]
}
