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

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use std::sync::LazyLock;

use crate::child::{Effort, Policy, name};
use crate::failure::Failure;
use crate::kernels::Kernels;
use crate::measured::{Figures, Round, Unit, Verdict};

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

/// A limit that needs a second thread running at the same time is not judged where there is one CPU.
fn with_two_cpus(value: Option<f64>) -> Option<f64> {
    value.filter(|_| std::thread::available_parallelism().is_ok_and(|cpus| cpus.get() > 1))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

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
