//! An interpreter as the models have it: the parts that the protocols know, and what `crate::interp` does with them, less the
//! calls that were left for later.

#[path = "../interp/world.rs"]
pub mod world;

use crate::attach::{Done, free, slow as attach};
use crate::gil::{Gil, Wait};
use crate::object::header::Object;
use crate::object::owners::{Owners, Queue};
use crate::object::{self, death};
use crate::sched::Policy;
use crate::sync::{AtomicU32, Mutex, Ordering::*, fence_after_rmw};
use crate::sys::tls::Inside;
use crate::thread::table::Table;
use crate::thread::{HANDED, SERVE, Thread, UNBIASED};
use std::sync::atomic::AtomicU32 as Plain;

pub const MERGE: u32 = 2;
pub const BURY: u32 = 4;

pub struct Interp {
    pub gil: Gil,
    pub owners: Owners,
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
    free: bool,
}

impl Interp {
    /// With a lock that hands over at once, or without a lock.
    pub fn new(table: &'static Table, free: bool) -> Interp {
        let owners = Owners::new();
        let token = if free { 0 } else { owners.join(None).expect("memory") };
        Interp {
            gil: Gil::new(table, Policy::Interval, 0),
            owners,
            resumptions: AtomicU32::new(0),
            table,
            pending: Mutex::new(Vec::new()),
            map: Mutex::new(Vec::new()),
            in_finalizer: std::sync::Mutex::default(),
            objects: std::sync::Mutex::default(),
            token: Plain::new(token),
            free,
        }
    }

    pub fn of(t: &Thread) -> &'static Interp {
        // SAFETY: set by `enrol`, to an interpreter that outlives its threads.
        unsafe { &*t.interp.load(Relaxed).cast() }
    }

    pub fn is_free(&self) -> bool {
        self.free
    }

    pub fn token(&self) -> u32 {
        self.token.load(Relaxed)
    }

    pub fn enrol(&'static self, t: &'static Thread) {
        self.gil.join(t).expect("memory");
        self.meet(t);
        if self.free {
            t.token.store(self.owners.join(Some(t)).expect("memory"), Relaxed);
            t.breaker.fetch_and(!UNBIASED, Relaxed);
        } else {
            t.token.store(self.token(), Relaxed);
        }
    }

    /// A thread that never attaches here.
    pub fn meet(&'static self, t: &'static Thread) {
        t.interp.store(std::ptr::from_ref(self).cast_mut().cast(), Relaxed);
    }

    pub fn dismiss(&'static self, t: &'static Thread) {
        if self.free {
            let (dead, _) = self.owners.leave(t);
            dead.into_iter().for_each(death::await_burial);
            self.gil.departed();
            world::resumed(self);
        } else {
            self.gil.abandon(t);
        }
    }

    pub fn attach(&'static self, t: &'static Thread, how: Wait) -> Done {
        if self.free { free::acquire(t, self, how) } else { self.gil.acquire_slow(t, how) }
    }

    pub fn is_held_by(&self, t: &Thread) -> bool {
        self.free || self.gil.held_by(t)
    }

    pub fn request(&self, what: u32) {
        self.gil.requests.fetch_or(what, SeqCst);
        if self.free {
            self.owners.announce_pending();
        } else {
            self.gil.tell(SERVE, HANDED);
        }
    }

    pub fn serve(&'static self, t: &'static Thread, inside: &Inside) {
        if self.gil.requests.load(Acquire) & MERGE != 0 {
            object::merge::drain(self);
        }
        if self.gil.requests.load(Acquire) & BURY != 0 {
            self.gil.requests.fetch_and(!BURY, AcqRel);
            attach::call_out(t, Some(inside), || death::bury_pending(self));
        }
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
            object::merge::drain(self);
            self.gil.release_slow(helper);
            fence_after_rmw();
        }
    }
}
