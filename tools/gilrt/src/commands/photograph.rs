//! `gilrt` without a command: blurs a photograph by several threads, holding the lock and releasing it, and then by workers
//! that hold locks of their own, or none.

use std::ffi::{CString, OsStr};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use crate::arguments::{check_result, write_png};
use crate::failure::Failure;
use crate::figures::{ratio, time};
use crate::measure::{self, Job, Lock, Run};
use crate::memory_file::MemoryFile;
use crate::picture::Picture;
use crate::workers::{Kind, Workers};
use crate::{output, report, search};

/// The photograph travels with the tool, so that an installed one works anywhere.
pub static PHOTOGRAPH: &[u8] = include_bytes!("../../../../cext/image/coffee.png");
const RADIUS: u32 = 20;
const THREADS: [u32; 3] = [1, 2, 4];
/// Of the other workers there are as many as CPUs, which shows the most; four at the most, as of threads.
const MOST_OTHERS: u32 = 4;
/// A picture enlarged further than this needs more memory than a demonstration should take (two of 85 million bytes).
const MOST_TIMES: u32 = 11;

#[derive(Args)]
pub struct Options {
    /// Where the blurred photograph is written, as PNG
    #[arg(long, short, value_name = "FILE", default_value = "gilrt-blur.png")]
    output: PathBuf,
    /// How long one thread should have work to do; the photograph is enlarged to fit
    #[arg(long, value_name = "S", default_value = "1", value_parser = seconds)]
    seconds: Duration,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    check_result(&options.output)?;
    let module = search::find(OsStr::new("image"))?;
    let original = Picture::from_png(Cursor::new(PHOTOGRAPH))
        .map_err(|why| Failure::Failed(format!("the built-in photograph cannot be read: {why}")))?;
    let times = times_to_fill(options.seconds, &module, &original)?;
    let picture = original.enlarge(times);
    output::print(&format!(
        "blurring a photograph of {} × {} pixels, radius {RADIUS}\n\n",
        picture.width, picture.height,
    ))?;

    let (runs, result) = all_ways(&module, &picture)?;
    write_png(&result, &options.output)?;
    let place = std::path::absolute(&options.output).unwrap_or_else(|_| options.output.clone());
    output::print(&format!(
        "{}\nall {} results are equal to the byte; the picture is {}\n\n{}\n{}\n{}\n",
        report::runs(&runs),
        runs.len(),
        place.display(),
        on_holding(&runs),
        on_releasing(&runs),
        on_others(&runs)
    ))
}

/// How many times the picture must be enlarged for one thread to be busy for so long, by trying it as it is.
fn times_to_fill(wanted: Duration, module: &Path, picture: &Picture) -> Result<u32, Failure> {
    let input = MemoryFile::new(&picture.to_ppm())?;
    // The first run also pays for reading code from the disk and for waking the processor up.
    let first = blur(module, &input, Lock::Release, Workers::threads(1))?.0.time;
    let second = blur(module, &input, Lock::Release, Workers::threads(1))?.0.time;
    let ratio = wanted.as_secs_f64() / first.min(second).as_secs_f64().max(1e-9);
    // The work grows with the square.
    Ok((ratio.sqrt().round() as u32).clamp(1, MOST_TIMES))
}

/// Every way to blur it: threads with both uses of the lock, and the other workers, which hold theirs.
fn ways() -> Vec<(Lock, Workers)> {
    let several = std::thread::available_parallelism().map_or(MOST_OTHERS, |cpus| cpus.get() as u32);
    let several = several.clamp(2, MOST_OTHERS);
    let others = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Threads);
    let threads = |lock| THREADS.into_iter().map(move |count| (lock, Workers::threads(count)));
    threads(Lock::Hold)
        .chain(threads(Lock::Release))
        .chain(others.map(|kind| (Lock::Hold, Workers { kind, count: several })))
        .collect()
}

