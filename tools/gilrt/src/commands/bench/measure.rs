//! One round of one row, in a process of its own: the policy of a lock is chosen once for each process, and no row inherits
//! what another has done to the lock.

use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

use clap::Args;

use super::figures::Round;
use super::kernels::Kernels;
use super::rows::{self, Effort, Policy, Row};
use crate::failure::{Failure, reason};
use crate::output;

const POLICY_VARIABLE: &str = "GILRT_POLICY";
/// All that the library heeds begins so.
const PREFIX: &[u8] = b"GILRT_";
/// Where the library lies may be chosen for a measurement too.
const LIBRARY_VARIABLE: &str = "GILRT_LIBRARY";

#[derive(Args)]
pub struct Options {
    #[arg(value_parser = rows::parser(rows::all()))]
    row: &'static Row,
    #[arg(value_enum)]
    policy: Policy,
    #[arg(value_enum)]
    effort: Effort,
}

/// The child's side: measures and prints the samples.
pub fn run(options: &Options) -> Result<(), Failure> {
    let kernels = Kernels::open()?;
    output::print_json(&(options.row.measure)(&kernels, options.policy, options.effort)?)
}

/// The parent's side. The environment decides the policy, and nothing else of it may change the lock.
pub fn in_child(row: &Row, policy: Policy, effort: Effort) -> Result<Round, Failure> {
    let names = [row.name.to_owned(), rows::name(&policy), rows::name(&effort)];
    let failed =
        |why: String| Failure::Failed(format!("cannot measure {} under {}: {why}", names[0], names[1]));
    let tool = std::env::current_exe().map_err(|error| failed(reason(&error)))?;
    let mut command = Command::new(tool);
    for (name, _) in std::env::vars_os() {
        if name.as_bytes().starts_with(PREFIX) && name != LIBRARY_VARIABLE {
            command.env_remove(name);
        }
    }
    command.args(["bench", "measure"]).args(&names).env(POLICY_VARIABLE, &names[1]);
    let output = command.stdin(Stdio::null()).output().map_err(|error| failed(reason(&error)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim().trim_start_matches("gilrt: ");
        return Err(failed(if said.is_empty() { output.status.to_string() } else { said.to_owned() }));
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|error| failed(format!("its figures cannot be read: {error}")))
}
