//! Tables and findings as people read them on a terminal.

use super::data::{Data, Record};
use super::experiment::Stand;
use super::experiments::ALL;
use crate::machine::Machine;
use crate::measured::Figure;
use crate::report::table;

/// The names of the experiments, with what each is about.
pub fn list() -> String {
    let width = ALL.iter().map(|it| it.name.len()).max().unwrap_or(0);
    ALL.iter().map(|it| format!("{:<width$}  {}\n", it.name, it.claim)).collect()
}

pub fn heading(machine: &Machine, rounds: u32) -> String {
    format!("{}\n{}\n", machine.describe(), rounds_in_words(rounds))
}

pub fn rounds_in_words(rounds: u32) -> String {
    let plural = if rounds == 1 { "" } else { "s" };
    format!("{rounds} round{plural}: the median, and the least and the greatest in brackets")
}

/// One table: a line for each subject in each setting, a column for each figure.
pub struct Cells {
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// Settings in which the same is measured are in one table.
pub fn tables(record: &Record) -> Vec<Cells> {
    let figures = record.figures.all();
    let columns = record.experiment().map_or(&[][..], |experiment| experiment.columns);
    let mut tables: Vec<(Vec<&str>, Vec<Vec<String>>)> = Vec::new();
    for setting in each_once(figures.iter().map(|it| it.setting.as_str())) {
        let here = || figures.iter().filter(|it| it.setting == setting);
        let titles: Vec<&str> =
            columns.iter().map(|it| it.title).filter(|title| here().any(|it| it.figure == *title)).collect();
        let cell = |subject: &str, title: &str| {
            record.figures.find((subject, setting, title)).map_or_else(|| "-".to_owned(), Figure::show)
        };
        // Side by side what is to be compared.
        let rows = each_once(here().map(|it| it.subject.as_str())).into_iter().map(|subject| {
            let cells = titles.iter().map(|title| cell(subject, title));
            [subject.to_owned(), setting.to_owned()].into_iter().chain(cells).collect()
        });
        match tables.iter_mut().find(|(known, _)| *known == titles) {
            Some((_, known)) => known.extend(rows),
            None => tables.push((titles.clone(), rows.collect())),
        }
    }
    let with_header = |(titles, rows): (Vec<&str>, _)| {
        let header = ["", ""].iter().chain(&titles).map(ToString::to_string).collect();
        Cells { header, rows }
    };
    tables.into_iter().map(with_header).collect()
}

fn each_once<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut known = Vec::new();
    for name in names {
        if !known.contains(&name) {
            known.push(name);
        }
    }
    known
}

pub fn record(record: &Record) -> String {
    let Some(experiment) = record.experiment() else { return String::new() };
    let mut text = format!("\n{}: {}\n", experiment.name, experiment.claim);
    for Cells { header, rows } in tables(record) {
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        text += &table(&header, &rows, 2);
    }
    for it in &record.skipped {
        text += &format!("  {}: skipped: {}\n", it.subject, it.why);
    }
    for it in &record.failed {
        text += &format!("  {}: FAILED: {}\n", it.subject, it.why);
    }
    let reading = (experiment.read)(&record.figures);
    for finding in &reading.findings {
        text += &format!("  {}: {}\n", stand(finding.verdict), finding.sentence);
    }
    for target in &reading.targets {
        text += &format!("  to be reached: {}\n", target.sentence());
    }
    text
}

pub fn stand(stand: Stand) -> &'static str {
    match stand {
        Stand::Supports => "supports the claim",
        Stand::Refutes => "refutes the claim",
        Stand::Adds => "beside it",
    }
}

pub fn closing(data: &Data) -> String {
    let warnings = data.warnings();
    let lines: String = warnings.iter().map(|warning| format!("warning: {warning}\n")).collect();
    if lines.is_empty() { lines } else { format!("\n{lines}") }
}
