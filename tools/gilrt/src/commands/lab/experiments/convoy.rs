//! A thread that answers packets, beside threads that compute.

use std::time::{Duration, Instant};

use crate::child::Effort;
use crate::commands::lab::experiment::{
    Axis, Column, Context, Experiment, Plan, Plot, Reading, Recorded, Series, Stand, Value, ours,
};
use crate::commands::lab::peers::client::Client;
use crate::commands::lab::peers::drive::{Running, check, check_witness, get};
use crate::commands::lab::peers::{FREE, Kind, POLICIES, Program, each_peer, everybody};
use crate::failure::Failure;
use crate::kernels::{Kernels, Task};
use crate::measured::{Figures, Unit, Verdict};

const REQUESTS: &str = "requests a second";
const HALF: &str = "p50";
const MOST: &str = "p99";
const LONGEST: &str = "longest";
const TURNS: &str = "turns of the others a second";
const NONE: &str = "beside 0";
const TWO: &str = "beside 2";
const BESIDE: [(u32, &str); 4] = [(0, NONE), (1, "beside 1"), (2, TWO), (4, "beside 4")];
/// The other way to be kept out: by a thread that releases the lock all the time, and takes it back at once.
const RETAKE: &str = "beside hold, release, retake";
/// Its word for the child.
const RETAKEN: &str = "retake";
const LONG: Duration = Duration::from_millis(1500);
const LONG_RETAKE: Duration = Duration::from_secs(2);

pub static EXPERIMENT: Experiment = Experiment {
    name: "convoy",
    title: "I/O among CPU-bound threads",
    claim: "A thread that does I/O among CPU-bound ones is served by how the lock is given away: where its holder must first be \
            asked, and answers after an interval, it waits an interval for each packet; where it may come first, it waits for \
            next to nothing",
    method: "One thread answers packets on a UDP port of 127.0.0.1 and releases the lock around each system call; 0, 1, 2 and 4 \
             threads compute in the runtime's own code. A client in another process asks one question after the other for 1.5 s \
             and times each; every answer is compared with its question, both sides count, and under our lock all threads count \
             in one plain word. Last, the longest wait in 2 s of a thread that sleeps a millisecond and then wants the lock, \
             beside one that holds it for 100 µs, releases it and takes it back at once, each on a CPU of its own; a wait that \
             the end cuts short lasted at least so long.",
    columns: &[
        Column { key: "requests", title: REQUESTS, unit: Unit::PerSecond },
        Column { key: "p50", title: HALF, unit: Unit::Nanoseconds },
        Column { key: "p99", title: MOST, unit: Unit::Nanoseconds },
        Column { key: "longest", title: LONGEST, unit: Unit::Nanoseconds },
        Column { key: "turns", title: TURNS, unit: Unit::PerSecond },
    ],
    cases,
    measure,
    recorded: RECORDED,
    read,
};

const RECORDED: &[Recorded] = &[
    ("CPython 2.7", TWO, REQUESTS, 12_700.0),
    ("CPython 3.13 free-threaded", TWO, REQUESTS, 63_000.0),
    ("CPython 3.14", TWO, REQUESTS, 45.0),
    ("CPython 2.7", RETAKE, LONGEST, 169e6),
    ("CPython 3.14", RETAKE, LONGEST, 698e6),
];

fn cases(context: &Context<'_>, plan: &mut Plan) -> Result<(), Failure> {
    for (hogs, setting) in BESIDE {
        let hogs = hogs.to_string();
        for case in everybody(plan, &EXPERIMENT, context, Program::Echo, setting, &["interpreter", &hogs])? {
            case.expected = context.effort.duration(LONG) + Duration::from_millis(200);
        }
    }
    // Who has no lock waits for none.
    let first = plan.cases.len();
    for policy in POLICIES {
        plan.under(&EXPERIMENT, context, policy, RETAKE, &[RETAKEN])?;
    }
    each_peer(plan, &EXPERIMENT, context, Program::Retake, RETAKE, &[RETAKEN])?;
    for case in &mut plan.cases[first..] {
        case.expected = context.effort.duration(LONG_RETAKE) + Duration::from_millis(100);
    }
    Ok(())
}

