//! The cycle collector of one interpreter, for types with traverse: generational, under the interpreter's lock.
//!
//! | file | idea |
//! |---|---|
//! | `lists` | the links before an object's header |
//! | `generations` | when which generation is due |
//! | `find` | what nothing outside refers to |
//! | `lies` | which type is to blame if a traverse visits too much |
//! | `garbage` | weak references, finalizers, another look, clear |
//!
//! | phase | lists | host code | births | deaths of tracked objects |
//! |---|---|---|---|---|
//! | IDLE | generations | any | young generation | leave their list |
//! | RUNNING | `working` and `garbage` too | finalizers and clear, any | young generation | leave their list |
//! | FINDING | those two are linked forwards only | traverse, which must not call back | young generation | leave their memory in `limbo` |
//!
//! All of it is written with the lock held. Objects with traverse never die without it (`Type::is_plain`).

pub mod find;
mod garbage;
pub mod generations;
mod lies;
pub mod lists;

use super::header::{CLEARED, GARBAGE, Object};
use super::types::Type;
use super::{death, merge};
use crate::attach::slow as attach;
use crate::interp::Interp;
use crate::status::Status;
use crate::sync::{Guard, Mutex, Ordering::*};
use crate::sys::tls;
use crate::thread::{DETACHED, Thread};
use crate::watch::log;
use find::Found;
use generations::{GENERATIONS, Generations, OLD, YOUNG};
use lists::{Links, List};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, compiler_fence};

const IDLE: u32 = 0;
const RUNNING: u32 = 1;
const FINDING: u32 = 2;
/// The thread that ran it does not exist in this forked child.
const FORSAKEN: u32 = 3;

#[derive(Debug)]
pub struct Collector {
    pub generations: Generations,
    lists: [List; GENERATIONS],
    /// What is being collected, and in the end what stays.
    working: List,
    /// What nothing refers to from outside.
    garbage: List,
    phase: AtomicU32,
    /// The state of the thread whose collection is under way.
    runner: AtomicU32,
    /// Objects that died during a finding, whose memory is still in a list.
    limbo: AtomicPtr<std::ffi::c_void>,
    /// A member that had fewer references than visits, for the report.
    visited_too_often: AtomicPtr<Object>,
    reported: AtomicBool,
    /// Acquisitions of that thread and switches of the lock before: a traverse lets go of neither.
    acquires: AtomicU64,
    switches: AtomicU32,
    /// The links that are being changed, so that a forked child can do it again. Null while none are.
    changing: AtomicPtr<Links>,
    /// Held during a finding, so that no fork copies lists that are linked forwards only.
    finding: Mutex<()>,
    /// Whether several threads may be attached at once; then the lists are changed under `linking`.
    crowded: AtomicBool,
    linking: Mutex<()>,
    pub stats: Stats,
}

/// What a fork holds of a collector.
pub type Frozen = (Option<Guard<'static, ()>>, Guard<'static, ()>);

/// Written with the lock held, read at any time.
#[derive(Debug)]
pub struct Stats {
    pub collections: AtomicU64,
    /// Objects that were found unreachable, and are freed.
    pub collected: AtomicU64,
    /// Findings: the time in which nothing but the collector runs.
    pub ns_total: AtomicU64,
    pub ns_max: AtomicU64,
}

impl Collector {
    pub const fn new() -> Collector {
        Collector {
            generations: Generations::new(),
            lists: [const { List::new() }; GENERATIONS],
            working: List::new(),
            garbage: List::new(),
            phase: AtomicU32::new(IDLE),
            runner: AtomicU32::new(0),
            limbo: AtomicPtr::new(ptr::null_mut()),
            visited_too_often: AtomicPtr::new(ptr::null_mut()),
            reported: AtomicBool::new(false),
            acquires: AtomicU64::new(0),
            switches: AtomicU32::new(0),
            changing: AtomicPtr::new(ptr::null_mut()),
            finding: Mutex::new(()),
            crowded: AtomicBool::new(false),
            linking: Mutex::new(()),
            stats: Stats {
                collections: AtomicU64::new(0),
                collected: AtomicU64::new(0),
                ns_total: AtomicU64::new(0),
                ns_max: AtomicU64::new(0),
            },
        }
    }

