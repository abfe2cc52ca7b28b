//! What the tests that run C programs share: where the library is, how a program is compiled against it, and
//! how a child process is run so that a hang is a failure and not the end of the test run.

// Each test file compiles this module anew and uses its own part of it.
#![allow(dead_code, unused_imports)]

mod child;
mod compile;
mod drive;
#[cfg(all(feature = "samples", not(loom)))]
pub mod samples;

pub use child::{Finished, run};
pub use compile::{cpp_program, module, module_with, program, program_in_modes, program_without_library};
pub use drive::{drive, drive_limited};

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder that holds the libgilrt.so which belongs to this build. Cargo puts it beside the test
/// executable; the copy one folder up is made by `cargo build` only and may be stale.
pub fn library_dir() -> PathBuf {
    let test = env::current_exe().expect("a running program has a path");
    let beside = test.parent().expect("an executable is in a folder");
    let above = beside.parent().unwrap_or(beside);
    [beside, above]
        .into_iter()
        .find(|folder| folder.join("libgilrt.so").exists())
        .unwrap_or_else(|| panic!("there is no libgilrt.so in {} or above it", beside.display()))
        .to_path_buf()
}

/// The file itself, for a program that opens it by path.
pub fn library() -> PathBuf {
    library_dir().join("libgilrt.so")
}

/// The root of the repository, where `include/` and `tests/c/` are.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A command that runs a compiled C program. `GILRT_TEST_WRAPPER`, split at blanks, is put before it: for
/// example `valgrind --error-exitcode=9`.
pub fn command(program: &Path) -> Command {
    let wrapper = env::var("GILRT_TEST_WRAPPER").unwrap_or_default();
    let mut words = wrapper.split_whitespace();
    match words.next() {
        None => Command::new(program),
        Some(first) => {
            let mut command = Command::new(first);
            command.args(words).arg(program);
            command
        }
    }
}