fn measure(kernels: &Kernels, words: &[String], effort: Effort) -> Result<Vec<Value>, Failure> {
    match words {
        [word, command @ ..] if word == RETAKEN => {
            let longest = retaking(kernels, command, effort.duration(LONG_RETAKE))?;
            Ok(vec![("longest", longest.as_nanos() as f64)])
        }
        [kind, hogs, command @ ..] => serving(command, kind, hogs, effort.duration(LONG)),
        _ => {
            Err(Failure::Usage("convoy is measured with KIND HOGS COMMAND…, or retake [COMMAND…]".to_owned()))
        }
    }
}

/// The longest wait in this time. Without a command it is our lock's, by the kernel of `gilrt bench lock`.
fn retaking(kernels: &Kernels, command: &[String], duration: Duration) -> Result<Duration, Failure> {
    if command.is_empty() {
        return Ok(kernels.run("kernel_retake", &Task { duration, ..Task::default() })?.longest_wait);
    }
    let line = Running::start(command, &[duration.as_millis().to_string()])?.last_line()?;
    if get(&line, "holds")? == 0 || get(&line, "visits")? == 0 {
        return Err(Failure::Failed("nobody held the lock, or nobody wanted it".to_owned()));
    }
    Ok(Duration::from_nanos(get(&line, "longest_ns")?))
}

fn serving(command: &[String], kind: &str, hogs: &str, duration: Duration) -> Result<Vec<Value>, Failure> {
    let (mut values, turns) = answering(command, kind, hogs, |client| {
        let answers = client.ask(duration, Duration::ZERO)?;
        Ok(vec![
            ("requests", answers.per_second()),
            ("p50", answers.quantile(0.5)),
            ("p99", answers.quantile(0.99)),
            ("longest", answers.quantile(1.0)),
        ])
    })?;
    values.extend(turns.map(|turns| ("turns", turns)));
    Ok(values)
}

/// Starts a program that answers, beside so many that compute, lets `ask` ask, and checks that both sides count the same. What
/// `ask` found and, if there are such, how many turns a second those that compute have done meanwhile.
pub fn answering(
    command: &[String],
    kind: &str,
    hogs: &str,
    ask: impl FnOnce(&mut Client) -> Result<Vec<Value>, Failure>,
) -> Result<(Vec<Value>, Option<f64>), Failure> {
    let mut running = Running::start(command, &[kind, hogs].map(str::to_owned))?;
    let mut client = Client::connect(get(&running.line()?, "port")?)?;
    let start = Instant::now();
    let values = ask(&mut client)?;
    let sent = client.sent();
    client.quit()?;
    // Until they are told to stop they compute, and where the thread that is to tell them waits for its turn, that takes a while.
    let line = running.last_line()?;
    let seconds = start.elapsed().as_secs_f64().max(1e-9);
    let (answered, turns) = (get(&line, "answered")?, get(&line, "turns")?);
    check("answers", answered, sent)?;
    check_witness(&line, answered + turns)?;
    if hogs == "0" {
        return Ok((values, None));
    }
    match turns {
        0 => Err(Failure::Failed("nobody computed beside it".to_owned())),
        _ => Ok((values, Some(turns as f64 / seconds))),
    }
}

