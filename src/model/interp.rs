//! An interpreter as the models have it: the parts that the protocols know, and what `crate::interp` does with them, less the
//! calls that were left for later.

#[path = "../interp/mode.rs"]
pub mod mode;
#[path = "../interp/muster.rs"]
pub mod muster;
#[path = "../interp/world.rs"]
pub mod world;

use crate::attach::{Done, slow as attach};
use crate::gil::{Gil, Wait};
use crate::config::Mode;
use crate::object::header::Object;
use crate::object::owners::{Owners, Queue};
use crate::object::{self, death};
use crate::sched::Policy;
use crate::sync::{AtomicU32, Mutex, Ordering::*, fence_after_rmw};
use crate::sys::tls::Inside;
use crate::thread::table::Table;
use crate::thread::{HANDED, SERVE, Thread};
use std::ffi::c_void;
use std::sync::atomic::AtomicU32 as Plain;

pub const CALL: u32 = 1;
pub const MERGE: u32 = 2;
pub const BURY: u32 = 4;

pub struct Interp {
    pub gil: Gil,
    pub requests: AtomicU32,
    pub owners: Owners,
    pub muster: muster::Muster,
    pub resumptions: AtomicU32,
    pub table: &'static Table,
    /// Objects that have died and wait for an attached thread.
    pub pending: Mutex<Queue>,
    /// What the host finds its objects by, under a lock of its own; their finalizers take them out.
    pub map: Mutex<Queue>,
    /// What the first finalizer does.
    pub in_finalizer: std::sync::Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// All that were ever made, for the end of the model.
    pub objects: std::sync::Mutex<Vec<&'static Object>>,
    /// The token of its lock.
    token: Plain,
    mode: AtomicU32,
}

/// There is one.
pub mod lives {
    use super::*;

    loom::lazy_static! {
        static ref ALL: Mutex<()> = Mutex::new(());
    }

    pub fn hold() -> crate::sync::Guard<'static, ()> {
        ALL.lock()
    }
}

impl Interp {
    /// With a lock that hands over at once, or without a lock.
    pub fn new(table: &'static Table, free: bool) -> Interp {
        let interp = Interp {
            gil: Gil::new(table, Policy::Interval, 0),
            requests: AtomicU32::new(0),
            owners: Owners::new(),
            muster: muster::Muster::new(),
            resumptions: AtomicU32::new(0),
            table,
            pending: Mutex::new(Vec::new()),
            map: Mutex::new(Vec::new()),
            in_finalizer: std::sync::Mutex::default(),
            objects: std::sync::Mutex::default(),
            token: Plain::new(0),
            mode: AtomicU32::new(0),
        };
        mode::begin(&interp, if free { Mode::Free } else { Mode::Locked }).expect("memory");
        interp
    }

    pub fn of(t: &Thread) -> &'static Interp {
        // SAFETY: set by `enrol`, to an interpreter that outlives its threads.
        unsafe { &*t.interp.load(Relaxed).cast() }
    }

    pub fn is_free(&self) -> bool {
        self.mode.load(Acquire) == Mode::Free as u32
    }

    pub fn mode(&self) -> Mode {
        if self.is_free() { Mode::Free } else { Mode::Locked }
    }

    fn store_mode(&self, mode: Mode, token: u32) {
        self.token.store(token, Relaxed);
        self.mode.store(mode as u32, Release);
    }

    fn let_many_in(&self, _: bool) {}

    pub fn shares_its_lock(&self) -> bool {
        false
    }

    fn address(&self) -> *const c_void {
        std::ptr::from_ref(self).cast()
    }

    pub fn look(&self, t: &Thread) {
        fence_after_rmw();
        if self.requests.load(Relaxed) != 0 {
            t.poll.fetch_or(SERVE, Relaxed);
        }
    }

    pub fn token(&self) -> u32 {
        self.token.load(Relaxed)
    }

    pub fn enrol(&'static self, t: &'static Thread) {
        let _all = lives::hold();
        self.meet(t);
        self.gil.join(t).expect("memory");
        mode::seat(self, t).expect("memory");
    }

    /// A thread that never attaches here.
    pub fn meet(&'static self, t: &'static Thread) {
        t.interp.store(std::ptr::from_ref(self).cast_mut().cast(), Relaxed);
    }

    pub fn dismiss(&'static self, t: &'static Thread) {
        if self.is_free() {
            let (dead, _) = self.owners.leave(t);
            dead.into_iter().for_each(death::await_burial);
            self.gil.departed();
            self.muster.arrive();
            world::resumed(self);
        } else {
            self.gil.abandon(t);
        }
    }

    pub fn attach(&'static self, t: &'static Thread, how: Wait) -> Done {
        mode::attach(self, t, how, false)
    }

    pub fn is_held_by(&self, t: &Thread) -> bool {
        self.is_free() || self.gil.held_by(t)
    }

    pub fn request(&self, what: u32) {
        self.requests.fetch_or(what, SeqCst);
        fence_after_rmw();
        if !self.is_free() {
            if what == MERGE {
                self.gil.requests.fetch_or(MERGE, SeqCst);
            }
            self.gil.tell(SERVE, HANDED);
        } else if what == BURY {
            self.owners.announce_pending();
        }
    }

    pub fn serve(&'static self, t: &'static Thread, inside: &Inside) {
        if self.requests.load(Acquire) & MERGE != 0 {
            self.merge_all();
        }
        if self.requests.load(Acquire) & BURY != 0 {
            self.requests.fetch_and(!BURY, AcqRel);
            attach::call_out(t, Some(inside), || death::bury_pending(self));
        }
    }

    fn merge_all(&'static self) {
        self.gil.requests.fetch_and(!MERGE, AcqRel);
        object::merge::drain(self);
    }

    pub fn run_calls(&self, _: &Thread, _: &Inside) -> i32 {
        0
    }

    pub fn help(&'static self) {
        let helper = self.table.at(0);
        while self.gil.requests.load(Acquire) & MERGE != 0 {
            if self.gil.acquire_slow(helper, Wait::Try).is_err() {
                return;
            }
            self.merge_all();
            self.gil.release_slow(helper);
            fence_after_rmw();
        }
    }
}
