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

/// A table's header and its lines: one for each subject in each setting, one column for each figure.
pub fn cells(record: &Record) -> (Vec<String>, Vec<Vec<String>>) {
    let figures = record.figures.all();
    let mut lines: Vec<(&str, &str)> = Vec::new();
    for figure in figures {
        let line = (figure.setting.as_str(), figure.subject.as_str());
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    // Side by side what is to be compared: first by setting, in the order in which those came.
    let mut settings: Vec<&str> = Vec::new();
    for (setting, _) in &lines {
        if !settings.contains(setting) {
            settings.push(setting);
        }
    }
    lines.sort_by_key(|(setting, _)| settings.iter().position(|it| it == setting));
    let all = record.experiment().map_or(&[][..], |experiment| experiment.columns);
    let has = |title: &str| figures.iter().any(|figure| figure.figure == title);
    let titles: Vec<&str> = all.iter().map(|column| column.title).filter(|title| has(title)).collect();
    let cell = |subject: &str, setting: &str, title: &str| {
        record.figures.find((subject, setting, title)).map_or_else(|| "-".to_owned(), Figure::show)
    };
    let rows = lines.iter().map(|(setting, subject)| {
        let mut cells = vec![(*subject).to_owned(), (*setting).to_owned()];
        cells.extend(titles.iter().map(|title| cell(subject, setting, title)));
        cells
    });
    let header = [String::new(), String::new()].into_iter().chain(titles.iter().map(ToString::to_string));
    (header.collect(), rows.collect())
}

pub fn record(record: &Record) -> String {
    let Some(experiment) = record.experiment() else { return String::new() };
    let (header, rows) = cells(record);
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut text = format!("\n{}: {}\n", experiment.name, experiment.claim);
    if !rows.is_empty() {
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
