//! Release and acquire by a thread that is alone.

use std::time::Duration;

use crate::child::Effort;
use crate::commands::lab::experiment::{Column, Context, Experiment, Plan, Reading, Recorded, Stand, Value};
use crate::commands::lab::peers::drive::{Running, check, get};
use crate::commands::lab::peers::{Kind, Program, each_peer};
use crate::failure::Failure;
use crate::kernels::{Kernels, Task};
use crate::measured::{Figures, Unit, Verdict};

const PAIR: &str = "a pair";
const CALL: &str = "gilrt by call";
const INLINE: &str = "gilrt inline";
const MUTEX: &str = "pthread mutex";
const KERNELS: [(&str, &str); 4] = [
    (CALL, "kernel_pair_call"),
    (INLINE, "kernel_pair_inline"),
    ("gilrt inline, given the thread", "kernel_pair_inline_t"),
    (MUTEX, "kernel_pair_pthread"),
];
/// Tens of milliseconds for the slowest.
const PAIRS: u64 = 2_000_000;

pub static EXPERIMENT: Experiment = Experiment {
    name: "pair",
    title: "Release and acquire, alone",
    claim: "Releasing the lock around a call into C, and taking it back, costs next to nothing where nobody else wants it",
    method: "One thread, alone, releases and takes back two million times in a loop in C, after as many that do not count. CPython: \
             PyEval_SaveThread and PyEval_RestoreThread, which Py_BEGIN_ALLOW_THREADS stands for; Ruby: \
             rb_thread_call_without_gvl of a function that does nothing; OCaml: caml_release_runtime_system and \
             caml_acquire_runtime_system, when there has been a second thread; ours: gil_acquire and gil_release, called in \
             libgilrt.so and inline. PyPy has no such functions: it releases around each call of a function in C, so what is \
             counted is that call, in a loop that its compiler has compiled.",
    columns: &[Column { key: "pair", title: PAIR, unit: Unit::Nanoseconds }],
    cases,
    measure,
    recorded: RECORDED,
    read,
};

const RECORDED: &[Recorded] = &[
    ("CPython 2.7", "", PAIR, 15.0),
    ("CPython 3.13 free-threaded", "", PAIR, 19.0),
    ("CPython 3.14", "", PAIR, 36.0),
];

fn cases(context: &Context<'_>, plan: &mut Plan) -> Result<(), Failure> {
    let expected = Duration::from_millis(200);
    for (subject, kernel) in KERNELS {
        plan.ours(&EXPERIMENT, context, subject, "", &[kernel])?.expected = expected;
    }
    for case in each_peer(plan, &EXPERIMENT, context, Program::Pair, "", &["peer"])? {
        case.expected = expected;
    }
    Ok(())
}

fn measure(kernels: &Kernels, words: &[String], effort: Effort) -> Result<Vec<Value>, Failure> {
    let pairs = effort.units(PAIRS);
    let elapsed = match words {
        [word, command @ ..] if word == "peer" => {
            let line = Running::start(command, &[pairs.to_string()])?.last_line()?;
            check("pairs", get(&line, "pairs")?, pairs)?;
            get(&line, "elapsed_ns")?
        }
        [kernel] if KERNELS.iter().any(|(_, name)| name == kernel) => ours(kernels, kernel, pairs)?,
        _ => return Err(Failure::Usage("pair is measured with KERNEL, or with peer COMMAND…".to_owned())),
    };
    Ok(vec![("pair", elapsed as f64 / pairs as f64)])
}

/// That a lock of ours was taken each time, its own count bears witness.
fn ours(kernels: &Kernels, kernel: &str, pairs: u64) -> Result<u64, Failure> {
    let task = Task { units: pairs, ..Task::default() };
    kernels.run(kernel, &task)?;
    let before = kernels.library.lock_figures()?.acquires;
    let elapsed = kernels.run(kernel, &task)?.elapsed.as_nanos() as u64;
    let acquired = kernels.library.lock_figures()?.acquires - before;
    if !kernel.ends_with("pthread") && acquired < pairs {
        return Err(Failure::Failed(format!("of {pairs} acquisitions the library counted {acquired}")));
    }
    Ok(elapsed)
}

fn read(figures: &Figures) -> Reading {
    let pair = |subject: &str| figures.median((subject, "", PAIR));
    let mut reading = Reading {
        text: "A lock that is a mutex, a condition variable and a few flags costs some fifty nanoseconds to release and to take back, \
               which is why extensions release it around what takes long, and hold it through what does not. Where the lock is \
               biased towards the thread that had it last, both are a store and a look at one more word: so little that it can \
               be done around every call. PyPy comes closest, with a compare-and-swap that its compiler puts in line. How many \
               times CPython's pair costs depends on how that CPython was built: 3.11 took 27 to 49 ns on machines of this \
               kind, and 25 times the inline pair are 39. What limits ours is a count: each acquire adds one to a figure, and \
               the next waits for that store; where the thread is given, the processor need not wait, and CPython's 27 ns are \
               27 times as much."
            .to_owned(),
        ..Reading::default()
    };
    reading.decide(pair(CALL).map(|it| it < 15.0), || {
        Some(format!(
            "ours takes {} by call and {} inline, a pthread mutex {}",
            Unit::Nanoseconds.show(pair(CALL)?),
            Unit::Nanoseconds.show(pair(INLINE)?),
            Unit::Nanoseconds.show(pair(MUTEX)?)
        ))
    });
    for kind in [Kind::Cpython, Kind::FreeThreaded, Kind::Pypy, Kind::Ruby, Kind::Ocaml] {
        let Some(peer) = kind.subject(figures) else { continue };
        let times = figures.ratio((peer, "", PAIR), (CALL, "", PAIR));
        let sentence = pair(peer).zip(times).map(|(pair, times)| {
            format!("{peer}: {}, {times:.1} times ours by call", Unit::Nanoseconds.show(pair))
        });
        reading.find(Stand::Adds, sentence);
    }
    let cpython = Kind::Cpython.subject(figures).unwrap_or_default();
    let ocaml = Kind::Ocaml.subject(figures).unwrap_or_default();
    for (what, peer, ours, limit) in [
        ("CPython to ours by call", cpython, CALL, 6.0),
        ("CPython to ours inline", cpython, INLINE, 25.0),
        ("OCaml to ours by call", ocaml, CALL, 3.0),
    ] {
        let ratio = figures.ratio((peer, "", PAIR), (ours, "", PAIR));
        reading.targets.push(Verdict::at_least(format!("a pair, {what}"), ratio, limit, Unit::Ratio));
    }
    reading
}
