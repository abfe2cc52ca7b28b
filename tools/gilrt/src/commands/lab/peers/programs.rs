//! The programs of `lab/peers`. They are part of the tool, so that an installed one has them: written to a temporary folder when
//! the first of a language is wanted, and compiled there when their language is.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::ValueEnum;
use tempfile::TempDir;

use super::{Kind, Peer};
use crate::failure::{Failure, reason};
use crate::kernels;

/// What a program does is in its first line, in any of the languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum Program {
    Compute,
    Ask,
    Echo,
    Retake,
    Pair,
    Reclaim,
    Workers,
}

impl Program {
    /// Of its file, without what tells the language.
    pub fn name(self) -> &'static str {
        match self {
            Self::Compute => "compute",
            Self::Ask => "ask",
            Self::Echo => "echo",
            Self::Retake => "retake",
            Self::Pair => "pair",
            Self::Reclaim => "reclaim",
            Self::Workers => "workers",
        }
    }
}

type Files = &'static [(&'static str, &'static str)];

macro_rules! files {
    ($folder:literal: $($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../../lab/peers/", $folder, "/", $name)))),*]
    };
}

const PYTHON: Files = files!("python": "peer.py" "compute.py" "ask.py" "echo.py" "retake.py" "pair.py" "reclaim.py" "workers.py");
const RUBY: Files =
    files!("ruby": "peer.rb" "compute.rb" "ask.rb" "echo.rb" "retake.rb" "pair.rb" "reclaim.rb" "workers.rb");
const OCAML: Files = files!("ocaml": "peer.ml" "stubs.c" "compute.ml" "ask.ml" "echo.ml" "retake.ml" "pair.ml" "reclaim.ml" "workers.ml");
/// What the stubs are linked with; the other languages load it as a library, `libnative.so`.
const NATIVE: Files = files!("c": "native.c" "native.h");

/// What was written and compiled so far. It is deleted when this is dropped.
#[derive(Default)]
pub struct Programs {
    folder: OnceCell<Result<TempDir, String>>,
    compiled: RefCell<HashMap<Program, Result<PathBuf, String>>>,
}

impl Programs {
    pub fn command(&self, peer: &Peer, program: Program) -> Result<Vec<String>, String> {
        let folder = self.folder.get_or_init(write_all).as_ref().map_err(Clone::clone)?.path();
        let interpreted = |language: &str, ending: &str| {
            let file = folder.join(language).join(format!("{}.{ending}", program.name()));
            let library = kernels::folder().map_err(Failure::message)?.join("libnative.so");
            words(&[&peer.program, &file, &library])
        };
        match peer.kind {
            Kind::Cpython | Kind::FreeThreaded | Kind::Pypy => interpreted("python", "py"),
            Kind::Ruby => interpreted("ruby", "rb"),
            Kind::Ocaml => {
                let mut compiled = self.compiled.borrow_mut();
                let file =
                    compiled.entry(program).or_insert_with(|| compile(peer, program, &folder.join("ocaml")));
                words(&[file.as_ref().map_err(Clone::clone)?])
            }
        }
    }
}

fn write_all() -> Result<TempDir, String> {
    let failed = |error: std::io::Error| format!("its programs cannot be written: {}", reason(&error));
    let folder = tempfile::Builder::new().prefix("gilrt-lab-").tempdir().map_err(failed)?;
    for (language, files) in [("python", PYTHON), ("ruby", RUBY), ("ocaml", OCAML), ("ocaml", NATIVE)] {
        let language = folder.path().join(language);
        fs::create_dir_all(&language).map_err(failed)?;
        for (name, text) in files {
            fs::write(language.join(name), text).map_err(failed)?;
        }
    }
    Ok(folder)
}

fn compile(peer: &Peer, program: Program, folder: &Path) -> Result<PathBuf, String> {
    let mut command = Command::new(&peer.program);
    // -thread: for ocamlfind that is what chooses between the two kinds of threads of old.
    command.args(["ocamlopt", "-thread", "-package", "threads.posix", "-linkpkg", "-ccopt", "-O2", "-o"]);
    let source = format!("{}.ml", program.name());
    command.args([program.name(), "native.c", "stubs.c", "peer.ml", &source]).current_dir(folder);
    let output = command.stdin(Stdio::null()).output().map_err(|error| reason(&error))?;
    if output.status.success() {
        return Ok(folder.join(program.name()));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    Err(format!("its compiler could not compile {source}: {last}; apt-get install ocaml ocaml-findlib"))
}

fn words(paths: &[&PathBuf]) -> Result<Vec<String>, String> {
    let word = |path: &&PathBuf| {
        path.to_str().map(str::to_owned).ok_or_else(|| format!("its path {} is not UTF-8", path.display()))
    };
    paths.iter().map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_every_program() {
        for program in Program::value_variants() {
            for (files, ending) in [(PYTHON, "py"), (RUBY, "rb"), (OCAML, "ml")] {
                let name = format!("{}.{ending}", program.name());
                assert!(files.iter().any(|(file, _)| *file == name), "{name}");
            }
        }
    }

    #[test]
    fn what_was_written_is_gone_with_its_owner() {
        let programs = Programs::default();
        let peer =
            Peer { kind: Kind::Ruby, name: "Ruby".to_owned(), program: PathBuf::from("/usr/bin/ruby") };
        let command = programs.command(&peer, Program::Echo).unwrap();
        assert_eq!(command[0], "/usr/bin/ruby");
        assert!(Path::new(&command[1]).is_file() && Path::new(&command[2]).is_file(), "{command:?}");
        drop(programs);
        assert!(!Path::new(&command[1]).exists());
    }
}
