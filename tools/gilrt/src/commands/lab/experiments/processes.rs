//! Threads, interpreters and processes.

use std::io::Cursor;

use serde_json::Value as Json;

use crate::child::{self, Effort};
use crate::commands::lab::experiment::{
    Axis, Column, Context, Experiment, Plan, Plot, Reading, Series, Stand, Value, word,
};
use crate::commands::lab::peers::drive::{Running, check, get};
use crate::commands::lab::peers::{Program, each_peer};
use crate::commands::photograph::PHOTOGRAPH;
use crate::failure::{Failure, reason};
use crate::kernels::Kernels;
use crate::measured::{Figures, Unit};
use crate::memory_file::MemoryFile;
use crate::picture::Picture;

const TIME: &str = "time";
const START_UP: &str = "start-up of each";
const MEMORY: &str = "memory of each";

const HOLDING: &str = "threads that hold the lock";
const RELEASING: &str = "threads that release it";
const INTERPRETERS: &str = "interpreters with a lock each";
const FREE: &str = "threads without a lock";
const PROCESSES: &str = "processes";

/// With what `gilrt run --workers` calls them, and what they do with the lock.
const SUBJECTS: [(&str, &str, &str); 5] = [
    (HOLDING, "threads", "--hold"),
    (RELEASING, "threads", "--release"),
    (INTERPRETERS, "interpreters", "--hold"),
    (FREE, "free", "--hold"),
    (PROCESSES, "processes", "--hold"),
];
const ONE: &str = "1 worker";
const TWO: &str = "2 workers";
const EIGHT: &str = "8 workers";
const WORKERS: [(u32, &str); 4] = [(1, ONE), (2, TWO), (4, "4 workers"), (8, EIGHT)];

pub static EXPERIMENT: Experiment = Experiment {
    name: "processes",
    title: "Threads, interpreters, processes",
    claim: "Use multiprocessing instead: each process gets its own interpreter and memory space, so that the GIL is not a problem; \
            multiple processes are, however, heavier than multiple threads.",
    method: "`gilrt run image blur` blurs a photograph with a large radius, each worker a part of it: threads of one interpreter, that hold its \
             lock while they compute or release it; interpreters with a lock each, in one process; threads without a lock; \
             processes, which share the picture. The time is that of the whole work, without start-up. In the peers threads or forked processes share CPU-bound work of \
             the runtime's own code. Start-up is the time until all workers are there, by their number; memory is what each of them has written and shares with nobody, after its work.",
    columns: &[
        Column { key: "time", title: TIME, unit: Unit::Nanoseconds },
        Column { key: "start_up", title: START_UP, unit: Unit::Nanoseconds },
        Column { key: "memory", title: MEMORY, unit: Unit::Bytes },
    ],
    cases,
    measure,
    recorded: &[],
    read,
};

fn cases(context: &Context<'_>, plan: &mut Plan) -> Result<(), Failure> {
    for (count, setting) in WORKERS {
        for (subject, kind, lock) in SUBJECTS {
            plan.ours(&EXPERIMENT, context, subject, setting, &[kind, &count.to_string(), &lock[2..]])?;
        }
        for kind in PEERS_KINDS {
            let words = [PEER, kind, &count.to_string()];
            for case in each_peer(plan, &EXPERIMENT, context, Program::Workers, setting, &words)? {
                case.subject = of_peer(&case.subject, kind);
            }
        }
    }
    Ok(())
}

/// Stands where a kind of our workers would: what follows is the kind of a peer's, their number and its command.
const PEER: &str = "peer";
const PEERS_KINDS: [&str; 2] = ["threads", "processes"];

fn of_peer(peer: &str, kind: &str) -> String {
    format!("{peer}: {kind}")
}

/// Turns of CPU-bound work, some tens of microseconds each in an interpreter.
const TURNS: u64 = 10_000;

