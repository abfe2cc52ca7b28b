//! The cycle collector of one interpreter, for types with traverse: generational, under the interpreter's lock, or
//! with its world stopped.
//!
//! | file | idea |
//! |---|---|
//! | `lists` | the links before an object's header |
//! | `generations` | when which generation is due |
//! | `find` | what nothing outside refers to |
//! | `lies` | which type is to blame if a traverse visits too much |
//! | `garbage` | weak references, finalizers, another look, clear |
//! | `run` | a collection from its beginning to its end |
//! | `fork` | lists that are whole in a forked child, whoever was changing them |
//!
//! | phase | lists | host code | births | deaths of tracked objects |
//! |---|---|---|---|---|
//! | IDLE | generations | any | young generation | leave their list |
//! | RUNNING | `working` and `garbage` too | finalizers and clear, any | young generation | leave their list |
//! | FINDING | those two are linked forwards only | traverse, which must not call back | young generation | leave their memory in `limbo` |
//!
//! All of it is written with the lock held; where there is none, with the world stopped, or under `linking`. Objects with traverse
//! never die but by attached threads (`Type::is_plain`).

pub mod find;
mod fork;
mod garbage;
pub mod generations;
mod lies;
pub mod lists;
pub mod run;

use super::header::{CLEARED, GARBAGE, Object};
use super::death;
use crate::sync::{Guard, Mutex, Ordering::*};
use generations::{GENERATIONS, Generations, OLD, YOUNG};
use lists::{Links, List};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64};

const IDLE: u32 = 0;
const RUNNING: u32 = 1;
const FINDING: u32 = 2;
/// The thread that ran it has ended inside, or does not exist in this forked child.
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
    /// The collector has a reference to each member of `garbage`.
    pinned: AtomicBool,
    /// They are being dropped: what is in `working` has none any more.
    releasing: AtomicBool,
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
            pinned: AtomicBool::new(false),
            releasing: AtomicBool::new(false),
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

    /// Whether from now on several threads may be attached at once: then lists are changed under a mutex, and a collection stops the
    /// world. By who is alone.
    pub fn let_many_in(&self, many: bool) {
        self.crowded.store(many, Relaxed);
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

    /// Who holds the interpreter's one lock is alone with the lists, and takes nothing.
    #[inline(always)]
    fn alone(&self) -> Option<Guard<'_, ()>> {
        self.crowded.load(Relaxed).then(|| self.linking.lock())
    }

    #[inline(always)]
    fn is(&self, phase: u32) -> bool {
        self.phase.load(Relaxed) == phase
    }

    /// For an interpreter that is made anew in the same place. What is still alive lives on without a collector.
    pub fn reset(&self) {
        self.generations.reset();
        self.lists.iter().chain([&self.working, &self.garbage]).for_each(List::reset);
        self.phase.store(IDLE, Relaxed);
        self.crowded.store(false, Relaxed);
        self.pinned.store(false, Relaxed);
        self.releasing.store(false, Relaxed);
        for figure in [&self.stats.collections, &self.stats.collected, &self.stats.ns_total, &self.stats.ns_max] {
            figure.store(0, Relaxed);
        }
    }

    fn move_to(&self, list: &List, links: &Links) {
        self.guarded(|| {
            let _alone = self.alone();
            links.unlink();
            list.append(links, 0);
        });
    }

    /// Several changes at once: no fork in between.
    fn guarded(&self, f: impl FnOnce()) {
        let _held = self.finding.lock();
        f();
    }
}

/// By whoever holds the lock: the only writer.
fn add(figure: &AtomicU64, n: u64) {
    figure.store(figure.load(Relaxed) + n, Relaxed);
}
