//! All that was measured in one run: what reports are made of, and what is kept as JSON beside them.

use serde::{Deserialize, Serialize};

use super::experiment::Experiment;
use super::experiments;
use crate::child::Effort;
use crate::machine::Machine;
use crate::measured::{CALM, Figures, Missing, Sample};

#[derive(Serialize, Deserialize)]
pub struct Data {
    pub version: String,
    pub machine: Machine,
    pub effort: Effort,
    /// How many rounds were asked for.
    pub rounds: u32,
    pub interrupted: bool,
    pub records: Vec<Record>,
}

/// What was measured for one experiment.
#[derive(Default, Serialize, Deserialize)]
pub struct Record {
    pub experiment: String,
    /// How many rounds were done.
    pub rounds: u32,
    pub figures: Figures,
    /// What is not here.
    pub skipped: Vec<Missing>,
    /// What was to be measured and could not be.
    pub failed: Vec<Missing>,
}

impl Record {
    /// The experiment, if this tool still has it.
    pub fn experiment(&self) -> Option<&'static Experiment> {
        experiments::find(&self.experiment)
    }

    /// Puts the recorded figures of `experiment` beside the measured ones.
    pub fn add_recorded(&mut self, experiment: &Experiment) {
        for (subject, setting, title, value) in experiment.recorded {
            let column = experiment.columns.iter().find(|column| column.title == *title);
            let column = column.expect("a recorded figure has a column");
            self.figures.record(Sample::new(subject, setting, title, column.unit, *value));
        }
    }

    /// How many of the measured figures were disturbed, and of how many.
    pub fn disturbed(&self) -> (usize, usize) {
        let measured = || self.figures.all().iter().filter(|figure| !figure.recorded);
        (measured().filter(|figure| figure.spread() > CALM).count(), measured().count())
    }
}

impl Data {
    /// What a reader of the figures must know.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.machine.warnings();
        if self.interrupted {
            warnings
                .push("the run was interrupted: there are figures of the rounds that were done".to_owned());
        }
        if self.effort == Effort::Quick {
            warnings.push("measured in the short form, which shows that all works, not how well".to_owned());
        }
        if (1..8).contains(&self.machine.cpus) {
            warnings.push(format!(
                "there are fewer CPUs ({}) than some experiments have threads: what those gain by running at once is not seen",
                self.machine.cpus
            ));
        }
        let (disturbed, all) = self
            .records
            .iter()
            .map(Record::disturbed)
            .fold((0, 0), |(some, all), (more, of)| (some + more, all + of));
        if disturbed > 0 {
            warnings.push(format!(
                "the rounds of {disturbed} of {all} figures lie more than {:.0} % apart",
                CALM * 100.0
            ));
        }
        warnings
    }
}
