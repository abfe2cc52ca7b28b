//! How the runtime starts: what the host asked for, and what the environment says instead.

use crate::object::heap::Hooks;
use crate::sys::barrier::Bias;
use crate::sched::{DEFAULT_SLICE, Ns, Policy, SLICE_RANGE};
use std::fmt::Display;
use std::io::Write;

/// How objects are born: who may count them plainly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Counting {
    /// Plainly for their owner, atomically for everybody else.
    #[default]
    Biased,
    /// Atomically for everybody: merged at birth.
    Atomic,
}

/// Who may be in an interpreter at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Whoever holds its lock.
    #[default]
    Locked,
    /// All.
    Free,
}

#[derive(Debug, Clone, Default)]
pub struct Config {
    pub mode: Mode,
    pub policy: Policy,
    pub slice: Slice,
    pub counting: Counting,
    pub bias: Bias,
    pub hooks: Option<Hooks>,
}

/// Nanoseconds, within [`SLICE_RANGE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice(Ns);

impl Default for Slice {
    fn default() -> Slice {
        Slice(DEFAULT_SLICE)
    }
}

impl Slice {
    pub fn new(ns: Ns) -> Option<Slice> {
        SLICE_RANGE.contains(&ns).then_some(Slice(ns))
    }

    pub fn ns(self) -> Ns {
        self.0
    }
}

/// The environment wins over the host, for a program that cannot be changed. A bad value is reported once and ignored.
pub fn with_environment(mut config: Config) -> Config {
    if let Some(mode) = read("GILRT_MODE", "locked or free", |v| match v {
        "locked" => Some(Mode::Locked),
        "free" => Some(Mode::Free),
        _ => None,
    }) {
        config.mode = mode;
    }
    if let Some(policy) = read("GILRT_POLICY", "responsive, interval or ticks", |v| match v {
        "responsive" => Some(Policy::Responsive),
        "interval" => Some(Policy::Interval),
        "ticks" => Some(Policy::Ticks),
        _ => None,
    }) {
        config.policy = policy;
    }
    let allowed = format!("nanoseconds from {} to {}", SLICE_RANGE.start(), SLICE_RANGE.end());
    if let Some(slice) = read("GILRT_SWITCH_INTERVAL_NS", &allowed, |v| Slice::new(v.parse().ok()?)) {
        config.slice = slice;
    }
    if let Some(bias) = read("GILRT_BIAS", "safe, always or never", |v| match v {
        "safe" => Some(Bias::Safe),
        "always" => Some(Bias::Always),
        "never" => Some(Bias::Never),
        _ => None,
    }) {
        config.bias = bias;
    }
    config
}

/// One variable; None if it is not set or not allowed.
pub fn read<T>(name: &str, allowed: &(impl Display + ?Sized), parse: impl Fn(&str) -> Option<T>) -> Option<T> {
    let value = std::env::var_os(name)?;
    let parsed = value.to_str().and_then(parse);
    if parsed.is_none() {
        let value = value.to_string_lossy();
        // Not eprintln, which panics when standard error cannot be written.
        _ = writeln!(std::io::stderr(), "gilrt: {name}={value} is ignored: allowed are {allowed}");
    }
    parsed
}
