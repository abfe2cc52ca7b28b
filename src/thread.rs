//! A thread's record in one interpreter: the identity word, the breaker word, and what belongs to them.
//!
//! Records are type-stable: their memory is used again for other threads, but never given back, so that a pointer to
//! one that is gone leads to a spurious wake-up or request at the worst (L6).

pub mod blocking;
pub mod request;
pub mod table;
pub mod token;

use crate::park::Bed;
use blocking::Blocking;
use request::OnRequest;
use crate::sync::{AtomicU32, OwnU32, OwnU64};
use std::ffi::c_void;
use std::sync::atomic::AtomicPtr;

/// The token of a thread that may touch nothing. No object is ever owned by it.
pub const DETACHED: u32 = 0xFFFF_FFFE;

/// In `breaker`: the bias is not mine. Set by a revoker and cleared by the owner, both under the mutex of the lock. Where there
/// is no lock: no asymmetric barrier is to be had, so that attaching and detaching need whole fences.
pub const UNBIASED: u32 = 1;
/// In `breaker`: the interpreter has something for whoever attaches or detaches (see [`crate::gil::Gil::requests`]), or for this
/// thread (see [`crate::object::owners`]).
pub const HANDED: u32 = 2;
/// In `breaker`: the interpreter is closing, and lets in only who comes back. Set in all its states under the mutex of the lock,
/// or of the owners where there is none; never cleared.
pub const CLOSED: u32 = 4;
/// In `breaker`: the thread has entered another interpreter, where it has another state.
pub const ELSEWHERE: u32 = 8;
/// In `breaker` and `poll`: somebody has stopped the threads of an interpreter without a lock. Set and cleared under the mutex
/// of its owners.
pub const STOP: u32 = 16;
/// In `breaker`: the thread is in critical sections that take locks. Set and cleared by itself.
pub const SECTIONS: u32 = 32;
/// In `breaker`: the interpreter has changed its mode, and with it this thread's token, since the thread last attached. Set in
/// all its states by whoever changes it; cleared by the thread while nobody can change it again: where there is a lock, by
/// its holder, elsewhere by an attached thread that has not been asked to stop.
pub const REFRESH: u32 = 64;
/// In `breaker` and `poll`: the static detached state. Its acquire makes a state first; its release is an error.
pub const NOWHERE: u32 = 1 << 31;

/// In `poll`: a waiter wants the lock. Set under the mutex of the lock, cleared by the holder before it lets go.
pub const DROP: u32 = 1;
/// In `poll`, always, under GIL_POLICY_TICKS: the polls are counted.
pub const TICK: u32 = 2;
/// In `poll`: somebody called `gil_call_soon`, or handed something to the interpreter.
pub const SERVE: u32 = 4;
/// In `poll`: the interpreter is closing.
pub const CLOSE: u32 = 8;

/// In `poll`: somebody called `gil_interrupt`. Set under the mutex of all interpreters, cleared by the poll that tells.
pub const INTERRUPT: u32 = 64;

/// How many objects' SECTION locks a thread has at once; beyond it the outer sections are suspended, as when it blocks.
pub const HELD_MOST: usize = 8;

/// One thread in one interpreter.
///
/// The first 40 bytes are frozen by GILRT_ABI: gilrt_inline.h knows them. They come first so that a fast path touches
/// one cache line; what others write to a sleeping thread is on the second.
///
/// | self | lock word | means | guaranteed by |
/// |---|---|---|---|
/// | token | me, any bits | attached, or about to be | the acquire, or the granter before it published the grant |
/// | token | not me | in `acquire_slow`, lock not won (A7) | cleared before queueing and before any error |
/// | DETACHED | me, BIASED | idle bias: a revoker may take the lock | the release, by one store |
/// | DETACHED | me, not BIASED | on the way out; the lock word rules | nobody reads `self` then |
/// | DETACHED | not me | elsewhere, or queued | |
///
/// | breaker UNBIASED | lock word | means |
/// |---|---|---|
/// | 0 | me, BIASED | the plain stores of the fast paths are the lock |
/// | 1 | me, BIASED | only inside the mutex: a revocation or a grant of the bias under way |
/// | 1 | anything without BIASED, or another's | the slow paths and the lock word are the lock |
#[derive(Debug)]
#[cfg_attr(not(loom), repr(C, align(128)))]
pub struct Thread {
    /// `self` in the documents: the token under which this thread counts right now, or [`DETACHED`].
    pub identity: AtomicU32,
    /// What attaching and detaching must not overlook. Zero: this thread owns the bias and nobody wants anything.
    /// Changed by fetch_or and fetch_and only; a store of the whole word would lose requests (A3).
    pub breaker: AtomicU32,
    /// What a safepoint must not overlook. Changed by RMW only.
    pub poll: AtomicU32,
    /// What attaching stores into `identity`.
    pub token: OwnU32,
    /// Nesting, beyond the first.
    pub depth: OwnU32,
    /// How many allow-threads regions this thread has open; it comes back as often (A5). Written by its thread, before
    /// it detaches and after it has attached.
    pub away: AtomicU32,
    /// Outermost acquisitions, the fast ones too (S4).
    pub acquires: OwnU64,
    /// Its counts of the first 256 hot objects, which are all that most processes need; null until the first.
    pub hot_first: AtomicPtr<c_void>,