    /// From now on several threads may be attached at once: lists are changed under a mutex, and no collection runs, since
    /// nothing keeps the others from counting.
    pub fn let_many_in(&self) {
        self.crowded.store(true, Relaxed);
    }

    /// A new object, which its maker has not filled in yet: its traverse must take a payload of zeroes.
    ///
    /// # Safety
    /// Its type has traverse, and it is in no list.
    #[inline]
    pub unsafe fn track(&self, o: &Object) {
        // SAFETY: by the contract.
        let links = unsafe { Links::of(o) };
        let _alone = self.alone();
        let young = &self.lists[YOUNG];
        young.prepare(links);
        self.change(links, || young.publish(links));
        self.generations.born();
    }

    /// The object is dead and its memory about to go. False if it must wait, in `limbo` from now on.
    ///
    /// # Safety
    /// It was tracked by this collector.
    #[inline]
    pub unsafe fn untrack(&self, o: &'static Object) -> bool {
        if self.is(FINDING) {
            death::push(&self.limbo, o);
            return false;
        }
        // SAFETY: by the contract.
        let links = unsafe { Links::of(o) };
        let _alone = self.alone();
        self.change(links, || links.unlink());
        self.generations.freed();
        if o.gc.load(Relaxed) & GARBAGE != 0 {
            add(&self.stats.collected, 1);
        }
        true
    }

    /// What a fork may copy half done, by a thread that need not hold the lock. Fences of the compiler are enough: what the
    /// child sees is what this processor had done at one moment.
    #[inline(always)]
    fn change(&self, links: &Links, f: impl FnOnce()) {
        compiler_fence(SeqCst);
        self.changing.store(ptr::from_ref(links).cast_mut(), Relaxed);
        compiler_fence(SeqCst);
        f();
        compiler_fence(SeqCst);
        self.changing.store(ptr::null_mut(), Relaxed);
    }

    /// Who holds the interpreter's one lock is alone with the lists, and takes nothing.
    #[inline(always)]
    fn alone(&self) -> Option<Guard<'_, ()>> {
        self.crowded.load(Relaxed).then(|| self.linking.lock())
    }

    #[inline(always)]
    fn is(&self, phase: u32) -> bool {
        self.phase.load(Relaxed) == phase
    }
}

impl Collector {
    /// For an interpreter that is made anew in the same place. What is still alive lives on without a collector.
    pub fn reset(&self) {
        self.generations.reset();
        self.lists.iter().chain([&self.working, &self.garbage]).for_each(List::reset);
        self.phase.store(IDLE, Relaxed);
        self.crowded.store(false, Relaxed);
        for figure in [&self.stats.collections, &self.stats.collected, &self.stats.ns_total, &self.stats.ns_max] {
            figure.store(0, Relaxed);
        }
    }
}

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

/// All generations; how many unreachable objects were freed.
pub fn collect_all(t: &'static Thread) -> Result<u64, Status> {
    collect(t, Interp::of(t), OLD)
}

/// The last one, by the thread that ends the interpreter, attached.
pub fn collect_last(t: &'static Thread) {
    if Interp::of(t).collector.generations.is_enabled() {
        _ = collect_all(t);
    }
}

fn collect(t: &'static Thread, interp: &'static Interp, oldest: usize) -> Result<u64, Status> {
    let c = &interp.collector;
    c.begin(t)?;
    let before = c.stats.collected.load(Relaxed);
    bury_dropped(interp);
    for list in &c.lists[..=oldest] {
        c.guarded(|| c.working.absorb(list));
    }
    c.generations.begun(oldest);
    let found = c.finding(t, interp, false);
    c.generations.survived(oldest, found.kept);
    c.guarded(|| c.lists[(oldest + 1).min(OLD)].absorb(&c.working));
    if !c.garbage.is_empty() {
        c.dispose(t, interp);
    }
    add(&c.stats.collections, 1);
    c.phase.store(IDLE, Relaxed);
    Ok(c.stats.collected.load(Relaxed) - before)
}

/// What others have dropped shall not look referenced.
fn bury_dropped(interp: &'static Interp) {
    merge::drain(interp);
    death::bury_pending(interp);
}

