//! All rounds of all experiments that were chosen. In each round every case is measured once, A B C A B C, so that what disturbs
//! the machine for a while disturbs all of them.

use std::time::Duration;

use super::bar::Bar;
use super::data::{Data, Record};
use super::experiment::{Case, Context, Experiment, Plan};
use super::interrupt;
use super::run::{self, Ended};
use crate::failure::Failure;
use crate::machine::Machine;
use crate::measured::{Missing, Round, Sample};

/// Measures, and calls `done` after each experiment. After an interrupt there is what was measured until then.
pub fn measure(
    chosen: &[&'static Experiment],
    context: &Context<'_>,
    machine: Machine,
    rounds: u32,
    mut done: impl FnMut(&Record) -> Result<(), Failure>,
) -> Result<Data, Failure> {
    let mut plans = Vec::new();
    for experiment in chosen {
        let mut plan = Plan::default();
        (experiment.cases)(context, &mut plan)?;
        plans.push(plan);
    }
    let expected: Duration = plans.iter().flat_map(|plan| &plan.cases).map(|case| case.expected).sum();
    let mut bar = Bar::new(expected * rounds);
    let mut records = Vec::new();
    for (experiment, plan) in chosen.iter().zip(plans) {
        let record = all_rounds(experiment, plan, rounds, &mut bar);
        bar.suspend(|| done(&record))?;
        records.push(record);
        if interrupt::came() {
            break;
        }
    }
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Ok(Data { version, machine, effort: context.effort, rounds, interrupted: interrupt::came(), records })
}

fn all_rounds(experiment: &Experiment, plan: Plan, rounds: u32, bar: &mut Bar) -> Record {
    let Plan { mut cases, skipped } = plan;
    let mut record = Record { experiment: experiment.name.to_owned(), skipped, ..Record::default() };
    for round in 1..=rounds {
        let mut failed = Vec::new();
        for (at, case) in cases.iter().enumerate() {
            let what = format!("{}, {}, round {round} of {rounds}", experiment.name, named(case));
            match run::once(case, experiment.columns, |running| bar.draw(&what, running, case.expected)) {
                Ok(figures) => record.figures.add(samples(experiment, case, &figures)),
                Err(Ended::Interrupted) => break,
                Err(Ended::Failed(why)) => {
                    record.failed.push(Missing { subject: named(case), why });
                    failed.push(at);
                }
            }
            bar.finish(case.expected);
        }
        if interrupt::came() {
            break;
        }
        record.rounds = round;
        // What failed once would fail again, or hang for as long.
        for at in failed.into_iter().rev() {
            bar.finish(cases.remove(at).expected * (rounds - round));
        }
    }
    record.add_recorded(experiment);
    record
}

fn named(case: &Case) -> String {
    match case.setting.as_str() {
        "" => case.subject.clone(),
        setting => format!("{}, {setting}", case.subject),
    }
}

fn samples(experiment: &Experiment, case: &Case, figures: &[(usize, f64)]) -> Round {
    figures
        .iter()
        .map(|(at, value)| {
            let column = &experiment.columns[*at];
            Sample::new(&case.subject, &case.setting, column.title, column.unit, *value)
        })
        .collect()
}
