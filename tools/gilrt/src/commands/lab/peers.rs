//! The real runtimes that are on this machine, and the same programs for each of them and for ours.
//!
//! | file | idea |
//! |---|---|
//! | `find` | looking for runtimes on PATH, and asking each for its version |
//! | `programs` | the programs of `lab/peers`, written to a temporary folder and compiled there |
//! | `drive` | one program started, told what to do, and read |
//! | `client` | who asks an answering program, and how long it takes |
//! | `slow` | a server that takes its time, for programs that ask |
//! | `alone` | one program alone, for people and for tests |

pub mod alone;
pub mod client;
pub mod drive;
mod find;
mod programs;
pub mod slow;

use std::path::PathBuf;

use clap::ValueEnum;

use super::experiment::{Case, Context, Experiment, Plan};
use crate::child::{Policy, executable};
use crate::failure::Failure;
use crate::measured::{Figures, Missing};
pub use programs::Program;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    Cpython,
    FreeThreaded,
    Pypy,
    Ruby,
    Ocaml,
}

impl Kind {
    /// What its subjects are called, before the version.
    pub fn title(self) -> &'static str {
        match self {
            Self::Cpython => "CPython",
            Self::FreeThreaded => "free-threaded CPython",
            Self::Pypy => "PyPy",
            Self::Ruby => "Ruby",
            Self::Ocaml => "OCaml",
        }
    }

    /// How to come by one.
    fn advice(self) -> &'static str {
        match self {
            Self::Cpython => "not on PATH; apt-get install python3",
            Self::FreeThreaded => {
                "not on PATH (python3.13t or later); uv python install 3.14t, or build CPython with --disable-gil"
            }
            Self::Pypy => "not on PATH (pypy3); apt-get install pypy3",
            Self::Ruby => "not on PATH; apt-get install ruby",
            Self::Ocaml => "ocamlfind is not on PATH; apt-get install ocaml ocaml-findlib",
        }
    }

    /// Its subject in these figures, as far as it was measured there and not only recorded.
    pub fn subject(self, figures: &Figures) -> Option<&str> {
        let is_its = |subject: &str| {
            let version = subject.strip_prefix(self.title()).and_then(|rest| rest.strip_prefix(' '));
            version.is_some_and(|version| version.starts_with(|first: char| first.is_ascii_digit()))
        };
        let all = figures.all().iter();
        all.filter(|it| !it.recorded).map(|it| it.subject.as_str()).find(|subject| is_its(subject))
    }
}

/// A runtime that was found on PATH.
#[derive(Debug)]
pub struct Peer {
    pub kind: Kind,
    /// With its version: the subject of its cases.
    pub name: String,
    pub program: PathBuf,
}

#[derive(Default)]
pub struct Peers {
    pub found: Vec<Peer>,
    /// What was not found, with how to install it.
    pub absent: Vec<Missing>,
    programs: programs::Programs,
}

impl Peers {
    /// Looks for them on PATH, and asks each for its version.
    pub fn look() -> Self {
        Self::look_for(Kind::value_variants())
    }

    pub fn look_for(kinds: &[Kind]) -> Self {
        let (found, absent) = find::on_path(kinds);
        Self { found, absent, programs: programs::Programs::default() }
    }

    /// The words that run a program in this runtime, to which the program's own are added; or why there are none.
    pub fn command(&self, peer: &Peer, program: Program) -> Result<Vec<String>, String> {
        self.programs.command(peer, program)
    }
}

/// In the order in which they are shown.
pub const POLICIES: [Policy; 3] = [Policy::Responsive, Policy::Interval, Policy::Ticks];
/// The name of our lock's free-threaded mode, as a subject.
pub const FREE: &str = "gilrt free-threaded";
const MODE_VARIABLE: &str = "GILRT_MODE";

/// One case for each subject, in this order: ours under each policy, ours free-threaded, and all peers that are here. The
/// experiment's `measure` gets `words` and, behind them, those that run the subject's `program`.
pub fn everybody<'plan>(
    plan: &'plan mut Plan,
    experiment: &Experiment,
    context: &Context<'_>,
    program: Program,
    setting: &str,
    words: &[&str],
) -> Result<&'plan mut [Case], Failure> {
    let first = plan.cases.len();
    let ours = our_command(program.name())?;
    let ours = joined(words, &ours);
    for policy in POLICIES {
        plan.under(experiment, context, policy, setting, &ours)?;
    }
    let case = plan.ours(experiment, context, FREE, setting, &ours)?;
    case.environment.push((MODE_VARIABLE.into(), "free".into()));
    each_peer(plan, experiment, context, program, setting, words)?;
    Ok(&mut plan.cases[first..])
}

/// The same without ours.
pub fn each_peer<'plan>(
    plan: &'plan mut Plan,
    experiment: &Experiment,
    context: &Context<'_>,
    program: Program,
    setting: &str,
    words: &[&str],
) -> Result<&'plan mut [Case], Failure> {
    let first = plan.cases.len();
    for peer in &context.peers.found {
        match context.peers.command(peer, program) {
            Ok(command) => {
                plan.ours(experiment, context, &peer.name, setting, &joined(words, &command))?;
            }
            Err(why) => skip_once(plan, &peer.name, &why),
        }
    }
    for missing in &context.peers.absent {
        skip_once(plan, &missing.subject, &missing.why);
    }
    Ok(&mut plan.cases[first..])
}

fn joined<'a>(words: &[&'a str], command: &'a [String]) -> Vec<&'a str> {
    words.iter().copied().chain(command.iter().map(String::as_str)).collect()
}

/// The words that run one of our own programs.
pub fn our_command(name: &str) -> Result<Vec<String>, Failure> {
    let tool = executable()?;
    let tool = tool.to_str().ok_or_else(|| {
        Failure::Failed(format!("the tool's path, {}, is not UTF-8; move it elsewhere", tool.display()))
    })?;
    Ok([tool, "lab", "program", "gilrt", name].map(str::to_owned).to_vec())
}

fn skip_once(plan: &mut Plan, subject: &str, why: &str) {
    if !plan.skipped.iter().any(|it| it.subject == subject) {
        plan.skip(subject, why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measured::{Sample, Unit};

    #[test]
    fn a_peer_is_found_among_the_figures_by_its_name_and_not_if_only_recorded() {
        let sample = |subject: &str| Sample::new(subject, "", "figure", Unit::Count, 1.0);
        let mut figures = Figures::default();
        figures.record(sample("CPython 3.11"));
        figures.add(vec![sample("free-threaded CPython 3.14.0"), sample("Ruby 3.1.2")].into());
        assert_eq!(Kind::Cpython.subject(&figures), None);
        assert_eq!(Kind::FreeThreaded.subject(&figures), Some("free-threaded CPython 3.14.0"));
        assert_eq!(Kind::Ruby.subject(&figures), Some("Ruby 3.1.2"));
        figures.add(vec![sample("CPython 3.11.7")].into());
        assert_eq!(Kind::Cpython.subject(&figures), Some("CPython 3.11.7"));
    }
}
