//! What an experiment is: a claim, cases that are measured side by side, and what their figures say about the claim.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::peers::Peers;
use crate::child::{self, Effort, POLICY_VARIABLE, Policy};
use crate::failure::Failure;
use crate::kernels::Kernels;
use crate::measured::{Figures, Missing, Unit, Verdict};

/// One claim about locks and counts, put to the test.
pub struct Experiment {
    /// On the command line.
    pub name: &'static str,
    pub title: &'static str,
    /// What is said of such locks, in one sentence.
    pub claim: &'static str,
    /// What is done, and what is counted.
    pub method: &'static str,
    /// What each case may print, in the order of the table's columns.
    pub columns: &'static [Column],
    pub cases: fn(&Context<'_>, &mut Plan) -> Result<(), Failure>,
    /// Our own cases, in the child: the words that [`Plan::ours`] was given, to values of columns.
    pub measure: Measure,
    /// Figures of runtimes that are not here, measured once on a machine of two virtual CPUs.
    pub recorded: &'static [Recorded],
    pub read: fn(&Figures) -> Reading,
}

/// What is called in the child.
pub type Measure = fn(&Kernels, &[String], Effort) -> Result<Vec<Value>, Failure>;

/// Subject, setting, column and value.
pub type Recorded = (&'static str, &'static str, &'static str, f64);

/// A value that a case printed: `{"key": number}`, on a line of its standard output, several of them in one object if it likes.
pub type Value = (&'static str, f64);

/// One kind of figure.
pub struct Column {
    /// As a case prints it.
    pub key: &'static str,
    /// As people read it; also the name of the figure in [`Figures`].
    pub title: &'static str,
    pub unit: Unit,
}

/// What an experiment may choose its cases by.
pub struct Context<'a> {
    pub effort: Effort,
    pub cpus: usize,
    pub peers: &'a Peers,
}

/// The cases of an experiment, and what cannot be measured here.
#[derive(Default)]
pub struct Plan {
    pub cases: Vec<Case>,
    pub skipped: Vec<Missing>,
}

/// One subject in one setting: a process that measures once, prints its figures and ends.
pub struct Case {
    pub subject: String,
    pub setting: String,
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    pub environment: Vec<(OsString, OsString)>,
    /// How long it should take, for the bar.
    pub expected: Duration,
    /// How long it may take. Beyond it the process is killed and the case is reported as hung.
    pub limit: Duration,
}

impl Case {
    pub fn new(subject: &str, setting: &str, program: PathBuf) -> Self {
        Self {
            subject: subject.to_owned(),
            setting: setting.to_owned(),
            program,
            arguments: Vec::new(),
            environment: Vec::new(),
            expected: Duration::from_secs(1),
            limit: Duration::from_secs(60),
        }
    }
}

impl Plan {
    /// A case of our own: the tool itself, in a process in which `measure` of the experiment gets these words.
    pub fn ours(
        &mut self,
        experiment: &Experiment,
        context: &Context<'_>,
        subject: &str,
        setting: &str,
        words: &[&str],
    ) -> Result<&mut Case, Failure> {
        let program = child::executable()?;
        let mut case = Case::new(subject, setting, program);
        case.expected = context.effort.duration(case.expected);
        for word in ["lab", "measure", experiment.name, &child::name(&context.effort)].iter().chain(words) {
            case.arguments.push(word.into());
        }
        Ok(self.add(case))
    }

    /// The same under one of the lock's policies.
    pub fn under(
        &mut self,
        experiment: &Experiment,
        context: &Context<'_>,
        policy: Policy,
        setting: &str,
        words: &[&str],
    ) -> Result<&mut Case, Failure> {
        let name = child::name(&policy);
        let case = self.ours(experiment, context, &ours(policy), setting, words)?;
        case.environment.push((POLICY_VARIABLE.into(), name.into()));
        Ok(case)
    }

    pub fn add(&mut self, case: Case) -> &mut Case {
        self.cases.push(case);
        self.cases.last_mut().expect("it was just pushed")
    }

    pub fn skip(&mut self, subject: &str, why: impl Into<String>) {
        self.skipped.push(Missing { subject: subject.to_owned(), why: why.into() });
    }
}

/// A word of our own case: what [`Plan::ours`] put there.
pub fn word<T: std::str::FromStr>(words: &[String], at: usize) -> Result<T, Failure> {
    let missing =
        || Failure::Usage(format!("word {} of the case makes no sense; gilrt lab gives them", at + 1));
    words.get(at).and_then(|word| word.parse().ok()).ok_or_else(missing)
}

/// The name of our lock under a policy, as a subject.
pub fn ours(policy: Policy) -> String {
    format!("gilrt {}", child::name(&policy))
}

/// What the figures say.
#[derive(Default, Serialize)]
pub struct Reading {
    pub findings: Vec<Finding>,
    /// Figures that were to be reached.
    pub targets: Vec<Verdict>,
    pub plots: Vec<Plot>,
    /// One paragraph in which the figures are explained.
    pub text: String,
}

/// A sentence with its figures, and what it says about the claim.
#[derive(Serialize)]
pub struct Finding {
    pub sentence: String,
    pub verdict: Stand,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stand {
    Supports,
    Refutes,
    /// It adds to the claim without deciding it.
    Adds,
}

/// Data of one picture. How it is drawn is the business of `draw`.
#[derive(Serialize)]
pub struct Plot {
    /// Part of a file's name.
    pub name: &'static str,
    pub title: String,
    pub x: Axis,
    pub y: Axis,
    pub series: Vec<Series>,
}

#[derive(Serialize)]
pub struct Axis {
    pub label: String,
    pub logarithmic: bool,
    /// How values are written.
    pub unit: Unit,
    /// Names of the values 0, 1, 2 and so on, where they are no numbers.
    pub names: Vec<String>,
}

impl Axis {
    pub fn linear(label: &str, unit: Unit) -> Self {
        Self { label: label.to_owned(), logarithmic: false, unit, names: Vec::new() }
    }

    pub fn logarithmic(label: &str, unit: Unit) -> Self {
        Self { logarithmic: true, ..Self::linear(label, unit) }
    }

    pub fn names(label: &str, names: &[impl ToString]) -> Self {
        let names = names.iter().map(ToString::to_string).collect();
        Self { names, ..Self::linear(label, Unit::Count) }
    }
}

#[derive(Serialize)]
pub struct Series {
    pub label: String,
    pub points: Vec<Point>,
}

/// A median with what lay around it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Point {
    pub x: f64,
    pub y: f64,
    pub low: f64,
    pub high: f64,
}

impl Series {
    /// A subject's figure over settings, each at its `x`; settings without a figure are left out.
    pub fn of<'a>(
        figures: &Figures,
        subject: &str,
        figure: &str,
        settings: impl IntoIterator<Item = (f64, &'a str)>,
    ) -> Self {
        let points = settings.into_iter().filter_map(|(x, setting)| {
            let found = figures.find((subject, setting, figure))?;
            Some(Point { x, y: found.median, low: found.low, high: found.high })
        });
        Self { label: subject.to_owned(), points: points.collect() }
    }
}

impl Reading {
    /// Says `sentence` if there is one: if what it is made of was measured.
    pub fn find(&mut self, verdict: Stand, sentence: Option<String>) {
        self.findings.extend(sentence.map(|mut sentence| {
            if !sentence.ends_with('.') {
                sentence.push('.');
            }
            Finding { sentence, verdict }
        }));
    }

    /// The same where the figures decide: `supports` is None if they were not measured.
    pub fn decide(&mut self, supports: Option<bool>, sentence: impl FnOnce() -> Option<String>) {
        if let Some(supports) = supports {
            self.find(if supports { Stand::Supports } else { Stand::Refutes }, sentence());
        }
    }
}