    /// Its counts of hot objects; null until the first.
    pub hot: AtomicPtr<c_void>,
    /// Its place in the table, and what the lock word calls it. Never 0 but for the two static states.
    pub id: u32,
    /// Where the schedule of its lock knows it.
    pub member: OwnU32,
    /// Successive acquisitions through the slow path with nobody in between: how a bias is earned.
    pub streak: OwnU32,
    /// Polls since the last tick, under GIL_POLICY_TICKS.
    pub ticks: OwnU32,
    /// When it began to hold the lock: [`crate::gil::NOT_YET`] between a grant and its first instruction,
    /// [`crate::gil::LONG_AGO`] if no clock was read.
    pub since: OwnU64,
    /// How deep destructors call one another on this thread.
    pub burying: OwnU32,
    /// Objects that wait until the outermost destructor on this thread returns.
    pub trash: AtomicPtr<c_void>,
    /// The innermost critical section: a frame on the C stack.
    pub sections: AtomicPtr<c_void>,
    /// Whose SECTION locks it has, or is about to take: here, since the stack of a thread that has ended is gone.
    pub held: [AtomicPtr<c_void>; HELD_MOST],
    pub held_count: OwnU32,
    /// It has a count locked, or is about to: see [`crate::object::quiesce`].
    pub counting: AtomicU32,
    /// The operating system thread, numbered from 1 and never twice.
    pub serial: OwnU64,
    /// How often it has stopped the world where holding the lock was enough: what it undoes first.
    pub halts: OwnU32,
    /// The interpreter; null in the static states.
    pub interp: AtomicPtr<c_void>,
    /// The extension whose code runs, for the types that it makes.
    pub library: AtomicPtr<c_void>,
    /// The host's own word.
    pub user: AtomicPtr<c_void>,
    /// Whom to tell what the thread is asked for; null if nobody wants to know.
    pub on_request: AtomicPtr<OnRequest>,
    /// What ends its blocking call.
    pub blocking: Blocking,
    /// In the table's list of records that are nobody's.
    pub next_unused: OwnU32,
    /// The next of the operating system thread's states, in other interpreters.
    pub sibling: AtomicPtr<Thread>,
    /// Where the thread sleeps.
    pub bed: Bed,
}

macro_rules! new_thread {
    ($id:expr, $breaker:expr, $poll:expr) => {
        Thread {
            identity: AtomicU32::new(DETACHED),
            breaker: AtomicU32::new($breaker),
            poll: AtomicU32::new($poll),
            token: OwnU32::new(DETACHED),
            depth: OwnU32::new(0),
            away: AtomicU32::new(0),
            acquires: OwnU64::new(0),
            hot: AtomicPtr::new(std::ptr::null_mut()),
            hot_first: AtomicPtr::new(std::ptr::null_mut()),
            id: $id,
            member: OwnU32::new(u32::MAX),
            streak: OwnU32::new(0),
            ticks: OwnU32::new(0),
            since: OwnU64::new(0),
            burying: OwnU32::new(0),
            trash: AtomicPtr::new(std::ptr::null_mut()),
            sections: AtomicPtr::new(std::ptr::null_mut()),
            held: [const { AtomicPtr::new(std::ptr::null_mut()) }; HELD_MOST],
            held_count: OwnU32::new(0),
            counting: AtomicU32::new(0),
            serial: OwnU64::new(0),
            halts: OwnU32::new(0),
            interp: AtomicPtr::new(std::ptr::null_mut()),
            library: AtomicPtr::new(std::ptr::null_mut()),
            user: AtomicPtr::new(std::ptr::null_mut()),
            on_request: AtomicPtr::new(std::ptr::null_mut()),
            blocking: Blocking::new(),
            next_unused: OwnU32::new(0),
            sibling: AtomicPtr::new(std::ptr::null_mut()),
            bed: Bed::new(),
        }
    };
}

impl Thread {
    /// A state of the table: detached, and never the owner of a bias until the lock says so.
    pub fn new(id: u32) -> Thread {
        new_thread!(id, UNBIASED, 0)
    }
}

/// What a thread that is nowhere points to (A2). Its token is DETACHED, so attaching by it attaches nobody, and its
/// breaker and poll words are never zero, so it always goes the slow way.
#[cfg(not(loom))]
pub static DETACHED_STATE: Thread = new_thread!(0, UNBIASED | NOWHERE, NOWHERE);

#[cfg(not(loom))]
const _: () = {
    use std::mem::offset_of;
    assert!(offset_of!(Thread, identity) == 0);
    assert!(offset_of!(Thread, breaker) == 4);
    assert!(offset_of!(Thread, poll) == 8);
    assert!(offset_of!(Thread, token) == 12);
    assert!(offset_of!(Thread, depth) == 16);
    assert!(offset_of!(Thread, away) == 20);
    assert!(offset_of!(Thread, acquires) == 24);
    assert!(offset_of!(Thread, hot_first) == 32);
};