fn in_peer(words: &[String], effort: Effort) -> Result<Vec<Value>, Failure> {
    let [_, kind, count, command @ ..] = words else {
        return Err(Failure::Usage("a peer's workers have a kind, a number and a command".to_owned()));
    };
    let turns = effort.units(TURNS);
    let line = Running::start(command, &[kind.clone(), count.clone(), turns.to_string()])?.last_line()?;
    check("turns", get(&line, "done")?, turns)?;
    let figure = |key| get(&line, key).map(|value| value as f64);
    Ok(vec![
        ("time", figure("time_ns")?),
        ("start_up", figure("start_up_ns")?),
        ("memory", figure("memory")?),
    ])
}

fn measure(_: &Kernels, words: &[String], effort: Effort) -> Result<Vec<Value>, Failure> {
    if words.first().is_some_and(|word| word == PEER) {
        return in_peer(words, effort);
    }
    let failed = |why: String| Failure::Failed(format!("cannot blur the photograph: {why}"));
    let (kind, count, lock) = (word::<String>(words, 0)?, word::<u32>(words, 1)?, word::<String>(words, 2)?);
    // One thread takes some 0.5 s for it, or a twentieth of that.
    let (times, radius) = if effort == Effort::Full { (2, 100) } else { (1, 40) };
    let picture = Picture::from_png(Cursor::new(PHOTOGRAPH)).map_err(failed)?.enlarge(times);
    // In memory, so that nothing is left behind whatever ends this process.
    let (input, result) = (MemoryFile::new(&picture.to_ppm())?, MemoryFile::new(&[])?);
    let mut command = child::tool()?;
    command.args([
        "run",
        "--json",
        "--workers",
        &format!("{kind}:{count}"),
        &format!("--{lock}"),
        "image",
        "blur",
    ]);
    command.args([input.path(), result.path(), radius.to_string()]);
    let output = command.output().map_err(|error| failed(reason(&error)))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let report: Json = serde_json::from_slice(&output.stdout).map_err(|error| failed(error.to_string()))?;
    // What it compares the workers with may come before them.
    let run = report["runs"].as_array().and_then(|runs| runs.last()).unwrap_or(&Json::Null);
    let figure =
        |name: &str| run[name].as_f64().ok_or_else(|| failed(format!("gilrt run does not tell {name}")));
    if figure("work")? <= 0.0 {
        return Err(failed("no work was done".to_owned()));
    }
    Ok(vec![
        ("time", figure("time_ns")?),
        ("start_up", figure("start_up_ns")?),
        ("memory", figure("memory_bytes")?),
    ])
}

