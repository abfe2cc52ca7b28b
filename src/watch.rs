//! What the library tells: figures, log lines, and why a call failed.

pub mod counters;
pub mod quantiles;
#[cfg(not(loom))]
pub mod error_text;
#[cfg_attr(loom, path = "model/log.rs")]
pub mod log;
