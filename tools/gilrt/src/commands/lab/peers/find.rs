//! Looking for runtimes on PATH, and asking each for its version.

use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{Kind, Peer};
use crate::measured::Missing;

/// Which kind a program is, its version, and the program.
type Answer = (Kind, Vec<u32>, PathBuf);

/// Far more than any of them takes to say its version; one that hangs is none.
const PATIENCE: Duration = Duration::from_secs(20);

/// Prints the implementation, whether one thread at a time runs, and the version.
const ASK_PYTHON: &str = "import sys, ctypes, json, socket, threading; i = sys.implementation; \
    v = getattr(sys, 'pypy_version_info', sys.version_info); \
    print(i.name, getattr(sys, '_is_gil_enabled', lambda: True)(), '.'.join(map(str, v[:3])))";
const ASK_RUBY: &str =
    "require 'fiddle'; require 'json'; require 'socket'; puts RUBY_ENGINE + ' True ' + RUBY_VERSION";

/// The newest of each of these kinds, and of which there is none.
pub fn on_path(kinds: &[Kind]) -> (Vec<Peer>, Vec<Missing>) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = distinct(std::env::split_paths(&path));
    let mut answers: Vec<Answer> = Vec::new();
    let mut ask_all = |names: &[String], arguments: &[&str], before: &str| {
        for program in executables(&folders, names) {
            let said = ask(&program, arguments).map(|said| format!("{before}{said}"));
            answers.extend(said.and_then(|said| understand(&said, program)));
        }
    };
    if kinds.iter().any(|kind| matches!(kind, Kind::Cpython | Kind::FreeThreaded | Kind::Pypy)) {
        ask_all(&pythons(), &["-c", ASK_PYTHON], "");
    }
    if kinds.contains(&Kind::Ruby) {
        ask_all(&["ruby".to_owned()], &["-e", ASK_RUBY], "");
    }
    if kinds.contains(&Kind::Ocaml) {
        ask_all(&["ocamlfind".to_owned()], &["ocamlopt", "-version"], "ocaml True ");
    }
    newest(kinds, &answers)
}

/// All names under which CPython and PyPy are installed.
fn pythons() -> Vec<String> {
    let versions = (8..=30).rev().map(|minor| format!("3.{minor}"));
    let names = versions.flat_map(|version| {
        [format!("python{version}"), format!("python{version}t"), format!("pypy{version}")]
    });
    ["python3", "python3t", "pypy3"].map(str::to_owned).into_iter().chain(names).collect()
}

/// What has one of these names in one of these folders, in the order of the names.
fn executables(folders: &[PathBuf], names: &[String]) -> Vec<PathBuf> {
    let all = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    all.filter(|path| is_executable(path)).collect()
}

/// Each folder once: /bin and /usr/bin are often the same.
fn distinct(folders: impl Iterator<Item = PathBuf>) -> Vec<PathBuf> {
    let mut distinct: Vec<PathBuf> = Vec::new();
    for folder in folders.filter_map(|folder| folder.canonicalize().ok()) {
        if !distinct.contains(&folder) {
            distinct.push(folder);
        }
    }
    distinct
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

/// The first line that the program prints, if it ends well and in time.
fn ask(program: &Path, arguments: &[&str]) -> Option<String> {
    let said: File = tempfile::tempfile().ok()?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(said.try_clone().ok()?).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let start = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if start.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(5)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    };
    let (mut text, mut said) = (String::new(), said);
    said.rewind().ok()?;
    said.read_to_string(&mut text).ok()?;
    status.success().then(|| text.lines().next().unwrap_or_default().to_owned())
}

