//! Counts that nothing protects.

use crate::child::Effort;
use crate::commands::lab::experiment::{Column, Context, Experiment, Plan, Reading, Value};
use crate::failure::Failure;
use crate::kernels::{Kernels, Task};
use crate::measured::{Figures, Unit};

const LOST: &str = "lost of a million";
const THREADS: [(u32, &str); 3] = [(2, "2 threads"), (4, "4 threads"), (8, "8 threads")];

pub static EXPERIMENT: Experiment = Experiment {
    name: "races",
    title: "Counts without protection",
    claim: "The reference count needs protection from race conditions where two threads change it at once, or the memory is \
            released while a reference to the object still exists",
    method: "",
    columns: &[Column { key: "lost", title: LOST, unit: Unit::Count }],
    cases,
    measure,
    recorded: &[],
    read,
};

fn cases(context: &Context<'_>, plan: &mut Plan) -> Result<(), Failure> {
    for (threads, setting) in THREADS {
        plan.ours(&EXPERIMENT, context, "gilrt", setting, &[&threads.to_string()])?;
    }
    Ok(())
}

fn measure(kernels: &Kernels, words: &[String], effort: Effort) -> Result<Vec<Value>, Failure> {
    let threads = words.first().and_then(|word| word.parse().ok()).unwrap_or(2);
    let task = Task { units: effort.units(1_000_000), threads, ..Task::default() };
    kernels.run("kernel_together_biased", &task).map(|_| vec![("lost", 0.0)])
}

fn read(_figures: &Figures) -> Reading {
    Reading { text: "None.".to_owned(), ..Reading::default() }
}
