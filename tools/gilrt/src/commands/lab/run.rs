//! One case once: a process with a time limit, whose standard output is figures. It leads a process group of its own, so that
//! Ctrl-C reaches the tool alone, and all that the process has started is ended with it.

use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Map, Value as Json};

use super::experiment::{Case, Column};
use super::interrupt;
use crate::child::scrub;
use crate::failure::reason;

/// How often it is looked whether the process has ended: often enough not to add to the time of a short case, and rarely enough
/// not to be seen in what is measured.
const LOOK: Duration = Duration::from_millis(20);

/// Why there are no figures.
pub enum Ended {
    Failed(String),
    Interrupted,
}

/// Figures by their columns' places. `wait` is called every now and then with the time since the beginning.
pub fn once(
    case: &Case,
    columns: &[Column],
    mut wait: impl FnMut(Duration),
) -> Result<Vec<(usize, f64)>, Ended> {
    let mut command = Command::new(&case.program);
    scrub(&mut command);
    command.args(&case.arguments).envs(case.environment.iter().map(|(name, value)| (name, value)));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    // SAFETY: prctl is async-signal-safe, and the closure touches nothing else.
    unsafe { command.pre_exec(end_with_parent) };
    let program = case.program.display();
    let mut child = command
        .spawn()
        .map_err(|error| Ended::Failed(format!("cannot run {program}: {}", reason(&error))))?;
    let (stdout, stderr) = (reader(child.stdout.take()), reader(child.stderr.take()));
    let start = Instant::now();
    let outcome = loop {
        if has_ended(&child) {
            break Ok(());
        }
        if interrupt::came() {
            break Err(Ended::Interrupted);
        }
        if start.elapsed() > case.limit {
            break Err(Ended::Failed(format!("it hung: killed after {} s", case.limit.as_secs())));
        }
        wait(start.elapsed());
        std::thread::sleep(LOOK);
    };
    end_group(&child);
    let status = child.wait();
    // Nobody is left who could hold the pipes open.
    let (stdout, stderr) = (text(stdout), text(stderr));
    outcome?;
    let status = status.map_err(|error| Ended::Failed(reason(&error)))?;
    if !status.success() {
        return Err(Ended::Failed(complaint(status, &stderr)));
    }
    figures(&stdout, columns).map_err(Ended::Failed)
}

/// Before the program begins, in its process: that it ends with the thread that started it.
pub fn end_with_parent() -> std::io::Result<()> {
    // SAFETY: this option takes a signal's number and touches no memory.
    match unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

/// Whether the process is dead. It stays in the table of processes, so that its number is still its own in `end_group`.
fn has_ended(child: &Child) -> bool {
    // SAFETY: plain numbers, for which zero is a value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: `info` is a valid place; the process is a child that nobody else waits for.
    let error = unsafe { libc::waitid(libc::P_PID, child.id(), &mut info, options) };
    // SAFETY: waitid has filled it in, or left it zero.
    error != 0 || unsafe { info.si_pid() } != 0
}

fn end_group(child: &Child) {
    // SAFETY: no memory is touched; the group is the child's own, whose number is not free until it is waited for.
    unsafe { libc::kill(-child.id().cast_signed(), libc::SIGKILL) };
}

/// Reads to the end beside the process, which may write more than a pipe holds.
fn reader(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is all that there is.
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        bytes
    })
}

fn text(reader: JoinHandle<Vec<u8>>) -> String {
    String::from_utf8_lossy(&reader.join().unwrap_or_default()).into_owned()
}

/// How it ended, and its last words.
fn complaint(status: ExitStatus, stderr: &str) -> String {
    let last = stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let last = last.trim().trim_start_matches("gilrt: ");
    match (status.signal(), last) {
        (None, "") => status.to_string(),
        (None, last) => last.to_owned(),
        (Some(signal), last) => format!("killed by signal {signal} {last}").trim().to_owned(),
    }
}

/// Lines of JSON objects of numbers.
fn figures(stdout: &str, columns: &[Column]) -> Result<Vec<(usize, f64)>, String> {
    let mut figures = Vec::new();
    for line in stdout.lines().filter(|line| !line.trim().is_empty()) {
        let object: Map<String, Json> =
            serde_json::from_str(line).map_err(|_| format!("it printed no figures but: {line}"))?;
        for (key, value) in object {
            let column = columns.iter().position(|column| column.key == key);
            let column =
                column.ok_or_else(|| format!("it printed {key}, which is no column of the table"))?;
            let value = value.as_f64().filter(|it| it.is_finite());
            figures.push((column, value.ok_or_else(|| format!("it printed {key}, but no number for it"))?));
        }
    }
    if figures.is_empty() {
        return Err("it printed no figures".to_owned());
    }
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measured::Unit;

    const COLUMNS: &[Column] = &[
        Column { key: "time", title: "time", unit: Unit::Nanoseconds },
        Column { key: "done", title: "done", unit: Unit::Count },
    ];

    fn shell(script: &str, limit: Duration) -> Result<Vec<(usize, f64)>, String> {
        let mut case = Case::new("shell", "", "/bin/sh".into());
        case.arguments = vec!["-c".into(), script.into()];
        case.limit = limit;
        once(&case, COLUMNS, |_| {}).map_err(|ended| match ended {
            Ended::Failed(why) => why,
            Ended::Interrupted => "interrupted".to_owned(),
        })
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn lines_of_objects_become_figures() {
        let found = shell(r#"echo '{"time": 2.5, "done": 7}'; echo; echo '{"time": 3}'"#, LONG);
        assert_eq!(found, Ok(vec![(1, 7.0), (0, 2.5), (0, 3.0)]));
    }

    #[test]
    fn what_is_no_figure_is_named() {
        let why = |script| shell(script, LONG).unwrap_err();
        assert_eq!(why("echo hello"), "it printed no figures but: hello");
        assert_eq!(why("true"), "it printed no figures");
        assert!(why(r#"echo '{"speed": 1}'"#).contains("speed"));
        assert!(why(r#"echo '{"time": "fast"}'"#).contains("no number"));
    }

    #[test]
    fn a_failure_is_told_in_the_last_words_of_the_process() {
        assert_eq!(shell("echo first >&2; echo gilrt: last >&2; exit 3", LONG).unwrap_err(), "last");
        assert_eq!(shell("exit 3", LONG).unwrap_err(), "exit status: 3");
        assert_eq!(shell("kill -9 $$", LONG).unwrap_err(), "killed by signal 9");
    }

    #[test]
    fn what_hangs_is_killed_with_all_that_it_started() {
        let why = shell("sleep 1000 & sleep 1000", Duration::from_secs(1)).unwrap_err();
        assert_eq!(why, "it hung: killed after 1 s");
    }

    #[test]
    fn a_process_that_leaves_others_behind_is_waited_for_no_longer() {
        let found = shell(r#"sleep 1000 & echo '{"done": 1}'"#, LONG);
        assert_eq!(found, Ok(vec![(1, 1.0)]));
    }
}
