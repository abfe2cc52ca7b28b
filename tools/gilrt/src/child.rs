//! Processes of the tool's own that measure: the policy of a lock is chosen once for each process, and no measurement inherits
//! what another has done to the lock.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use clap::ValueEnum;

use crate::failure::{Failure, reason};

pub const POLICY_VARIABLE: &str = "GILRT_POLICY";
/// All that the library heeds begins so.
const PREFIX: &[u8] = b"GILRT_";
/// Where the library lies may be chosen for a measurement too.
const LIBRARY_VARIABLE: &str = "GILRT_LIBRARY";

/// How the lock chooses, by its name in GILRT_POLICY.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Policy {
    Responsive,
    Interval,
    Ticks,
}

/// How long to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    Full,
    Quick,
}

impl Effort {
    pub fn duration(self, full: Duration) -> Duration {
        match self {
            Self::Full => full,
            Self::Quick => full / 10,
        }
    }

    pub fn units(self, full: u64) -> u64 {
        match self {
            Self::Full => full,
            Self::Quick => full / 10,
        }
    }
}

/// As it is typed on the command line.
pub fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

/// The tool itself, to be told what to measure. Its environment decides about the lock, so nothing of ours may.
pub fn tool() -> Result<Command, Failure> {
    let mut command = Command::new(executable()?);
    scrub(&mut command);
    Ok(command)
}

pub fn executable() -> Result<PathBuf, Failure> {
    std::env::current_exe()
        .map_err(|error| Failure::Failed(format!("cannot find the tool itself: {}", reason(&error))))
}

/// Takes out of a child's environment what changes how the library works.
pub fn scrub(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.as_bytes().starts_with(PREFIX) && name != LIBRARY_VARIABLE {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
}