fn read(figures: &Figures) -> Reading {
    let [responsive, interval, ticks] = POLICIES.map(ours);
    let requests = |subject: &str, setting| figures.median((subject, setting, REQUESTS));
    let longest = |subject: &str| figures.median((subject, RETAKE, LONGEST));
    let show = |unit: Unit, value: f64| unit.show(value);
    let mut reading = Reading {
        text: "Under INTERVAL, as in CPython since 3.2, the thread that has an answer to give waits until the holder's five \
               milliseconds are over, and again after each system call, for it gives the lock away each time: some tens of packets a \
               second, whatever the processors could do. TICKS lets others in every hundred polls, which is often, but a waiter \
               that must first be woken comes too late as often as not, and all that changing of hands slows the others down. \
               RESPONSIVE lets the thread that has used the lock least come first, at the next poll of the holder. It is not for \
               nothing: while many packets are answered, the threads that compute do less, for the lock changes hands with each \
               packet, and until its next holder is awake nobody computes. \
               A thread that releases the lock and takes it back at once is the other half of the story: in CPython 3 each \
               release wakes the waiter, which comes too late, and whose interval then begins anew."
            .to_owned(),
        ..Reading::default()
    };
    for (subject, stand) in [(&responsive, true), (&interval, false)] {
        let (alone, beside) = (requests(subject, NONE), requests(subject, TWO));
        // Two orders of magnitude are what the claim is about; half of one decides.
        let kept = alone.zip(beside).map(|(alone, beside)| beside / alone > 0.03);
        reading.decide(kept.map(|kept| kept == stand), || {
            Some(format!(
                "{subject}: {} requests a second with the lock to itself, {} beside two that compute",
                show(Unit::PerSecond, alone?),
                show(Unit::PerSecond, beside?)
            ))
        });
    }
    let work = figures.ratio((&responsive, TWO, TURNS), (&interval, TWO, TURNS));
    reading.find(
        Stand::Adds,
        work.map(|it| {
            format!("{responsive}: the two do {it:.2} times the work that they do under INTERVAL meanwhile")
        }),
    );
    for subject in [&ticks, FREE] {
        let beside = requests(subject, TWO);
        let sentence = beside.map(|it| format!("{subject}: {} beside two", show(Unit::PerSecond, it)));
        reading.find(Stand::Adds, sentence);
    }
    for kind in [Kind::Cpython, Kind::FreeThreaded, Kind::Pypy, Kind::Ruby, Kind::Ocaml] {
        let Some(peer) = kind.subject(figures) else { continue };
        let beside = requests(peer, TWO).map(|it| format!("{} beside two", show(Unit::PerSecond, it)));
        let wait = longest(peer)
            .map(|it| format!("the longest wait beside retaking {}", show(Unit::Nanoseconds, it)));
        let parts: Vec<String> = beside.into_iter().chain(wait).collect();
        reading.find(Stand::Adds, (!parts.is_empty()).then(|| format!("{peer}: {}", parts.join(", "))));
    }
    let wait = longest(&responsive);
    reading.decide(wait.map(|it| it < 10e6), || {
        Some(format!("{responsive}: the longest wait beside retaking {}", show(Unit::Nanoseconds, wait?)))
    });
    let cpython = Kind::Cpython.subject(figures).unwrap_or_default();
    reading.targets = vec![
        Verdict::at_least(
            "UDP echo beside 2, RESPONSIVE to CPython",
            figures.ratio((&responsive, TWO, REQUESTS), (cpython, TWO, REQUESTS)),
            100.0,
            Unit::Ratio,
        ),
        Verdict::at_least(
            "longest wait beside retaking, CPython to RESPONSIVE",
            figures.ratio((cpython, RETAKE, LONGEST), (&responsive, RETAKE, LONGEST)),
            50.0,
            Unit::Ratio,
        ),
    ];
    for (name, figure, unit) in
        [("convoy-requests", REQUESTS, Unit::PerSecond), ("convoy-p99", MOST, Unit::Nanoseconds)]
    {
        reading.plots.extend(plot(figures, name, figure, unit));
    }
    reading
}

fn plot(figures: &Figures, name: &'static str, figure: &str, unit: Unit) -> Option<Plot> {
    let mut series: Vec<Series> = Vec::new();
    for it in figures.all().iter().filter(|it| !it.recorded && it.figure == figure) {
        if series.iter().all(|series| series.label != it.subject) {
            let at = BESIDE.iter().map(|(hogs, setting)| (f64::from(*hogs), *setting));
            series.push(Series::of(figures, &it.subject, figure, at));
        }
    }
    let plot = Plot {
        name,
        title: format!("A thread that answers packets: {figure}"),
        x: Axis::linear("CPU-bound threads beside it", Unit::Count),
        y: Axis::logarithmic(figure, unit),
        series,
    };
    (!plot.series.is_empty()).then_some(plot)
}
