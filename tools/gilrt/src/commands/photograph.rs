//! `gilrt` without a command: blurs a photograph on several threads, holding the lock and releasing it.

use std::ffi::{CString, OsStr};
use std::io::Cursor;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::arguments::{check_result, write_png};
use crate::failure::Failure;
use crate::figures::{ratio, time};
use crate::library::{Library, Module};
use crate::measure::{self, Job, Lock, Run};
use crate::memory_file::MemoryFile;
use crate::picture::Picture;
use crate::{output, report, search};

/// The photograph travels with the tool, so that an installed one works anywhere.
pub static PHOTOGRAPH: &[u8] = include_bytes!("../../../../cext/image/coffee.png");
const RADIUS: u32 = 20;
const THREADS: [u32; 3] = [1, 2, 4];
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
    let library = Library::open()?;
    let module = library.open_module(&search::find(OsStr::new("image"))?)?;
    let original = Picture::from_png(Cursor::new(PHOTOGRAPH))
        .map_err(|why| Failure::Failed(format!("the built-in photograph cannot be read: {why}")))?;
    let times = times_to_fill(options.seconds, &library, &module, &original)?;
    let picture = original.enlarge(times);
    output::print(&format!(
        "blurring a photograph of {} × {} pixels, radius {RADIUS}, on {} threads\n\n",
        picture.width,
        picture.height,
        THREADS.map(|count| count.to_string()).join(", ")
    ))?;

    let (runs, result) = all_ways(&library, &module, &picture)?;
    write_png(&result, &options.output)?;
    let place = std::path::absolute(&options.output).unwrap_or_else(|_| options.output.clone());
    output::print(&format!(
        "{}\nall {} results are equal to the byte; the picture is {}\n\n{}\n{}\n",
        report::runs(&runs),
        runs.len(),
        place.display(),
        on_holding(&runs),
        on_releasing(&runs)
    ))
}

/// How many times the picture must be enlarged for one thread to be busy for so long, by trying it as it is.
fn times_to_fill(
    wanted: Duration,
    library: &Library,
    module: &Module<'_>,
    picture: &Picture,
) -> Result<u32, Failure> {
    let input = MemoryFile::new(&picture.to_ppm())?;
    // The first run also pays for touching code and memory for the first time.
    let first = blur(library, module, &input, Lock::Release, 1)?.0.time;
    let second = blur(library, module, &input, Lock::Release, 1)?.0.time;
    let ratio = wanted.as_secs_f64() / first.min(second).as_secs_f64().max(1e-9);
    // The work grows with the square.
    Ok((ratio.sqrt().round() as u32).clamp(1, MOST_TIMES))
}

/// Every number of threads with both uses of the lock; the results must agree to the byte, so one is given back.
fn all_ways(
    library: &Library,
    module: &Module<'_>,
    picture: &Picture,
) -> Result<(Vec<Run>, Picture), Failure> {
    let input = MemoryFile::new(&picture.to_ppm())?;
    let mut runs: Vec<Run> = Vec::new();
    let mut expected: Option<Vec<u8>> = None;
    for lock in [Lock::Hold, Lock::Release] {
        for threads in THREADS {
            let (run, result) = blur(library, module, &input, lock, threads)?;
            if *expected.get_or_insert_with(|| result.clone()) != result {
                return Err(Failure::Failed(format!(
                    "the picture blurred by {} {} the lock differs from the first one; this is a defect of \
                     the library or of the module image, please report it",
                    output::threads(threads),
                    lock.participle()
                )));
            }
            runs.push(run);
        }
    }
    let result = Picture::from_ppm(expected.as_deref().unwrap_or_default())
        .map_err(|why| Failure::Failed(format!("the blurred picture is no raw PPM: {why}")))?;
    Ok((runs, result))
}

/// Blurs the picture in `input` once, into a file of its own.
fn blur(
    library: &Library,
    module: &Module<'_>,
    input: &MemoryFile,
    lock: Lock,
    threads: u32,
) -> Result<(Run, Vec<u8>), Failure> {
    let result = MemoryFile::new(&[])?;
    let arguments = [input.path(), result.path(), RADIUS.to_string()]
        .map(|argument| CString::new(argument).expect("paths of our own and digits hold no NUL byte"));
    let job = Job { library, module, function: c"blur".to_owned(), arguments: arguments.into(), lock };
    Ok((measure::run(&job, threads)?, result.content()?))
}

/// What the runs that held the lock show.
fn on_holding(runs: &[Run]) -> String {
    let held: Vec<&Run> = runs.iter().filter(|run| run.lock == Lock::Hold).collect();
    let [alone, .., most] = held.as_slice() else { return String::new() };
    format!(
        "Holding the lock, {} took {} times as long as one; {}.",
        output::threads(most.threads),
        ratio(most.time.as_secs_f64() / alone.time.as_secs_f64().max(1e-9)),
        waiting(most)
    )
}

/// What the runs that released the lock show.
fn on_releasing(runs: &[Run]) -> String {
    let released: Vec<&Run> = runs.iter().filter(|run| run.lock == Lock::Release).collect();
    let [alone, several @ ..] = released.as_slice() else { return String::new() };
    let Some(best) = several.iter().min_by_key(|run| run.time) else { return String::new() };
    let cpus = match std::thread::available_parallelism() {
        Ok(cpus) if cpus.get() == 1 => " on the one CPU there is".to_owned(),
        Ok(cpus) => format!(" on the {cpus} CPUs there are"),
        Err(_) => String::new(),
    };
    format!(
        "Releasing it while they computed, {} were {} times as fast as one{cpus}; {}.",
        output::threads(best.threads),
        ratio(best.speed_up_over(alone)),
        waiting(best)
    )
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
