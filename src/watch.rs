//! What the library tells: figures, log lines, and why a call failed.

pub mod counters;
pub mod quantiles;
#[cfg(not(loom))]
pub mod error_text;
#[cfg(not(loom))]
pub mod log;
