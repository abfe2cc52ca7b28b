//! An interpreter: an isolated world of objects, with its lock, its token, and what others have left for whoever holds
//! that lock next. So far there is one, the main interpreter, and it is locked.

pub mod calls;

use crate::attach::slow as attach;
use crate::gil::{Gil, Wait};
use crate::object::{self, handed::Handed};
use crate::sched::{DEFAULT_SLICE, Policy};
use crate::status::Status;
use crate::sync::{Ordering::*, fence_after_rmw};
use crate::sys::tls::Inside;
use crate::thread::table::Table;
use crate::thread::{HANDED, SERVE, Thread};
use calls::Calls;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::AtomicPtr;

/// In `Gil::requests`: somebody called `gil_call_soon`.
pub const CALL: u32 = 1;
/// In `Gil::requests`: references were handed over by threads that do not own the objects.
pub const MERGE: u32 = 2;
/// In `Gil::requests`: objects have died whose destructors need an attached thread.
pub const BURY: u32 = 4;

/// All threads of all interpreters.
pub static THREADS: Table = Table::new();

static MAIN: Interp = Interp::new(0x8000_0001);

#[derive(Debug)]
pub struct Interp {
    pub gil: Gil,
    /// All threads of a locked interpreter count under the token of its lock: whoever holds it counts plainly.
    pub token: u32,
    pub calls: Calls,
    pub handed: Handed,
    /// Objects that have died, linked through their headers, whose destructors need an attached thread.
    pub pending: AtomicPtr<c_void>,
}

impl Interp {
    const fn new(token: u32) -> Interp {
        Interp {
            gil: Gil::new(&THREADS, Policy::Responsive, DEFAULT_SLICE),
            token,
            calls: Calls::new(),
            handed: Handed::new(),
            pending: AtomicPtr::new(ptr::null_mut()),
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
        // SAFETY: set once, by `enrol`, to an interpreter that outlives its threads.
        unsafe { &*interp }
    }

    /// Makes `t` a thread of this interpreter, detached.
    pub fn enrol(&'static self, t: &'static Thread) -> Result<(), Status> {
        t.token.store(self.token, Relaxed);
        t.interp.store(ptr::from_ref(self).cast_mut().cast(), Relaxed);
        self.gil.join(t)
    }

    /// Leaves a request for whoever holds the lock next, and tells who holds it now. Async-signal-safe.
    pub fn request(&self, what: u32) {
        self.gil.requests.fetch_or(what, SeqCst);
        self.gil.tell(SERVE, if what == CALL { 0 } else { HANDED });
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
            self.gil.requests.fetch_and(!BURY, AcqRel); // before the list is taken: what comes later asks again
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
            let Some(call) = self.calls.take() else { break };
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
