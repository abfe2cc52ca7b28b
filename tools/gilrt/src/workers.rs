//! Who works: the four kinds of workers that a function of a module can be run by, as one thing.
//!
//! A worker is one thread that calls the function for its part. What differs is what it shares with the others, and so who has
//! to wait for whom. Every run has processes of its own, which execute this tool anew: so no run inherits what another has
//! left of stacks and heaps, and a module that crashes takes neither the tool nor the parts of other processes with it.
//!
//! | file | idea |
//! |---|---|
//! | `board` | memory that all processes of a run share: each worker's part |
//! | `message` | what the processes of a run tell the tool |
//! | `crew`, `process` | the tool's side: all of them, and one: started, heard, ended |
//! | `host` | the other side: such a process and its workers |
//! | `threads`, `interpreters`, `free` | where the workers of a process are at home; one that is a process has its main interpreter |
//! | `call` | one worker's call of the function |
//! | `memory` | what a process has for itself |

mod board;
mod call;
mod crew;
mod free;
pub mod host;
mod interpreters;
mod memory;
mod message;
mod process;
mod threads;

pub use board::{Board, Part};
pub use crew::{Crew, Heard};
pub use message::Message;

use std::fmt::{self, Display};

use clap::ValueEnum;
use serde::Serialize;

/// What a worker is, by what it has for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A thread of the main interpreter: all share its lock.
    Threads,
    /// An interpreter with a lock of its own, and one thread in it.
    Interpreters,
    /// A thread of one interpreter that has no lock.
    Free,
    /// A process with a main interpreter of its own.
    Processes,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Threads, Self::Interpreters, Self::Free, Self::Processes];

    /// How many can be asked for. More threads than this show nothing that fewer do not, and before there are as many
    /// processes a machine is out of memory.
    pub fn most(self) -> u32 {
        match self {
            Self::Threads | Self::Interpreters | Self::Free => 1024,
            Self::Processes => 256,
        }
    }

    /// Whether each worker has an interpreter for itself, and so a state of the module.
    fn is_alone(self) -> bool {
        matches!(self, Self::Interpreters | Self::Processes)
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Threads => "thread",
            Self::Interpreters => "interpreter",
            Self::Free => "free thread",
            Self::Processes => "process",
        }
    }
}

/// A number of workers of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workers {
    pub kind: Kind,
    pub count: u32,
}

impl Workers {
    pub fn threads(count: u32) -> Self {
        Self { kind: Kind::Threads, count }
    }
}

/// In words: `1 thread`, `4 processes`.
impl Display for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = match (self.count, self.kind) {
            (1, _) => "",
            (_, Kind::Processes) => "es",
            _ => "s",
        };
        write!(f, "{} {}{plural}", self.count, self.kind.noun())
    }
}

/// What `--workers` asks for: one kind or all of them, and perhaps how many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub kinds: Vec<Kind>,
    pub count: Option<u32>,
}

impl Wanted {
    pub fn is_all(&self) -> bool {
        self.kinds.len() > 1
    }

    /// Reads `KIND` or `KIND:N`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, count) = match text.split_once(':') {
            Some((name, count)) => (name, Some(count)),
            None => (text, None),
        };
        let kinds = match name {
            "all" => Kind::ALL.to_vec(),
            _ => vec![Kind::from_str(name, false).map_err(|_| {
                "there are threads, interpreters, free, processes and all, each with a number if you like, such as \
                 processes:4"
                    .to_owned()
            })?],
        };
        let most = kinds.iter().map(|kind| kind.most()).min().unwrap_or(1);
        let in_range = |text: &str| text.parse().ok().filter(|count| (1..=most).contains(count));
        let count = match count {
            None => None,
            Some(text) => Some(in_range(text).ok_or_else(|| format!("{name} can be 1 to {most}"))?),
        };
        Ok(Self { kinds, count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_may_have_a_number() {
        let one = |kind, count| Ok(Wanted { kinds: vec![kind], count });
        assert_eq!(Wanted::parse("processes:4"), one(Kind::Processes, Some(4)));
        assert_eq!(Wanted::parse("free"), one(Kind::Free, None));
        assert_eq!(Wanted::parse("all:2"), Ok(Wanted { kinds: Kind::ALL.to_vec(), count: Some(2) }));
    }

    #[test]
    fn what_is_not_allowed_is_answered_with_what_is() {
        for (text, hint) in [
            ("", "interpreters"),
            ("fibers", "processes:4"),
            ("Threads", "threads"),
            ("threads:", "1 to 1024"),
            ("threads:0", "1 to 1024"),
            ("interpreters:1025", "1 to 1024"),
            ("processes:257", "1 to 256"),
            ("all:-1", "1 to 256"),
            ("free:2:3", "1 to 1024"),
        ] {
            let why = Wanted::parse(text).expect_err(text);
            assert!(why.contains(hint), "{text:?}: {why}");
        }
    }

    #[test]
    fn workers_are_named_in_words() {
        let words = |kind, count| Workers { kind, count }.to_string();
        assert_eq!(words(Kind::Threads, 1), "1 thread");
        assert_eq!(words(Kind::Processes, 2), "2 processes");
        assert_eq!(words(Kind::Free, 3), "3 free threads");
    }
}
