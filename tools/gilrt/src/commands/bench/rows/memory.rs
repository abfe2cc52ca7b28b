//! What an object takes: bytes before its payload, and the time of its birth and its death.

use super::passes::{Timer, interleaved, timed};
use super::{Effort, Policy, RESPONSIVE, Row, Verdict};
use crate::commands::bench::counters;
use crate::failure::Failure;
use crate::kernels::{Kernels, Task};
use crate::measured::{Figures, Round, Sample, Unit};

const OURS: &str = "gilrt";
const CALLOC: &str = "calloc and free of as many bytes";
const HEADER: &str = "before the payload";
const LIFE: &str = "a birth and a death";

pub static SIZE: Row = Row {
    name: "size",
    help: "The header of an object",
    title: "bytes of an object that are not its payload",
    policies: RESPONSIVE,
    measure: measure_size,
    judge: judge_size,
    recorded: &[
        ("Rc, Arc", "", HEADER, Unit::Bytes, 16.0),
        ("GObject", "", HEADER, Unit::Bytes, 24.0),
        ("CPython", "", HEADER, Unit::Bytes, 16.0),
        ("CPython, free-threaded", "", HEADER, Unit::Bytes, 32.0),
    ],
};

pub static NEW: Row = Row {
    name: "new",
    help: "A new object and its last reference dropped",
    title: "a new object of 32 bytes, and its last reference dropped",
    policies: RESPONSIVE,
    measure: measure_new,
    judge: judge_new,
    recorded: &[],
};

fn measure_size(kernels: &Kernels, _: Policy, _: Effort) -> Result<Round, Failure> {
    let bytes = kernels.run("kernel_object_size", &Task::default())?.shares[0];
    Ok(vec![Sample::new(OURS, "", HEADER, Unit::Bytes, bytes as f64)].into())
}

fn judge_size(figures: &Figures) -> Vec<Verdict> {
    vec![Verdict::at_most("the header", figures.median((OURS, "", HEADER)), 16.0, Unit::Bytes)]
}

fn measure_new(kernels: &Kernels, _: Policy, effort: Effort) -> Result<Round, Failure> {
    let subjects: &[(&str, Timer<'_>)] = &[
        (OURS, &|units| timed(kernels, "kernel_new_object", units)),
        (CALLOC, &|units| timed(kernels, "kernel_new_calloc", units)),
        ("malloc and free of as many bytes", &|units| timed(kernels, "kernel_new_malloc", units)),
        ("Rc", &|units| Ok(counters::new_rc(units))),
        ("Arc", &|units| Ok(counters::new_arc(units))),
    ];
    interleaved(subjects, LIFE, effort)
}

fn judge_new(figures: &Figures) -> Vec<Verdict> {
    let ratio = figures.ratio((OURS, "", LIFE), (CALLOC, "", LIFE));
    vec![Verdict::at_most("against calloc and free", ratio, 1.3, Unit::Ratio)]
}
