//! How evenly four CPU-bound threads share a second.

use std::time::Duration;

use super::{Effort, Policy, RESPONSIVE, Row, Verdict};
use crate::failure::Failure;
use crate::kernels::{Kernels, Task};
use crate::measured::{Figures, Round, Sample, Unit};

const OURS: &str = "gilrt, responsive";
const JAIN: &str = "Jain's index";
const THREADS: u32 = 4;

pub static ROW: Row = Row {
    name: "share",
    help: "How evenly four CPU-bound threads share a second",
    title: "how evenly 4 CPU-bound threads share 1 s: 1 if equally, 0.25 if one has it all",
    policies: RESPONSIVE,
    measure,
    judge,
    recorded: &[],
};

fn measure(kernels: &Kernels, _: Policy, effort: Effort) -> Result<Round, Failure> {
    let duration = effort.duration(Duration::from_secs(1));
    [(OURS, "kernel_share_gilrt"), ("pthread mutex", "kernel_share_pthread")]
        .into_iter()
        .map(|(subject, kernel)| {
            let outcome = kernels.run(kernel, &Task { duration, threads: THREADS, ..Task::default() })?;
            let index = jain(&outcome.shares[..THREADS as usize]);
            Ok(Sample::new(subject, "", JAIN, Unit::Ratio, index))
        })
        .collect()
}

/// Jain, Chiu and Hawe's index of fairness: the square of the sum over n times the sum of the squares.
fn jain(shares: &[u64]) -> f64 {
    let sum: f64 = shares.iter().map(|share| *share as f64).sum();
    let squares: f64 = shares.iter().map(|share| (*share as f64).powi(2)).sum();
    if squares == 0.0 { 0.0 } else { sum * sum / (shares.len() as f64 * squares) }
}

fn judge(figures: &Figures) -> Vec<Verdict> {
    vec![Verdict::at_least(JAIN, figures.median((OURS, "", JAIN)), 0.99, Unit::Ratio)]
}

#[cfg(test)]
mod tests {
    use super::jain;

    #[test]
    fn jains_index_is_1_for_equal_shares_and_1_in_n_for_a_monopoly() {
        assert_eq!(jain(&[5, 5, 5, 5]), 1.0);
        assert_eq!(jain(&[0, 9, 0, 0]), 0.25);
        assert_eq!(jain(&[0, 0, 0, 0]), 0.0);
    }
}
