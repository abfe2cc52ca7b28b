//! The schedule on machines that are not here: in virtual time, on up to 128 processors and with up to 10,000 threads.

use std::time::Duration;

use gilrt_sim::sched::{Ns, Policy as Simulated};
use gilrt_sim::{MS, Plan as Thread, SECOND, Setting, US};

use crate::child::{Effort, POLICY_VARIABLE, Policy, name};
use crate::commands::lab::experiment::{
    Axis, Column, Context, Experiment, Plan, Plot, Reading, Series, Stand, Value, word,
};
use crate::failure::Failure;
use crate::kernels::{Kernels, Task};
use crate::measured::{Figures, Unit};

const P50: &str = "wait, p50";
const P99: &str = "wait, p99";
const LONGEST: &str = "longest wait";
const REQUESTS: &str = "requests a second";
const COMPUTING: &str = "share of the CPU-bound";
const COMPARISONS: &str = "comparisons a decision";

const POLICIES: [Policy; 3] = [Policy::Responsive, Policy::Interval, Policy::Ticks];

/// Beside so many CPU-bound threads, on two processors: simulated, and measured on this machine.
const BESIDE: [(u32, &str); 4] = [
    (1, "2 CPUs, beside 1 CPU-bound thread"),
    (2, "2 CPUs, beside 2 CPU-bound threads"),
    (4, "2 CPUs, beside 4 CPU-bound threads"),
    (8, "2 CPUs, beside 8 CPU-bound threads"),
];
/// Simulated alone: so many processors, and threads that serve requests.
const THREADS: [(usize, usize, &str); 4] = [
    (128, 10, "128 CPUs, 10 threads"),
    (128, 100, "128 CPUs, 100 threads"),
    (128, 1_000, "128 CPUs, 1,000 threads"),
    (128, 10_000, "128 CPUs, 10,000 threads"),
];
const PROCESSORS: [(usize, usize, &str); 3] = [
    (2, 1_000, "2 CPUs, 1,000 threads"),
    (8, 1_000, "8 CPUs, 1,000 threads"),
    (32, 1_000, "32 CPUs, 1,000 threads"),
];

pub static EXPERIMENT: Experiment = Experiment {
    name: "scale",
    title: "The schedule on larger machines",
    claim: "The GIL can be a performance bottleneck in multi-threaded code; what Python 2 did starves the threads that do I/O, and Python 3 \
            no longer allows the current thread to take the lock back before other threads got a chance to run.",
    method: "The library's own schedule drives a lock in virtual time, in which a wake-up takes 10 to 20 µs. On two processors one thread wakes \
             every millisecond and wants the lock, beside threads that compute with it and poll five times in a microsecond; the same \
             is measured on this machine, so that the model can be held against it. On the large machines the threads serve requests, as many \
             as would take half of the lock's time and five processors: each takes 180 µs without the lock and 20 µs with it, beside four threads \
             that compute. A wait is from asking for the lock to having it; who had not got it by the end has waited until then.",
    columns: &[
        Column { key: "p50", title: P50, unit: Unit::Nanoseconds },
        Column { key: "p99", title: P99, unit: Unit::Nanoseconds },
        Column { key: "longest", title: LONGEST, unit: Unit::Nanoseconds },
        Column { key: "requests", title: REQUESTS, unit: Unit::PerSecond },
        Column { key: "computing", title: COMPUTING, unit: Unit::Ratio },
        Column { key: "comparisons", title: COMPARISONS, unit: Unit::Count },
    ],
    cases,
    measure,
    recorded: &[],
    read,
};

fn simulated(policy: Policy) -> String {
    format!("{}, simulated", name(&policy))
}

fn measured(policy: Policy) -> String {
    format!("{}, measured", name(&policy))
}

fn cases(context: &Context<'_>, plan: &mut Plan) -> Result<(), Failure> {
    for (hogs, setting) in BESIDE {
        for policy in POLICIES {
            let words = ["beside", &name(&policy), &hogs.to_string()];
            plan.ours(&EXPERIMENT, context, &simulated(policy), setting, &words)?;
            if context.cpus < 2 {
                continue;
            }
            let case = plan.ours(
                &EXPERIMENT,
                context,
                &measured(policy),
                setting,
                &["measured", &hogs.to_string()],
            )?;
            case.environment.push((POLICY_VARIABLE.into(), name(&policy).into()));
        }
    }
    if context.cpus < 2 {
        plan.skip("the lock itself", "there is one CPU, so nothing is measured beside the model of two");
    }
    for (cpus, threads, setting) in PROCESSORS.into_iter().chain(THREADS) {
        for policy in POLICIES {
            let words = ["server", &name(&policy), &cpus.to_string(), &threads.to_string()];
            plan.ours(&EXPERIMENT, context, &simulated(policy), setting, &words)?;
        }
    }
    Ok(())
}

