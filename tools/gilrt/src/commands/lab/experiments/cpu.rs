//! CPU-bound threads under one lock.

use std::time::Duration;

use crate::child::Effort;
use crate::commands::lab::experiment::{
    Axis, Column, Context, Experiment, Plan, Point, Reading, Series, Value, ours,
};
use crate::commands::lab::experiment::{Plot, Stand};
use crate::commands::lab::peers::drive::{Running, check, check_witness, get};
use crate::commands::lab::peers::{FREE, Kind, POLICIES, Program, everybody};
use crate::failure::Failure;
use crate::kernels::Kernels;
use crate::measured::{Figures, Unit, Verdict};

const AGAINST: &str = "time against 1 thread";
const TWO: &str = "2 threads";
const THREADS: [(u32, &str); 3] = [(2, TWO), (4, "4 threads"), (8, "8 threads")];
/// How long one thread works, found out by trying, before several do the same work.
const ALONE: Duration = Duration::from_millis(400);
/// Several threads under a lock may take a little longer than one, and the clock is not exact.
const MOST: f64 = 1.02;

pub static EXPERIMENT: Experiment = Experiment {
    name: "cpu",
    title: "CPU-bound threads",
    claim: "Under one lock, CPU-bound threads are no faster than one thread, and with a lock that is dropped every so many \
            steps they are slower than it; without the lock they are faster",
    method: "A fixed amount of work in the runtime's own code (counting down; here a few multiplications and a poll a step) is \
             done by one thread and then, shared equally, by several, in the same process. The work is chosen to take one \
             thread 0.4 s. Each thread counts the turns that it did, and under our lock all count them in one plain word too.",
    columns: &[Column { key: "against", title: AGAINST, unit: Unit::Ratio }],
    cases,
    measure,
    recorded: &[("CPython 2.7", TWO, AGAINST, 1.97), ("CPython 3.14", TWO, AGAINST, 0.96)],
    read,
};

fn cases(context: &Context<'_>, plan: &mut Plan) -> Result<(), Failure> {
    for (threads, setting) in THREADS {
        let words = [&*threads.to_string()];
        for case in everybody(plan, &EXPERIMENT, context, Program::Compute, setting, &words)? {
            // To find out how much work that is takes as long as to do it, and a slow lock twice as long.
            case.expected = context.effort.duration(ALONE) * 4;
        }
    }
    Ok(())
}

fn measure(_: &Kernels, words: &[String], effort: Effort) -> Result<Vec<Value>, Failure> {
    let [threads, command @ ..] = words else {
        return Err(Failure::Usage("cpu is measured with THREADS COMMAND…".to_owned()));
    };
    Ok(vec![("against", against_one(command, "interpreter", threads, effort.duration(ALONE))?)])
}

/// How much longer than one thread several take for the same work of this kind.
pub fn against_one(command: &[String], kind: &str, threads: &str, alone: Duration) -> Result<f64, Failure> {
    let arguments = [kind, threads, &alone.as_millis().to_string()].map(str::to_owned);
    let line = Running::start(command, &arguments)?.last_line()?;
    let done = get(&line, "done")?;
    check("turns", done, get(&line, "turns")?)?;
    check_witness(&line, done)?;
    Ok(get(&line, "together_ns")? as f64 / get(&line, "alone_ns")?.max(1) as f64)
}

fn read(figures: &Figures) -> Reading {
    let median = |subject: &str, setting| figures.median((subject, setting, AGAINST));
    let worst = |subject: &str| {
        let all = THREADS.iter().map(|(_, setting)| median(subject, setting));
        all.collect::<Option<Vec<f64>>>().map(|all| all.into_iter().fold(0.0, f64::max))
    };
    let [responsive, interval, ticks] = POLICIES.map(ours);
    let mut reading = Reading {
        text: "What is above 1 is the price of taking turns: threads that are woken, look, and go to sleep again, and caches that \
               are filled anew. TICKS pays it every hundred polls as Python 2 did, as far as the waiter wakes in time; INTERVAL \
               and RESPONSIVE pay it once in five milliseconds. Where there is no lock the time falls with the number of \
               processors."
            .to_owned(),
        ..Reading::default()
    };
    reading.decide(worst(&ticks).map(|it| it > 1.05), || {
        Some(format!("under TICKS several threads take up to {:.2} times as long as one", worst(&ticks)?))
    });
    reading.decide(worst(&interval).map(|it| it < 1.2), || {
        Some(format!("under INTERVAL {:.2} times at the most", worst(&interval)?))
    });
    reading.decide(worst(&responsive).map(|it| it > 0.9), || {
        Some(format!("under RESPONSIVE {:.2} times at the most", worst(&responsive)?))
    });
    reading.decide(median(FREE, TWO).map(|it| it < 0.8), || {
        Some(format!("free-threaded, two threads take {:.2} times as long as one", median(FREE, TWO)?))
    });
    for kind in [Kind::Cpython, Kind::FreeThreaded, Kind::Pypy, Kind::Ruby, Kind::Ocaml] {
        if let Some(peer) = kind.subject(figures) {
            let two = median(peer, TWO)
                .map(|it| format!("two threads of {peer} take {it:.2} times as long as one"));
            reading.find(Stand::Adds, two);
        }
    }
    let two = median(&responsive, TWO);
    reading.targets.push(Verdict::at_most("2 threads against 1, RESPONSIVE", two, MOST, Unit::Ratio));
    reading.plots.extend(plot(figures));
    reading
}

fn plot(figures: &Figures) -> Option<Plot> {
    let mut subjects: Vec<&str> = figures.all().iter().map(|it| it.subject.as_str()).collect();
    subjects.dedup();
    let mut series: Vec<Series> = Vec::new();
    for subject in subjects {
        if series.iter().any(|it| it.label == subject) {
            continue;
        }
        let at = THREADS.iter().map(|(threads, setting)| (f64::from(*threads), *setting));
        let mut one = Series::of(figures, subject, AGAINST, at);
        // What all are held against.
        one.points.insert(0, Point { x: 1.0, y: 1.0, low: 1.0, high: 1.0 });
        if one.points.len() > 2 {
            series.push(one);
        }
    }
    let plot = Plot {
        name: "cpu",
        title: "The same CPU-bound work by several threads".to_owned(),
        x: Axis::logarithmic("threads", Unit::Count),
        y: Axis::linear(AGAINST, Unit::Ratio),
        series,
    };
    (!plot.series.is_empty()).then_some(plot)
}
