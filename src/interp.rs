//! An interpreter: an isolated world of objects, with its lock or without one, its owners, and what others have left for
//! whoever attaches next.

pub mod calls;
pub mod guard;
pub mod lives;
pub mod lock;
pub mod mode;
pub mod muster;
pub mod name;
pub mod world;

use crate::attach::{Done, slow as attach};
use crate::config::{Config, Counting, Mode};
use crate::gil::{Gil, Wait};
use crate::object::header::is_token;
use crate::object::{self, collect::Collector, owners::Owners};
use crate::sched::{DEFAULT_SLICE, Policy};
use crate::status::Status;
use crate::sync::{AtomicU32, Ordering::*, OwnU32, fence_after_rmw};
use crate::sys::tls::Inside;
use crate::thread::request::OnRequest;
use crate::thread::table::Table;
use crate::thread::{HANDED, SERVE, Thread};
use calls::Calls;
use lock::Lock;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8};

/// In `requests`: somebody called `gil_call_soon`.
pub const CALL: u32 = 1;
/// In `requests`: references were handed over by threads that do not own the objects. In `Gil::requests` too, since whoever has the
/// lock may merge them, also as a thread of another interpreter that shares it.
pub const MERGE: u32 = 2;
/// In `requests`: objects have died whose destructors need an attached thread.
pub const BURY: u32 = 4;

/// All threads of all interpreters.
pub static THREADS: Table = Table::new();

static MAIN_LOCK: Gil = new_lock();
static MAIN: Interp = Interp::new(&MAIN_LOCK);

const fn new_lock() -> Gil {
    Gil::new(&THREADS, Policy::Responsive, DEFAULT_SLICE)
}

#[derive(Debug)]
pub struct Interp {
    /// Its lock, alone or with others. Where there is none in use, it is there for when that changes.
    pub gil: Lock,
    /// What others have left for whoever attaches next. Set before the holder is looked up, and looked at after the lock was
    /// won (S5).
    pub requests: AtomicU32,
    /// All threads of an interpreter with a lock count under this token: whoever holds the lock counts plainly. Without a lock
    /// each has its own, and this is nobody's.
    token: OwnU32,
    /// A [`Mode`]; see [`mode`] for who may change it.
    mode: AtomicU8,
    /// A [`Counting`], which does not change while it is open.
    counting: AtomicU8,
    /// It never gets a lock for the sake of a module.
    strict: AtomicBool,
    /// It has been told in the log that a module has turned its GIL on.
    warned: AtomicBool,
    pub calls: Calls,
    pub owners: Owners,
    pub collector: Collector,
    /// Objects that have died, linked through their headers, whose destructors need an attached thread.
    pub pending: AtomicPtr<c_void>,
    /// Who has stopped for whoever stops the world.
    pub muster: muster::Muster,
    /// Changes whenever the world goes on after a stop; who has been stopped sleeps on it.
    pub resumptions: AtomicU32,
    /// For reports.
    pub name: name::Name,
    /// A thread is closing it.
    closer: AtomicBool,
    pub on_request: OnRequest,
    /// It is closing, or waits for the last guard to be gone before it does. Under the mutex of all interpreters.
    refuses_guards: AtomicBool,
    across_fork: lives::Frozen,
}

