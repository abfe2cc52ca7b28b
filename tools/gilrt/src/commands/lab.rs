//! `gilrt lab`: what is said of locks and counts, put to the test on libgilrt and on the real runtimes that are here.
//!
//! | file | idea |
//! |---|---|
//! | `experiment` | what an experiment is: claim, cases, reading |
//! | `experiments` | all of them, one file each below it |
//! | `peers` | the real runtimes on this machine |
//! | `runner` | rounds over all cases, interleaved |
//! | `run` | one case once, in a process with a time limit |
//! | `bar` | what runs now, and how long it will take |
//! | `interrupt` | Ctrl-C |
//! | `data` | what was measured, as it is kept |
//! | `show` | tables and findings on a terminal |
//! | `html`, `markdown` | reports |
//! | `draw` | their pictures |

mod bar;
mod data;
mod draw;
mod experiment;
mod experiments;
mod html;
mod interrupt;
mod markdown;
mod peers;
mod run;
mod runner;
mod show;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::arguments::check_result;
use crate::child::Effort;
use crate::failure::{Failure, reason};
use crate::kernels::Kernels;
use crate::machine::Machine;
use crate::output;
use data::Data;
use experiment::{Context, Experiment};
use peers::Peers;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub struct Options {
    /// The experiments, by name, or `all`
    #[arg(value_name = "NAME", value_parser = experiments::parser(), required_unless_present_any = ["list", "from"])]
    chosen: Vec<experiments::Choice>,
    /// Print the names of the experiments with their claims, and end
    #[arg(long)]
    list: bool,
    /// How many rounds are measured; the median of them counts [default: 7, or 1 with --short]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
    /// Measure for seconds instead of minutes: shows that all works, not how well
    #[arg(long)]
    short: bool,
    /// Write the figures as JSON; `-` is the standard output, on which nothing else is printed then
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the report as one HTML file, and the figures as JSON beside it
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the report as Markdown, and its pictures and the figures into a folder of the same name
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Measure nothing: take the figures of a file that --json wrote
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rounds", "short", "list"])]
    from: Option<PathBuf>,
    #[command(subcommand)]
    hidden: Option<Hidden>,
}

#[derive(Subcommand)]
enum Hidden {
    /// One of our own cases once, for the command above
    #[command(hide = true)]
    Measure(Measure),
    /// One program of one runtime
    #[command(hide = true)]
    Program(peers::alone::Options),
}

#[derive(Args)]
struct Measure {
    #[arg(value_parser = experiments::parser())]
    experiment: experiments::Choice,
    #[arg(value_enum)]
    effort: Effort,
    words: Vec<String>,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    match &options.hidden {
        Some(Hidden::Measure(measure)) => return measure_once(measure),
        Some(Hidden::Program(options)) => return peers::alone::perform(options),
        None => {}
    }
    if options.list {
        return output::print(&show::list());
    }
    for file in [&options.json, &options.html, &options.markdown].into_iter().flatten() {
        check_result(file)?;
    }
    let silent = options.json.as_deref() == Some(Path::new("-"));
    let data = match &options.from {
        Some(file) => read(file)?,
        None => perform(options, silent)?,
    };
    if let Some(file) = &options.json {
        write_json(&data, file)?;
    }
    if let Some(file) = &options.html {
        write_file(file, &html::page(&data)?)?;
        write_json(&data, &file.with_extension("json"))?;
    }
    if let Some(file) = &options.markdown {
        markdown::write(&data, file)?;
    }
    if data.interrupted && options.from.is_none() { Err(Failure::Interrupted) } else { Ok(()) }
}

/// Measures what was chosen, and prints each experiment when it is done.
fn perform(options: &Options, silent: bool) -> Result<Data, Failure> {
    let effort = if options.short { Effort::Quick } else { Effort::Full };
    let rounds = options.rounds.unwrap_or(if options.short { 1 } else { 7 });
    let chosen = experiments::chosen(&options.chosen);
    interrupt::watch()?;
    let machine = Machine::look()?;
    let peers = Peers::look();
    let context = Context { effort, cpus: machine.cpus, peers: &peers };
    let print = |text: &str| if silent { Ok(()) } else { output::print(text) };
    print(&show::heading(&machine, rounds))?;
    let data = runner::measure(&chosen, &context, machine, rounds, |record| print(&show::record(record)))?;
    print(&show::closing(&data))?;
    Ok(data)
}

/// The child's side: one line of figures.
fn measure_once(measure: &Measure) -> Result<(), Failure> {
    let kernels = Kernels::open()?;
    let experiment: &Experiment = measure.experiment.one()?;
    let values = (experiment.measure)(&kernels, &measure.words, measure.effort)?;
    let values: BTreeMap<_, _> = values.into_iter().collect();
    let text = serde_json::to_string(&values)
        .map_err(|error| Failure::Failed(format!("cannot write the figures as JSON: {error}")))?;
    output::print(&(text + "\n"))
}

fn write_json(data: &Data, file: &Path) -> Result<(), Failure> {
    if file == Path::new("-") {
        return output::print_json(data);
    }
    let text = serde_json::to_string(data)
        .map_err(|error| Failure::Failed(format!("cannot write the figures as JSON: {error}")))?;
    write_file(file, &(text + "\n"))
}

fn write_file(file: &Path, text: &str) -> Result<(), Failure> {
    fs::write(file, text)
        .map_err(|error| Failure::Failed(format!("cannot write {}: {}", file.display(), reason(&error))))
}

fn read(file: &Path) -> Result<Data, Failure> {
    let failed = |why: String| Failure::Usage(format!("cannot read {}: {why}", file.display()));
    let text = fs::read_to_string(file).map_err(|error| failed(reason(&error)))?;
    serde_json::from_str(&text).map_err(|error| failed(format!("it is no file of gilrt lab --json: {error}")))
}