fn read(figures: &Figures) -> Reading {
    let mut reading = Reading { text: TEXT.to_owned(), ..Reading::default() };
    let speed_up = |subject| figures.ratio((subject, ONE, TIME), (subject, TWO, TIME));
    reading.decide(
        speed_up(PROCESSES).zip(speed_up(HOLDING)).map(|(processes, threads)| processes > 1.1 * threads),
        || {
            Some(format!(
                "Two processes do the work {} times as fast as one, two threads that hold the lock {} times.",
                Unit::Count.show(speed_up(PROCESSES)?),
                Unit::Count.show(speed_up(HOLDING)?)
            ))
        },
    );
    for (figure, what) in [(START_UP, "takes {} to start"), (MEMORY, "has {} of its own")] {
        let ratio = figures.ratio((PROCESSES, EIGHT, figure), (HOLDING, EIGHT, figure));
        let shown = |subject| figures.shown((subject, EIGHT, figure));
        reading.decide(ratio.map(|ratio| ratio > 1.0), || {
            Some(format!(
                "Of eight workers a process {}, a thread {}: {} times as much.",
                what.replace("{}", &shown(PROCESSES)?),
                shown(HOLDING)?,
                Unit::Count.show(ratio?)
            ))
        });
    }
    let others = [
        (RELEASING, "threads that release the lock"),
        (INTERPRETERS, "interpreters"),
        (FREE, "threads without a lock"),
    ];
    let sentence = others
        .map(|(subject, name)| {
            let cost = figures.shown((subject, EIGHT, START_UP)).zip(figures.shown((subject, EIGHT, MEMORY)));
            speed_up(subject).zip(cost).map(|(gain, (start, memory))| {
                format!(
                    "two {name} {} times as fast as one ({start} and {memory} each)",
                    Unit::Count.show(gain)
                )
            })
        })
        .into_iter()
        .collect::<Option<Vec<_>>>();
    reading.find(Stand::Adds, sentence.map(|parts| format!("The other ways: {}.", parts.join(", "))));
    let peers: Vec<&str> = figures
        .all()
        .iter()
        .filter(|it| it.setting == TWO && it.figure == TIME)
        .filter_map(|it| it.subject.strip_suffix(": processes"))
        .collect();
    for peer in &peers {
        let [threads, processes] = PEERS_KINDS.map(|kind| of_peer(peer, kind));
        let gain = |subject: &str| figures.ratio((subject, ONE, TIME), (subject, TWO, TIME));
        let more = |figure| figures.ratio((&processes, EIGHT, figure), (&threads, EIGHT, figure));
        let sentence = gain(&threads).zip(gain(&processes)).zip(more(START_UP).zip(more(MEMORY)));
        reading.find(
            Stand::Adds,
            sentence.map(|((threads, processes), (start_up, memory))| {
                let [threads, processes, start_up, memory] =
                    [threads, processes, start_up, memory].map(|ratio| Unit::Count.show(ratio));
                format!(
                    "{peer}: two threads are {threads} times as fast as one, two processes {processes} times; a process takes {start_up} times as long \
                     to start as a thread, and {memory} times as much memory."
                )
            }),
        );
    }
    let names = WORKERS.map(|(_, setting)| setting);
    let plot = |name, figure, title: &str, unit, logarithmic| Plot {
        name,
        title: title.to_owned(),
        x: Axis::logarithmic("workers", Unit::Count),
        y: Axis { logarithmic, ..Axis::linear(figure, unit) },
        series: SUBJECTS
            .iter()
            .map(|(subject, ..)| {
                Series::of(
                    figures,
                    subject,
                    figure,
                    WORKERS.iter().map(|(count, _)| f64::from(*count)).zip(names),
                )
            })
            .collect(),
    };
    reading.plots = vec![
        plot("time", TIME, "The same work by several workers", Unit::Nanoseconds, false),
        plot("start-up", START_UP, "What it takes to have a worker", Unit::Nanoseconds, true),
        plot("memory", MEMORY, "Memory that a worker shares with nobody", Unit::Bytes, true),
    ];
    if !peers.is_empty() {
        let at = |kind| {
            let point = |(x, peer): (usize, &&str)| {
                Series::of(figures, &of_peer(peer, kind), START_UP, [(x as f64, EIGHT)]).points
            };
            Series { label: kind.to_owned(), points: peers.iter().enumerate().flat_map(point).collect() }
        };
        reading.plots.push(Plot {
            name: "peers",
            title: "What it takes to have one of eight workers in the real runtimes".to_owned(),
            x: Axis::names("", &peers),
            y: Axis::logarithmic(START_UP, Unit::Nanoseconds),
            series: PEERS_KINDS.map(at).into(),
        });
    }
    reading
}

const TEXT: &str = "Processes do get round the lock, and pay for it once each, when they start, and again in memory, for all that each has for itself. \
    The work of one photograph is long enough for that not to matter; a pool that is started once hides it, and what is sent to and fro \
    does not come into this work, since the picture is mapped into all of them. Between threads and processes there are two more ways that CPython did not \
    have when the advice was given: interpreters with a lock each, which start like threads and share nothing but the process, and threads without a \
    lock. And the oldest way is to release the lock around the computation, as this module can: it needs no objects while it blurs.";
