//! The report as Markdown, with its pictures as files beside it.

use std::fs;
use std::path::Path;

use super::data::{Data, Record};
use super::draw;
use super::experiment::{Experiment, Stand};
use super::show;
use crate::failure::{Failure, reason};

/// Writes `file`, and into the folder of the same name without its ending the pictures and the figures as JSON.
pub fn write(data: &Data, file: &Path) -> Result<(), Failure> {
    let folder = file.with_extension("");
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let (true, Some(name)) = (file.extension().is_some(), name) else {
        return Err(Failure::Usage(format!("{} needs an ending, such as .md", file.display())));
    };
    fs::create_dir_all(&folder).map_err(|error| {
        Failure::Failed(format!("cannot create the folder {}: {}", folder.display(), reason(&error)))
    })?;
    let mut text = head(data, &name);
    for record in &data.records {
        if let Some(experiment) = record.experiment() {
            text += &section(experiment, record, &folder, &name)?;
        }
    }
    super::write_file(file, &text)?;
    super::write_json(data, &folder.join("figures.json"))
}

fn head(data: &Data, folder: &str) -> String {
    let mut text = format!(
        "# The lab\n\nWhat is said of global interpreter locks and of reference counts, put to the test: on libgilrt and, side by side with \
         it, on the real runtimes. `cargo run --release -- lab all` does it on your machine; this page is one run of it, written by \
         `gilrt lab all --markdown`.\n\n{}. All figures are in [figures.json]({folder}/figures.json).\n\n",
        show::rounds_in_words(data.rounds)
    );
    text += "| | |\n|---|---|\n";
    for (name, value) in data.machine.rows() {
        text += &format!("| {name} | {} |\n", cell(&value));
    }
    text += "\n";
    for warning in data.warnings() {
        text += &format!("> Warning: {warning}.\n\n");
    }
    for experiment in data.records.iter().filter_map(Record::experiment) {
        text += &format!("- [{0}](#{0}): {1}\n", experiment.name, experiment.title);
    }
    text
}

fn section(experiment: &Experiment, record: &Record, folder: &Path, name: &str) -> Result<String, Failure> {
    let reading = (experiment.read)(&record.figures);
    // The name is the heading, so that links to it hold.
    let mut text = format!("\n## {}\n\n{}.\n\n> {}\n\n", experiment.name, experiment.title, experiment.claim);
    for finding in &reading.findings {
        text += &match finding.verdict {
            Stand::Adds => format!("- {}\n", finding.sentence),
            stand => format!("- {} **This {}.**\n", finding.sentence, show::stand(stand)),
        };
    }
    for target in &reading.targets {
        text += &format!("- To be reached: {}.\n", target.sentence());
    }
    for plot in &reading.plots {
        if let Some(svg) = draw::standalone(plot)? {
            let picture = format!("{}-{}.svg", experiment.name, plot.name);
            super::write_file(&folder.join(&picture), &svg)?;
            text += &format!("\n![{}]({name}/{picture})\n", plot.title);
        }
    }
    text += &format!("\n{}\n\n{}Method: {}\n", reading.text, tables(record), experiment.method);
    for (what, all) in [("Skipped", &record.skipped), ("Failed", &record.failed)] {
        for it in all {
            text += &format!("\n{what}: {}: {}\n", it.subject, it.why);
        }
    }
    Ok(text)
}

fn tables(record: &Record) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let table = |it: show::Cells| {
        let rule = "---|---|".to_owned() + &"---:|".repeat(it.header.len() - 2);
        let rows: String = it.rows.iter().map(|row| line(row)).collect();
        format!("{}|{rule}\n{rows}\n", line(&it.header))
    };
    let tables: String = show::tables(record).into_iter().map(table).collect();
    if tables.is_empty() { "Nothing was measured.\n\n".to_owned() } else { tables }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
