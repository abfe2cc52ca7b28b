//! `gilrt bench`: what the lock, the counts and the modes cost, each figure beside its peers of the same run.
//!
//! | file | idea |
//! |---|---|
//! | `rows` | the table of figures: what is measured, beside what, and what it may be at most |
//! | `measure` | one round of one row, in a process of its own |
//! | `peers` | the locks of Rust, which have no C interface |
//! | `counters` | the counted pointers of Rust and of GLib |
//! | `show` | the table, and the same for programs |

mod counters;
mod measure;
mod peers;
mod rows;
mod show;

use clap::{Args, Subcommand};

use crate::child::Effort;
use crate::failure::Failure;
use crate::machine::Machine;
use crate::measured::Figures;
use crate::output;
use rows::Row;

#[derive(Args)]
pub struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Measure the lock: uncontended, contended, beside CPU-bound threads, and how fairly it is shared
    Lock(LockOptions),
    /// Measure the counts: owner, other threads, all threads at once, births and deaths
    Counts(CountsOptions),
    /// Measure the modes: one module in all of them, interpreters, stopping the world, switching
    Modes(ModesOptions),
    /// One round of one row, for the commands above
    #[command(hide = true)]
    Measure(measure::Options),
}

#[derive(Args)]
struct LockOptions {
    /// The rows to measure [default: all]
    #[arg(value_name = "ROW", value_parser = rows::parser(rows::LOCK))]
    rows: Vec<&'static Row>,
    #[command(flatten)]
    how: How,
}

#[derive(Args)]
struct CountsOptions {
    /// The rows to measure [default: all]
    #[arg(value_name = "ROW", value_parser = rows::parser(rows::COUNTS))]
    rows: Vec<&'static Row>,
    #[command(flatten)]
    how: How,
}

#[derive(Args)]
struct ModesOptions {
    /// The rows to measure [default: all]
    #[arg(value_name = "ROW", value_parser = rows::parser(rows::MODES))]
    rows: Vec<&'static Row>,
    #[command(flatten)]
    how: How,
}

#[derive(Args)]
struct How {
    /// How many rounds each row is measured in; the median of them counts [default: 5, or 2 with --quick]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: Option<u32>,
    /// Measure for a tenth of the time: shows that all works, not how well
    #[arg(long)]
    quick: bool,
    /// Print one JSON object instead of the tables
    #[arg(long)]
    json: bool,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    match &options.what {
        What::Lock(options) => bench(rows::LOCK, rows::LOCK_NOTE, &options.rows, &options.how),
        What::Counts(options) => bench(rows::COUNTS, "", &options.rows, &options.how),
        What::Modes(options) => bench(rows::MODES, "", &options.rows, &options.how),
        What::Measure(options) => measure::run(options),
    }
}

/// Measures those of `table` that are in `chosen`, all if that is empty.
fn bench(table: &[&'static Row], note: &str, chosen: &[&'static Row], options: &How) -> Result<(), Failure> {
    let effort = if options.quick { Effort::Quick } else { Effort::Full };
    let rounds = options.runs.unwrap_or(if options.quick { 2 } else { 5 });
    let machine = Machine::look()?;
    if !options.json {
        output::print(&show::heading(&machine, rounds))?;
    }
    let mut records = Vec::new();
    let chosen = |row: &&&'static Row| chosen.is_empty() || chosen.iter().any(|it| it.name == row.name);
    for row in table.iter().filter(chosen) {
        let mut figures = Figures::default();
        for _ in 0..rounds {
            // One process for each policy, and all of them once before any comes again: A B C A B C.
            for policy in row.policies {
                figures.add(measure::in_child(row, *policy, effort)?);
            }
        }
        let record = show::record(row, figures);
        if !options.json {
            output::print(&show::row(&record))?;
        }
        records.push(record);
    }
    if options.json {
        return output::print_json(&show::Report::new(&machine, rounds, options.quick, records));
    }
    output::print(&show::closing(&machine, &records, note))
}