impl Interp {
    const fn new(gil: &'static Gil) -> Interp {
        Interp {
            gil: Lock::new(gil),
            requests: AtomicU32::new(0),
            token: OwnU32::new(mode::NO_TOKEN),
            mode: AtomicU8::new(Mode::Locked as u8),
            counting: AtomicU8::new(Counting::Biased as u8),
            strict: AtomicBool::new(false),
            warned: AtomicBool::new(false),
            calls: Calls::new(),
            owners: Owners::new(),
            collector: Collector::new(),
            pending: AtomicPtr::new(ptr::null_mut()),
            muster: muster::Muster::new(),
            resumptions: AtomicU32::new(0),
            name: name::Name::new("main"),
            closer: AtomicBool::new(false),
            on_request: OnRequest::new(),
            refuses_guards: AtomicBool::new(false),
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

    /// Whether threads run in it at once. Acquire: pairs with the Release of whoever changes the mode, so that who sees the new one
    /// sees REFRESH in its breaker.
    #[inline(always)]
    pub fn is_free(&self) -> bool {
        self.mode.load(Acquire) == Mode::Free as u8
    }

    pub fn mode(&self) -> Mode {
        if self.is_free() { Mode::Free } else { Mode::Locked }
    }

    /// Whether other interpreters have the same lock.
    pub fn shares_its_lock(&self) -> bool {
        self.gil.is_shared()
    }

    #[inline(always)]
    pub fn counting(&self) -> Counting {
        match self.counting.load(Relaxed) {
            0 => Counting::Biased,
            1 => Counting::Atomic,
            _ => Counting::Locked,
        }
    }

    pub fn is_strict(&self) -> bool {
        self.strict.load(Relaxed)
    }

    /// True once in its life.
    pub fn warn_once(&self) -> bool {
        !self.warned.swap(true, Relaxed)
    }

    /// The token of its lock; nobody's if it has none.
    #[inline(always)]
    pub fn token(&self) -> u32 {
        self.token.load(Relaxed)
    }

    /// Before anybody knows it, or its first thread comes.
    pub fn begin(&self, config: &Config) -> Result<(), Status> {
        self.counting.store(config.counting as u8, Relaxed);
        self.on_request.set(config.on_request);
        self.strict.store(config.strict, Relaxed);
        self.warned.store(false, Relaxed);
        mode::begin(self, config.mode)?;
        if !self.shares_its_lock() {
            let mut inner = self.gil.lock_inner();
            inner.sched().set_policy(config.policy);
            inner.sched().set_slice(config.slice.ns());
        }
        Ok(())
    }

    /// Under the mutex of all interpreters: see [`mode`].
    fn store_mode(&self, mode: Mode, token: u32) {
        self.token.store(token, Relaxed);
        self.mode.store(mode as u8, Release); // pairs with the Acquire in `is_free`
    }

    /// Whether several threads are attached at once.
    fn let_many_in(&self, many: bool) {
        self.collector.let_many_in(many);
    }

    /// What the states of its threads have.
    fn address(&self) -> *const c_void {
        ptr::from_ref(self).cast()
    }

    /// By a thread that has come back without serving what was requested meanwhile: it does so at its next safepoint, or in the one
    /// that it is in.
    pub fn look(&self, t: &Thread) {
        fence_after_rmw();
        if self.requests.load(Relaxed) != 0 {
            t.ask(SERVE);
        }
    }

    /// Attaches by the slow path, see [`mode::attach`].
    pub fn attach(&'static self, t: &'static Thread, how: Wait) -> Done {
        mode::attach(self, t, how, false)
    }

    /// Whether a thread that counts under `me` is the only one that is attached here: it has the lock.
    #[inline(always)]
    pub fn excludes_others(&self, me: u32) -> bool {
        me == self.token() && is_token(me)
    }

    /// Makes `t` a thread of this interpreter, detached. Under the mutex of all interpreters, as [`Interp::dismiss`] and
    /// [`Interp::try_close`] are: the mode does not change meanwhile.
    pub fn enrol(&'static self, t: &'static Thread) -> Result<(), Status> {
        t.interp.store(ptr::from_ref(self).cast_mut().cast(), Relaxed);
        t.on_request.store(self.on_request.place(), Relaxed);
        self.gil.join(t)?;
        if let Err(why) = mode::seat(self, t) {
            self.gil.leave(t);
            return Err(why);
        }
        Ok(())
    }

    /// The inverse: `t` ends here, whatever it was doing. True if it was attached, or in a region.
    pub fn dismiss(&'static self, t: &'static Thread) -> bool {
        let mut inside = false;
        if self.is_free() {
            let (dead, attached) = self.owners.leave(t);
            inside = attached;
            t.breaker.fetch_or(crate::thread::UNBIASED, Relaxed);
            dead.into_iter().for_each(object::death::await_burial);
            self.gil.departed();
            self.muster.arrive();
            world::resumed(self); // in case it was this thread that had stopped the world
        }
        inside |= self.gil.abandon(t);
        self.gil.leave(t);
        inside
    }

    /// Whether `t`, whose `self` says attached, is. Async-signal-safe.
    pub fn is_held_by(&self, t: &Thread) -> bool {
        self.is_free() || self.gil.held_by(t)
    }

    /// Refuses who attaches from now on. Busy: somebody is inside, or will come back.
    pub fn try_close(&self) -> Result<(), Status> {
        if !self.is_free() {
            self.owners.refuse_newcomers();
            return self.gil.close(self.address());
        }
        let empty = self.owners.close();
        let unwanted = self.gil.close(self.address()); // who has come for a lock of before may still wait for it
        world::resumed(self); // who waits for the end of a stop is refused instead
        if empty { unwanted } else { Err(Status::Busy) }
    }

    /// Leaves a request for whoever is attached next, and tells who is now. Async-signal-safe for CALL.
    pub fn request(&self, what: u32) {
        self.requests.fetch_or(what, SeqCst);
        fence_after_rmw(); // pairs with the fence of whoever changes the mode, and then looks at what was requested
        if !self.is_free() {
            if what == MERGE {
                self.gil.requests.fetch_or(MERGE, SeqCst);
            }
            self.gil.tell(SERVE, if what == CALL { 0 } else { HANDED });
        } else if what == CALL {
            THREADS.all().filter(|t| ptr::eq(Interp::of(t), self)).for_each(|t| t.ask(SERVE));
        } else if what == BURY {
            self.owners.announce_pending();
        }
    }

    /// By an attached thread: does what was requested, but for the calls, which belong to a safepoint.
    pub fn serve(&'static self, t: &'static Thread, inside: &Inside) {
        let requests = self.requests.load(Acquire);
        if requests & CALL != 0 {
            t.ask(SERVE);
        }
        if requests & MERGE != 0 {
            self.merge_for_all();
        }
        if self.requests.load(Acquire) & BURY != 0 {
            // Before the list is taken: what comes later asks again.
            self.requests.fetch_and(!BURY, AcqRel);
            attach::call_out(t, Some(inside), || object::death::bury_pending(self));
        }
    }

    /// By an attached thread at a safepoint: what `gil_call_soon` left. The first answer other than 0.
    pub fn run_calls(&'static self, t: &'static Thread, inside: &Inside) -> i32 {
        if self.requests.load(Acquire) & CALL == 0 {
            return 0;
        }
        self.requests.fetch_and(!CALL, AcqRel); // before the first is taken: what comes later asks again
        let mut answer = 0;
        // As many as there may be at once: calls that call again are for the next safepoint.
        for _ in 0..calls::CAPACITY {
            let taken = {
                let _taker = self.owners.freeze(); // one at a time may take, in an interpreter without a lock too
                self.calls.take()
            };
            let Some(call) = taken else { break };
            if !self.calls.is_empty() {
                self.requests.fetch_or(CALL, SeqCst); // for whoever attaches while this one is away
            }
            // The host's code, also when a module's was interrupted for it: the types that it makes are the host's.
            let library = t.library.swap(ptr::null_mut(), Relaxed);
            let result = attach::call_out(t, Some(inside), || call.run());
            t.library.store(library, Relaxed);
            if answer == 0 {
                answer = result;
            }
        }
        self.requests.fetch_and(!CALL, AcqRel);
        if !self.calls.is_empty() {
            self.request(CALL);
        }
        answer
    }

    /// By a thread that is not attached: merges what was handed over, if nobody holds the lock (C3). Who does hold it has
    /// been told, or looks after its release, whichever of the lock's interpreters it is in.
    #[cold]
    pub fn help(&'static self) {
        let helper = THREADS.at(0);
        let gil: &'static Gil = self.gil.get();
        while gil.requests.load(Acquire) & MERGE != 0 {
            if gil.acquire_slow(helper, Wait::Try).is_err() {
                return;
            }
            self.merge_for_all();
            gil.release_slow(helper);
            fence_after_rmw(); // what was handed over meanwhile found the lock held, or is seen here
        }
    }

    /// By who has the lock: merges what was handed to it, here and in the interpreters that share it.
    fn merge_for_all(&'static self) {
        self.gil.requests.fetch_and(!MERGE, AcqRel); // before the queues are looked at: what comes later asks again
        object::merge::drain(self);
        while self.shares_its_lock()
            && let Some(kin) = lives::kin_asking(self.gil.get(), MERGE)
        {
            object::merge::drain(kin);
        }
    }
}
