//! What an interpreter without a lock costs one thread, and the objects of another interpreter.

use super::passes::{Timer, interleaved, timed};
use super::{Effort, Policy, RESPONSIVE, Row, Verdict};
use crate::commands::bench::counters;
use crate::kernels::Kernels;
use crate::measured::{Figures, Round, Unit};

use crate::failure::Failure;

const INLINE: &str = "gilrt, inline";
const INLINE_T: &str = "gilrt, inline, given the thread";
const CALL: &str = "gilrt, by call";
const EMPTY_CALLS: &str = "two empty calls into a library";
const ARC: &str = "Arc";
const PAIR: &str = "a pair";

pub static ATTACH: Row = Row {
    name: "attach",
    help: "Attach and detach without a lock",
    title: "attach and detach in an interpreter without a lock",
    policies: RESPONSIVE,
    measure: measure_attach,
    judge: judge_attach,
    recorded: &[],
};

pub static ACROSS: Row = Row {
    name: "across",
    help: "An object of another interpreter counted",
    title: "incref and decref of an object of another interpreter, by a thread that is attached to its own",
    policies: RESPONSIVE,
    measure: measure_across,
    judge: judge_across,
    recorded: &[],
};

fn measure_attach(kernels: &Kernels, _: Policy, effort: Effort) -> Result<Round, Failure> {
    let subjects: &[(&str, Timer<'_>)] = &[
        (INLINE, &|units| timed(kernels, "kernel_free_pair_inline", units)),
        (INLINE_T, &|units| timed(kernels, "kernel_free_pair_inline_t", units)),
        ("gilrt, with a lock, inline", &|units| timed(kernels, "kernel_pair_inline", units)),
        ("CAS and swap", &|units| timed(kernels, "kernel_pair_cas", units)),
        (CALL, &|units| timed(kernels, "kernel_free_pair_call", units)),
        (EMPTY_CALLS, &|units| timed(kernels, "kernel_pair_empty", units)),
    ];
    interleaved(subjects, PAIR, effort)
}

fn judge_attach(figures: &Figures) -> Vec<Verdict> {
    let pair = |subject| figures.median((subject, "", PAIR));
    vec![
        Verdict::at_most("a pair, inline", pair(INLINE), 1.5, Unit::Nanoseconds),
        Verdict::at_most("a pair, inline, given the thread", pair(INLINE_T), 1.5, Unit::Nanoseconds),
    ]
}

fn measure_across(kernels: &Kernels, _: Policy, effort: Effort) -> Result<Round, Failure> {
    let subjects: &[(&str, Timer<'_>)] = &[
        (INLINE, &|units| timed(kernels, "kernel_across_inline", units)),
        (INLINE_T, &|units| timed(kernels, "kernel_across_inline_t", units)),
        (ARC, &|units| Ok(counters::arc(units))),
        (CALL, &|units| timed(kernels, "kernel_across_call", units)),
        (EMPTY_CALLS, &|units| timed(kernels, "kernel_count_empty", units)),
    ];
    interleaved(subjects, PAIR, effort)
}

fn judge_across(figures: &Figures) -> Vec<Verdict> {
    let ratio = figures.ratio((INLINE, "", PAIR), (ARC, "", PAIR));
    vec![Verdict::at_most("inline against Arc", ratio, 1.3, Unit::Ratio)]
}
