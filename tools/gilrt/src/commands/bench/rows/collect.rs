//! The cycle collector, among objects that all live.

use std::process::{Command, Stdio};

use serde::Deserialize;

use super::{Effort, Policy, RESPONSIVE, Row, Verdict};
use crate::failure::{Failure, reason};
use crate::kernels::{Kernels, Task};
use crate::measured::{Figures, Round, Sample, Unit};

const OURS: &str = "gilrt";
const CPYTHON: &str = "CPython";
const IN_ORDER: &str = "full, in allocation order";
const SHUFFLED: &str = "full, shuffled";
const YOUNG: &str = "young";
const OBJECT: &str = "an object";

pub static ROW: Row = Row {
    name: "collect",
    help: "The cycle collector, full and young",
    title: "collections that find everything alive: 10,000,000 objects in rings of ten; 100,000 young ones",
    policies: RESPONSIVE,
    measure,
    judge,
    recorded: &[],
};

struct Sizes {
    full: u64,
    young: u64,
}

/// What a machine must have free for so many objects, ours or Python's, their array included.
const BYTES_EACH: u64 = 200;

fn measure(kernels: &Kernels, _: Policy, effort: Effort) -> Result<Round, Failure> {
    let sizes = match effort {
        Effort::Full => Sizes { full: 10_000_000, young: 100_000 },
        Effort::Quick => Sizes { full: 100_000, young: 10_000 },
    };
    let mut round = Round::default();
    let needed = sizes.full * BYTES_EACH;
    if available_memory().is_some_and(|bytes| bytes < needed) {
        let why = format!("it needs {} MB of memory", needed / 1_000_000);
        round.missing(OURS, why.as_str());
        round.missing(CPYTHON, why);
        return Ok(round);
    }
    if kernels.library_has("obj_collect") {
        let of = |kernel, setting, units, timed| -> Result<Sample, Failure> {
            let outcome = kernels.run(kernel, &Task { units, timed, ..Task::default() })?;
            let each = outcome.elapsed.as_nanos() as f64 / outcome.done as f64;
            Ok(Sample::nanoseconds(OURS, setting, OBJECT, each))
        };
        round.samples.push(of("kernel_collect_full", IN_ORDER, sizes.full, false)?);
        round.samples.push(of("kernel_collect_young", YOUNG, sizes.young, false)?);
        // Last, since the allocator's free blocks lie in that order afterwards.
        round.samples.push(of("kernel_collect_full", SHUFFLED, sizes.full, true)?);
    } else {
        round.missing(OURS, "the library has no obj_collect");
    }
    match python(&sizes) {
        Ok(found) => {
            let subject = format!("{CPYTHON} {}", found.version);
            round.samples.push(Sample::nanoseconds(&subject, IN_ORDER, OBJECT, found.full));
            round.samples.push(Sample::nanoseconds(&subject, YOUNG, OBJECT, found.young));
        }
        Err(why) => round.missing(CPYTHON, why),
    }
    Ok(round)
}

/// What collect.py found.
#[derive(Deserialize)]
struct Found {
    version: String,
    full: f64,
    young: f64,
}

fn python(sizes: &Sizes) -> Result<Found, String> {
    let mut command = Command::new("python3");
    command.args(["-c", include_str!("../../../../kernels/collect.py")]);
    command.args([sizes.full, sizes.young].map(|count| count.to_string())).stdin(Stdio::null());
    let output = command.output().map_err(|error| format!("python3 cannot be run: {}", reason(&error)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "python3 ended with {}: {}",
            output.status,
            said.lines().last().unwrap_or_default()
        ));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("python3 said something else: {error}"))
}

/// Bytes, where the system tells.
fn available_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

fn judge(figures: &Figures) -> Vec<Verdict> {
    let ours = |setting| figures.median((OURS, setting, OBJECT));
    vec![
        Verdict::at_most("an object, full, in allocation order", ours(IN_ORDER), 80.0, Unit::Nanoseconds),
        // 3 ms for 100,000.
        Verdict::at_most("an object, young", ours(YOUNG), 30.0, Unit::Nanoseconds),
    ]
}
