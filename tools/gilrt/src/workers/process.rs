//! One process of a run, as the tool sees it: how it is started, and how it ended.
//!
//! It executes this tool anew (`gilrt worker`) rather than being a forked copy of it. A copy would have one of the tool's threads
//! and whatever the others had locked; what is executed begins as every host of the library does. Forking was tried: a small host
//! was copied in a tenth of the time (0.15 ms), and the copy had a third of the memory for itself as long as it wrote little. With
//! the 85 MB of a photograph in the heap it took 3.5 ms, more than executing did, and each page that either wrote was paid for
//! again.
//!
//! It ends with the tool, whatever ends that (see `host`), and has no descriptor but those that the tool was started with, the
//! socket and the files in memory. The first stay open on purpose: an argument may be a /dev/fd of the shell.

use std::ffi::{OsStr, OsString};
use std::io;
use std::net::Shutdown;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};

use clap::ValueEnum;

use super::{Board, Workers, message};
use crate::measure::{Job, Lock};

pub struct Process {
    child: Child,
    socket: UnixStream,
    /// Its workers' parts.
    pub parts: Range<u32>,
    /// Once it has ended.
    pub end: Option<ExitStatus>,
}

impl Process {
    pub fn start(job: &Job<'_>, workers: Workers, parts: Range<u32>, board: &Board) -> io::Result<Self> {
        let (socket, theirs) = UnixStream::pair()?;
        let mut command = Command::new(std::env::current_exe()?);
        let kind = workers.kind.to_possible_value();
        command
            .args(["worker", "--tool", &std::process::id().to_string(), "--board", &board.path()])
            .args(["--kind", kind.as_ref().map_or("", |kind| kind.get_name())])
            .args(["--first", &parts.start.to_string(), "--here", &parts.len().to_string()])
            .args(["--of", &workers.count.to_string()])
            .args((job.lock == Lock::Release).then_some("--release"))
            .arg("--")
            .arg(job.module)
            .arg(OsStr::from_bytes(job.function.as_bytes()))
            .args(job.arguments.iter().map(|it| OsString::from(OsStr::from_bytes(it.as_bytes()))));
        // Nobody but the process keeps its end: it falls silent when it ends.
        let child = command.stdin(OwnedFd::from(theirs)).spawn()?;
        Ok(Self { child, socket, parts, end: None })
    }

    /// The end of the socket that its messages come to.
    pub fn socket(&self) -> io::Result<UnixStream> {
        self.socket.try_clone()
    }

    pub fn say_go(&self) {
        message::say_go(&self.socket);
    }

    /// Looks whether it has ended. A process that it has left behind may still have its end of the socket: that is not heard.
    pub fn look(&mut self) {
        if self.end.is_none()
            && let Ok(Some(status)) = self.child.try_wait()
        {
            self.end = Some(status);
            let _ = self.socket.shutdown(Shutdown::Read);
        }
    }

    /// Waits for its end, which is near, since it has fallen silent.
    pub fn await_end(&mut self) {
        if self.end.is_none() {
            self.end = self.child.wait().ok();
        }
    }
}

impl Drop for Process {
    /// One that is of no use any more is not left behind.
    fn drop(&mut self) {
        if self.end.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// How a process ended that should have gone on: `was killed by SIGKILL (9)`.
pub fn in_words(end: ExitStatus) -> String {
    match (end.signal(), end.code()) {
        (Some(number), _) => match SIGNALS.iter().find(|(signal, _)| *signal == number) {
            Some((_, name)) => format!("was killed by {name} ({number})"),
            None => format!("was killed by signal {number}"),
        },
        (None, Some(code)) => format!("exited with code {code}"),
        (None, None) => format!("ended with {end}"),
    }
}

/// Those that end a process unless it says otherwise.
const SIGNALS: [(i32, &str); 21] = [
    (libc::SIGHUP, "SIGHUP"),
    (libc::SIGINT, "SIGINT"),
    (libc::SIGQUIT, "SIGQUIT"),
    (libc::SIGILL, "SIGILL"),
    (libc::SIGTRAP, "SIGTRAP"),
    (libc::SIGABRT, "SIGABRT"),
    (libc::SIGBUS, "SIGBUS"),
    (libc::SIGFPE, "SIGFPE"),
    (libc::SIGKILL, "SIGKILL"),
    (libc::SIGUSR1, "SIGUSR1"),
    (libc::SIGSEGV, "SIGSEGV"),
    (libc::SIGUSR2, "SIGUSR2"),
    (libc::SIGPIPE, "SIGPIPE"),
    (libc::SIGALRM, "SIGALRM"),
    (libc::SIGTERM, "SIGTERM"),
    (libc::SIGSTKFLT, "SIGSTKFLT"),
    (libc::SIGXCPU, "SIGXCPU"),
    (libc::SIGXFSZ, "SIGXFSZ"),
    (libc::SIGVTALRM, "SIGVTALRM"),
    (libc::SIGPROF, "SIGPROF"),
    (libc::SIGSYS, "SIGSYS"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_told_by_the_signals_name_or_the_code() {
        // As wait(2) encodes them.
        assert_eq!(in_words(ExitStatus::from_raw(9)), "was killed by SIGKILL (9)");
        assert_eq!(in_words(ExitStatus::from_raw(11 | 0x80)), "was killed by SIGSEGV (11)");
        assert_eq!(in_words(ExitStatus::from_raw(40)), "was killed by signal 40");
        assert_eq!(in_words(ExitStatus::from_raw(3 << 8)), "exited with code 3");
    }
}
