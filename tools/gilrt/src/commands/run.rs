//! `gilrt run`: one function of a module by several workers, and what they and the lock cost.

use std::ffi::{CString, OsString};

use clap::Args;
use serde::Serialize;

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::library::{Library, Module};
use crate::measure::{self, Ending, Job, Lock, Run};
use crate::report::{self, RunRecord};
use crate::workers::{Kind, Wanted, Workers};
use crate::{output, search};

/// Run a function of a module by threads, interpreters or processes
///
/// Each worker calls the function for its part. Unless one thread is all that was asked for, it is run by one thread first, for
/// the speed-up: the work done in a second, by the progress that the function reports or else by time alone, over that of one
/// thread. Start-up is the time until all workers are there, divided by their number, and memory is what each of them has
/// written and shares with nobody, after its work.
#[derive(Args)]
pub struct Options {
    /// A module's name, as `gilrt modules` lists it, or the path of its .so file
    module: OsString,
    /// The function to run
    function: String,
    /// Who works: threads under one lock; interpreters with a lock each; free, threads without a lock; processes; or all of them
    /// one after the other, to compare. N is 1 to 1024, of processes and all 1 to 256 [default: threads, one for each CPU]
    #[arg(long, value_name = "KIND[:N]", value_parser = Wanted::parse)]
    workers: Option<Wanted>,
    /// The same as --workers threads:N
    #[arg(long, value_name = "N", conflicts_with = "workers", value_parser = clap::value_parser!(u32).range(1..=i64::from(Kind::Threads.most())))]
    threads: Option<u32>,
    /// Ask the function to hold the lock while it computes and to give way when another thread wants it; the default
    #[arg(long, conflicts_with = "release")]
    hold: bool,
    /// Ask the function to release the lock while it computes
    #[arg(long)]
    release: bool,
    /// Print one JSON object instead of the table
    #[arg(long)]
    json: bool,
    /// The function's arguments. A first one that ends in .png is decoded, later ones are written as PNG after the run:
    /// the function itself sees raw PPM files
    #[arg(value_name = "ARGS")]
    arguments: Vec<OsString>,
}

#[derive(Serialize)]
struct Record<'a> {
    module: &'a str,
    function: &'a str,
    runs: Vec<RunRecord<'a>>,
    /// Of the results, which all runs agree in to the byte; where runs were compared.
    result_crc32: Option<String>,
    /// What was not done, and why.
    notes: &'a [String],
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let path = search::find(&options.module)?;
    let library = Library::open()?;
    let module = library.open_module(&path)?;
    let function = known_function(&module, &options.function)?;
    let mut notes = Vec::new();
    let crews = crews(options, &module, &mut notes)?;
    let arguments = Arguments::prepare(&options.arguments)?;
    let job = Job {
        module: &path,
        function,
        arguments: arguments.values.clone(),
        lock: if options.release && !options.hold { Lock::Release } else { Lock::Hold },
    };

    let mut runs = Vec::new();
    let mut results = Results::default();
    for workers in crews {
        arguments.clear_results()?;
        let ending = measure::run(&job, workers).map_err(|failure| in_users_terms(failure, &arguments))?;
        let mut run = match ending {
            Ending::Done(run) => run,
            Ending::Cut { why, left } => return Err(cut(&why, left, workers, &arguments)),
        };
        for sentence in &mut run.said {
            *sentence = arguments.in_users_terms(sentence);
        }
        if options.workers.as_ref().is_some_and(Wanted::is_all) {
            results.compare(workers, arguments.result_contents()?)?;
        }
        runs.push(run);
    }
    arguments.write_results()?;

    let result_crc32 = results.sum();
    if options.json {
        let record = Record {
            module: &module.name(),
            function: &options.function,
            runs: report::records(&runs),
            result_crc32,
            notes: &notes,
        };
        return output::print_json(&record);
    }
    if let Some(sum) = result_crc32 {
        notes.push(format!("all {} results are equal to the byte (CRC-32 {sum})", runs.len()));
    }
    output::print(&shown(&module.name(), &options.function, &runs, &notes))
}