impl Collector {
    fn begin(&self, t: &'static Thread) -> Result<(), Status> {
        if t.identity.load(Relaxed) == DETACHED {
            return Err(Status::NotAttached);
        }
        // The one place that asserts that the world is excluded: by the lock.
        if self.crowded.load(Relaxed) {
            return Err(Status::Busy);
        }
        match self.phase.load(Relaxed) {
            IDLE => {}
            FORSAKEN => self.take_back(),
            _ => return Err(Status::Busy),
        }
        self.runner.store(t.id, Relaxed);
        self.phase.store(RUNNING, Relaxed);
        Ok(())
    }

    /// Looks for garbage, with nothing else going on.
    fn finding(&'static self, t: &'static Thread, interp: &'static Interp, again: bool) -> Found {
        let held = self.finding.lock();
        self.acquires.store(t.acquires.load(Relaxed), Relaxed);
        self.switches.store(interp.gil.word().epoch(), Relaxed);
        self.reported.store(false, Relaxed);
        self.phase.store(FINDING, Relaxed);
        let start = crate::sync::now();
        let found = attach::call_out(t, None, || self.find(t, again));
        let ns = crate::sync::now() - start;
        self.phase.store(RUNNING, Relaxed);
        drop(held);
        add(&self.stats.ns_total, ns);
        self.stats.ns_max.fetch_max(ns, Relaxed);
        // What died meanwhile, if a traverse did what it must not.
        while let Some(o) = death::take(&self.limbo) {
            death::free(o, super::types::of(o));
        }
        found
    }

    #[inline(always)]
    fn has_strayed(&self, t: &'static Thread) -> bool {
        t.identity.load(Relaxed) == DETACHED
            || t.acquires.load(Relaxed) != self.acquires.load(Relaxed)
            || Interp::of(t).gil.word().epoch() != self.switches.load(Relaxed)
    }

    /// A traverse has let go of the lock: whatever it and the others did meanwhile, the finding goes on with it.
    #[cold]
    fn bring_back(&self, t: &'static Thread, ty: &Type) {
        attach::call_out(t, None, || ());
        self.acquires.store(t.acquires.load(Relaxed), Relaxed);
        self.switches.store(Interp::of(t).gil.word().epoch(), Relaxed);
        let name = ty.shown_name();
        self.report(format_args!("traverse of type {name} let go of the lock, which it must not"));
    }

    /// Once a finding: what is wrong with a type is wrong with all its objects.
    fn report(&self, what: std::fmt::Arguments) {
        if !self.reported.swap(true, Relaxed) {
            log::error(format_args!("collector: {what}"));
        }
    }

    fn move_to(&self, list: &List, links: &Links) {
        self.guarded(|| {
            links.unlink();
            list.append(links, 0);
        });
    }

    /// Several changes at once: no fork in between.
    fn guarded(&self, f: impl FnOnce()) {
        let _held = self.finding.lock();
        f();
    }

    /// Held by a fork while the process is copied. Not by a fork in a traverse, which would wait for itself: that child has a
    /// finding to end.
    pub fn freeze(&'static self) -> Frozen {
        let mine = self.is(FINDING) && self.runner.load(Relaxed) == tls::current().id;
        ((!mine).then(|| self.finding.lock()), self.linking.lock())
    }

    /// In a forked child: finishes what a thread that does not exist here was doing to the lists.
    pub fn after_fork(&self, survivor: Option<&Thread>) {
        // SAFETY: null, or links in memory that was not freed, for whoever frees had changed them before.
        if let Some(links) = unsafe { self.changing.load(Relaxed).as_ref() } {
            links.unlink(); // again; a birth is undone: only its thread knew of the object
            self.changing.store(ptr::null_mut(), Relaxed);
        }
        if !self.is(IDLE) && survivor.is_none_or(|t| t.id != self.runner.load(Relaxed)) {
            self.phase.store(FORSAKEN, Relaxed);
        }
    }

    /// What a collection without an end had in its hands becomes old.
    fn take_back(&self) {
        for list in [&self.working, &self.garbage] {
            lists::each(list, |links| _ = links.object().gc.fetch_and(!GARBAGE, Relaxed));
            self.lists[OLD].absorb(list);
        }
    }
}

/// By whoever holds the lock: the only writer.
fn add(figure: &AtomicU64, n: u64) {
    figure.store(figure.load(Relaxed) + n, Relaxed);
}
