//! Throughput, latency and bandwidth, as CPython's Tools/ccbench measures them.

use std::time::Duration;

use super::convoy::answering;
use super::cpu::against_one;
use crate::child::{Effort, Policy};
use crate::commands::lab::experiment::{
    Axis, Column, Context, Experiment, Plan, Plot, Point, Reading, Series, Stand, Value, ours,
};
use crate::commands::lab::peers::{FREE, Kind, Program, everybody};
use crate::failure::Failure;
use crate::kernels::Kernels;
use crate::measured::{Figures, Unit};

const SPEED: &str = "speed of 2 threads";
const HALF: &str = "latency, p50";
const MOST: &str = "latency, p99";
const BANDWIDTH: &str = "packets a second";
const INTERPRETER: &str = "interpreter";
const HOLDING: &str = "C that holds";
const RELEASING: &str = "C that releases";
const NOTHING: &str = "nothing";
/// As the programs call the work, and as people do.
const KINDS: [(&str, &str); 3] =
    [("interpreter", INTERPRETER), ("holding", HOLDING), ("releasing", RELEASING)];
/// What a thread computes beside the ones that answer.
const HOGS: &str = "2";
const LONG: Duration = Duration::from_millis(400);
/// Between two pings, so that each finds the threads as they are when nobody asks anything.
const PAUSE: Duration = Duration::from_millis(5);
/// How many packets are under way at a time.
const WINDOW: u64 = 32;

pub static EXPERIMENT: Experiment = Experiment {
    name: "ccbench",
    title: "Throughput, latency, bandwidth",
    claim: "What one lock costs depends on what is done under it: code that releases it gains from further threads, code that \
            holds it does not, and what holds it for long keeps everybody waiting, whatever the policy",
    method: "Three kinds of work: the runtime's own code; a function in C, of some 50 µs, that holds the lock; and the same \
             function with the lock released around it. Throughput: the speed of two threads against one. Latency: a client in \
             another process sends a packet every 5 ms to a thread that answers it, beside two threads with such work. \
             Bandwidth: the same with 32 packets under way all the time. Neither is measured under TICKS beside C that holds, where \
             nothing bounds how long a packet waits: it was over ten seconds at times. CPython's Tools/ccbench has the idea; the work, the \
             same for all, is our own.",
    columns: &[
        Column { key: "speed", title: SPEED, unit: Unit::Ratio },
        Column { key: "p50", title: HALF, unit: Unit::Nanoseconds },
        Column { key: "p99", title: MOST, unit: Unit::Nanoseconds },
        Column { key: "bandwidth", title: BANDWIDTH, unit: Unit::PerSecond },
    ],
    cases,
    measure,
    recorded: &[],
    read,
};

fn cases(context: &Context<'_>, plan: &mut Plan) -> Result<(), Failure> {
    let expected = context.effort.duration(LONG);
    let start = Duration::from_millis(200);
    for case in everybody(plan, &EXPERIMENT, context, Program::Echo, NOTHING, &["serve", KINDS[0].0, "0"])? {
        case.expected = expected * 2 + start;
    }
    for (kind, setting) in KINDS {
        for case in everybody(plan, &EXPERIMENT, context, Program::Compute, setting, &["speed", kind])? {
            case.expected = expected * 4;
        }
        let before = plan.cases.len();
        for case in everybody(plan, &EXPERIMENT, context, Program::Echo, setting, &["serve", kind, HOGS])? {
            case.expected = expected * 2 + start;
        }
        if setting == HOLDING {
            let starving = ours(Policy::Ticks);
            let served = plan.cases.split_off(before).into_iter().filter(|case| case.subject != starving);
            plan.cases.extend(served);
        }
    }
    // PyPy calls C with its lock released, always.
    let pypy = |subject: &str| subject.starts_with(Kind::Pypy.title());
    plan.cases.retain(|case| case.setting != HOLDING || !pypy(&case.subject));
    Ok(())
}

fn measure(_: &Kernels, words: &[String], effort: Effort) -> Result<Vec<Value>, Failure> {
    let duration = effort.duration(LONG);
    match words {
        [what, kind, command @ ..] if what == "speed" => {
            Ok(vec![("speed", 1.0 / against_one(command, kind, "2", duration)?.max(1e-9))])
        }
        [what, kind, hogs, command @ ..] if what == "serve" => {
            let (values, _) = answering(command, kind, hogs, |client| {
                let paced = client.ask(duration, PAUSE)?;
                let streamed = client.stream(duration, WINDOW)?;
                Ok(vec![
                    ("p50", paced.quantile(0.5)),
                    ("p99", paced.quantile(0.99)),
                    ("bandwidth", streamed.per_second()),
                ])
            })?;
            Ok(values)
        }
        _ => Err(Failure::Usage(
            "ccbench is measured with speed KIND COMMAND…, or serve KIND HOGS COMMAND…".to_owned(),
        )),
    }
}

