//! A fork: the mutexes of all interpreters are held meanwhile, and in the child only the forking thread's states go on.

use super::*;
use crate::gil::Inner;
use crate::object::collect;
use crate::object::owners::Registry;
use std::cell::UnsafeCell;

/// The mutexes of one interpreter, held by a thread that forks, in the parent and in the child.
#[derive(Debug)]
pub struct Frozen(UnsafeCell<Option<Locks>>);

/// The last, which is that of its lock, is with the first of those that have the lock.
type Locks = (collect::Frozen, Guard<'static, Registry>, Option<Guard<'static, Inner>>);

// SAFETY: only touched by a thread that holds the mutex of ALL: one at a time.
unsafe impl Sync for Frozen {}
// SAFETY: as above; a guard does not leave its thread.
unsafe impl Send for Frozen {}

impl Frozen {
    pub const fn new() -> Frozen {
        Frozen(UnsafeCell::new(None))
    }
}

/// Takes the locks of all interpreters, for a fork.
pub fn freeze() -> Guard<'static, All> {
    let all = ALL.lock();
    for interp in all.each() {
        let locks = (interp.collector.freeze(), interp.owners.freeze(), None);
        // SAFETY: this thread holds the mutex of ALL.
        unsafe { *interp.across_fork.0.get() = Some(locks) };
    }
    // After the registries of all, since a lock may be several interpreters'.
    for interp in all.each().filter(|interp| all.is_first_of_its_lock(interp)) {
        // SAFETY: as above.
        if let Some((.., inner)) = unsafe { (*interp.across_fork.0.get()).as_mut() } {
            *inner = Some(interp.gil.get().lock_inner());
        }
    }
    all
}

/// Gives them back, after `in_between`.
pub fn thaw(
    all: Guard<'static, All>,
    mut in_between: impl FnMut(&'static Interp, &mut Registry, Option<&mut Inner>),
) {
    for interp in all.each() {
        // SAFETY: this thread holds the mutex of ALL, in this process or the one that it is a copy of.
        let locks = unsafe { (*interp.across_fork.0.get()).take() };
        if let Some((_lists, mut registry, mut inner)) = locks {
            in_between(interp, &mut registry, inner.as_deref_mut());
        }
    }
}

/// In a forked child, of whose threads only the one with the state `survivor` exists.
pub fn reset_after_fork(
    interp: &'static Interp,
    registry: &mut Registry,
    inner: Option<&mut Inner>,
    survivor: Option<&'static Thread>,
    survives: impl Fn(&Thread) -> bool,
    bury: impl FnMut(&'static Thread),
) {
    interp.calls.fill_gaps();
    interp.closer.store(false, Relaxed);
    interp.on_request.after_fork();
    // Whoever was in the middle of serving what was requested does not exist: it is requested again, in vain at the worst.
    interp.requests.fetch_or(CALL | MERGE | BURY, Relaxed);
    interp.gil.requests.fetch_or(MERGE, Relaxed);
    interp.collector.after_fork(survivor);
    registry.forget_others(survivor, |o| object::death::pend_silently(o, interp));
    if let Some(inner) = inner {
        interp.gil.reset_after_fork(inner, survives, bury);
    }
    if let Some(t) = survivor {
        if interp.is_free() {
            mode::without_bias(t, 0); // which the reset of the lock that it does not use has given it
        }
        t.ask(SERVE);
        t.breaker.fetch_or(HANDED, Relaxed);
    }
}
