//! How the runtime starts: what the host asked for, and what the environment says instead.

use crate::check;
use crate::object::heap::Hooks;
use crate::sys::barrier::Bias;
use crate::thread::request::Hook;
use crate::sched::{DEFAULT_SLICE, Ns, Policy, SLICE_RANGE};
use crate::watch::log::Text;
use std::ffi::CStr;
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
    /// Under a lock of the object's own, for everybody.
    Locked,
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
    pub on_request: Option<Hook>,
    pub hooks: Option<Hooks>,
    /// Without a lock it stays so: modules that need one are refused.
    pub strict: bool,
    /// By the environment only.
    pub check: check::Mode,
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
    if let Some(mode) = read(c"GILRT_MODE", &"locked or free", |v| match v {
        "locked" => Some(Mode::Locked),
        "free" => Some(Mode::Free),
        _ => None,
    }) {
        config.mode = mode;
    }
    if let Some(strict) = read(c"GILRT_STRICT", &"0 or 1", |v| match v {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }) {
        config.strict = strict;
    }
    if let Some(policy) = read(c"GILRT_POLICY", &"responsive, interval or ticks", |v| match v {
        "responsive" => Some(Policy::Responsive),
        "interval" => Some(Policy::Interval),
        "ticks" => Some(Policy::Ticks),
        _ => None,
    }) {
        config.policy = policy;
    }
    let allowed = format_args!("nanoseconds from {} to {}", SLICE_RANGE.start(), SLICE_RANGE.end());
    if let Some(slice) = read(c"GILRT_SWITCH_INTERVAL_NS", &allowed, |v| Slice::new(v.parse().ok()?)) {
        config.slice = slice;
    }
    if let Some(bias) = read(c"GILRT_BIAS", &"safe, always or never", |v| match v {
        "safe" => Some(Bias::Safe),
        "always" => Some(Bias::Always),
        "never" => Some(Bias::Never),
        _ => None,
    }) {
        config.bias = bias;
    }
    if let Some(mode) = read(c"GILRT_CHECK", &"0, 1 or continue", |v| match v {
        "0" => Some(check::Mode::Off),
        "1" => Some(check::Mode::Abort),
        "continue" => Some(check::Mode::Continue),
        _ => None,
    }) {
        config.check = mode;
    }
    config
}

/// One variable; None if it is not set or not allowed. Read as C does, since std's function allocates and cannot say that
/// there is no memory.
pub fn read<T>(name: &CStr, allowed: &dyn Display, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
    // SAFETY: a C string. As for every C library, the host does not change the environment while others read it.
    let value = unsafe { libc::getenv(name.as_ptr()) };
    if value.is_null() {
        return None;
    }
    // SAFETY: what getenv returned is a C string.
    let parsed = unsafe { CStr::from_ptr(value) }.to_str().ok().and_then(parse);
    if parsed.is_none() {
        let (name, value) = (Text(name.as_ptr()), Text(value));
        // Not eprintln, which panics when standard error cannot be written.
        _ = writeln!(std::io::stderr(), "gilrt: {name}={value} is ignored: allowed are {allowed}");
    }
    parsed
}
