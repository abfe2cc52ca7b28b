//! One thread that is alone: release and acquire, inline and by call, and a poll.

use std::time::Duration;

use super::passes::{Timer, interleaved, timed};
use super::{Effort, Policy, RESPONSIVE, Row, Verdict};
use crate::commands::bench::peers;
use crate::failure::Failure;
use crate::kernels::Kernels;
use crate::measured::{Figures, Round, Unit};

const INLINE: &str = "gilrt, inline";
const INLINE_T: &str = "gilrt, inline, given the thread";
const CALL: &str = "gilrt, by call";
const EMPTY_CALLS: &str = "two empty calls into a library";
const PTHREAD: &str = "pthread mutex";
const PAIR: &str = "a pair";
const POLLED: &str = "a turn of the loop";

pub static UNCONTENDED: Row = Row {
    name: "uncontended",
    help: "Release and acquire by one thread that is alone, inline",
    title: "release and acquire, uncontended, inline",
    policies: RESPONSIVE,
    measure: measure_uncontended,
    judge: judge_uncontended,
    recorded: &[],
};

pub static CALL_ROW: Row = Row {
    name: "call",
    help: "The same by calls into the library",
    title: "release and acquire, uncontended, by call",
    policies: RESPONSIVE,
    measure: measure_calls,
    judge: judge_calls,
    recorded: &[
        ("CPython 2.7", "", PAIR, Unit::Nanoseconds, 15.0),
        ("CPython 3.11", "", PAIR, Unit::Nanoseconds, 49.0),
        ("CPython 3.13", "", PAIR, Unit::Nanoseconds, 54.0),
        ("CPython 3.14", "", PAIR, Unit::Nanoseconds, 36.0),
        ("PyPy", "", PAIR, Unit::Nanoseconds, 3.0),
        ("Ruby 3.1", "", PAIR, Unit::Nanoseconds, 50.0),
        ("OCaml 4.13", "", PAIR, Unit::Nanoseconds, 53.0),
    ],
};

pub static POLL: Row = Row {
    name: "poll",
    help: "A safepoint that nobody asks anything of",
    title: "poll, inline, when nobody asks for anything",
    policies: RESPONSIVE,
    measure: measure_poll,
    judge: judge_poll,
    recorded: &[],
};

/// A kernel that acquires once for each unit; that it did, the library's own count bears witness.
fn acquiring(kernels: &Kernels, name: &str, units: u64) -> Result<Duration, Failure> {
    let before = kernels.library.lock_figures()?.acquires;
    let took = timed(kernels, name, units)?;
    let acquired = kernels.library.lock_figures()?.acquires - before;
    if acquired < units {
        return Err(Failure::Failed(format!(
            "{name}: of {units} acquisitions the library counted {acquired}"
        )));
    }
    Ok(took)
}

fn measure_uncontended(kernels: &Kernels, _: Policy, effort: Effort) -> Result<Round, Failure> {
    let subjects: &[(&str, Timer<'_>)] = &[
        (INLINE, &|units| acquiring(kernels, "kernel_pair_inline", units)),
        (INLINE_T, &|units| acquiring(kernels, "kernel_pair_inline_t", units)),
        (PTHREAD, &|units| timed(kernels, "kernel_pair_pthread", units)),
        ("parking_lot", &|units| Ok(peers::alone::<parking_lot::Mutex<u64>>(units))),
        ("std Mutex", &|units| Ok(peers::alone::<std::sync::Mutex<u64>>(units))),
        ("CAS and swap", &|units| timed(kernels, "kernel_pair_cas", units)),
    ];
    interleaved(subjects, PAIR, effort)
}

fn judge_uncontended(figures: &Figures) -> Vec<Verdict> {
    let (ours, pthread) = ((INLINE, "", PAIR), (PTHREAD, "", PAIR));
    vec![
        Verdict::at_most("a pair", figures.median(ours), 1.5, Unit::Nanoseconds),
        Verdict::at_most("against a pthread mutex", figures.ratio(ours, pthread), 0.25, Unit::Ratio),
    ]
}

fn measure_calls(kernels: &Kernels, _: Policy, effort: Effort) -> Result<Round, Failure> {
    let subjects: &[(&str, Timer<'_>)] = &[
        (CALL, &|units| acquiring(kernels, "kernel_pair_call", units)),
        (EMPTY_CALLS, &|units| timed(kernels, "kernel_pair_empty", units)),
        (PTHREAD, &|units| timed(kernels, "kernel_pair_pthread", units)),
    ];
    interleaved(subjects, PAIR, effort)
}

fn judge_calls(figures: &Figures) -> Vec<Verdict> {
    let ratio = figures.ratio((CALL, "", PAIR), (EMPTY_CALLS, "", PAIR));
    vec![Verdict::at_most("against two empty calls", ratio, 1.4, Unit::Ratio)]
}

fn measure_poll(kernels: &Kernels, _: Policy, effort: Effort) -> Result<Round, Failure> {
    let subjects: &[(&str, Timer<'_>)] = &[
        (INLINE, &|units| timed(kernels, "kernel_poll_inline", units)),
        ("an empty loop", &|units| timed(kernels, "kernel_poll_empty", units)),
    ];
    interleaved(subjects, POLLED, effort)
}

fn judge_poll(figures: &Figures) -> Vec<Verdict> {
    vec![Verdict::at_most(
        "a poll with its loop",
        figures.median((INLINE, "", POLLED)),
        0.6,
        Unit::Nanoseconds,
    )]
}
