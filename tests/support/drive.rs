//! The host in C (`tests/c/drive.c`) through which modules are tried: the test process itself never loads the
//! library a second time, and a module that crashes takes only this child with it.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use super::{Finished, command, program, run};

fn driver() -> &'static PathBuf {
    static DRIVER: OnceLock<PathBuf> = OnceLock::new();
    DRIVER.get_or_init(|| program("drive.c"))
}

/// Runs the driver, which must end well: what the module answered is in its output.
#[track_caller]
pub fn drive<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(arguments: I) -> Finished {
    run(command(driver()).args(arguments)).expect_success()
}

/// The same with a limit for the child: options of the shell's `ulimit`. What goes beyond fails, and kills nobody.
#[track_caller]
pub fn drive_limited(limit: &str, arguments: &[&str]) -> Finished {
    let driver = command(driver());
    let mut limited = Command::new("sh");
    limited.arg("-c").arg(format!("trap '' XFSZ; ulimit {limit}; exec \"$@\"")).arg("sh");
    limited.arg(driver.get_program()).args(driver.get_args()).args(arguments);
    run(&mut limited).expect_success()
}
