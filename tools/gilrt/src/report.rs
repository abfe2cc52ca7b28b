//! The table of runs, and the same figures for programs.

use std::collections::BTreeMap;

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use crate::figures::{count, exact, memory, ratio, time};
use crate::measure::{Lock, Run};
use crate::workers::{Kind, Workers};

/// A table without lines, its cells apart by two spaces; columns from `numbers_from` on are aligned to the right.
pub fn table(header: &[&str], rows: &[Vec<String>], numbers_from: usize) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    table.add_rows(rows);
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if at >= numbers_from {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt() + "\n"
}

/// The runs as a table; speed-ups are over the run with one thread and the same use of the lock.
pub fn runs(runs: &[Run]) -> String {
    let header =
        ["lock", "workers", "time", "speed-up", "start-up", "memory", "acquires", "contended", "waited"];
    let rows: Vec<Vec<String>> = runs
        .iter()
        .map(|run| {
            vec![
                run.lock.name().to_owned(),
                run.workers.to_string(),
                time(run.time),
                speed_up(run, runs).map_or_else(|| "-".to_owned(), ratio),
                time(run.start_up),
                run.memory.map_or_else(|| "-".to_owned(), memory),
                count(run.figures.acquires),
                count(run.figures.contended),
                time(run.figures.waited),
            ]
        })
        .collect();
    table(&header, &rows, 2)
}

/// The figures that a module reported, as lines of name and exact value; nothing if there are none.
pub fn reported(run: &Run) -> String {
    let name_width = run.reported.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let values: Vec<String> = run.reported.iter().map(|(_, value)| exact(*value)).collect();
    let value_width = values.iter().map(String::len).max().unwrap_or(0);
    run.reported
        .iter()
        .zip(&values)
        .map(|((name, _), value)| format!("{name:<name_width$}  {value:>value_width$}\n"))
        .collect()
}

/// One run for a program: times in nanoseconds, memory in bytes, counts exact.
#[derive(Serialize)]
pub struct RunRecord<'a> {
    lock: Lock,
    workers: Kind,
    /// How many workers, each of which is one thread.
    threads: u32,
    time_ns: u64,
    speed_up: Option<f64>,
    /// Of one worker, as the memory is.
    start_up_ns: u64,
    memory_bytes: Option<u64>,
    acquires: u64,
    contended: u64,
    waited_ns: u64,
    work: u64,
    reported: BTreeMap<&'a str, i64>,
    said: &'a [String],
}

/// The runs for a program, in their order.
pub fn records(runs: &[Run]) -> Vec<RunRecord<'_>> {
    runs.iter()
        .map(|run| RunRecord {
            lock: run.lock,
            workers: run.workers.kind,
            threads: run.workers.count,
            time_ns: nanoseconds(run.time),
            speed_up: speed_up(run, runs),
            start_up_ns: nanoseconds(run.start_up),
            memory_bytes: run.memory,
            acquires: run.figures.acquires,
            contended: run.figures.contended,
            waited_ns: nanoseconds(run.figures.waited),
            work: run.work,
            reported: run.reported.iter().map(|(name, value)| (name.as_str(), *value)).collect(),
            said: &run.said,
        })
        .collect()
}

fn nanoseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn speed_up(run: &Run, runs: &[Run]) -> Option<f64> {
    let alone = runs.iter().find(|other| other.workers == Workers::threads(1) && other.lock == run.lock)?;
    Some(run.speed_up_over(alone))
}