/// `cpython True 3.11.2` and the like.
fn understand(said: &str, program: PathBuf) -> Option<Answer> {
    let [name, locked, version] = said.split_whitespace().collect::<Vec<_>>().try_into().ok()?;
    let kind = match (name, locked) {
        ("cpython", "True") => Kind::Cpython,
        ("cpython", "False") => Kind::FreeThreaded,
        ("pypy", _) => Kind::Pypy,
        ("ruby", _) => Kind::Ruby,
        ("ocaml", _) => Kind::Ocaml,
        _ => return None,
    };
    // 5.3.0+options and the like.
    let digits = version.split(|it: char| !it.is_ascii_digit() && it != '.').next().unwrap_or_default();
    let numbers: Result<Vec<u32>, _> = digits.split('.').map(str::parse).collect();
    Some((kind, numbers.ok()?, program))
}

fn newest(kinds: &[Kind], answers: &[Answer]) -> (Vec<Peer>, Vec<Missing>) {
    let (mut found, mut absent) = (Vec::new(), Vec::new());
    for kind in kinds {
        let mut best: Option<&Answer> = None;
        for answer in answers.iter().filter(|answer| answer.0 == *kind) {
            // Of equals the first on PATH.
            if best.is_none_or(|best| answer.1 > best.1) {
                best = Some(answer);
            }
        }
        match best {
            Some((_, version, program)) => {
                let version: Vec<String> = version.iter().map(u32::to_string).collect();
                let name = format!("{} {}", kind.title(), version.join("."));
                found.push(Peer { kind: *kind, name, program: program.clone() });
            }
            None => absent.push(Missing { subject: kind.title().to_owned(), why: kind.advice().to_owned() }),
        }
    }
    (found, absent)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    fn answer(said: &str, program: &str) -> Answer {
        understand(said, program.into()).expect("an answer that is understood")
    }

    #[test]
    fn the_newest_of_each_kind_is_taken_and_the_others_are_told_how_to_install() {
        let answers = [
            answer("cpython True 3.9.18", "/a"),
            answer("cpython True 3.11.7", "/b"),
            answer("cpython True 3.11.7", "/c"),
            answer("cpython False 3.14.0", "/d"),
            answer("ocaml True 5.2.1+flambda", "/e"),
        ];
        let (found, absent) = newest(Kind::value_variants(), &answers);
        let names: Vec<_> = found.iter().map(|it| (it.name.as_str(), it.program.to_str().unwrap())).collect();
        assert_eq!(
            names,
            [("CPython 3.11.7", "/b"), ("free-threaded CPython 3.14.0", "/d"), ("OCaml 5.2.1", "/e")]
        );
        let absent: Vec<_> =
            absent.iter().map(|it| (it.subject.as_str(), it.why.contains("install"))).collect();
        assert_eq!(absent, [("PyPy", true), ("Ruby", true)]);
    }

    #[test]
    fn who_says_something_else_is_no_peer() {
        for said in ["", "hello", "jython True 2.7.3", "cpython True three", "cpython Perhaps 3.11.2"] {
            assert!(understand(said, "/a".into()).is_none(), "{said}");
        }
    }

    #[test]
    fn programs_that_fail_or_cannot_be_run_say_nothing() {
        let shell = Path::new("/bin/sh");
        assert_eq!(ask(shell, &["-c", "echo one; echo two"]).as_deref(), Some("one"));
        assert_eq!(ask(shell, &["-c", "echo one; exit 1"]), None);
        assert_eq!(ask(Path::new("/nowhere/python3"), &[]), None);
    }

    #[test]
    fn a_name_is_looked_for_in_every_folder_and_only_what_may_run_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
        for (place, mode) in [(&first, 0o755), (&second, 0o644)] {
            std::fs::create_dir(place).unwrap();
            let file = place.join("python3");
            std::fs::write(&file, "#!/bin/sh\n").unwrap();
            std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
        }
        let folders =
            distinct([first.clone(), second, first.join("../first"), first.join("none")].into_iter());
        assert_eq!(folders.len(), 2);
        let found = executables(&folders, &["python3".to_owned(), "ruby".to_owned()]);
        assert_eq!(found, [first.canonicalize().unwrap().join("python3")]);
    }
}
