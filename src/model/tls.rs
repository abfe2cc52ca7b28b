//! Which thread this is. loom's threads are no threads of the system, and no signal interrupts them.

use crate::thread::Thread;
use std::cell::Cell;

loom::thread_local! {
    static CURRENT: Cell<Option<&'static Thread>> = Cell::new(None);
}

pub fn current() -> &'static Thread {
    CURRENT.with(Cell::get).expect("a thread of a model has a state")
}

pub fn set_current(t: &'static Thread) {
    CURRENT.with(|c| c.set(Some(t)));
}

pub fn is_inside() -> bool {
    false
}

pub fn owe_release() {}

pub struct Inside;

impl Inside {
    pub fn enter(_settle: fn()) -> Option<Inside> {
        Some(Inside)
    }

    pub fn outside<R>(&self, f: impl FnOnce() -> R) -> R {
        f()
    }
}

/// As there is one where a signal may come.
impl Drop for Inside {
    fn drop(&mut self) {}
}