/// Whom the function is run by, one after the other.
fn crews(options: &Options, module: &Module<'_>, notes: &mut Vec<String>) -> Result<Vec<Workers>, Failure> {
    let wanted =
        options.workers.clone().unwrap_or(Wanted { kinds: vec![Kind::Threads], count: options.threads });
    let mut kinds = wanted.kinds.clone();
    if kinds.contains(&Kind::Free) && !module.is_free_threaded() {
        let why = format!("module {} is not made for threads without a lock", module.name());
        if !wanted.is_all() {
            return Err(Failure::Usage(format!(
                "{why}; run it with --workers threads, interpreters or processes"
            )));
        }
        kinds.retain(|kind| *kind != Kind::Free);
        notes.push(format!("{why}: it was not run by free threads"));
    }
    let mut crews = vec![Workers::threads(1)];
    for kind in kinds {
        let workers = Workers { kind, count: wanted.count.unwrap_or_else(all_cpus).min(kind.most()) };
        if workers != crews[0] {
            crews.push(workers);
        }
    }
    Ok(crews)
}

/// What to say when workers have died. The parts that others have done are not lost with theirs.
fn cut(why: &str, left: usize, workers: Workers, arguments: &Arguments) -> Failure {
    let names = arguments.result_names().join(" and ");
    let rest = match left {
        _ if names.is_empty() => String::new(),
        0 => format!("; {names} is not written"),
        _ => match arguments.write_results() {
            Ok(()) => format!("; {names} has the other {left} of {} parts", workers.count),
            Err(Failure::Failed(why) | Failure::Usage(why)) => format!("; {why}"),
            Err(end @ (Failure::ReaderGone | Failure::Interrupted)) => return end,
        },
    };
    Failure::Failed(arguments.in_users_terms(why) + &rest)
}

/// The results of all runs, which should be the same.
#[derive(Default)]
struct Results {
    /// Those of the first run; all of them are equal to these.
    first: Option<Vec<Vec<u8>>>,
}

impl Results {
    fn compare(&mut self, workers: Workers, contents: Vec<Vec<u8>>) -> Result<(), Failure> {
        if *self.first.get_or_insert_with(|| contents.clone()) == contents {
            return Ok(());
        }
        Err(Failure::Failed(format!("the result of {workers} differs from that of one thread")))
    }

    /// Nothing if the function has no results that the tool can look at.
    fn sum(&self) -> Option<String> {
        let contents = self.first.as_ref().filter(|contents| !contents.is_empty())?;
        let mut sum = crc32fast::Hasher::new();
        contents.iter().for_each(|content| sum.update(content));
        Some(format!("{:08x}", sum.finalize()))
    }
}

/// The function's name for C, once it is known that the module has it.
fn known_function(module: &Module<'_>, wanted: &str) -> Result<CString, Failure> {
    let names: Vec<String> = module.functions().into_iter().map(|function| function.name).collect();
    if !names.iter().any(|name| name == wanted) {
        return Err(Failure::Usage(format!(
            "module {} has no function {wanted}; it has {}",
            module.name(),
            names.join(", ")
        )));
    }
    CString::new(wanted).map_err(|_| Failure::Usage("a name cannot hold a NUL byte".to_owned()))
}

fn all_cpus() -> u32 {
    std::thread::available_parallelism().ok().and_then(|cpus| u32::try_from(cpus.get()).ok()).unwrap_or(1)
}

fn in_users_terms(failure: Failure, arguments: &Arguments) -> Failure {
    match failure {
        Failure::Failed(message) => Failure::Failed(arguments.in_users_terms(&message)),
        other => other,
    }
}

fn shown(module: &str, function: &str, runs: &[Run], notes: &[String]) -> String {
    let mut text = format!("{module} {function}\n\n{}", report::runs(runs));
    if let Some(last) = runs.last() {
        let reported = report::reported(last);
        if !reported.is_empty() {
            text += &format!("\nreported with {}\n{reported}", last.workers);
        }
        if !last.said.is_empty() {
            text += &format!("\n{}\n", last.said.join("\n"));
        }
    }
    if !notes.is_empty() {
        text += &format!("\n{}\n", notes.join("\n"));
    }
    text
}
