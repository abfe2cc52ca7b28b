//! The protocol of the counts, explored by loom on the real source files: a few threads and all their interleavings, up to a
//! bound on preemptions. Run by ci/models.sh.
//!
//! What a reader should know before trusting it:
//! - every touch of an object's words must come before its end by happens-before (`src/model/watched.rs`); so a use after
//!   free is found even if no order that was tried has one.
//! - attaching and detaching are the real ones, fast paths and slow ones, of threads with a lock and without; what they call
//!   of the interpreter, and the death of an object, is retold in `src/model`.
//! - the heavy and the light barrier are drawn as SeqCst fences, which in loom synchronise with one another: they can hide a
//!   missing ordering elsewhere. Where no thread is frozen while it attaches, the light one is not drawn.
//! - not here: fork, signal handlers, the host's own code, types that end before their objects.
//!
//! `every_broken_rule_is_caught` runs the models again with one rule broken at a time (`mutant!` in the sources).
#![cfg(loom)]

mod endings;
#[path = "../model/explore.rs"]
mod explore;
mod modes;
mod owners;
mod rules;
mod world;
mod worlds;
