//! Counts that nothing protects.

use crate::child::Effort;
use crate::commands::lab::experiment::{
    Axis, Column, Context, Experiment, Plan, Plot, Reading, Series, Stand, Value, word,
};
use crate::failure::Failure;
use crate::kernels::{Kernels, Task};
use crate::measured::{Figures, Unit};

const LOST: &str = "references lost, of a million taken";
const EARLY: &str = "freed too early, in a million pairs";
const LEFT: &str = "references left over";
const PAIR: &str = "time of a pair and its work";

const NONE: &str = "no protection";
const ATOMIC: &str = "atomic counts";
const LOCK: &str = "gilrt, one lock";
const FREE: &str = "gilrt, no lock";

/// With their kernels.
const SUBJECTS: [(&str, &str); 4] = [
    (NONE, "kernel_races_none"),
    (ATOMIC, "kernel_races_atomic"),
    (LOCK, "kernel_races_lock"),
    (FREE, "kernel_races_free"),
];
const THREADS: [(u32, &str); 4] = [(1, "1 thread"), (2, "2 threads"), (4, "4 threads"), (8, "8 threads")];
const SETTINGS: [(f64, &str); 4] =
    [(1.0, "1 thread"), (2.0, "2 threads"), (4.0, "4 threads"), (8.0, "8 threads")];

pub static EXPERIMENT: Experiment = Experiment {
    name: "races",
    title: "Counts without protection",
    claim: "The reference count variable needs protection from race conditions where two threads increase or decrease the \
            value simultaneously or, even worse, release the memory while a reference to the object still exists.",
    method: "All threads change the count of one object. First each takes millions of references, and it is looked how many of \
             them are there. Then each takes one, works for some fifty nanoseconds, drops it and works again, as often; the owner has a reference all the while, so \
             the object should never be freed. Without protection the count is a model: load, add and store as separate \
             relaxed atomic operations, the instructions of count++ without what C leaves undefined about two of them at \
             once; an object that is freed is brought back to life, so that the rest can be counted too. Ours is an object of \
             libgilrt, counted by threads that take turns under its lock, and by threads without a lock.",
    columns: &[
        Column { key: "lost", title: LOST, unit: Unit::Count },
        Column { key: "early", title: EARLY, unit: Unit::Count },
        Column { key: "left", title: LEFT, unit: Unit::Count },
        Column { key: "pair", title: PAIR, unit: Unit::Nanoseconds },
    ],
    cases,
    measure,
    recorded: &[],
    read,
};

fn cases(context: &Context<'_>, plan: &mut Plan) -> Result<(), Failure> {
    for (threads, setting) in THREADS {
        for (subject, kernel) in SUBJECTS {
            plan.ours(&EXPERIMENT, context, subject, setting, &[kernel, &threads.to_string()])?;
        }
    }
    Ok(())
}

fn measure(kernels: &Kernels, words: &[String], effort: Effort) -> Result<Vec<Value>, Failure> {
    let task = Task { units: effort.units(2_000_000), threads: word(words, 1)?, ..Task::default() };
    let outcome = kernels.run(&word::<String>(words, 0)?, &task)?;
    let [lost, early, left, ..] = outcome.values.map(|value| value as f64);
    let millions = outcome.done as f64 / 1e6;
    Ok(vec![
        ("lost", lost / millions),
        ("early", early / millions),
        ("left", left),
        ("pair", outcome.elapsed.as_nanos() as f64 / outcome.done as f64),
    ])
}

fn read(figures: &Figures) -> Reading {
    let mut reading = Reading { text: TEXT.to_owned(), ..Reading::default() };
    let more_than_one = &SETTINGS[1..];
    for (figure, what) in [
        (LOST, "references of a million that are taken get lost"),
        (EARLY, "times in a million pairs the object is freed while a reference to it exists"),
    ] {
        let most = more_than_one
            .iter()
            .filter_map(|(_, setting)| figures.find((NONE, setting, figure)))
            .max_by(|a, b| a.median.total_cmp(&b.median));
        reading.decide(most.map(|it| it.median > 0.0), || {
            most.map(|it| {
                format!("Without protection up to {} {what} ({}).", it.unit.show(it.median), it.setting)
            })
        });
    }
    let ours = |figure| {
        let all = [LOCK, FREE]
            .into_iter()
            .flat_map(|subject| SETTINGS.map(|(_, setting)| (subject, setting, figure)));
        all.map(|key| figures.median(key)).collect::<Option<Vec<f64>>>().map(|all| all.iter().sum::<f64>())
    };
    if let (Some(lost), Some(early)) = (ours(LOST), ours(EARLY)) {
        let sentence = match lost + early {
            0.0 => "Under one lock, and with biased counts and no lock, none is lost and nothing is freed too early.".to_owned(),
            sum => format!("libgilrt lost references or freed too early ({sum} of a million): a defect; please report it."),
        };
        reading.find(Stand::Adds, Some(sentence));
    }
    let pair = |subject| figures.shown((subject, "1 thread", PAIR));
    reading.find(
        Stand::Adds,
        pair(NONE).zip(pair(ATOMIC)).zip(pair(LOCK)).map(|((none, atomic), lock)| {
            format!(
                "What protection costs a single thread: a reference taken, used and dropped takes {none} without, {atomic} with atomic instructions, and {lock} under \
                 one lock, polls included."
            )
        }),
    );
    let plot = |name, figure, title: &str| Plot {
        name,
        title: title.to_owned(),
        x: Axis::logarithmic("threads", Unit::Count),
        y: Axis::linear(figure, Unit::Count),
        series: SUBJECTS.iter().map(|(subject, _)| Series::of(figures, subject, figure, SETTINGS)).collect(),
    };
    reading.plots = vec![
        plot("lost", LOST, "References that were taken and are not there"),
        plot("early", EARLY, "Objects freed while there was a reference to them"),
    ];
    reading
}

const TEXT: &str = "Two processors that add to one word at the same time both read the old value, and one of the two additions is \
    gone. With as many threads as processors that happens to a large part of all additions, and it needs no bad luck: a \
    program would not live a millisecond. A lost addition is a reference that the count does not know of, so the object is freed while \
    somebody still has it; a lost subtraction is a leak. With one thread nothing is lost, which is why such a program passes its \
    tests. What may protect the count is what the other experiments are about.";
