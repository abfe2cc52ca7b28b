//! The sample extensions as build.rs compiled them, driven through the C interface in child processes.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Finished, drive, drive_limited};

pub fn sample(name: &str) -> PathBuf {
    Path::new(env!("GILRT_MODULES_DIR")).join(name).with_extension("so")
}

/// Runs a function with the driver's options before and the function's arguments after it.
#[track_caller]
pub fn call(options: &str, name: &str, function: &str, arguments: &[&str]) -> Finished {
    let module = sample(name);
    let options = options.split_whitespace();
    drive(options.chain([text(&module), function]).chain(arguments.iter().copied()))
}

/// The same with a limit, as `drive_limited` takes it.
#[track_caller]
pub fn call_limited(limit: &str, options: &str, name: &str, function: &str, arguments: &[&str]) -> Finished {
    let module = sample(name);
    let options = options.split_whitespace().chain([text(&module), function]);
    drive_limited(limit, &options.chain(arguments.iter().copied()).collect::<Vec<_>>())
}

/// The sentence with which a function refuses its arguments, whether the lock is to be held or released.
#[track_caller]
pub fn refusal(name: &str, function: &str, arguments: &[&str]) -> String {
    let [held, released] = ["", "-r"].map(|lock| call(lock, name, function, arguments));
    for finished in [&held, &released] {
        assert_eq!(finished.line("call 0 "), "GILRT_ERR_INVALID", "{}", finished.description);
    }
    assert_eq!(held.line("say 0 "), released.line("say 0 "));
    held.line("say 0 ").to_owned()
}

#[track_caller]
pub fn succeeds(finished: &Finished, threads: usize) {
    for thread in 0..threads {
        assert_eq!(finished.line(&format!("call {thread} ")), "GILRT_OK", "{}", finished.description);
    }
}

/// All values that were reported under a name, in order.
pub fn reported(finished: &Finished, name: &str) -> Vec<i64> {
    let start = format!("report {name} ");
    let values = finished.stdout.lines().filter_map(|line| line.strip_prefix(&start));
    values.map(|value| value.parse().expect("a figure is a whole number")).collect()
}

/// With the lock of the main interpreter, and in an interpreter without one.
pub fn modes_and_crowds() -> impl Iterator<Item = (&'static str, usize)> {
    ["", "-f"].into_iter().flat_map(|mode| [2, 4, 8, 16].map(|threads| (mode, threads)))
}

pub fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("samples");
    fs::create_dir_all(&folder).expect("the test folder can be made");
    folder.join(name)
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("the target folder has a name in UTF-8")
}
