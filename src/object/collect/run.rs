//! A collection from its beginning to its end.

use super::find::{Found, Look};
use super::generations::OLD;
use super::{Collector, FINDING, FORSAKEN, IDLE, RUNNING, add};
use crate::attach::slow as attach;
use crate::check;
use crate::interp::{Interp, world};
use crate::object::hot;
use crate::object::types::{self, Type};
use crate::object::{death, merge};
use crate::status::Status;
use crate::sync::Ordering::*;
use crate::sys::errno::KeepErrno;
use crate::thread::{DETACHED, Thread};
use crate::watch::log;

/// Before an object with traverse is made: collects what is due.
#[inline(always)]
pub fn before_birth(t: &'static Thread, interp: &'static Interp) {
    if interp.collector.generations.is_crowded() {
        collect_due(t, interp);
    }
}

#[cold]
#[inline(never)]
fn collect_due(t: &'static Thread, interp: &'static Interp) {
    if let Some(oldest) = interp.collector.generations.due() {
        _ = collect(t, interp, oldest); // busy when one runs already: then this birth is inside it
    }
}

/// All generations, and hot objects that nobody refers to; how many were freed.
pub fn collect_all(t: &'static Thread) -> Result<u64, Status> {
    if t.identity.load(Relaxed) == DETACHED {
        return Err(Status::NotAttached);
    }
    let swept = hot::sweep();
    let freed = collect(t, Interp::of(t), OLD)?;
    Ok(freed + (swept + hot::sweep()) as u64)
}

/// The last one, by the thread that ends the interpreter, attached.
pub fn collect_last(t: &'static Thread) {
    if Interp::of(t).collector.generations.is_enabled() {
        _ = collect_all(t);
    }
}

fn collect(t: &'static Thread, interp: &'static Interp, oldest: usize) -> Result<u64, Status> {
    let _errno = KeepErrno::new();
    let c = &interp.collector;
    c.begin(t)?;
    let before = c.stats.collected.load(Relaxed);
    bury_dropped(t, interp);
    world::stop(t, interp);
    for list in &c.lists[..=oldest] {
        c.guarded(|| c.working.absorb(list));
    }
    c.generations.begun(oldest);
    let found = c.finding(t, interp, Look::First);
    c.generations.survived(oldest, found.kept);
    c.guarded(|| c.lists[(oldest + 1).min(OLD)].absorb(&c.working));
    if c.garbage.is_empty() {
        world::resume_own(t, interp);
    } else {
        c.dispose(t, interp);
    }
    add(&c.stats.collections, 1);
    c.runner.store(0, Relaxed); // before the next one begins: or this thread's end could forsake that
    c.phase.store(IDLE, Release); // pairs with the Acquire in `begin`
    Ok(c.stats.collected.load(Relaxed) - before)
}

/// What others have dropped shall not look referenced.
pub(super) fn bury_dropped(t: &'static Thread, interp: &'static Interp) {
    merge::drain(interp);
    if interp.is_free() {
        interp.owners.take(t).into_iter().for_each(death::await_burial); // the others do that as they stop
    }
    death::bury_pending(interp);
}

impl Collector {
    fn begin(&self, t: &'static Thread) -> Result<(), Status> {
        if t.identity.load(Relaxed) == DETACHED {
            return Err(Status::NotAttached);
        }
        // One at a time, where there is no lock too.
        let begin = |phase| self.phase.compare_exchange(phase, RUNNING, Acquire, Relaxed).is_ok();
        let forsaken = begin(FORSAKEN);
        if !forsaken && !begin(IDLE) {
            return Err(Status::Busy);
        }
        self.runner.store(t.id, Relaxed);
        if forsaken {
            self.take_back(t);
        }
        Ok(())
    }

    /// Looks for garbage, with nothing else going on.
    pub(super) fn finding(&'static self, t: &'static Thread, interp: &'static Interp, look: Look) -> Found {
        let held = self.finding.lock();
        self.acquires.store(t.acquires.load(Relaxed), Relaxed);
        self.switches.store(switches(interp), Relaxed);
        self.reported.store(false, Relaxed);
        self.phase.store(FINDING, Relaxed);
        let start = crate::sync::now();
        let found = attach::call_out(t, None, || self.find(t, look));
        let ns = crate::sync::now() - start;
        self.phase.store(RUNNING, Relaxed);
        drop(held);
        add(&self.stats.ns_total, ns);
        self.stats.ns_max.fetch_max(ns, Relaxed);
        // What died meanwhile, if a traverse did what it must not.
        while let Some(o) = death::take(&self.limbo) {
            death::free(o, types::of(o));
        }
        found
    }

    #[inline(always)]
    pub(super) fn has_strayed(&self, t: &'static Thread) -> bool {
        t.identity.load(Relaxed) == DETACHED
            || t.acquires.load(Relaxed) != self.acquires.load(Relaxed)
            || switches(Interp::of(t)) != self.switches.load(Relaxed)
    }

    /// A traverse has let go of the lock: whatever it and the others did meanwhile, the finding goes on with it.
    #[cold]
    pub(super) fn bring_back(&self, t: &'static Thread, ty: &Type) {
        attach::call_out(t, None, || ());
        self.acquires.store(t.acquires.load(Relaxed), Relaxed);
        self.switches.store(switches(Interp::of(t)), Relaxed);
        let name = ty.shown_name();
        self.report(format_args!("traverse of type {name} let go of the lock, which it must not"));
    }

    /// Once a finding: what is wrong with a type is wrong with all its objects.
    pub(super) fn report(&self, what: std::fmt::Arguments) {
        match self.reported.swap(true, Relaxed) {
            true => {}
            false if check::enabled() => check::report(what),
            false => log::error(format_args!("collector: {what}")),
        }
    }

    /// The thread has ended: in a finalizer or a clear, if the collection under way was its own. Whoever collects next takes
    /// back what it had in its hands.
    pub fn forsake(&self, t: &Thread) {
        if self.is(RUNNING) && self.runner.load(Relaxed) == t.id {
            self.phase.store(FORSAKEN, Relaxed);
        }
    }
}

/// How often the lock changed hands; nothing where there is none, though some who queued for one before may still pass it on.
fn switches(interp: &Interp) -> u32 {
    if interp.is_free() { 0 } else { interp.gil.word().epoch() }
}
