//! Where it was measured, and what speaks against the figures.

use std::fs;

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, reason};

/// A load above this means that others use the processors too.
const QUIET: f64 = 0.5;

#[derive(Serialize, Deserialize)]
pub struct Machine {
    pub cpu: String,
    pub cpus: usize,
    pub kernel: String,
    /// The mean number of running threads during the last minute, before anything was measured.
    pub load: f64,
    /// Whether what measured was built without optimization.
    pub debug: bool,
}

impl Machine {
    pub fn look() -> Result<Self, Failure> {
        let cpuinfo = read("/proc/cpuinfo")?;
        let load = read("/proc/loadavg")?;
        Ok(Self {
            cpu: field(&cpuinfo, "model name").unwrap_or(std::env::consts::ARCH).to_owned(),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: read("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            load: load.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0.0),
            debug: cfg!(debug_assertions),
        })
    }

    /// In one line.
    pub fn describe(&self) -> String {
        let cpus = if self.cpus == 1 { "1 CPU".to_owned() } else { format!("{} CPUs", self.cpus) };
        format!("{}, {cpus}, kernel {}, load {}", self.cpu, self.kernel, self.load)
    }

    /// The same as names and values.
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        vec![
            ("CPU", self.cpu.clone()),
            ("CPUs", self.cpus.to_string()),
            ("kernel", self.kernel.clone()),
            ("load at the start", self.load.to_string()),
        ]
    }

    /// What a reader of the figures must know.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.load > QUIET {
            warnings.push(format!(
                "the load was {} at the start: others used the processors too; measure again when it is below {QUIET}",
                self.load
            ));
        }
        if self.cpus < 2 {
            warnings.push(
                "there is one CPU: what two threads do at once, and a wake-up across CPUs, cannot be measured".to_owned(),
            );
        }
        if self.debug {
            warnings.push("this is a debug build: measure with cargo run --release".to_owned());
        }
        warnings
    }
}

/// The most bytes that this process has had in memory.
pub fn most_memory() -> Result<f64, Failure> {
    let status = read("/proc/self/status")?;
    let kilobytes =
        field(&status, "VmHWM").and_then(|text| text.strip_suffix("kB")?.trim().parse::<f64>().ok());
    let missing = || Failure::Failed("/proc/self/status does not tell the most memory".to_owned());
    kilobytes.map(|kilobytes| kilobytes * 1024.0).ok_or_else(missing)
}

fn read(path: &str) -> Result<String, Failure> {
    fs::read_to_string(path)
        .map_err(|error| Failure::Failed(format!("cannot read {path}: {}", reason(&error))))
}

/// The value of the first line with this name.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == name)
        .map(|(_, value)| value.trim())
}
