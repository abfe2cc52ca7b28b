//! One object that all threads count at once.

use super::{Effort, Policy, RESPONSIVE, Row, Verdict};
use crate::failure::Failure;
use crate::kernels::{Kernels, Task};
use crate::measured::{Figures, Round, Sample, Unit};

const HOT: &str = "gilrt, hot";
const BIASED: &str = "gilrt, biased";
const ARC: &str = "Arc's atomics";
const PAIR: &str = "CPU time of a pair";
const THREADS: [(u32, &str); 3] = [(1, "1 thread"), (2, "2 threads"), (4, "4 threads")];
/// What is still flat: from one thread to four.
const FLAT: f64 = 1.25;

pub static ROW: Row = Row {
    name: "together",
    help: "One object that 1, 2 and 4 threads count at once",
    title: "incref and decref of one object by 1, 2 and 4 threads at once, inline",
    policies: RESPONSIVE,
    measure,
    judge,
    recorded: &[],
};

fn measure(kernels: &Kernels, _: Policy, effort: Effort) -> Result<Round, Failure> {
    let mut round = Round::default();
    let mut subjects = vec![(BIASED, "kernel_together_biased"), (ARC, "kernel_together_atomic")];
    if kernels.library_has("obj_make_hot") {
        subjects.insert(0, (HOT, "kernel_together_hot"));
    } else {
        round.missing(HOT, "the library has no obj_make_hot");
    }
    for (threads, setting) in THREADS {
        for (subject, kernel) in &subjects {
            let task = Task { units: effort.units(2_000_000), threads, ..Task::default() };
            let outcome = kernels.run(kernel, &task)?;
            let pair = outcome.elapsed.as_nanos() as f64 / outcome.done as f64;
            round.samples.push(Sample::nanoseconds(subject, setting, PAIR, pair));
        }
    }
    Ok(round)
}

fn judge(figures: &Figures) -> Vec<Verdict> {
    let hot = |setting| (HOT, setting, PAIR);
    let at_most_8 = |(_, setting): (u32, &'static str)| {
        Verdict::at_most(format!("hot, {setting}"), figures.median(hot(setting)), 8.0, Unit::Nanoseconds)
    };
    let flat = figures.ratio(hot(THREADS[2].1), hot(THREADS[0].1));
    let mut verdicts = Vec::from(THREADS.map(at_most_8));
    verdicts.push(Verdict::at_most("hot, 4 threads against 1", flat, FLAT, Unit::Ratio));
    verdicts
}
