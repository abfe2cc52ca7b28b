//! `gilrt run`: one function of a module on several threads, and what the lock cost.

use std::ffi::{CString, OsString};

use clap::Args;
use serde::Serialize;

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::library::{Library, Module};
use crate::measure::{self, Job, Lock, Run};
use crate::report::{self, RunRecord};
use crate::{output, search};

/// More threads than this show nothing that fewer do not.
const MOST_THREADS: i64 = 1024;

/// Run a function of a module on several threads.
///
/// Each thread calls the function for its share. With more than one thread it is run on one first, for the speed-up:
/// the work done in a second, by the progress that the function reports or else by time alone, over that of one thread.
#[derive(Args)]
pub struct Options {
    /// A module's name, as `gilrt modules` lists it, or the path of its .so file
    module: OsString,
    /// The function to run
    function: String,
    /// The number of threads [default: one for each CPU]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MOST_THREADS))]
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
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let path = search::find(&options.module)?;
    let library = Library::open()?;
    let module = library.open_module(&path)?;
    let function = known_function(&module, &options.function)?;
    let arguments = Arguments::prepare(&options.arguments)?;
    let job = Job {
        library: &library,
        module: &module,
        function,
        arguments: arguments.values.clone(),
        lock: if options.release && !options.hold { Lock::Release } else { Lock::Hold },
    };

    let threads = options.threads.unwrap_or_else(all_cpus);
    let mut runs = Vec::new();
    for count in if threads == 1 { vec![1] } else { vec![1, threads] } {
        let mut run = measure::run(&job, count).map_err(|failure| in_users_terms(failure, &arguments))?;
        for sentence in &mut run.said {
            *sentence = arguments.in_users_terms(sentence);
        }
        runs.push(run);
    }
    arguments.write_results()?;

    if options.json {
        let record =
            Record { module: &module.name(), function: &options.function, runs: report::records(&runs) };
        return output::print_json(&record);
    }
    output::print(&shown(&module.name(), &options.function, &runs))
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
    std::thread::available_parallelism()
        .ok()
        .and_then(|cpus| u32::try_from(cpus.get()).ok())
        .unwrap_or(1)
        .min(MOST_THREADS as u32)
}

fn in_users_terms(failure: Failure, arguments: &Arguments) -> Failure {
    match failure {
        Failure::Failed(message) => Failure::Failed(arguments.in_users_terms(&message)),
        other => other,
    }
}

fn shown(module: &str, function: &str, runs: &[Run]) -> String {
    let mut text = format!("{module} {function}\n\n{}", report::runs(runs));
    if let Some(last) = runs.last() {
        let reported = report::reported(last);
        if !reported.is_empty() {
            text += &format!("\nreported with {}\n{reported}", output::threads(last.threads));
        }
        if !last.said.is_empty() {
            text += &format!("\n{}\n", last.said.join("\n"));
        }
    }
    text
}
