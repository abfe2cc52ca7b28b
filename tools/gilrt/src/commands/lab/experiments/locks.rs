//! One lock for each object instead of one for all: what it costs, and the deadlock.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::child::{self, Effort};
use crate::commands::lab::experiment::{
    Axis, Column, Context, Experiment, Plan, Plot, Reading, Series, Stand, Value, word,
};
use crate::failure::{Failure, reason};
use crate::kernels::{Kernels, Task};
use crate::measured::{Figures, Unit};

const VISIT: &str = "time of a visit";
const HUNG: &str = "hung";
const REFUSED: &str = "requests refused";
const NAMED: &str = "objects named in the report";

const HELD: &str = "one lock, held";
const TAKEN: &str = "one lock, taken for each visit";
const EACH: &str = "a lock for each object";
const SECTION: &str = "a section for each object";
const MUTEX: &str = "a pthread mutex for each object";
const COUNTS_ONE: &str = "counts under one lock";
const COUNTS: &str = "counts under each object's lock";

const SUBJECTS: [(&str, &str); 7] = [
    (HELD, "kernel_locks_held"),
    (TAKEN, "kernel_locks_taken"),
    (EACH, "kernel_locks_each"),
    (SECTION, "kernel_locks_section"),
    (MUTEX, "kernel_locks_mutex"),
    (COUNTS_ONE, "kernel_locks_counts_one"),
    (COUNTS, "kernel_locks_counts"),
];

const ONE: &str = "1 thread";
const APART: &str = "2 threads, each its own objects";
const TOGETHER: &str = "2 threads, the same objects";
/// With the words for `measure`.
const SETTINGS: [(&str, [&str; 2]); 3] =
    [(ONE, ["1", "same"]), (APART, ["2", "own"]), (TOGETHER, ["2", "same"])];

const OPPOSITE: &str = "2 threads, opposite order";
const BARE: &str = "a lock for each object";
const CHECKED: &str = "a lock for each object, checked";
const SECTIONS: &str = "sections";
const MUTEXES: &str = "pthread mutexes";
/// With their kernels, and whether checking mode is on.
const DEADLOCKS: [(&str, &str, bool); 4] = [
    (BARE, "kernel_opposite_lock", false),
    (CHECKED, "kernel_opposite_lock", true),
    (SECTIONS, "kernel_opposite_section", false),
    (MUTEXES, "kernel_opposite_mutex", false),
];

/// The objects' types in opposite.c, by which a report names them.
const NAMES: [&str; 2] = ["left", "right"];

pub static EXPERIMENT: Experiment = Experiment {
    name: "locks",
    title: "A lock for each object",
    claim: "We can keep the reference count variable safe by adding locks to all data structures that are shared across threads; \
            this however means that multiple locks will exist, which can cause deadlocks, and performance might also be impacted by \
            the repeated acquisition and release of locks.",
    method: "A visit takes what protects the object, adds to a word in it, and lets go; in the rows about counts it takes a \
             reference and drops it. One lock is held over many visits, with a poll every 16, or taken for each of them. The time is \
             the whole time by the number of visits of all threads. For the deadlock two threads take the locks of two objects in \
             opposite order, each waiting until the other has its first, in a process that is killed when it has not \
             ended after a while.",
    columns: &[
        Column { key: "visit", title: VISIT, unit: Unit::Nanoseconds },
        Column { key: "hung", title: HUNG, unit: Unit::Count },
        Column { key: "refused", title: REFUSED, unit: Unit::Count },
        Column { key: "named", title: NAMED, unit: Unit::Count },
    ],
    cases,
    measure,
    recorded: &[],
    read,
};

fn cases(context: &Context<'_>, plan: &mut Plan) -> Result<(), Failure> {
    for (setting, words) in SETTINGS {
        for (subject, kernel) in SUBJECTS {
            plan.ours(&EXPERIMENT, context, subject, setting, &[kernel, words[0], words[1]])?;
        }
    }
    for (subject, kernel, checked) in DEADLOCKS {
        let words = [if checked { "checked" } else { "watched" }, kernel];
        plan.ours(&EXPERIMENT, context, subject, OPPOSITE, &words)?.expected = PATIENCE;
    }
    Ok(())
}

fn measure(kernels: &Kernels, words: &[String], effort: Effort) -> Result<Vec<Value>, Failure> {
    match word::<String>(words, 0)?.as_str() {
        "watched" => watch(&word::<String>(words, 1)?, false),
        "checked" => watch(&word::<String>(words, 1)?, true),
        kernel if kernel.starts_with("kernel_opposite") => {
            let outcome = kernels.run(kernel, &Task::default())?;
            Ok(vec![("refused", outcome.values[0] as f64)])
        }
        kernel => {
            let own = word::<String>(words, 2)? == "own";
            let task = Task {
                units: effort.units(2_000_000),
                threads: word(words, 1)?,
                timed: own,
                ..Task::default()
            };
            let outcome = kernels.run(kernel, &task)?;
            Ok(vec![("visit", outcome.elapsed.as_nanos() as f64 / outcome.done as f64)])
        }
    }
}

/// What does not hang takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(3);

