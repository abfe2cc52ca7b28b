//! The rows of `gilrt bench lock`, `counts` and `modes`: what is measured, beside what, and what it may be at most.

mod collect;
mod compute;
mod contended;
mod counting;
mod image;
mod interpreters;
mod memory;
mod modes;
mod pairs;
mod passes;
mod quantiles;
mod retake;
mod share;
mod sleep;
mod switch;
mod together;
mod world;

use std::sync::LazyLock;
use std::time::Duration;

use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use serde::Serialize;

use super::figures::{Figures, Round, Unit};
use super::kernels::Kernels;
use crate::failure::Failure;

/// `gilrt bench lock`, in the order in which the rows are shown.
pub static LOCK: &[&Row] = &[
    &pairs::UNCONTENDED,
    &pairs::CALL_ROW,
    &pairs::POLL,
    &contended::ROW,
    &sleep::ROW,
    &retake::ROW,
    &compute::ROW,
    &share::ROW,
];

pub const LOCK_NOTE: &str =
    "That a scheduling decision among 10,000 waiters costs O(log n) is shown by counts, in tests/sched.rs.\n";

/// `gilrt bench counts`, likewise.
pub static COUNTS: &[&Row] = &[
    &counting::OWNER,
    &counting::OWNER_CALL,
    &counting::FOREIGN,
    &together::ROW,
    &memory::SIZE,
    &memory::NEW,
    &collect::ROW,
];

/// `gilrt bench modes`, likewise.
pub static MODES: &[&Row] =
    &[&image::ROW, &modes::ATTACH, &interpreters::ROW, &world::ROW, &modes::ACROSS, &switch::ROW];

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
    /// On the command line.
    pub name: &'static str,
    pub help: &'static str,
    pub title: &'static str,
    /// The policies under which a round is measured, each in a process of its own. What does not depend on the policy, the
    /// peers, is measured with the first.
    pub policies: &'static [Policy],
    /// One round, in the child.
    pub measure: fn(&Kernels, Policy, Effort) -> Result<Round, Failure>,
    /// What the figures are held against.
    pub judge: fn(&Figures) -> Vec<Verdict>,
    /// Figures of runtimes that are not here, measured once on a machine of two virtual CPUs.
    pub recorded: &'static [Recorded],
}

/// Subject, setting, figure, unit and value.
pub type Recorded = (&'static str, &'static str, &'static str, Unit, f64);

pub const ALL_POLICIES: &[Policy] = &[Policy::Responsive, Policy::Interval, Policy::Ticks];
const RESPONSIVE: &[Policy] = &[Policy::Responsive];

/// One of `rows` by its name, for the command line.
pub fn parser(rows: &'static [&'static Row]) -> impl TypedValueParser<Value = &'static Row> {
    let names = rows.iter().map(|row| PossibleValue::new(row.name).help(row.help));
    PossibleValuesParser::new(names)
        .map(|name| *rows.iter().find(|row| row.name == name).expect("a possible value"))
}

/// All rows of all tables.
pub fn all() -> &'static [&'static Row] {
    static ALL: LazyLock<Vec<&Row>> = LazyLock::new(|| [LOCK, COUNTS, MODES].concat());
    &ALL
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
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_limit_is_met_at_the_limit_and_not_judged_without_a_value() {
        let met = |value| Verdict::at_most("", value, 2.0, Unit::Ratio).met;
        assert_eq!([met(Some(2.0)), met(Some(2.1)), met(None)], [Some(true), Some(false), None]);
        let met = |value| Verdict::at_least("", value, 2.0, Unit::Ratio).met;
        assert_eq!([met(Some(2.0)), met(Some(1.9)), met(None)], [Some(true), Some(false), None]);
    }

    #[test]
    fn every_row_has_a_name_of_its_own() {
        let names: HashSet<_> = all().iter().map(|row| row.name).collect();
        assert_eq!(names.len(), all().len());
    }

    #[test]
    fn every_row_is_measured_and_judged() {
        for row in all() {
            assert!(!row.policies.is_empty(), "{}", row.name);
            let verdicts = (row.judge)(&Figures::default());
            assert!(!verdicts.is_empty(), "{}", row.name);
            // Without figures nothing may pass.
            assert!(verdicts.iter().all(|verdict| verdict.met.is_none()), "{}: {verdicts:?}", row.name);
        }
    }
}
