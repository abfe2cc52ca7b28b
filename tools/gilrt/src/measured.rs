//! Values of several rounds: medians, spread, and ratios of what was measured side by side.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::figures::{count, memory, ratio, time};

/// Rounds further apart than this were disturbed.
pub const CALM: f64 = 0.2;

/// What a value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    Nanoseconds,
    PerSecond,
    Ratio,
    Bytes,
    Count,
}

impl Unit {
    pub fn show(self, value: f64) -> String {
        match self {
            // Below a nanosecond a duration has no digits left.
            Self::Nanoseconds if value < 1000.0 => format!("{} ns", ratio(value)),
            Self::Nanoseconds => time(Duration::from_nanos(value as u64)),
            Self::PerSecond => count(value as u64),
            Self::Ratio => format!("{value:.3}"),
            // The size of an object is exact.
            Self::Bytes if value < 1000.0 => format!("{value:.0} bytes"),
            Self::Bytes => memory(value as u64),
            Self::Count if value >= 1000.0 || value.fract() == 0.0 => count(value as u64),
            Self::Count => ratio(value),
        }
    }
}

/// One value of one round: who was measured, in which circumstances, and which of its figures this is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sample {
    pub subject: String,
    pub setting: String,
    pub figure: String,
    pub unit: Unit,
    pub value: f64,
}

impl Sample {
    pub fn new(subject: &str, setting: &str, figure: &str, unit: Unit, value: f64) -> Self {
        let [subject, setting, figure] = [subject, setting, figure].map(str::to_owned);
        Self { subject, setting, figure, unit, value }
    }

    pub fn nanoseconds(subject: &str, setting: &str, figure: &str, value: f64) -> Self {
        Self::new(subject, setting, figure, Unit::Nanoseconds, value)
    }
}

/// What is not on this machine, or not in this build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    pub subject: String,
    pub why: String,
}

/// What a process measured.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Round {
    pub samples: Vec<Sample>,
    pub missing: Vec<Missing>,
}

impl From<Vec<Sample>> for Round {
    fn from(samples: Vec<Sample>) -> Self {
        Self { samples, missing: Vec::new() }
    }
}

impl FromIterator<Sample> for Round {
    fn from_iter<I: IntoIterator<Item = Sample>>(samples: I) -> Self {
        Vec::from_iter(samples).into()
    }
}

impl Round {
    pub fn missing(&mut self, subject: &str, why: impl Into<String>) {
        self.missing.push(Missing { subject: subject.to_owned(), why: why.into() });
    }
}

/// All values of one figure.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Figure {
    pub subject: String,
    pub setting: String,
    pub figure: String,
    pub unit: Unit,
    pub median: f64,
    pub low: f64,
    pub high: f64,
    /// Not measured here, but taken from elsewhere.
    pub recorded: bool,
    /// One for each round, in their order.
    pub values: Vec<f64>,
}

impl Figure {
    /// The median, with the least and the greatest where there were several rounds.
    pub fn show(&self) -> String {
        let shown = self.unit.show(self.median);
        match self.values.len() {
            _ if self.recorded => format!("{shown} (recorded)"),
            1 => shown,
            _ if self.low == self.high => shown,
            _ => format!("{shown} ({} … {})", self.unit.show(self.low), self.unit.show(self.high)),
        }
    }

    /// How far the rounds lie apart, in relation to the median.
    pub fn spread(&self) -> f64 {
        if self.median > 0.0 { (self.high - self.low) / self.median } else { 0.0 }
    }
}

/// The figures of one table, in the order in which they first came.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Figures {
    all: Vec<Figure>,
    missing: Vec<Missing>,
}

/// A figure's name: subject, setting, figure.
pub type Key<'a> = (&'a str, &'a str, &'a str);

impl Figures {
    pub fn add(&mut self, round: Round) {
        for sample in round.samples {
            self.put(sample, false);
        }
        for missing in round.missing {
            if !self.missing.contains(&missing) {
                self.missing.push(missing);
            }
        }
    }

    /// A value that was measured elsewhere.
    pub fn record(&mut self, sample: Sample) {
        self.put(sample, true);
    }

    fn put(&mut self, sample: Sample, recorded: bool) {
        let Sample { subject, setting, figure, unit, value } = sample;
        let known =
            |it: &&mut Figure| (&it.subject, &it.setting, &it.figure) == (&subject, &setting, &figure);
        if let Some(figure) = self.all.iter_mut().find(known) {
            figure.values.push(value);
            figure.median = median(&figure.values);
            figure.low = figure.low.min(value);
            figure.high = figure.high.max(value);
            return;
        }
        let values = vec![value];
        self.all.push(Figure {
            subject,
            setting,
            figure,
            unit,
            median: value,
            low: value,
            high: value,
            recorded,
            values,
        });
    }

    pub fn median(&self, key: Key<'_>) -> Option<f64> {
        self.find(key).map(|figure| figure.median)
    }

