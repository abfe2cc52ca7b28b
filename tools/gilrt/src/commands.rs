//! One file a command, each with its `Options` and its `run`.

pub mod bench;
pub mod modules;
pub mod photograph;
pub mod run;
