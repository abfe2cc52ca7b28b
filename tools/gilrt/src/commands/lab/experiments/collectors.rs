//! Counting against tracing.

use crate::child::Effort;
use crate::commands::lab::experiment::{
    Axis, Column, Context, Experiment, Plan, Plot, Reading, Series, Stand, Value, word,
};
use crate::commands::lab::peers::drive::{Running, check, get};
use crate::commands::lab::peers::{Kind, Program, each_peer};
use crate::failure::Failure;
use crate::kernels::{Kernels, Task};
use crate::measured::{Figures, Unit};

const NODES: &str = "nodes a second";
const P99: &str = "step, p99";
const LONGEST: &str = "longest step";
const MOST: &str = "most objects at once";
const MEMORY: &str = "most memory";

const COUNTING: &str = "counts alone";
const BOTH: &str = "counts, cycles collected";
const TRACING: &str = "tracing alone";

const SUBJECTS: [(&str, &str); 3] = [
    (COUNTING, "kernel_reclaim_counting"),
    (BOTH, "kernel_reclaim_both"),
    (TRACING, "kernel_reclaim_tracing"),
];
/// Thousands of trees of 15 nodes that are alive.
const LIVE: [(u32, &str); 3] =
    [(1, "15,000 live nodes"), (5, "75,000 live nodes"), (20, "300,000 live nodes")];

pub static EXPERIMENT: Experiment = Experiment {
    name: "collectors",
    title: "Other ways to reclaim memory",
    claim: "The GIL is not the only solution to this problem: we can use other methods of garbage collection; there will then be a \
            need to compensate for the loss of the single-threaded performance benefits of the GIL via other performance boosting features.",
    method: "One thread replaces small trees of 15 nodes at random places of a table. The old tree is freed by its counts; or each node also \
             refers to itself, so that no count ever falls to zero and the collector alone finds what is garbage, as a runtime would that does \
             without counts. The peers do the same work in their own language, with \
             the collector that they have. Each step, one tree made and one given up, is timed. Memory is the most that the process had in \
             use.",
    columns: &[
        Column { key: "nodes", title: NODES, unit: Unit::PerSecond },
        Column { key: "p99", title: P99, unit: Unit::Nanoseconds },
        Column { key: "longest", title: LONGEST, unit: Unit::Nanoseconds },
        Column { key: "most", title: MOST, unit: Unit::Count },
        Column { key: "memory", title: MEMORY, unit: Unit::Bytes },
    ],
    cases,
    measure,
    recorded: &[],
    read,
};

fn cases(context: &Context<'_>, plan: &mut Plan) -> Result<(), Failure> {
    for (thousands, setting) in LIVE {
        for (subject, kernel) in SUBJECTS {
            plan.ours(&EXPERIMENT, context, subject, setting, &[kernel, &thousands.to_string()])?;
        }
        each_peer(plan, &EXPERIMENT, context, Program::Reclaim, setting, &[PEER, &thousands.to_string()])?;
    }
    Ok(())
}

/// Stands where a kernel of ours would: what follows is a peer's command.
const PEER: &str = "peer";

/// One tree made, one given up, each.
const STEPS: u64 = 200_000;

fn measure(kernels: &Kernels, words: &[String], effort: Effort) -> Result<Vec<Value>, Failure> {
    let units = effort.units(STEPS);
    if let [peer, thousands, command @ ..] = words
        && peer == PEER
    {
        return in_peer(thousands, units, command);
    }
    let waits = usize::try_from(units).unwrap_or(usize::MAX);
    let task = Task { units, threads: word(words, 1)?, waits, ..Task::default() };
    let mut outcome = kernels.run(&word::<String>(words, 0)?, &task)?;
    outcome.waits.sort_unstable();
    let steps = outcome.waits.len();
    let at = |part: f64| outcome.waits[((steps as f64 * part) as usize).min(steps - 1)] as f64;
    if steps == 0 {
        return Err(Failure::Failed("no step was timed".to_owned()));
    }
    Ok(vec![
        ("nodes", outcome.done as f64 / outcome.elapsed.as_secs_f64().max(1e-9)),
        ("p99", at(0.99)),
        ("longest", at(1.0)),
        ("most", outcome.values[0] as f64),
        ("memory", crate::machine::most_memory()?),
    ])
}

