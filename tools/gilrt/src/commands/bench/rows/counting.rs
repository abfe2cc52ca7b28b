//! A reference taken and dropped by one thread: one that owns the object, and one that does not.

use super::passes::{Timer, interleaved, timed};
use super::{Effort, Policy, RESPONSIVE, Row, Verdict};
use crate::commands::bench::counters::{self, GObject};
use crate::failure::Failure;
use crate::kernels::Kernels;
use crate::measured::{Figures, Round, Unit};

const INLINE: &str = "gilrt, inline";
const INLINE_T: &str = "gilrt, inline, given the thread";
const CALL: &str = "gilrt, by call";
const MERGED_INLINE: &str = "gilrt, merged object, inline";
const MERGED_CALL: &str = "gilrt, merged object, by call";
const EMPTY_CALLS: &str = "two empty calls into a library";
const RC: &str = "Rc";
const ARC: &str = "Arc";
const SHARED_PTR: &str = "std::shared_ptr";
const PAIR: &str = "a pair";

pub static OWNER: Row = Row {
    name: "owner",
    help: "A reference taken and dropped by the owner, inline",
    title: "incref and decref by the owner, inline",
    policies: RESPONSIVE,
    measure: measure_owner,
    judge: judge_owner,
    recorded: &[],
};

pub static OWNER_CALL: Row = Row {
    name: "owner-call",
    help: "The same by calls into the library",
    title: "incref and decref by the owner, by call",
    policies: RESPONSIVE,
    measure: measure_owner_call,
    judge: judge_owner_call,
    recorded: &[],
};

pub static FOREIGN: Row = Row {
    name: "foreign",
    help: "A reference taken and dropped by a thread that does not own the object",
    title: "incref and decref by a thread that does not own the object",
    policies: RESPONSIVE,
    measure: measure_foreign,
    judge: judge_foreign,
    recorded: &[],
};

fn measure_owner(kernels: &Kernels, _: Policy, effort: Effort) -> Result<Round, Failure> {
    let always: &[(&str, Timer<'_>)] = &[
        (INLINE, &|units| timed(kernels, "kernel_count_inline", units)),
        (INLINE_T, &|units| timed(kernels, "kernel_count_inline_t", units)),
        ("a plain count", &|units| timed(kernels, "kernel_count_plain", units)),
        (RC, &|units| Ok(counters::rc(units))),
        (ARC, &|units| Ok(counters::arc(units))),
        ("hybrid-rc, local", &|units| Ok(counters::hybrid_local(units))),
    ];
    let mut subjects = always.to_vec();
    let shared_ptr: Timer<'_> = &|units| timed(kernels, "kernel_count_shared_ptr", units);
    if kernels.has_cpp() {
        subjects.push((SHARED_PTR, shared_ptr));
    }
    let gobject = GObject::open();
    let gobject_pairs: Timer<'_> =
        &|units| Ok(gobject.as_ref().map(|it| it.pairs(units)).unwrap_or_default());
    if gobject.is_ok() {
        subjects.push((GObject::NAME, gobject_pairs));
    }
    let mut round = interleaved(&subjects, PAIR, effort)?;
    if !kernels.has_cpp() {
        round.missing(SHARED_PTR, "no C++ compiler was found when the tool was built");
    }
    if let Err(why) = &gobject {
        round.missing(GObject::NAME, why.to_string());
    }
    Ok(round)
}

fn judge_owner(figures: &Figures) -> Vec<Verdict> {
    let (ours, rc) = ((INLINE, "", PAIR), (RC, "", PAIR));
    vec![
        Verdict::at_most("a pair", figures.median(ours), 1.5, Unit::Nanoseconds),
        Verdict::at_most("against Rc", figures.ratio(ours, rc), 1.25, Unit::Ratio),
    ]
}

fn measure_owner_call(kernels: &Kernels, _: Policy, effort: Effort) -> Result<Round, Failure> {
    let subjects: &[(&str, Timer<'_>)] = &[
        (CALL, &|units| timed(kernels, "kernel_count_call", units)),
        (EMPTY_CALLS, &|units| timed(kernels, "kernel_count_empty", units)),
        (ARC, &|units| Ok(counters::arc(units))),
    ];
    interleaved(subjects, PAIR, effort)
}

fn judge_owner_call(figures: &Figures) -> Vec<Verdict> {
    vec![Verdict::at_most("a pair", figures.median((CALL, "", PAIR)), 6.0, Unit::Nanoseconds)]
}

fn measure_foreign(kernels: &Kernels, _: Policy, effort: Effort) -> Result<Round, Failure> {
    let subjects: &[(&str, Timer<'_>)] = &[
        (INLINE, &|units| timed(kernels, "kernel_count_foreign_inline", units)),
        (MERGED_INLINE, &|units| timed(kernels, "kernel_count_merged_inline", units)),
        (ARC, &|units| Ok(counters::arc(units))),
        ("hybrid-rc, shared", &|units| Ok(counters::hybrid_shared(units))),
        (CALL, &|units| timed(kernels, "kernel_count_foreign_call", units)),
        (MERGED_CALL, &|units| timed(kernels, "kernel_count_merged_call", units)),
        (EMPTY_CALLS, &|units| timed(kernels, "kernel_count_empty", units)),
    ];
    interleaved(subjects, PAIR, effort)
}

fn judge_foreign(figures: &Figures) -> Vec<Verdict> {
    let pair = |subject| (subject, "", PAIR);
    let inline = |ours| figures.ratio(pair(ours), pair(ARC));
    let call = |ours| figures.ratio_to_sum(pair(ours), &[pair(ARC), pair(EMPTY_CALLS)]);
    vec![
        Verdict::at_most("inline against Arc", inline(INLINE), 1.3, Unit::Ratio),
        Verdict::at_most("inline, merged, against Arc", inline(MERGED_INLINE), 1.3, Unit::Ratio),
        Verdict::at_most("by call against Arc plus two empty calls", call(CALL), 1.0, Unit::Ratio),
        Verdict::at_most(
            "by call, merged, against Arc plus two empty calls",
            call(MERGED_CALL),
            1.0,
            Unit::Ratio,
        ),
    ]
}