/// All ways, one after the other; the results must agree to the byte, so one is given back.
fn all_ways(module: &Path, picture: &Picture) -> Result<(Vec<Run>, Picture), Failure> {
    let input = MemoryFile::new(&picture.to_ppm())?;
    let mut runs: Vec<Run> = Vec::new();
    let mut expected: Option<Vec<u8>> = None;
    for (lock, workers) in ways() {
        let (run, result) = blur(module, &input, lock, workers)?;
        if *expected.get_or_insert_with(|| result.clone()) != result {
            return Err(Failure::Failed(format!(
                "the picture blurred by {workers} {} the lock differs from the first one; this is a defect of \
                 the library or of the module image, please report it",
                lock.participle()
            )));
        }
        runs.push(run);
    }
    let result = Picture::from_ppm(expected.as_deref().unwrap_or_default())
        .map_err(|why| Failure::Failed(format!("the blurred picture is no raw PPM: {why}")))?;
    Ok((runs, result))
}

/// Blurs the picture in `input` once, into a file of its own.
fn blur(module: &Path, input: &MemoryFile, lock: Lock, workers: Workers) -> Result<(Run, Vec<u8>), Failure> {
    let result = MemoryFile::new(&[])?;
    let arguments = [input.path(), result.path(), RADIUS.to_string()]
        .map(|argument| CString::new(argument).expect("paths of our own and digits hold no NUL byte"));
    let job = Job { module, function: c"blur".to_owned(), arguments: arguments.into(), lock };
    Ok((measure::run(&job, workers)?.whole()?, result.content()?))
}

/// The runs by threads with this use of the lock.
fn by_threads(runs: &[Run], lock: Lock) -> Vec<&Run> {
    runs.iter().filter(|run| run.workers.kind == Kind::Threads && run.lock == lock).collect()
}

/// What the runs that held the lock show.
fn on_holding(runs: &[Run]) -> String {
    let held = by_threads(runs, Lock::Hold);
    let [alone, .., most] = held.as_slice() else { return String::new() };
    format!(
        "Holding the lock, {} took {} times as long as one; {}.",
        most.workers,
        ratio(most.time.as_secs_f64() / alone.time.as_secs_f64().max(1e-9)),
        waiting(most)
    )
}

/// What the runs that released the lock show.
fn on_releasing(runs: &[Run]) -> String {
    let released = by_threads(runs, Lock::Release);
    let [alone, several @ ..] = released.as_slice() else { return String::new() };
    let Some(best) = several.iter().min_by_key(|run| run.time) else { return String::new() };
    let cpus = match std::thread::available_parallelism() {
        Ok(cpus) if cpus.get() == 1 => " on the one CPU there is".to_owned(),
        Ok(cpus) => format!(" on the {cpus} CPUs there are"),
        Err(_) => String::new(),
    };
    format!(
        "Releasing it while they computed, {} were {} times as fast as one{cpus}; {}.",
        best.workers,
        ratio(best.speed_up_over(alone)),
        waiting(best)
    )
}

/// What the runs show in which nobody had to wait for a lock that others held.
fn on_others(runs: &[Run]) -> String {
    let Some(alone) = runs.iter().find(|run| run.workers == Workers::threads(1) && run.lock == Lock::Hold)
    else {
        return String::new();
    };
    let each: Vec<String> = runs
        .iter()
        .filter(|run| run.workers.kind != Kind::Threads)
        .map(|run| format!("{} {}", run.workers, ratio(run.speed_up_over(alone))))
        .collect();
    format!("Times as fast as one thread, holding locks of their own or none: {}.", each.join(", "))
}

fn waiting(run: &Run) -> String {
    match run.figures.contended {
        0 => "none of them had to wait for it".to_owned(),
        _ => format!("together they waited {} for it", time(run.figures.waited)),
    }
}

/// A time of 1 ms to 60 s, given in seconds.
fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .filter(|seconds| (0.001..=60.0).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "give a number of seconds from 0.001 to 60".to_owned())
}
