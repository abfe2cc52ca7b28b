//! One program, started, told what to do, and read. It prints lines of JSON objects of whole numbers.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::commands::lab::run;
use crate::failure::{Failure, reason};

/// A line of a program.
pub type Line = BTreeMap<String, u64>;

/// A program that runs. It ends with us, whether it is done or not. How long it may take is the business of who measures us.
pub struct Running {
    name: String,
    child: Child,
    lines: BufReader<ChildStdout>,
    /// Where its complaints go: a file, which never fills up as a pipe does.
    complaints: File,
}

impl Running {
    pub fn start(command: &[String], arguments: &[String]) -> Result<Self, Failure> {
        let Some((program, words)) = command.split_first() else {
            return Err(Failure::Usage("no program was given to be measured".to_owned()));
        };
        let failed =
            |error: std::io::Error| Failure::Failed(format!("cannot run {program}: {}", reason(&error)));
        let complaints = tempfile::tempfile().map_err(failed)?;
        let mut process = Command::new(program);
        process.args(words).args(arguments).env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null());
        process.stdout(Stdio::piped()).stderr(complaints.try_clone().map_err(failed)?);
        // SAFETY: what it calls is async-signal-safe, and touches no memory.
        unsafe { process.pre_exec(run::end_with_parent) };
        let mut child = process.spawn().map_err(failed)?;
        let lines = BufReader::new(child.stdout.take().expect("it is piped"));
        Ok(Self { name: program.clone(), child, lines, complaints })
    }

    /// The next line.
    pub fn line(&mut self) -> Result<Line, Failure> {
        let mut line = String::new();
        let length = self.lines.read_line(&mut line);
        if !matches!(length, Ok(1..)) {
            return Err(self.complaint());
        }
        serde_json::from_str(&line).map_err(|_| {
            Failure::Failed(format!("{} printed no line of figures but: {}", self.name, line.trim()))
        })
    }

    /// The last line of a program that ends by itself, once it has.
    pub fn last_line(mut self) -> Result<Line, Failure> {
        let line = self.line()?;
        let mut rest = String::new();
        // What cannot be read is nothing.
        let _ = self.lines.read_to_string(&mut rest);
        match self.child.wait() {
            Ok(status) if status.success() && rest.trim().is_empty() => Ok(line),
            Ok(status) if status.success() => {
                Err(Failure::Failed(format!("{} goes on to say {}", self.name, rest.trim())))
            }
            _ => Err(self.complaint()),
        }
    }

    /// Why it ended before it should.
    fn complaint(&mut self) -> Failure {
        let status = self.child.wait().map_or_else(|error| reason(&error), |status| status.to_string());
        let mut said = Vec::new();
        let _ = self.complaints.rewind().and_then(|()| self.complaints.read_to_end(&mut said));
        let said = String::from_utf8_lossy(&said);
        match last_words(&said) {
            "" => Failure::Failed(format!("{} ended too early: {status}", self.name)),
            words => Failure::Failed(format!("{}: {words}", self.name)),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Python says what is wrong in the last line that is not indented; the others in the first line.
fn last_words(said: &str) -> &str {
    let mut lines = said.lines().filter(|line| !line.is_empty() && !line.starts_with(char::is_whitespace));
    let first = lines.next().unwrap_or_default();
    let is_python = first.starts_with("Traceback") || first.starts_with("Exception in thread");
    if is_python { lines.next_back().unwrap_or(first) } else { first }.trim()
}

/// What a line says of this.
pub fn get(line: &Line, key: &str) -> Result<u64, Failure> {
    line.get(key).copied().ok_or_else(|| Failure::Failed(format!("the program did not tell its {key}")))
}

/// Two numbers that are the same if the program did what it was asked to, and only that.
pub fn check(what: &str, told: u64, expected: u64) -> Result<(), Failure> {
    if told == expected {
        return Ok(());
    }
    Err(Failure::Failed(format!(
        "{what}: {told}, where {expected} was expected: the figures count for nothing"
    )))
}

/// The same for ours: what all threads counted in one plain word, if they told it.
pub fn check_witness(line: &Line, done: u64) -> Result<(), Failure> {
    match line.get("witness") {
        Some(witness) => crate::kernels::check_witness("the program", *witness, done),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Running {
        let command = ["/bin/sh", "-c", script].map(str::to_owned);
        Running::start(&command, &[]).expect("there is a shell")
    }

    fn why<T>(outcome: Result<T, Failure>) -> String {
        outcome.err().expect("it fails").message()
    }

    #[test]
    fn lines_are_read_one_after_the_other() {
        let mut running = shell("echo '{\"port\": 7}'; echo '{\"answered\": 3}'");
        assert_eq!(get(&running.line().unwrap(), "port").unwrap(), 7);
        assert_eq!(get(&running.last_line().unwrap(), "answered").unwrap(), 3);
    }

    #[test]
    fn what_went_wrong_is_told_in_the_programs_words() {
        assert_eq!(why(shell("echo oh >&2; echo '  at 1' >&2; echo no >&2; exit 1").line()), "/bin/sh: oh");
        let python = "echo Traceback: >&2; echo '  at 1' >&2; echo no >&2; exit 1";
        assert_eq!(why(shell(python).line()), "/bin/sh: no");
        assert!(why(shell("exit 3").line()).contains("exit status: 3"));
        assert!(why(shell("echo '{}'; exit 3").last_line()).contains("exit status: 3"));
        assert!(why(shell("echo hello").line()).contains("no line of figures but: hello"));
        assert!(why(shell("echo '{}'; echo more").last_line()).contains("more"));
        assert!(why(get(&Line::new(), "turns")).contains("turns"));
    }

    #[test]
    fn work_that_was_not_done_is_no_figure() {
        assert!(check("turns", 4, 4).is_ok());
        assert!(why(check("turns", 3, 4)).contains("turns: 3, where 4"));
        let line: Line = [("witness".to_owned(), 3)].into();
        assert!(check_witness(&line, 4).is_err() && check_witness(&line, 3).is_ok());
        assert!(check_witness(&Line::new(), 4).is_ok());
    }

    #[test]
    fn a_program_that_is_dropped_is_ended() {
        let running = shell("echo '{}'; exec sleep 1000");
        let id = running.child.id().cast_signed();
        drop(running);
        // SAFETY: signal 0 only asks whether there is such a process.
        assert_eq!(unsafe { libc::kill(id, 0) }, -1);
    }
}
