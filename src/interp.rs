//! An interpreter: an isolated world of objects, with its lock or without one, its owners, and what others have left for
//! whoever attaches next.

pub mod calls;
pub mod lives;
pub mod name;
pub mod world;

use crate::attach::{Done, free, slow as attach};
use crate::config::{Config, Counting, Mode};
use crate::gil::{Gil, Wait};
use crate::object::header::{MERGED_OWNER, is_token};
use crate::object::{self, collect::Collector, owners::Owners};
use crate::sched::{DEFAULT_SLICE, Policy};
use crate::status::Status;
use crate::sync::{AtomicU32, Ordering::*, OwnU32, fence_after_rmw, heavy_barrier_available};
use crate::sys::tls::Inside;
use crate::thread::table::Table;
use crate::thread::{HANDED, SERVE, Thread, UNBIASED};
use calls::Calls;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8};

/// In `Gil::requests`: somebody called `gil_call_soon`.
pub const CALL: u32 = 1;
/// In `Gil::requests`: references were handed over by threads that do not own the objects.
pub const MERGE: u32 = 2;
/// In `Gil::requests`: objects have died whose destructors need an attached thread.
pub const BURY: u32 = 4;

/// All threads of all interpreters.
pub static THREADS: Table = Table::new();

static MAIN: Interp = Interp::new();

#[derive(Debug)]
pub struct Interp {
    pub gil: Gil,
    /// All threads of a locked interpreter count under the token of its lock: whoever holds it counts plainly. In one without
    /// a lock each has its own.
    token: OwnU32,
    /// A [`Mode`] and a [`Counting`], which do not change while it is open.
    mode: AtomicU8,
    counting: AtomicU8,
    pub calls: Calls,
    pub owners: Owners,
    pub collector: Collector,
    /// Objects that have died, linked through their headers, whose destructors need an attached thread.
    pub pending: AtomicPtr<c_void>,
    /// Changes whenever the world goes on after a stop; who has been stopped sleeps on it.
    pub resumptions: AtomicU32,
    /// For reports.
    pub name: name::Name,
    /// A thread is closing it.
    closer: AtomicBool,
    across_fork: lives::Frozen,
}

impl Interp {
    const fn new() -> Interp {
        Interp {
            gil: Gil::new(&THREADS, Policy::Responsive, DEFAULT_SLICE),
            token: OwnU32::new(MERGED_OWNER),
            mode: AtomicU8::new(Mode::Locked as u8),
            counting: AtomicU8::new(Counting::Biased as u8),
            calls: Calls::new(),
            owners: Owners::new(),
            collector: Collector::new(),
            pending: AtomicPtr::new(ptr::null_mut()),
            resumptions: AtomicU32::new(0),
            name: name::Name::new("main"),
            closer: AtomicBool::new(false),
            across_fork: lives::Frozen::new(),
        }
    }

