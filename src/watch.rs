//! What the library tells: figures, log lines, and why a call failed.

pub mod counters;
#[cfg(not(loom))]
pub mod error_text;
#[cfg(not(loom))]
pub mod log;