fn in_peer(thousands: &str, steps: u64, command: &[String]) -> Result<Vec<Value>, Failure> {
    let line = Running::start(command, &[format!("{thousands}000"), steps.to_string()])?.last_line()?;
    let nodes = get(&line, "nodes")?;
    check("nodes", nodes, steps * 15)?;
    Ok(vec![
        ("nodes", nodes as f64 * 1e9 / get(&line, "elapsed_ns")?.max(1) as f64),
        ("p99", get(&line, "p99_ns")? as f64),
        ("longest", get(&line, "longest_ns")? as f64),
        ("memory", get(&line, "memory")? as f64),
    ])
}

fn read(figures: &Figures) -> Reading {
    let mut reading = Reading { text: TEXT.to_owned(), ..Reading::default() };
    let (_, largest) = LIVE[2];
    for (_, setting) in LIVE {
        let ratio = figures.ratio((BOTH, setting, NODES), (TRACING, setting, NODES));
        reading.decide(ratio.map(|ratio| ratio > 1.0), || {
            let (both, tracing) = figures.shown((BOTH, setting, NODES)).zip(figures.shown((TRACING, setting, NODES)))?;
            Some(format!(
                "With {setting}, counting goes through {both} nodes a second and tracing alone through {tracing}: that is the factor of {} \
                 that something else would have to make up for.",
                Unit::Count.show(ratio?)
            ))
        });
    }
    let shown = |subject, figure| figures.shown((subject, largest, figure));
    reading.find(
        Stand::Adds,
        shown(BOTH, LONGEST).zip(shown(TRACING, LONGEST)).map(|(both, tracing)| {
            format!("With {largest}, the longest step lasts {both} where cycles are collected besides counting, and {tracing} under tracing alone.")
        }),
    );
    reading.find(
        Stand::Adds,
        figures
            .ratio((TRACING, largest, MEMORY), (COUNTING, largest, MEMORY))
            .zip(shown(TRACING, MEMORY))
            .map(|(ratio, memory)| {
                format!(
                    "Garbage that waits to be found takes memory: {memory}, {} times as much as with counts.",
                    Unit::Count.show(ratio)
                )
            }),
    );
    let mut subjects: Vec<&str> = SUBJECTS.iter().map(|(subject, _)| *subject).collect();
    let peers = [Kind::Cpython, Kind::FreeThreaded, Kind::Pypy, Kind::Ruby, Kind::Ocaml];
    subjects.extend(peers.iter().filter_map(|kind| kind.subject(figures)));
    if let Some((cpython, pypy)) = Kind::Cpython.subject(figures).zip(Kind::Pypy.subject(figures)) {
        let key = |subject| (subject, largest, NODES);
        reading.find(
            Stand::Adds,
            figures.ratio(key(pypy), key(cpython)).map(|ratio| {
                let end = if ratio > 1.0 { "that is such a compensation" } else { "here that does not make up for it" };
                format!(
                    "{pypy}, which traces, moves what lives and compiles what runs often, goes through {} times as many nodes as {cpython}, which \
                     counts and interprets: {end}.",
                    Unit::Count.show(ratio)
                )
            }),
        );
    }
    let plot = |name, figure, title: &str, unit| Plot {
        name,
        title: title.to_owned(),
        x: Axis::names("", &LIVE.map(|(_, setting)| setting)),
        y: Axis::logarithmic(figure, unit),
        series: subjects
            .iter()
            .map(|subject| {
                let settings = LIVE.iter().enumerate().map(|(x, (_, setting))| (x as f64, *setting));
                Series::of(figures, subject, figure, settings)
            })
            .collect(),
    };
    reading.plots = vec![
        plot("nodes", NODES, "Nodes made and reclaimed", Unit::PerSecond),
        plot("longest", LONGEST, "The longest step", Unit::Nanoseconds),
    ];
    reading
}

const TEXT: &str = "Tracing alone needs no counts, so it needs no protection of them, and a lock would not be missed. What it costs here is an \
    upper bound: the tracer is this library's collector of cycles, which moves nothing, runs in the thread that allocates and has \
    to count references in order to find what nobody refers to, where a collector that was made to be the only one would copy what \
    lives and let the rest lie. The shape stays: counts pay a little at each touch and give memory back at once, \
    tracing pays in pauses that grow with what is alive, and in memory that is garbage but not yet known to be.";