fn measure(kernels: &Kernels, words: &[String], effort: Effort) -> Result<Vec<Value>, Failure> {
    match word::<String>(words, 0)?.as_str() {
        "measured" => on_this_machine(kernels, word(words, 1)?, effort),
        "beside" => {
            let hogs: usize = word(words, 2)?;
            let io = Thread::io(MS, US);
            simulate(policy(words)?, 2, hogs, &[io], effort)
        }
        _ => {
            let threads: usize = word(words, 3)?;
            // Half of the lock's time would go to the requests.
            let blocked = 2 * REQUEST * threads as Ns - REQUEST - OUTSIDE;
            // They do not all begin at once.
            let server: Vec<Thread> = (0..threads)
                .map(|at| {
                    Thread { poll: 10 * US, outside: OUTSIDE, ..Thread::io(blocked, REQUEST) }
                        .starting(blocked * at as Ns / threads as Ns)
                })
                .collect();
            simulate(policy(words)?, word(words, 2)?, 4, &server, effort)
        }
    }
}

/// Of a request, with the lock and without it.
const REQUEST: Ns = 20 * US;
const OUTSIDE: Ns = 180 * US;
/// Between two polls, as in work.h.
const POLL: Ns = US / 5;

fn policy(words: &[String]) -> Result<Simulated, Failure> {
    Ok(match word::<String>(words, 1)?.as_str() {
        "responsive" => Simulated::Responsive,
        "interval" => Simulated::Interval,
        _ => Simulated::Ticks,
    })
}

/// Two seconds, after one in which nothing is recorded; not less than one after half a one, for 10,000 threads to have had their turn.
fn simulate(
    policy: Simulated,
    processors: usize,
    hogs: usize,
    others: &[Thread],
    effort: Effort,
) -> Result<Vec<Value>, Failure> {
    let mut threads = vec![Thread::hog(POLL); hogs];
    threads.extend(others);
    let recorded = if effort == Effort::Full { 2 * SECOND } else { SECOND };
    let warm_up = recorded / 2;
    let setting = Setting { policy, processors, warm_up, end: warm_up + recorded, ..Setting::default() };
    let figures = gilrt_sim::run(&setting, &threads);
    let mut waits: Vec<Ns> =
        figures.waits.iter().filter(|wait| wait.thread >= hogs).map(|wait| wait.waited).collect();
    let requests: u32 = figures.rounds[hogs..].iter().sum();
    let computing: Ns = figures.held[..hogs].iter().sum();
    // Who never got the lock has asked before anything was recorded.
    if waits.is_empty() {
        waits.push(if requests == 0 { setting.end } else { 0 });
    }
    let mut values = quantiles(&mut waits);
    values.push(("requests", f64::from(requests) * SECOND as f64 / recorded as f64));
    values.push(("computing", computing as f64 / recorded as f64));
    values.push(("comparisons", figures.comparisons as f64 / figures.arrivals.max(1) as f64));
    Ok(values)
}

fn on_this_machine(kernels: &Kernels, hogs: u32, effort: Effort) -> Result<Vec<Value>, Failure> {
    let duration = effort.duration(Duration::from_secs(1));
    let task = Task { duration, threads: hogs, waits: 10_000, ..Task::default() };
    let mut outcome = kernels.run("kernel_sleeper", &task)?;
    if outcome.waits.is_empty() {
        return Err(Failure::Failed("no wait was measured".to_owned()));
    }
    let mut values = quantiles(&mut outcome.waits);
    let requests = outcome.shares.get(hogs as usize).copied().unwrap_or_default();
    values.push(("requests", requests as f64 / outcome.elapsed.as_secs_f64().max(1e-9)));
    Ok(values)
}

fn quantiles(waits: &mut [Ns]) -> Vec<Value> {
    waits.sort_unstable();
    let at = |part: f64| waits[((waits.len() as f64 * part) as usize).min(waits.len() - 1)] as f64;
    vec![("p50", at(0.5)), ("p99", at(0.99)), ("longest", at(1.0))]
}

