//! What takes nanoseconds is measured in passes: subject by subject, then again, so that what disturbs one of them meets all
//! alike.

use std::time::Duration;

use super::Effort;
use crate::failure::Failure;
use crate::kernels::{Kernels, Task};
use crate::measured::{Round, Sample, median};

const PASSES: usize = 11;
const UNITS: u64 = 2_000_000;

/// The time that so many units take.
pub type Timer<'a> = &'a dyn Fn(u64) -> Result<Duration, Failure>;

/// The median of the passes for each subject, in nanoseconds for one unit.
pub fn interleaved(subjects: &[(&str, Timer<'_>)], figure: &str, effort: Effort) -> Result<Round, Failure> {
    let units = effort.units(UNITS);
    let mut passes = vec![Vec::new(); subjects.len()];
    // The first pass loads the code and earns the bias, and does not count.
    for pass in 0..=PASSES {
        for ((_, time), passes) in subjects.iter().zip(&mut passes) {
            let took = time(units)?;
            if pass > 0 {
                passes.push(took.as_nanos() as f64 / units as f64);
            }
        }
    }
    let samples = subjects.iter().zip(&passes);
    Ok(samples
        .map(|((subject, _), passes)| Sample::nanoseconds(subject, "", figure, median(passes)))
        .collect())
}

/// The time that a kernel takes for so many units.
pub fn timed(kernels: &Kernels, name: &str, units: u64) -> Result<Duration, Failure> {
    Ok(kernels.run(name, &Task { units, ..Task::default() })?.elapsed)
}
