//! All experiments, in the order in which the claims follow from one another.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::experiment::Experiment;
use crate::failure::Failure;

mod ccbench;
mod collectors;
mod convoy;
mod cpu;
mod io;
mod locks;
mod one_lock;
mod pair;
mod processes;
mod races;
mod scale;

pub static ALL: &[&Experiment] = &[
    &races::EXPERIMENT,
    &locks::EXPERIMENT,
    &one_lock::EXPERIMENT,
    &pair::EXPERIMENT,
    &cpu::EXPERIMENT,
    &io::EXPERIMENT,
    &convoy::EXPERIMENT,
    &ccbench::EXPERIMENT,
    &processes::EXPERIMENT,
    &collectors::EXPERIMENT,
    &scale::EXPERIMENT,
];

/// What the command line may say.
#[derive(Clone, Copy)]
pub enum Choice {
    All,
    One(&'static Experiment),
}

impl Choice {
    pub fn one(self) -> Result<&'static Experiment, Failure> {
        match self {
            Self::One(experiment) => Ok(experiment),
            Self::All => Err(Failure::Usage("one experiment is measured at a time".to_owned())),
        }
    }
}

pub fn find(name: &str) -> Option<&'static Experiment> {
    ALL.iter().copied().find(|it| it.name == name)
}

/// The experiments of several choices, each once, in the order of [`ALL`].
pub fn chosen(choices: &[Choice]) -> Vec<&'static Experiment> {
    let is_chosen = |it: &&&'static Experiment| {
        choices.iter().any(|choice| match choice {
            Choice::All => true,
            Choice::One(one) => one.name == it.name,
        })
    };
    ALL.iter().filter(is_chosen).copied().collect()
}

/// For the command line.
pub fn parser() -> impl TypedValueParser<Value = Choice> {
    let names = ALL.iter().map(|it| PossibleValue::new(it.name).help(it.title));
    let all = PossibleValue::new("all").help("Each of them");
    PossibleValuesParser::new(names.chain([all])).map(|name| find(&name).map_or(Choice::All, Choice::One))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::measured::Figures;

    #[test]
    fn every_experiment_has_a_name_of_its_own_and_so_has_each_column() {
        let names: HashSet<_> = ALL.iter().map(|it| it.name).chain(["all", "measure"]).collect();
        assert_eq!(names.len(), ALL.len() + 2);
        for experiment in ALL {
            let keys: HashSet<_> = experiment.columns.iter().map(|column| column.key).collect();
            let titles: HashSet<_> = experiment.columns.iter().map(|column| column.title).collect();
            assert_eq!(
                (keys.len(), titles.len()),
                (experiment.columns.len(), keys.len()),
                "{}",
                experiment.name
            );
            for (.., title, _) in experiment.recorded {
                assert!(titles.contains(title), "{}: {title}", experiment.name);
            }
        }
    }

    #[test]
    fn without_figures_nothing_is_found() {
        for experiment in ALL {
            let reading = (experiment.read)(&Figures::default());
            assert!(reading.findings.is_empty(), "{}", experiment.name);
            assert!(reading.targets.iter().all(|target| target.met.is_none()), "{}", experiment.name);
            assert!(!reading.text.is_empty(), "{}", experiment.name);
        }
    }
}