fn read(figures: &Figures) -> Reading {
    let mut reading = Reading { text: TEXT.to_owned(), ..Reading::default() };
    let (_, _, largest) = THREADS[3];
    let [responsive, interval, ticks] = POLICIES.map(simulated);
    let shown = |subject: &str, figure| figures.shown((subject, largest, figure));
    let requests = |subject: &str| figures.median((subject, largest, REQUESTS));
    reading.decide(requests(&ticks).zip(requests(&responsive)).map(|(ticks, ours)| ticks < ours / 2.0), || {
        Some(format!(
            "On {largest}, Python 2's fixed number of ticks lets {} requests a second through beside four CPU-bound threads, INTERVAL {}, and \
             RESPONSIVE {}.",
            shown(&ticks, REQUESTS)?,
            shown(&interval, REQUESTS)?,
            shown(&responsive, REQUESTS)?
        ))
    });
    let p99 = |subject: &str| figures.median((subject, largest, P99));
    reading.decide(p99(&interval).zip(p99(&ticks)).map(|(interval, ticks)| interval <= ticks), || {
        Some(format!(
            "There a request waits up to {} under INTERVAL (p99), {} under TICKS, and {} under RESPONSIVE.",
            shown(&interval, P99)?,
            shown(&ticks, P99)?,
            shown(&responsive, P99)?
        ))
    });
    reading.find(
        Stand::Adds,
        shown(&responsive, COMPARISONS).map(|comparisons| {
            format!("A decision among those who wait then costs {comparisons} comparisons: the schedule is not the bottleneck.")
        }),
    );
    let on = |(.., setting): (usize, usize, &str)| figures.shown((&responsive, setting, REQUESTS));
    reading.find(
        Stand::Adds,
        on(PROCESSORS[0]).zip(on(PROCESSORS[1])).zip(on(THREADS[2])).map(|((two, eight), most)| {
            format!(
                "A thousand threads get {two} requests a second done on 2 CPUs under RESPONSIVE, {eight} on 8 and {most} on 128: processors help until the \
                 lock is the narrowest place."
            )
        }),
    );
    for policy in POLICIES {
        let (_, setting) = BESIDE[1];
        let (model, real) = (simulated(policy), measured(policy));
        let of = |subject: &str, figure| figures.shown((subject, setting, figure));
        let sentence = of(&model, P50).zip(of(&model, P99)).zip(of(&real, P50).zip(of(&real, P99)));
        reading.find(
            Stand::Adds,
            sentence.map(|((model50, model99), (real50, real99))| {
                format!(
                    "Beside two CPU-bound threads on two CPUs the model says of {}: half of the waits within {model50}, 99 % within {model99}; measured \
                     here: {real50} and {real99}.",
                    name(&policy)
                )
            }),
        );
    }
    let server = |(_, threads, setting): (usize, usize, &'static str)| (threads as f64, setting);
    let cpus = |(cpus, _, setting): (usize, usize, &'static str)| (cpus as f64, setting);
    let lines =
        |label: &str, figure: &str, settings: Vec<(f64, &'static str)>, name, title: &str, unit| Plot {
            name,
            title: title.to_owned(),
            x: Axis::logarithmic(label, Unit::Count),
            y: Axis::logarithmic(figure, unit),
            series: POLICIES
                .map(|policy| Series::of(figures, &simulated(policy), figure, settings.clone()))
                .into(),
        };
    let beside = BESIDE.map(|(hogs, setting)| (f64::from(hogs), setting));
    let both = POLICIES.into_iter().flat_map(|policy| [simulated(policy), measured(policy)]);
    reading.plots = vec![
        lines(
            "threads on 128 CPUs",
            P99,
            THREADS.map(server).into(),
            "threads",
            "What 99 % of the requests wait at the most",
            Unit::Nanoseconds,
        ),
        lines(
            "CPUs, 1,000 threads",
            REQUESTS,
            PROCESSORS.into_iter().chain([THREADS[2]]).map(cpus).collect(),
            "cpus",
            "Requests beside four CPU-bound threads",
            Unit::PerSecond,
        ),
        Plot {
            name: "model",
            title: "The model beside the lock, on two CPUs".to_owned(),
            x: Axis::logarithmic("CPU-bound threads", Unit::Count),
            y: Axis::logarithmic(P50, Unit::Nanoseconds),
            series: both.map(|subject| Series::of(figures, &subject, P50, beside)).collect(),
        },
    ];
    reading
}

const TEXT: &str = "More processors help with what is done without the lock, and not with what is done under it: it has one holder, however many could run. Once nobody \
    who wakes has to wait for a processor, what is left is the schedule alone. Under TICKS the holder lets go and is back before the \
    one that it woke is there; a faster machine only makes it come back sooner. Under INTERVAL everybody gets the lock, after \
    an interval for each that computes and stands before them, so that the requests a second are a number of intervals. Under \
    RESPONSIVE a request that has had less than its share goes first, and the rest of the time is left to those who compute. The model leaves out what \
    the operating system does to a virtual machine, which is why its longest waits are shorter than the measured ones.";