    /// The median as people read it.
    pub fn shown(&self, key: Key<'_>) -> Option<String> {
        self.find(key).map(|figure| figure.unit.show(figure.median))
    }

    /// The median of the rounds' ratios: what disturbs one round disturbs both values of it.
    pub fn ratio(&self, above: Key<'_>, below: Key<'_>) -> Option<f64> {
        self.ratio_to_sum(above, &[below])
    }

    pub fn ratio_to_sum(&self, above: Key<'_>, below: &[Key<'_>]) -> Option<f64> {
        let above = self.find(above)?;
        let below = below.iter().map(|key| self.find(*key)).collect::<Option<Vec<_>>>()?;
        let in_round = |(round, value): (usize, &f64)| {
            let sum: f64 = below.iter().filter_map(|figure| figure.values.get(round)).sum();
            value / sum.max(1e-9)
        };
        Some(median(&above.values.iter().enumerate().map(in_round).collect::<Vec<_>>()))
    }

    pub fn find(&self, (subject, setting, figure): Key<'_>) -> Option<&Figure> {
        self.all.iter().find(|it| {
            (it.subject.as_str(), it.setting.as_str(), it.figure.as_str()) == (subject, setting, figure)
        })
    }

    pub fn all(&self) -> &[Figure] {
        &self.all
    }

    pub fn into_parts(self) -> (Vec<Figure>, Vec<Missing>) {
        (self.all, self.missing)
    }
}

/// The middle value, or the mean of the two in the middle; 0 for none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.as_slice() {
        [] => 0.0,
        sorted if sorted.len() % 2 == 1 => sorted[sorted.len() / 2],
        sorted => (sorted[sorted.len() / 2 - 1] + sorted[sorted.len() / 2]) / 2.0,
    }
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

    /// What was wanted, and what came of it.
    pub fn sentence(&self) -> String {
        let bound = match self.bound {
            Bound::AtMost => "at most",
            Bound::AtLeast => "at least",
        };
        let show = |value| self.unit.show(value);
        let outcome = match (self.met, self.value) {
            (Some(true), Some(it)) => format!("met, {}", show(it)),
            (Some(false), Some(it)) => {
                format!("NOT MET, {}: {} of the limit", show(it), ratio(it / self.limit))
            }
            _ => "not judged: it could not be measured here".to_owned(),
        };
        format!("{} {bound} {}: {outcome}", self.what, show(self.limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(pairs: &[(f64, f64)]) -> Figures {
        let mut figures = Figures::default();
        for (ours, theirs) in pairs {
            let pair = vec![
                Sample::nanoseconds("ours", "", "time", *ours),
                Sample::nanoseconds("theirs", "", "time", *theirs),
            ];
            figures.add(pair.into());
        }
        figures
    }

    #[test]
    fn a_median_is_the_middle_or_between_the_two_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(&[]), 0.0);
    }

    #[test]
    fn a_ratio_compares_values_of_the_same_round() {
        // The second round was disturbed as a whole.
        let figures = figures(&[(1.0, 2.0), (50.0, 100.0), (1.5, 2.0)]);
        assert_eq!(figures.ratio(("ours", "", "time"), ("theirs", "", "time")), Some(0.5));
        assert_eq!(figures.ratio(("ours", "", "time"), ("nobody", "", "time")), None);
    }

    #[test]
    fn a_ratio_to_several_is_one_to_their_sum() {
        let figures = figures(&[(6.0, 1.0), (8.0, 2.0)]);
        let theirs = ("theirs", "", "time");
        assert_eq!(figures.ratio_to_sum(("ours", "", "time"), &[theirs, theirs]), Some(2.5));
    }

    #[test]
    fn the_rounds_of_a_figure_are_kept_together() {
        let ours = figures(&[(1.0, 2.0), (3.0, 2.0), (2.0, 2.0)]).into_parts().0.swap_remove(0);
        assert_eq!((ours.median, ours.low, ours.high), (2.0, 1.0, 3.0));
        assert_eq!(ours.spread(), 1.0);
        assert_eq!(ours.values, [1.0, 3.0, 2.0]);
    }

    #[test]
    fn what_is_missing_in_each_round_is_told_once() {
        let mut figures = Figures::default();
        for _ in 0..2 {
            let mut round = Round::default();
            round.missing("theirs", "it is not installed");
            figures.add(round);
        }
        let (all, missing) = figures.into_parts();
        assert!(all.is_empty());
        assert_eq!(missing, [Missing { subject: "theirs".into(), why: "it is not installed".into() }]);
    }

    #[test]
    fn a_limit_is_met_at_the_limit_and_not_judged_without_a_value() {
        let met = |value| Verdict::at_most("", value, 2.0, Unit::Ratio).met;
        assert_eq!([met(Some(2.0)), met(Some(2.1)), met(None)], [Some(true), Some(false), None]);
        let met = |value| Verdict::at_least("", value, 2.0, Unit::Ratio).met;
        assert_eq!([met(Some(2.0)), met(Some(1.9)), met(None)], [Some(true), Some(false), None]);
    }
}
