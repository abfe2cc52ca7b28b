//! Threads of models are in no sections.

use crate::thread::Thread;

pub fn suspend(_t: &Thread) {}

pub fn resume(_t: &'static Thread) {}

pub fn resume_by(_t: &'static Thread, _detached: impl Fn(&dyn Fn())) {}
