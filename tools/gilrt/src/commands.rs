//! One file a command, each with its `Options` and its `run`.

pub mod bench;
pub mod lab;
pub mod modules;
pub mod photograph;
pub mod run;
