//! The figures as people read them, and the same for programs.

use serde::Serialize;

use super::rows::Row;
use crate::machine::Machine;
use crate::measured::{CALM, Figure, Figures, Missing, Sample, Verdict};
use crate::report::table;

/// One row with all that is known about it.
#[derive(Serialize)]
pub struct Record {
    row: &'static str,
    title: &'static str,
    figures: Vec<Figure>,
    not_measured: Vec<Missing>,
    limits: Vec<Verdict>,
}

/// The whole, for programs.
#[derive(Serialize)]
pub struct Report<'a> {
    machine: &'a Machine,
    rounds: u32,
    quick: bool,
    rows: Vec<Record>,
    warnings: Vec<String>,
}

impl<'a> Report<'a> {
    pub fn new(machine: &'a Machine, rounds: u32, quick: bool, rows: Vec<Record>) -> Self {
        let warnings = warnings(machine, &rows);
        Self { machine, rounds, quick, rows, warnings }
    }
}

pub fn record(row: &Row, mut figures: Figures) -> Record {
    let limits = (row.judge)(&figures);
    for (subject, setting, figure, unit, value) in row.recorded {
        figures.record(Sample::new(subject, setting, figure, *unit, *value));
    }
    let (figures, not_measured) = figures.into_parts();
    Record { row: row.name, title: row.title, figures, not_measured, limits }
}

pub fn heading(machine: &Machine, rounds: u32) -> String {
    format!(
        "{}\n{rounds} round{}: the median, and the least and the greatest in brackets\n",
        machine.describe(),
        if rounds == 1 { "" } else { "s" }
    )
}

/// One line for each subject in each setting, one column for each figure, then the limits.
pub fn row(record: &Record) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut lines: Vec<(&str, &str)> = Vec::new();
    for figure in &record.figures {
        if !names.contains(&figure.figure.as_str()) {
            names.push(&figure.figure);
        }
        let line = (figure.setting.as_str(), figure.subject.as_str());
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    let cells: Vec<Vec<String>> = lines
        .iter()
        .map(|(setting, subject)| {
            let of = |name: &&str| {
                let known = |it: &&Figure| {
                    (it.subject.as_str(), it.setting.as_str(), it.figure.as_str())
                        == (*subject, *setting, *name)
                };
                record.figures.iter().find(known).map_or_else(|| "-".to_owned(), Figure::show)
            };
            let mut cells = vec![(*subject).to_owned(), (*setting).to_owned()];
            cells.extend(names.iter().map(of));
            cells
        })
        .collect();
    let header: Vec<&str> = ["", ""].into_iter().chain(names.iter().copied()).collect();
    let limits: String = record.limits.iter().map(|limit| format!("  {}\n", limit.sentence())).collect();
    let missing =
        record.not_measured.iter().map(|it| format!("  {}: not measured: {}\n", it.subject, it.why));
    let missing: String = missing.collect();
    format!("\n{}: {}\n{}{missing}{limits}", record.row, record.title, table(&header, &cells, 2))
}

fn warnings(machine: &Machine, records: &[Record]) -> Vec<String> {
    let mut warnings = machine.warnings();
    let measured = || records.iter().flat_map(|record| &record.figures).filter(|figure| !figure.recorded);
    let disturbed = measured().filter(|figure| figure.spread() > CALM).count();
    if disturbed > 0 {
        warnings.push(format!(
            "the rounds of {disturbed} of {} figures lie more than {:.0} % apart",
            measured().count(),
            CALM * 100.0
        ));
    }
    warnings
}

/// `note` is what there is to say of the whole table.
pub fn closing(machine: &Machine, records: &[Record], note: &str) -> String {
    let limits = || records.iter().flat_map(|record| &record.limits);
    let met = limits().filter(|limit| limit.met == Some(true)).count();
    let mut text = format!("\n{met} of {} limits met\n", limits().count());
    text += note;
    for warning in warnings(machine, records) {
        text += &format!("warning: {warning}\n");
    }
    text
}
