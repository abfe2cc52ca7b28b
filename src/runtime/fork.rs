//! A fork: all locks are held while the process is copied, in the order in which they nest, so that no other thread is inside
//! one of them then. The forking thread keeps the guards, in the parent and in the child.

use super::{START, STARTED, clean, my_states};
use crate::check;
use crate::gil::Inner;
use crate::interp::{Interp, THREADS, lives};
use crate::object::owners::Registry;
use crate::sync::{Guard, Ordering::*};
use crate::sys::{self, tls};
use crate::thread::Thread;
use crate::watch::log;
use std::cell::UnsafeCell;

struct Held {
    _start: Guard<'static, ()>,
    libraries: Guard<'static, crate::module::Libraries>,
    interps: Guard<'static, lives::All>,
    _types: Guard<'static, crate::object::types::Slots>,
    _hot: crate::object::hot::Frozen,
    _weak: crate::object::weak::Frozen,
    waits: Guard<'static, crate::object::waits::Waits>,
    lot: crate::object::lock::Frozen,
    channels: crate::channel::table::Frozen,
    _table: Guard<'static, crate::thread::table::Free>,
    _check: Guard<'static, check::table::Table>,
    _log: Guard<'static, Option<log::Sink>>,
    /// Handlers of other libraries that run between ours are refused, rather than left waiting for the above; last, since
    /// what they were refused is made up for when it goes. None in a signal handler that interrupted this library.
    _inside: Option<tls::Inside>,
}

struct Place(UnsafeCell<Option<Held>>);
// SAFETY: only touched by a thread that holds all the locks named in `Held`: one at a time.
unsafe impl Sync for Place {}
static HELD: Place = Place(UnsafeCell::new(None));

fn take() {
    // First: a signal handler from here on is refused, rather than left waiting for what this thread holds.
    let inside = crate::attach::slow::enter();
    let held = Held {
        _start: START.lock(),
        libraries: crate::module::freeze(),
        interps: lives::freeze(),
        _types: crate::object::types::freeze(),
        _hot: crate::object::hot::freeze(),
        _weak: crate::object::weak::freeze(),
        waits: {
            // After all that a thread may hold while it counts, before all that it may need to finish.
            crate::object::quiesce::before_fork(&THREADS);
            crate::object::waits::freeze()
        },
        lot: crate::object::lock::freeze(),
        channels: crate::channel::table::freeze(),
        _table: THREADS.freeze(),
        _check: check::table::freeze(),
        _log: log::freeze(),
        _inside: inside,
    };
    // SAFETY: this thread holds the locks.
    unsafe { *HELD.0.get() = Some(held) };
}

/// In the child: nobody waits for an object or at a channel any more, nobody else holds an object or an interpreter open, or runs a
/// module's code.
fn reset_locks() {
    // SAFETY: this thread took the locks in `take`, in the process that this one is a copy of.
    if let Some(held) = unsafe { (*HELD.0.get()).as_mut() } {
        held.interps.guards.forget_others();
        held.waits.reset();
        held.lot.iter_mut().for_each(|list| list.reset());
        held.channels.iter_mut().for_each(|part| part.reset());
        let idle = STARTED.get().is_none() || my_states().all(|t| t.library.load(Relaxed).is_null());
        held.libraries.reset_after_fork(idle);
    }
}

fn give_back(in_between: impl FnMut(&'static Interp, &mut Registry, Option<&mut Inner>)) {
    // SAFETY: this thread took the locks in `take`, in this process or the one it is a copy of.
    let Some(held) = (unsafe { (*HELD.0.get()).take() }) else { return };
    lives::thaw(held.interps, in_between);
}

pub(super) extern "C" fn prepare() {
    take();
}

pub(super) extern "C" fn parent() {
    give_back(|_, _, _| ());
    crate::object::quiesce::after_fork_in_parent();
}

/// Only this thread exists in the child: it keeps what it held, everything else is reset (L15, L24).
pub(super) extern "C" fn child() {
    sys::barrier::after_fork();
    crate::object::quiesce::after_fork_in_child();
    reset_locks();
    let mut dead = 0;
    give_back(|interp, registry, inner| {
        let started = STARTED.get().is_some();
        let survivor = started.then(my_states).into_iter().flatten().find(|t| std::ptr::eq(Interp::of(t), interp));
        let survives = |t: &Thread| started && super::is_mine(t);
        // The table is locked by this very thread: the dead are chained here and given back after.
        lives::reset_after_fork(interp, registry, inner, survivor, survives, |t| {
            t.next_unused.store(dead, Relaxed);
            dead = t.id;
        });
    });
    while dead != 0 {
        let t = THREADS.at(dead);
        dead = t.next_unused.load(Relaxed);
        clean(t);
        t.identity.store(crate::thread::DETACHED, Relaxed);
        t.interp.store(std::ptr::null_mut(), Relaxed);
        THREADS.give_back(t);
    }
    if STARTED.get().is_some() {
        my_states().for_each(|t| t.blocking.after_fork());
    }
    crate::object::section::insist(tls::current());
}