fn read(figures: &Figures) -> Reading {
    let median = |subject: &str, setting, figure| figures.median((subject, setting, figure));
    let responsive = ours(Policy::Responsive);
    let mut reading = Reading {
        text: "Two threads of C code that releases the lock are as fast as two processors; of code that holds it, as fast as one. \
               Beside C code that holds, no packet is answered before a call is over, and RESPONSIVE, which asks the holder at \
               once, waits for that call and for no more; where the holder is asked after an interval, the interval is what is \
               waited for. Beside code that releases, everybody gets in, provided that a release lets a waiter in. With many \
               packets under way an answering thread has the next one at hand and hardly ever blocks, so it is its turn that \
               counts, not how it gets one."
            .to_owned(),
        ..Reading::default()
    };
    let speed = |subject: &str, setting| median(subject, setting, SPEED);
    reading.decide(speed(&responsive, RELEASING).map(|it| it > 1.3), || {
        Some(format!(
            "{responsive}: two threads of C that releases are {:.2} times as fast as one",
            speed(&responsive, RELEASING)?
        ))
    });
    reading.decide(speed(&responsive, HOLDING).map(|it| it < 1.2), || {
        Some(format!("{responsive}: of C that holds, {:.2} times", speed(&responsive, HOLDING)?))
    });
    let (quiet, held) = (median(&responsive, NOTHING, HALF), median(&responsive, HOLDING, HALF));
    reading.decide(quiet.zip(held).map(|(quiet, held)| held > quiet), || {
        Some(format!(
            "{responsive}: half of the packets are answered within {} when nobody computes, and within {} beside C that holds",
            Unit::Nanoseconds.show(quiet?),
            Unit::Nanoseconds.show(held?)
        ))
    });
    let peers = [Kind::Cpython, Kind::FreeThreaded, Kind::Pypy, Kind::Ruby, Kind::Ocaml];
    let peers = peers.iter().filter_map(|kind| kind.subject(figures));
    for subject in
        [ours(Policy::Interval).as_str(), ours(Policy::Ticks).as_str(), FREE].into_iter().chain(peers)
    {
        let latency = median(subject, INTERPRETER, HALF);
        let bandwidth = median(subject, INTERPRETER, BANDWIDTH);
        reading.find(
            Stand::Adds,
            latency.zip(bandwidth).map(|(latency, bandwidth)| {
                format!(
                    "{subject}: beside its own code half of the packets are answered within {}, {} a second at the most",
                    Unit::Nanoseconds.show(latency),
                    Unit::PerSecond.show(bandwidth)
                )
            }),
        );
    }
    let settings = [NOTHING, INTERPRETER, HOLDING, RELEASING];
    for (name, figure, unit) in [
        ("ccbench-latency", HALF, Unit::Nanoseconds),
        ("ccbench-bandwidth", BANDWIDTH, Unit::PerSecond),
        ("ccbench-throughput", SPEED, Unit::Ratio),
    ] {
        reading.plots.extend(plot(figures, name, figure, unit, &settings));
    }
    reading
}

fn plot(figures: &Figures, name: &'static str, figure: &str, unit: Unit, settings: &[&str]) -> Option<Plot> {
    let mut series: Vec<Series> = Vec::new();
    for it in figures.all().iter().filter(|it| it.figure == figure) {
        if series.iter().all(|series| series.label != it.subject) {
            let at = settings.iter().enumerate().map(|(at, setting)| (at as f64, *setting));
            series.push(Series::of(figures, &it.subject, figure, at));
        }
    }
    let y = if unit == Unit::Ratio { Axis::linear(figure, unit) } else { Axis::logarithmic(figure, unit) };
    let plot = Plot {
        name,
        title: format!("Beside work of each kind: {figure}"),
        x: Axis::names("what two threads do", settings),
        y,
        series,
    };
    plot.series.iter().any(|it: &Series| it.points.iter().any(|it: &Point| it.y > 0.0)).then_some(plot)
}
