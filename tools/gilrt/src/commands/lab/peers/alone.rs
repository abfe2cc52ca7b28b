//! One program of one runtime, alone: what it prints goes where the tool's own output goes.

use std::ffi::{CString, c_char, c_int};
use std::os::unix::process::CommandExt;
use std::process::Command;

use clap::Args;

use super::{Kind, Peers, Program};
use crate::commands::lab::run;
use crate::failure::{Failure, reason};
use crate::kernels::Kernels;

#[derive(Args)]
pub struct Options {
    /// The runtime: gilrt, or a peer
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(
        ["gilrt", "cpython", "free-threaded", "pypy", "ruby", "ocaml"]
    ))]
    runtime: String,
    /// The program
    program: String,
    /// What the program is told
    words: Vec<String>,
}

pub fn perform(options: &Options) -> Result<(), Failure> {
    let kind = <Kind as clap::ValueEnum>::from_str(&options.runtime, false);
    match kind {
        Ok(kind) => of_peer(kind, &options.program, &options.words),
        // The one that is no peer.
        Err(_) => of_ours(&options.program, &options.words),
    }
}

fn of_peer(kind: Kind, program: &str, words: &[String]) -> Result<(), Failure> {
    let program = <Program as clap::ValueEnum>::from_str(program, false)
        .map_err(|_| Failure::Usage(format!("there is no program {program}")))?;
    let peers = Peers::look_for(&[kind]);
    let Some(peer) = peers.found.first() else {
        let why = peers.absent.first().map_or("", |it| it.why.as_str());
        return Err(Failure::Failed(format!("there is no {}: {why}", kind.title())));
    };
    let command = peers.command(peer, program).map_err(Failure::Failed)?;
    let mut process = Command::new(&command[0]);
    process.args(&command[1..]).args(words).env("PYTHONDONTWRITEBYTECODE", "1");
    // SAFETY: what it calls is async-signal-safe, and touches no memory.
    unsafe { process.pre_exec(run::end_with_parent) };
    let status = process
        .status()
        .map_err(|error| Failure::Failed(format!("cannot run {}: {}", command[0], reason(&error))))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::Failed(format!("{} of {} ended with {status}", program.name(), peer.name)))
}

/// `peer_program_t` of peer.h.
type OurProgram = unsafe extern "C" fn(c_int, *mut *mut c_char) -> c_int;

fn of_ours(name: &str, words: &[String]) -> Result<(), Failure> {
    let kernels = Kernels::open()?;
    let strings: Vec<CString> = words
        .iter()
        .map(|word| CString::new(word.as_str()))
        .collect::<Result<_, _>>()
        .map_err(|_| Failure::Usage("a word cannot hold a NUL byte".to_owned()))?;
    let mut pointers: Vec<*mut c_char> = strings.iter().map(|word| word.as_ptr().cast_mut()).collect();
    let count = c_int::try_from(pointers.len()).expect("a command line is shorter");
    // SAFETY: what the kernels export by such a name is a function of this type.
    let program = unsafe { kernels.symbol::<OurProgram>(&format!("program_{name}")) }
        .map_err(|_| Failure::Usage(format!("there is no program {name}")))?;
    // SAFETY: so many pointers to C strings, which outlive the call; the programs only read them.
    match unsafe { program(count, pointers.as_mut_ptr()) } {
        0 => Ok(()),
        _ => Err(Failure::Failed(format!("{name} did not do what it was asked"))),
    }
}
