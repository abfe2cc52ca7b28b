//! Threads that wait for answers.

use std::time::Duration;

use crate::child::{Effort, Policy};
use crate::commands::lab::experiment::Stand;
use crate::commands::lab::experiment::{
    Axis, Column, Context, Experiment, Plan, Plot, Reading, Series, Value, ours,
};
use crate::commands::lab::peers::drive::{Running, check_witness, get};
use crate::commands::lab::peers::slow::{DELAY, Server};
use crate::commands::lab::peers::{FREE, Kind, Program, everybody, our_command};
use crate::failure::Failure;
use crate::kernels::Kernels;
use crate::measured::{Figures, Unit};

const ANSWERED: &str = "answers a second";
const LEAST: &str = "of the thread with the fewest";
const ONE: &str = "1 thread";
const MOST: &str = "16 threads";
const THREADS: [(u32, &str); 4] = [(1, ONE), (2, "2 threads"), (4, "4 threads"), (16, MOST)];
const LONG: Duration = Duration::from_millis(500);
const HELD: &str = "gilrt, held while waiting";

pub static EXPERIMENT: Experiment = Experiment {
    name: "io",
    title: "I/O-bound threads",
    claim: "Threads that wait for I/O share the lock: it is released while they wait, so they do not wait for one another",
    method: "So many threads ask a server over UDP on 127.0.0.1, each with a socket of its own and one question at a time. The \
             server, in another process, takes a millisecond over each answer, as a far machine or a disk does, but over any \
             number of them at once. The lock is released around each system call. Beside it, the same by threads that hold the \
             lock while they wait. Every answer is compared with its question.",
    columns: &[
        Column { key: "answered", title: ANSWERED, unit: Unit::PerSecond },
        Column { key: "least", title: LEAST, unit: Unit::PerSecond },
    ],
    cases,
    measure,
    recorded: &[],
    read,
};

fn cases(context: &Context<'_>, plan: &mut Plan) -> Result<(), Failure> {
    for (threads, setting) in THREADS {
        let threads = threads.to_string();
        for case in everybody(plan, &EXPERIMENT, context, Program::Ask, setting, &[&threads])? {
            case.expected = context.effort.duration(LONG) + Duration::from_millis(100);
        }
        let held = our_command("ask_holding")?;
        let words: Vec<&str> =
            [threads.as_str()].into_iter().chain(held.iter().map(String::as_str)).collect();
        plan.ours(&EXPERIMENT, context, HELD, setting, &words)?;
    }
    Ok(())
}

fn measure(_: &Kernels, words: &[String], effort: Effort) -> Result<Vec<Value>, Failure> {
    let [threads, command @ ..] = words else {
        return Err(Failure::Usage("io is measured with THREADS COMMAND…".to_owned()));
    };
    let server = Server::start()?;
    let milliseconds = effort.duration(LONG).as_millis().to_string();
    let arguments = [server.port.to_string(), threads.clone(), milliseconds];
    let line = Running::start(command, &arguments)?.last_line()?;
    let answered = get(&line, "round_trips")?;
    check_witness(&line, answered)?;
    if answered == 0 {
        return Err(Failure::Failed("nothing was answered".to_owned()));
    }
    let seconds = get(&line, "elapsed_ns")?.max(1) as f64 / 1e9;
    Ok(vec![("answered", answered as f64 / seconds), ("least", get(&line, "least")? as f64 / seconds)])
}

fn read(figures: &Figures) -> Reading {
    let gain = |subject: &str| figures.ratio((subject, MOST, ANSWERED), (subject, ONE, ANSWERED));
    let mut reading = Reading {
        text: format!(
            "An answer takes {} ms and the thread computes for some microseconds, so with the lock released sixteen threads get \
             sixteen times the answers of one, as long as the processors keep up, whatever the policy and with no lock at all: \
             where threads wait, the lock is not what they wait for. Where it is held meanwhile, all of them together get what \
             one gets.",
            DELAY.as_millis()
        ),
        ..Reading::default()
    };
    let responsive = ours(Policy::Responsive);
    for subject in [responsive.as_str(), FREE] {
        reading.decide(gain(subject).map(|it| it > 4.0), || {
            Some(format!("{subject}: 16 threads get {:.1} times the answers of one", gain(subject)?))
        });
    }
    reading.decide(gain(HELD).map(|it| it < 2.0), || {
        Some(format!("with the lock held while they wait, {:.1} times", gain(HELD)?))
    });
    for kind in [Kind::Cpython, Kind::FreeThreaded, Kind::Pypy, Kind::Ruby, Kind::Ocaml] {
        if let Some(peer) = kind.subject(figures) {
            reading.find(Stand::Adds, gain(peer).map(|it| format!("{peer}: {it:.1} times")));
        }
    }
    reading.plots.extend(plot(figures));
    reading
}

fn plot(figures: &Figures) -> Option<Plot> {
    let mut series: Vec<Series> = Vec::new();
    for figure in figures.all() {
        if series.iter().all(|it| it.label != figure.subject) {
            let at = THREADS.iter().map(|(threads, setting)| (f64::from(*threads), *setting));
            series.push(Series::of(figures, &figure.subject, ANSWERED, at));
        }
    }
    let plot = Plot {
        name: "io",
        title: "Answers to threads that wait for them".to_owned(),
        x: Axis::logarithmic("threads", Unit::Count),
        y: Axis::logarithmic(ANSWERED, Unit::PerSecond),
        series,
    };
    (!plot.series.is_empty()).then_some(plot)
}
