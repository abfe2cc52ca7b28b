//! The rows of `gilrt bench lock`: what is measured, beside what, and what it may be at most.

mod compute;
mod contended;
mod pairs;
mod retake;
mod share;
mod sleep;

use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;

use super::figures::{Figures, Sample, Unit};
use super::kernels::Kernels;
use crate::failure::Failure;

/// A row by name, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RowName {
    /// Release and acquire by one thread that is alone, inline
    Uncontended,
    /// The same by calls into the library
    Call,
    /// A safepoint that nobody asks anything of
    Poll,
    /// Two threads that do nothing but take the lock
    Contended,
    /// A thread that sleeps and comes back, beside CPU-bound ones
    Sleep,
    /// A thread beside one that holds for 100 µs, releases and takes back at once
    Retake,
    /// CPU-bound threads, in total against one
    Compute,
    /// How evenly four CPU-bound threads share a second
    Share,
}

/// How the lock chooses, by its name in GILRT_POLICY.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Policy {
    Responsive,
    Interval,
    Ticks,
}

/// How long to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Effort {
    Full,
    Quick,
}

impl Effort {
    pub fn duration(self, full: Duration) -> Duration {
        match self {
            Self::Full => full,
            Self::Quick => full / 10,
        }
    }

    pub fn units(self, full: u64) -> u64 {
        match self {
            Self::Full => full,
            Self::Quick => full / 10,
        }
    }
}

/// One row.
pub struct Row {
    pub title: &'static str,
    /// The policies under which a round is measured, each in a process of its own. What does not depend on the policy, the
    /// peers, is measured with the first.
    pub policies: &'static [Policy],
    /// One round, in the child.
    pub measure: fn(&Kernels, Policy, Effort) -> Result<Vec<Sample>, Failure>,
    /// What the figures are held against.
    pub judge: fn(&Figures) -> Vec<Verdict>,
    /// Figures of runtimes that are not here, measured once on a machine of two virtual CPUs.
    pub recorded: &'static [Recorded],
}

/// Subject, setting, figure, unit and value.
pub type Recorded = (&'static str, &'static str, &'static str, Unit, f64);

pub const ALL_POLICIES: &[Policy] = &[Policy::Responsive, Policy::Interval, Policy::Ticks];
const RESPONSIVE: &[Policy] = &[Policy::Responsive];

pub fn all() -> impl Iterator<Item = RowName> {
    RowName::value_variants().iter().copied()
}

pub fn get(name: RowName) -> &'static Row {
    match name {
        RowName::Uncontended => &pairs::UNCONTENDED,
        RowName::Call => &pairs::CALL_ROW,
        RowName::Poll => &pairs::POLL,
        RowName::Contended => &contended::ROW,
        RowName::Sleep => &sleep::ROW,
        RowName::Retake => &retake::ROW,
        RowName::Compute => &compute::ROW,
        RowName::Share => &share::ROW,
    }
}

/// As it is typed on the command line.
pub fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    AtMost,
    AtLeast,
}

/// A figure held against its limit.
#[derive(Debug, Serialize)]
pub struct Verdict {
    pub what: String,
    /// None where it could not be measured.
    pub value: Option<f64>,
    pub bound: Bound,
    pub limit: f64,
    pub unit: Unit,
    pub met: Option<bool>,
}

impl Verdict {
    pub fn at_most(what: impl Into<String>, value: Option<f64>, limit: f64, unit: Unit) -> Self {
        let met = value.map(|value| value <= limit);
        Self { what: what.into(), value, bound: Bound::AtMost, limit, unit, met }
    }

    pub fn at_least(what: impl Into<String>, value: Option<f64>, limit: f64, unit: Unit) -> Self {
        let met = value.map(|value| value >= limit);
        Self { what: what.into(), value, bound: Bound::AtLeast, limit, unit, met }
    }
}

/// A limit that needs a second thread running at the same time is not judged where there is one CPU.
fn with_two_cpus(value: Option<f64>) -> Option<f64> {
    value.filter(|_| std::thread::available_parallelism().is_ok_and(|cpus| cpus.get() > 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_met_at_the_limit_and_not_judged_without_a_value() {
        let met = |value| Verdict::at_most("", value, 2.0, Unit::Ratio).met;
        assert_eq!([met(Some(2.0)), met(Some(2.1)), met(None)], [Some(true), Some(false), None]);
        let met = |value| Verdict::at_least("", value, 2.0, Unit::Ratio).met;
        assert_eq!([met(Some(2.0)), met(Some(1.9)), met(None)], [Some(true), Some(false), None]);
    }

    #[test]
    fn every_row_is_measured_and_judged() {
        for name in all() {
            let row = get(name);
            assert!(!row.policies.is_empty(), "{name:?}");
            let verdicts = (row.judge)(&Figures::default());
            assert!(!verdicts.is_empty(), "{name:?}");
            // Without figures nothing may pass.
            assert!(verdicts.iter().all(|verdict| verdict.met.is_none()), "{name:?}: {verdicts:?}");
        }
    }
}
