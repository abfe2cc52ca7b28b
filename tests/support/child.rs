//! A child process with a limit on its time.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Far above what any test needs: whoever is still running then hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// How a child process ended and what it wrote.
#[derive(Debug)]
pub struct Finished {
    /// Everything a failure message should show of it.
    pub description: String,
    pub success: bool,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    /// Panics with the child's output unless it ended with status 0.
    #[track_caller]
    pub fn expect_success(self) -> Finished {
        assert!(self.success, "{}", self.description);
        self
    }

    /// Panics unless the child succeeded and one line of its standard output begins with `start`; returns
    /// what follows.
    #[track_caller]
    pub fn line(&self, start: &str) -> &str {
        assert!(self.success, "{}", self.description);
        let mut rests = self.stdout.lines().filter_map(|line| line.strip_prefix(start));
        rests.next().unwrap_or_else(|| panic!("no line begins with {start:?}\n{}", self.description)).trim()
    }
}

/// What one would type; `{:?}` would show the whole environment as well, if the command sets it.
fn words(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Sanitizers and valgrind make a program slower by a known factor, which stretches the limit.
fn limit() -> Duration {
    match env::var("GILRT_TEST_SLOWDOWN") {
        Err(_) => LIMIT,
        Ok(text) => {
            LIMIT
                * text
                    .parse::<u32>()
                    .expect("GILRT_TEST_SLOWDOWN must be a whole number, the factor of the limits")
        }
    }
}

/// Runs a command to its end. One that does not end in time is killed, with all processes that it has
/// started.
#[track_caller]
pub fn run(command: &mut Command) -> Finished {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let child = command.spawn().unwrap_or_else(|error| panic!("cannot run {}: {error}", words(command)));
    let group = libc::pid_t::try_from(child.id()).expect("the id of a process fits its type");
    let (sender, receiver) = mpsc::channel();
    let waiter = thread::spawn(move || {
        // The receiver waits until this thread has ended, so it is still there.
        let _ = sender.send(child.wait_with_output());
    });
    let limit = limit();
    let (result, hung) = match receiver.recv_timeout(limit) {
        Ok(result) => (result, false),
        Err(_) => {
            // SAFETY: kill takes two integers and touches no memory. The group is the child's own:
            // `process_group(0)` made it, and it exists as long as one of its processes does.
            unsafe { libc::kill(-group, libc::SIGKILL) };
            (receiver.recv().expect("a killed child ends"), true)
        }
    };
    waiter.join().expect("the waiting thread does not panic");
    let output =
        result.unwrap_or_else(|error| panic!("cannot read the output of {}: {error}", words(command)));
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let end =
        if hung { format!("was killed after {limit:?}") } else { format!("ended with {}", output.status) };
    let description = format!("{} {end}\n--- stdout\n{stdout}--- stderr\n{stderr}", words(command));
    assert!(!hung, "{description}");
    Finished { description, success: output.status.success(), stdout, stderr }
}
