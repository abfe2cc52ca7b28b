//! Who may be in an interpreter at once: all that the protocols know of a configuration.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Locked,
    Free,
}
