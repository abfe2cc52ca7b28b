//! One round of one row, in a process of its own.

use clap::Args;

use super::rows::{self, Row};
use crate::child::{self, Effort, POLICY_VARIABLE, Policy};
use crate::failure::{Failure, reason};
use crate::kernels::Kernels;
use crate::measured::Round;
use crate::output;

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
    let names = [row.name.to_owned(), child::name(&policy), child::name(&effort)];
    let failed =
        |why: String| Failure::Failed(format!("cannot measure {} under {}: {why}", names[0], names[1]));
    let mut command = child::tool()?;
    command.args(["bench", "measure"]).args(&names).env(POLICY_VARIABLE, &names[1]);
    let output = command.output().map_err(|error| failed(reason(&error)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim().trim_start_matches("gilrt: ");
        return Err(failed(if said.is_empty() { output.status.to_string() } else { said.to_owned() }));
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|error| failed(format!("its figures cannot be read: {error}")))
}
