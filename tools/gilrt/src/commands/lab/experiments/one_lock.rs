//! What counts that are safe cost a single thread.

use crate::child::Effort;
use crate::commands::lab::experiment::{
    Axis, Column, Context, Experiment, Plan, Plot, Reading, Series, Stand, Value, word,
};
use crate::failure::Failure;
use crate::kernels::{Kernels, Task};
use crate::measured::{Figures, Unit};

const BUILD: &str = "to build a node";
const WALK: &str = "to visit it";
const DROP: &str = "to drop it";
const WHOLE: &str = "in all, of ten visits";

const PLAIN: &str = "C, no protection";
const C_ATOMIC: &str = "C, atomic counts";
const LOCK: &str = "gilrt, one lock";
const LOCKED: &str = "gilrt, a lock for each object";
const ATOMIC: &str = "gilrt, atomic counts";
const FREE: &str = "gilrt, biased counts, no lock";

const SUBJECTS: [(&str, &str); 6] = [
    (PLAIN, "kernel_tree_plain"),
    (LOCK, "kernel_tree_lock"),
    (FREE, "kernel_tree_free"),
    (ATOMIC, "kernel_tree_atomic"),
    (LOCKED, "kernel_tree_locked"),
    (C_ATOMIC, "kernel_tree_c_atomic"),
];
const SETTING: &str = "1 thread";

pub static EXPERIMENT: Experiment = Experiment {
    name: "one-lock",
    title: "One lock for all objects",
    claim: "The GIL is simple to implement; it also provides a performance increase to single-threaded programs, as only one lock needs \
            to be managed.",
    method: "One thread builds a binary tree of 16,383 nodes, walks it ten times, taking a reference to each node and dropping it \
             again as an interpreter does with what it touches, and drops it. Under the library each node is also a safepoint, by \
             an inline poll. The nodes in C come from calloc and have the size of the library's; their counts are plain, which is \
             right for one thread only, or atomic.",
    columns: &[
        Column { key: "build", title: BUILD, unit: Unit::Nanoseconds },
        Column { key: "walk", title: WALK, unit: Unit::Nanoseconds },
        Column { key: "drop", title: DROP, unit: Unit::Nanoseconds },
        Column { key: "whole", title: WHOLE, unit: Unit::Nanoseconds },
    ],
    cases,
    measure,
    recorded: &[],
    read,
};

fn cases(context: &Context<'_>, plan: &mut Plan) -> Result<(), Failure> {
    for (subject, kernel) in SUBJECTS {
        plan.ours(&EXPERIMENT, context, subject, SETTING, &[kernel])?;
    }
    Ok(())
}

fn measure(kernels: &Kernels, words: &[String], effort: Effort) -> Result<Vec<Value>, Failure> {
    // Passes; each takes some milliseconds.
    let task = Task { units: effort.units(100), ..Task::default() };
    let outcome = kernels.run(&word::<String>(words, 0)?, &task)?;
    let [build, walk, drop, nodes, ..] = outcome.values.map(|value| value as f64);
    /// Walks of tree.c.
    const WALKS: f64 = 10.0;
    Ok(vec![
        ("build", build / nodes),
        ("walk", walk / nodes / WALKS),
        ("drop", drop / nodes),
        ("whole", (build + walk + drop) / nodes),
    ])
}

fn read(figures: &Figures) -> Reading {
    let mut reading = Reading { text: TEXT.to_owned(), ..Reading::default() };
    let against = |subject, figure| figures.ratio((subject, SETTING, figure), (LOCK, SETTING, figure));
    for (subject, what) in [(LOCKED, "a lock for each object"), (ATOMIC, "atomic counts")] {
        let ratio = against(subject, WHOLE);
        reading.decide(ratio.map(|ratio| ratio > 1.0), || {
            let (theirs, ours) = figures.shown((subject, SETTING, WHOLE)).zip(figures.shown((LOCK, SETTING, WHOLE)))?;
            let visit = against(subject, WALK)?;
            Some(format!(
                "With {what} the same work takes {theirs} a node instead of {ours} under one lock: {} times as long, and {} times at each visit.",
                Unit::Count.show(ratio?),
                Unit::Count.show(visit)
            ))
        });
    }
    let ratio = against(FREE, WHOLE);
    reading.decide(ratio.map(|ratio| ratio > 1.05), || {
        let ratio = ratio?;
        let end = if ratio > 1.05 {
            "the single thread does pay for the lock's absence"
        } else {
            "a runtime without a lock need not cost a single thread anything"
        };
        Some(format!(
            "Biased counts without any lock take {} of the time under one lock: {end}.",
            Unit::Ratio.show(ratio)
        ))
    });
    reading.find(
        Stand::Adds,
        figures.ratio((LOCK, SETTING, WHOLE), (PLAIN, SETTING, WHOLE)).zip(figures.ratio((LOCK, SETTING, WALK), (PLAIN, SETTING, WALK))).map(
            |(whole, walk)| {
                format!(
                    "Against counts that nothing protects, one lock takes {} of the time in all, and {} of it at a visit.",
                    Unit::Ratio.show(whole),
                    Unit::Ratio.show(walk)
                )
            },
        ),
    );
    let steps = [BUILD, WALK, DROP];
    let series = |(subject, _): &(&str, &str)| {
        let at =
            |(x, figure): (usize, &&str)| Series::of(figures, subject, figure, [(x as f64, SETTING)]).points;
        Series { label: (*subject).to_owned(), points: steps.iter().enumerate().flat_map(at).collect() }
    };
    reading.plots = vec![Plot {
        name: "node",
        title: "A node of a tree, by a single thread".to_owned(),
        x: Axis::names("", &steps),
        y: Axis::logarithmic("time", Unit::Nanoseconds),
        series: SUBJECTS.iter().map(series).collect(),
    }];
    reading
}

const TEXT: &str = "The claim is about the choice that there was in 1992: one lock, or one for each object. Against that choice it holds: \
    what is taken once for thousands of objects costs each of them nothing, while a lock or an atomic instruction at each object is paid at \
    every touch, by programs that have no other thread too. It no longer holds against biased counts, by which an object belongs to \
    the thread that made it, and only others count it atomically. What the single thread then still pays is not in the counts but in \
    whatever else the lock made safe in passing, such as containers (the experiment `locks`).";