    pub fn main() -> &'static Interp {
        &MAIN
    }

    /// The interpreter that the state belongs to; the main one for a thread that is nowhere.
    #[inline(always)]
    pub fn of(t: &Thread) -> &'static Interp {
        let interp = t.interp.load(Relaxed).cast::<Interp>();
        if interp.is_null() {
            return &MAIN;
        }
        // SAFETY: set by `enrol` or `lives` to an interpreter; those are never given back to the allocator.
        unsafe { &*interp }
    }

    /// Whether threads run in it at once.
    #[inline(always)]
    pub fn is_free(&self) -> bool {
        self.mode.load(Relaxed) == Mode::Free as u8
    }

    pub fn mode(&self) -> Mode {
        if self.is_free() { Mode::Free } else { Mode::Locked }
    }

    #[inline(always)]
    pub fn counting(&self) -> Counting {
        match self.counting.load(Relaxed) {
            0 => Counting::Biased,
            1 => Counting::Atomic,
            _ => Counting::Locked,
        }
    }

    /// The token of its lock; nobody's if it has none.
    #[inline(always)]
    pub fn token(&self) -> u32 {
        self.token.load(Relaxed)
    }

    /// Before anybody knows it, or its first thread comes.
    pub fn begin(&self, config: &Config) -> Result<(), Status> {
        self.mode.store(config.mode as u8, Relaxed);
        self.counting.store(config.counting as u8, Relaxed);
        let token = match config.mode {
            Mode::Locked => self.owners.join(None).ok_or(Status::Nomem)?,
            Mode::Free => {
                self.collector.let_many_in();
                MERGED_OWNER
            }
        };
        self.token.store(token, Relaxed);
        let mut inner = self.gil.lock_inner();
        inner.sched().set_policy(config.policy);
        inner.sched().set_slice(config.slice.ns());
        Ok(())
    }

    /// Whether a thread that counts under `me` is the only one that is attached here: it has the lock.
    #[inline(always)]
    pub fn excludes_others(&self, me: u32) -> bool {
        me == self.token() && is_token(me)
    }

    /// Makes `t` a thread of this interpreter, detached.
    pub fn enrol(&'static self, t: &'static Thread) -> Result<(), Status> {
        self.gil.join(t)?;
        t.interp.store(ptr::from_ref(self).cast_mut().cast(), Relaxed);
        if self.is_free() {
            let Some(token) = self.owners.join(Some(t)) else {
                self.gil.leave(t);
                return Err(Status::Nomem);
            };
            t.token.store(token, Relaxed);
            if heavy_barrier_available() {
                t.breaker.fetch_and(!UNBIASED, Relaxed);
            }
            self.gil.look(t);
        } else {
            t.token.store(self.token(), Relaxed);
        }
        Ok(())
    }

    /// The inverse: `t` ends here, whatever it was doing. True if it was attached, or in a region.
    pub fn dismiss(&'static self, t: &'static Thread) -> bool {
        let inside = if self.is_free() {
            let (dead, attached) = self.owners.leave(t);
            let away = t.away.swap(0, Relaxed) != 0;
            t.depth.store(0, Relaxed);
            t.breaker.fetch_or(UNBIASED, Relaxed);
            dead.into_iter().for_each(object::death::await_burial);
            self.gil.departed();
            world::resumed(self); // in case it was this thread that had stopped the world
            attached || away
        } else {
            self.gil.abandon(t)
        };
        self.gil.leave(t);
        inside
    }

    /// Attaches, by the slow path: the token is in `self`. On Err it is DETACHED.
    pub fn attach(&'static self, t: &'static Thread, how: Wait) -> Done {
        if self.is_free() { free::acquire(t, self, how) } else { self.gil.acquire_slow(t, how) }
    }

    /// Whether `t`, whose `self` says attached, is. Async-signal-safe.
    pub fn is_held_by(&self, t: &Thread) -> bool {
        self.is_free() || self.gil.held_by(t)
    }

    /// Refuses who attaches from now on. Busy: somebody is inside, or will come back.
    pub fn try_close(&self) -> Result<(), Status> {
        match self.is_free() {
            false => self.gil.close(),
            true => {
                let empty = self.owners.close();
                world::resumed(self); // who waits for the end of a stop is refused instead
                if empty { Ok(()) } else { Err(Status::Busy) }
            }
        }
    }

    /// Leaves a request for whoever is attached next, and tells who is now. Async-signal-safe for CALL.
    pub fn request(&self, what: u32) {
        self.gil.requests.fetch_or(what, SeqCst);
        if !self.is_free() {
            self.gil.tell(SERVE, if what == CALL { 0 } else { HANDED });
        } else if what == CALL {
            THREADS.all().filter(|t| ptr::eq(Interp::of(t), self)).for_each(|t| _ = t.poll.fetch_or(SERVE, Relaxed));
        } else {
            self.owners.announce_pending();
        }
    }

    /// By an attached thread: does what was requested, but for the calls, which belong to a safepoint.
    pub fn serve(&'static self, t: &'static Thread, inside: &Inside) {
        let requests = self.gil.requests.load(Acquire);
        if requests & CALL != 0 {
            t.poll.fetch_or(SERVE, Relaxed);
        }
        if requests & MERGE != 0 {
            object::merge::drain(self);
        }
        if self.gil.requests.load(Acquire) & BURY != 0 {
            // Before the list is taken: what comes later asks again.
            self.gil.requests.fetch_and(!BURY, AcqRel);
            attach::call_out(t, Some(inside), || object::death::bury_pending(self));
        }
    }

    /// By an attached thread at a safepoint: what `gil_call_soon` left. The first answer other than 0.
    pub fn run_calls(&'static self, t: &'static Thread, inside: &Inside) -> i32 {
        if self.gil.requests.load(Acquire) & CALL == 0 {
            return 0;
        }
        self.gil.requests.fetch_and(!CALL, AcqRel); // before the first is taken: what comes later asks again
        let mut answer = 0;
        // As many as there may be at once: calls that call again are for the next safepoint.
        for _ in 0..calls::CAPACITY {
            let taken = {
                let _taker = self.owners.freeze(); // one at a time may take, in an interpreter without a lock too
                self.calls.take()
            };
            let Some(call) = taken else { break };
            if !self.calls.is_empty() {
                self.gil.requests.fetch_or(CALL, SeqCst); // for whoever attaches while this one is away
            }
            // The host's code, also when a module's was interrupted for it: the types that it makes are the host's.
            let library = t.library.swap(ptr::null_mut(), Relaxed);
            let result = attach::call_out(t, Some(inside), || call.run());
            t.library.store(library, Relaxed);
            if answer == 0 {
                answer = result;
            }
        }
        self.gil.requests.fetch_and(!CALL, AcqRel);
        if !self.calls.is_empty() {
            self.request(CALL);
        }
        answer
    }

    /// By a thread that is not attached: merges what was handed over, if nobody holds the lock (C3). Who does hold it has
    /// been told, and looks after its release.
    #[cold]
    pub fn help(&'static self) {
        let helper = THREADS.at(0);
        while self.gil.requests.load(Acquire) & MERGE != 0 {
            if self.gil.acquire_slow(helper, Wait::Try).is_err() {
                return;
            }
            object::merge::drain(self);
            self.gil.release_slow(helper);
            fence_after_rmw(); // what was handed over meanwhile found the lock held, or is seen here
        }
    }
}
