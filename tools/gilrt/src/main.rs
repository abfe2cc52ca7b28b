//! The command-line tool of libgilrt. It opens the library and extension modules at run time, through the C interface
//! alone: linking the Rust crate as well would put a second runtime, and so a second lock, into the process.
//!
//! One file a command in `commands/`; what they share lies beside this file: `library` (the C interface made safe),
//! `search` (where modules are), `measure` (one function by N workers), `workers` (threads, interpreters, processes),
//! `report` and `figures` (how it is shown), `kernels`, `child`, `measured` and `machine` (what `bench` and `lab` measure with),
//! `picture` and `arguments` (PNG files for modules that read raw PPM), `failure` and `output` (how the tool ends and prints).

mod arguments;
#[cfg(not(feature = "bindgen"))]
#[rustfmt::skip]
#[allow(missing_docs, non_camel_case_types, unsafe_op_in_unsafe_fn, unused, clippy::all, clippy::undocumented_unsafe_blocks)]
mod bindings;
#[cfg(feature = "bindgen")]
#[allow(
    missing_docs,
    non_camel_case_types,
    unsafe_op_in_unsafe_fn,
    unused,
    clippy::all,
    clippy::undocumented_unsafe_blocks
)]
mod bindings {
    include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
}
mod child;
mod commands;
mod failure;
mod figures;
mod kernels;
mod library;
mod machine;
mod measure;
mod measured;
mod memory_file;
mod output;
mod picture;
mod progress;
mod report;
mod search;
mod workers;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;

#[derive(Parser)]
#[command(
    name = "gilrt",
    version,
    about = "Runs extension modules of libgilrt by threads, interpreters and processes and shows what each costs",
    long_about = "Runs extension modules of libgilrt by threads, interpreters and processes and shows what each costs.\n\n\
                  Without a command it blurs a photograph with 1, 2 and 4 threads, holding the lock and releasing it, \
                  then with interpreters, with threads that have no lock and with processes, checks that all results \
                  are equal, and shows the figures.",
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(flatten)]
    photograph: commands::photograph::Options,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    Run(commands::run::Options),
    /// List the modules that are found by name, with their functions
    Modules(commands::modules::Options),
    /// Measure what the library costs, beside what else there is
    Bench(commands::bench::Options),
    /// Put claims about locks and counts to the test, beside the real runtimes that are here
    Lab(commands::lab::Options),
    /// The workers of one process, for the commands above
    #[command(hide = true)]
    Worker(workers::host::Options),
}

fn main() -> ExitCode {
    let outcome = match Cli::try_parse() {
        Ok(cli) => match cli.command {
            None => commands::photograph::run(&cli.photograph),
            Some(Command::Run(options)) => commands::run::run(&options),
            Some(Command::Modules(options)) => commands::modules::run(&options),
            Some(Command::Bench(options)) => commands::bench::run(&options),
            Some(Command::Lab(options)) => commands::lab::run(&options),
            Some(Command::Worker(options)) => workers::host::run(&options),
        },
        Err(error) if error.use_stderr() => Err(Failure::from_command_line(&error)),
        // Help and version: what was asked for, not a failure.
        Err(error) => output::print(&error.to_string()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.end(),
    }
}