/// Runs a kernel that may never end in a process of its own, and tells whether it did.
fn watch(kernel: &str, checked: bool) -> Result<Vec<Value>, Failure> {
    let failed = |why: String| Failure::Failed(format!("cannot watch {kernel}: {why}"));
    let mut command = child::tool()?;
    command
        .args(["lab", "measure", EXPERIMENT.name, "quick", kernel])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if checked {
        // Reports, and goes on.
        command.env("GILRT_CHECK", "continue");
    }
    let mut child = command.spawn().map_err(|error| failed(reason(&error)))?;
    let start = Instant::now();
    let mut hung = false;
    while child.try_wait().map_err(|error| failed(reason(&error)))?.is_none() {
        if start.elapsed() > PATIENCE {
            hung = true;
            child.kill().map_err(|error| failed(reason(&error)))?;
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().map_err(|error| failed(reason(&error)))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if hung {
        return Ok(vec![("hung", 1.0), ("refused", 0.0), ("named", 0.0)]);
    }
    if !output.status.success() {
        return Err(failed(said.trim().to_owned()));
    }
    let figures: std::collections::BTreeMap<String, f64> =
        serde_json::from_slice(&output.stdout).map_err(|error| failed(error.to_string()))?;
    let refused = figures.get("refused").copied().unwrap_or_default();
    let named = NAMES.iter().filter(|name| said.contains(&format!("of type {name}"))).count();
    Ok(vec![("hung", 0.0), ("refused", refused), ("named", named as f64)])
}

fn read(figures: &Figures) -> Reading {
    let mut reading = Reading { text: TEXT.to_owned(), ..Reading::default() };
    let visit = |subject, setting| (subject, setting, VISIT);
    for (many, one, what) in [
        (EACH, HELD, "a visit with a lock for each object"),
        (COUNTS, COUNTS_ONE, "a reference taken and dropped under the object's own lock"),
    ] {
        let ratio = figures.ratio(visit(many, ONE), visit(one, ONE));
        let shown = figures.shown(visit(many, ONE)).zip(figures.shown(visit(one, ONE)));
        reading.decide(ratio.map(|ratio| ratio > 1.0), || {
            let ((many, one), ratio) = shown.zip(ratio)?;
            Some(format!(
                "On one thread {what} takes {many}, under one lock that is held {one}: {} times as long.",
                Unit::Count.show(ratio)
            ))
        });
    }
    let hung = |subject| figures.median((subject, OPPOSITE, HUNG));
    reading.decide(hung(BARE).map(|hung| hung > 0.0), || {
        let verb = |hung: f64| if hung > 0.0 { "hang" } else { "end" };
        Some(format!(
            "Two threads that take two locks in opposite order {}; with pthread mutexes they {}.",
            verb(hung(BARE)?),
            verb(hung(MUTEXES)?)
        ))
    });
    let of = |subject, figure| figures.median((subject, OPPOSITE, figure));
    reading.find(
        Stand::Adds,
        of(CHECKED, HUNG).zip(of(CHECKED, REFUSED)).zip(of(CHECKED, NAMED)).map(|((hung, refused), named)| {
            if hung > 0.0 {
                "In checking mode the deadlock was not found: the process hung.".to_owned()
            } else {
                format!(
                    "In checking mode the process goes on: {refused} of the two requests is answered GILRT_ERR_DEADLOCK, and the report \
                     names {named} of the two objects."
                )
            }
        }),
    );
    reading.find(
        Stand::Adds,
        of(SECTIONS, HUNG).map(|hung| {
            let what = if hung > 0.0 { "hung" } else { "ended, and each thread had both objects once" };
            format!("Critical sections, begun in the same opposite order, {what}.")
        }),
    );
    reading.find(
        Stand::Adds,
        figures.ratio(visit(SECTION, ONE), visit(SECTION, APART)).zip(figures.ratio(visit(HELD, ONE), visit(HELD, APART))).map(
            |(sections, lock)| {
                format!(
                    "What locks of objects are for: with a second thread, at objects of its own, visits in sections go {} times as fast, under \
                     one lock {} times.",
                    Unit::Count.show(sections),
                    Unit::Count.show(lock)
                )
            },
        ),
    );
    let names = SETTINGS.map(|(setting, _)| setting);
    reading.plots = vec![Plot {
        name: "visit",
        title: "A visit of an object".to_owned(),
        x: Axis::names("", &names),
        y: Axis::logarithmic(VISIT, Unit::Nanoseconds),
        series: SUBJECTS
            .iter()
            .map(|(subject, _)| {
                Series::of(
                    figures,
                    subject,
                    VISIT,
                    names.iter().enumerate().map(|(x, name)| (x as f64, *name)),
                )
            })
            .collect(),
    }];
    reading
}

const TEXT: &str = "A lock that is held already costs a visit nothing; a lock in each object is paid at each visit, by a single thread \
    too, and most programs have a single thread. It is what CPython's free-threaded build does for its lists and dictionaries, and why \
    it is content to pay: threads with objects of their own then run side by side. The deadlock needs only two objects and two orders, and \
    nobody who calls into foreign code knows the order. Checking mode follows who waits for whom and refuses the request \
    that would close the circle, naming both objects. A section goes further: it gives its locks up whenever its thread has to wait, \
    so that there is never a circle to close, at the price that others may have been at the object in between.";
