//! The interpreters beside the main one: made, entered, closed; what a fork does to all of them is in `fork`.
//!
//! Interpreters are type-stable, as thread states are: one that was closed is made anew in its place, so that a stale pointer
//! leads to a refusal or a spurious request at the worst. A state of a thread in an interpreter that closes is given to
//! `CLOSED`, which refuses everybody, until its thread comes by and gives it back.

mod fork;

pub use fork::{Frozen, freeze, reset_after_fork, thaw};

use super::guard::Guards;
use super::*;
use crate::object::types;
use crate::runtime;
use crate::sync::{Guard, Mutex, fence_or_heavy_barrier};
use crate::sys;
use crate::sys::boxed::try_box;
use crate::sys::errno::KeepErrno;
use crate::sys::tls;
use crate::thread::{DETACHED, ELSEWHERE, INTERRUPT, UNBIASED};

/// Where the states of closed interpreters are. Their breakers say CLOSED, so that they are refused.
static CLOSED: Interp = Interp::new(&CLOSED_LOCK);
static CLOSED_LOCK: Gil = new_lock();

static ALL: Mutex<All> =
    Mutex::new(All { open: Vec::new(), unused: Vec::new(), locks: Vec::new(), guards: Guards::new() });

/// All interpreters but the main one.
#[derive(Debug)]
pub struct All {
    open: Vec<&'static Interp>,
    unused: Vec<&'static Interp>,
    /// Locks that no interpreter has.
    locks: Vec<&'static Gil>,
    pub guards: Guards,
}

/// A new interpreter, which nobody has entered; with the lock of `kin`, if that is given, or one of its own.
pub fn open(config: &Config, kin: Option<&'static Interp>, name: &[u8]) -> Result<&'static Interp, Status> {
    let _errno = KeepErrno::new();
    runtime::started()?;
    if runtime::finalized() {
        return Err(Status::Closed);
    }
    let _inside = attach::enter().ok_or(Status::Deadlock)?;
    let mut all = ALL.lock();
    if let Some(kin) = kin {
        if !all.has(kin) {
            return Err(Status::Closed);
        }
        if kin.is_free() {
            return Err(Status::Invalid); // there is no lock in use
        }
    }
    all.make_room().ok_or(Status::Nomem)?;
    let lock = all.take_lock(kin).ok_or(Status::Nomem)?;
    let unused = all.unused.pop();
    let Some(interp) = unused.or_else(|| Some(Box::leak(try_box(Interp::new(lock))?))) else {
        all.drop_lock(lock);
        return Err(Status::Nomem);
    };
    interp.gil.set(lock);
    if let Err(why) = interp.begin(config) {
        all.unused.push(interp);
        all.drop_lock(lock);
        return Err(why);
    }
    interp.name.set(name);
    all.open.push(interp);
    Ok(interp)
}

/// Changes the mode of `interp`: the other threads go on in the new one.
pub fn set_mode(interp: &'static Interp, to: Mode) -> Result<(), Status> {
    let _errno = KeepErrno::new();
    runtime::started()?;
    visit(interp, |t| {
        crate::attach::acquire::<attach::Runtime>(t)?;
        let changed = match to {
            Mode::Free if !interp.is_free() => crate::module::let_go_of_lock(interp),
            _ => Ok(()),
        };
        let changed = changed.and_then(|()| mode::change(interp, tls::current(), to));
        crate::attach::release::<attach::Runtime>(tls::current())?;
        changed
    })?
}

/// Runs `f` with the calling thread's state in `interp`, where it may be attached already. It comes back to where it was: a region
/// of the interpreter that it leaves for so long, if it is another (A5).
pub fn visit<R>(interp: &'static Interp, f: impl FnOnce(&'static Thread) -> R) -> Result<R, Status> {
    let before = tls::current();
    if before.id != 0 && ptr::eq(Interp::of(before), interp) {
        return Ok(f(before));
    }
    let saved = crate::attach::region_begin::<attach::Runtime>(before);
    let there = move_to(interp);
    let result = there.map(f);
    if there.is_ok() {
        go_back(before);
    }
    crate::attach::region_end::<attach::Runtime>(before, saved);
    result
}

/// Makes the calling thread, which is detached, one of `interp`.
fn move_to(interp: &'static Interp) -> Result<&'static Thread, Status> {
    let _inside = attach::enter().ok_or(Status::Deadlock)?;
    while_open(interp, || act_in(interp))
}

/// The calling thread, which is detached, acts by `before` again, unless that is its own no longer: its interpreter may have ended.
fn go_back(before: &'static Thread) {
    let _inside = attach::enter();
    let _all = ALL.lock();
    runtime::set_current(if runtime::is_mine(before) { before } else { runtime::nowhere() });
}

/// Under the mutex of all interpreters.
fn act_in(interp: &'static Interp) -> Result<&'static Thread, Status> {
    let t = runtime::state_in(interp)?;
    runtime::set_current(t);
    Ok(t)
}

/// All interpreters stay as they are meanwhile: none begins or ends, no thread joins one, none changes its mode.
pub fn hold() -> Guard<'static, All> {
    ALL.lock()
}

/// One of the interpreters with the lock `gil` that has been left such a request.
pub fn kin_asking(gil: &Gil, request: u32) -> Option<&'static Interp> {
    let asks = |i: &&Interp| ptr::eq(i.gil.get(), gil) && i.requests.load(Acquire) & request != 0;
    ALL.lock().each().find(asks)
}

/// The calling thread's acquires mean `interp` from now on; it is detached afterwards. The interpreter that it leaves.
pub fn enter(interp: &'static Interp) -> Result<&'static Interp, Status> {
    let _errno = KeepErrno::new();
    runtime::started()?;
    let before = tls::current();
    if before.identity.load(Relaxed) != DETACHED {
        crate::attach::detach::<attach::Runtime>(before);
    }
    let left = Interp::of(before);
    move_to(interp)?;
    Ok(left)
}

/// Closes `interp` for good: waits until everybody has left, `deadline` at the most. One thread at a time closes it; another
/// that would waits too, to find it closed.
pub fn close(interp: &'static Interp, deadline: u64) -> Result<(), Status> {
    let _errno = KeepErrno::new();
    if ptr::eq(interp, Interp::main()) {
        return Err(Status::Invalid); // that is the runtime's end
    }
    runtime::started()?;
    let here = tls::current();
    if ptr::eq(Interp::of(here), interp) && here.identity.load(Relaxed) != DETACHED {
        return Err(Status::Nested);
    }
    attach::detached(|| close_detached(interp, deadline)) // where it is attached may be the same lock
}

fn close_detached(interp: &'static Interp, deadline: u64) -> Result<(), Status> {
    let inside = attach::enter().ok_or(Status::Deadlock)?;
    if runtime::find_state(interp).is_some_and(|mine| mine.away.load(Relaxed) != 0) {
        return Err(Status::Deadlock); // its own region would keep it waiting
    }
    while !elect(interp)? {
        if sys::now() >= deadline {
            return Err(Status::Busy);
        }
        let soon = sys::now().saturating_add(1_000_000); // the closer has finalizers to run, and tells nobody when it is done
        interp.gil.await_departure(interp.gil.departures(), soon.min(deadline));
    }
    let closed = end(interp, deadline, inside);
    interp.closer.store(false, Release);
    closed
}

/// False while another thread closes it. Closed when one has.
fn elect(interp: &'static Interp) -> Result<bool, Status> {
    while_open(interp, || Ok(!interp.closer.swap(true, Acquire)))
}

fn end(interp: &'static Interp, deadline: u64, inside: tls::Inside) -> Result<(), Status> {
    runtime::wait_until_closed(interp, deadline)?;
    // Nobody comes any more; what they left is buried by this thread, the last one inside.
    let before = tls::current();
    let mine = while_open(interp, || act_in(interp))?;
    drop(inside);
    let buried = runtime::last_rites(mine);
    go_back(if ptr::eq(before, mine) { runtime::nowhere() } else { before });
    buried?;
    if crate::check::enabled() {
        types::report_leaks(interp);
    }
    retire(interp, mine);
    crate::module::reap();
    Ok(())
}

/// `mine` is the closer's own state there.
fn retire(interp: &'static Interp, mine: &'static Thread) {
    let _inside = attach::enter();
    // A helper may be inside, and who was refused may still be letting go: not any more when this thread has the lock.
    let lock: &'static Gil = interp.gil.get();
    let had = lock.acquire_slow(mine, Wait::Return);
    debug_assert!(had.is_ok());
    mine.identity.store(DETACHED, Relaxed);
    let mut all = ALL.lock();
    all.open.retain(|i| !ptr::eq(*i, interp));
    // Of its lock's threads, not of all there ever were: each has a seat there until `forget`.
    lock.each_of(interp.address(), |t| {
        t.interp.store(CLOSED.address().cast_mut(), Relaxed);
        t.token.store(DETACHED, Relaxed);
        t.on_request.store(ptr::null_mut(), Relaxed);
        t.breaker.fetch_or(UNBIASED, Relaxed);
    });
    // Who has stored its token before it sees that may still be on its way to this lock, and is refused there: its breaker says so.
    fence_or_heavy_barrier(); // pairs with the light barrier in `attach::acquire_as`
    while lock.has_any_of(CLOSED.address(), |t| t.identity.load(Acquire) != DETACHED) {
        std::thread::yield_now();
    }
    interp.on_request.withdraw();
    types::orphan(interp);
    interp.collector.reset();
    let handed = interp.owners.reset();
    interp.requests.store(0, Relaxed);
    while interp.calls.take().is_some() {}
    lock.release_slow(mine);
    lock.forget(is_closed);
    all.drop_lock(lock);
    interp.refuses_guards.store(false, Relaxed);
    all.unused.push(interp);
    drop(all);
    // What was left after the last rites: its types are orphans by now.
    handed.into_iter().for_each(object::death::await_burial);
    object::death::bury_orphans(interp);
}

/// Interrupts the thread with this number, in whatever interpreter it is. Invalid if there is none, or it is nowhere.
pub fn interrupt(serial: u64) -> Result<(), Status> {
    let _inside = attach::enter().ok_or(Status::Deadlock)?;
    let all = ALL.lock(); // so that it does not go elsewhere meanwhile, or end
    let is_its = |t: &&Thread| t.serial.load(Relaxed) == serial && !t.interp.load(Relaxed).is_null();
    let mut states = THREADS.all().filter(is_its).filter(|t| t.breaker.load(Relaxed) & ELSEWHERE == 0);
    let t = states.next().filter(|_| serial != 0).ok_or(Status::Invalid)?;
    t.ask(INTERRUPT);
    let claimed = t.blocking.claim();
    drop(all);
    if claimed {
        t.blocking.call(); // the library is closed to it, and its thread waits for it
    }
    Ok(())
}

/// Runs `f` while `interp` is certainly open.
pub fn while_open<R>(interp: &Interp, f: impl FnOnce() -> Result<R, Status>) -> Result<R, Status> {
    let all = ALL.lock();
    if all.has(interp) { f() } else { Err(Status::Closed) }
}

/// The calling thread gives its state `t` up: it ends there, or the interpreter has.
pub fn leave(t: &'static Thread) -> bool {
    let _all = ALL.lock(); // or the interpreter might be retired meanwhile
    let interp = Interp::of(t);
    !ptr::eq(interp, &CLOSED) && interp.dismiss(t)
}

pub fn is_closed(t: &Thread) -> bool {
    ptr::eq(Interp::of(t), &CLOSED)
}

/// One that is open, beside the main one.
pub fn any() -> Option<&'static Interp> {
    ALL.lock().open.last().copied()
}

pub fn is_open(interp: &Interp) -> bool {
    ALL.lock().has(interp)
}

impl All {
    pub(super) fn has(&self, interp: &Interp) -> bool {
        ptr::eq(interp, Interp::main()) || self.open.iter().any(|i| ptr::eq(*i, interp))
    }

    /// Room for one interpreter more in all lists, so that closing cannot fail.
    fn make_room(&mut self) -> Option<()> {
        let most = self.open.len() + 1;
        self.open.try_reserve(1).ok()?;
        self.unused.try_reserve(most.saturating_sub(self.unused.len()).max(1)).ok()?;
        self.locks.try_reserve(most.saturating_sub(self.locks.len()).max(1)).ok()
    }

    /// The lock of `kin`, or one that no interpreter has.
    fn take_lock(&mut self, kin: Option<&'static Interp>) -> Option<&'static Gil> {
        match kin {
            Some(kin) => {
                kin.gil.others.fetch_add(1, Relaxed);
                Some(kin.gil.get())
            }
            None => self.locks.pop().or_else(|| Some(Box::leak(try_box(new_lock())?))),
        }
    }

    /// An interpreter has it no longer.
    fn drop_lock(&mut self, lock: &'static Gil) {
        if lock.is_shared() {
            lock.others.fetch_sub(1, Relaxed);
        } else {
            lock.reset();
            self.locks.push(lock);
        }
    }

    /// Whether `interp` is the first that has its lock, and thus the one to take its mutex.
    fn is_first_of_its_lock(&self, interp: &Interp) -> bool {
        !interp.shares_its_lock()
            || self.each().find(|i| ptr::eq(i.gil.get(), interp.gil.get())).is_some_and(|i| ptr::eq(i, interp))
    }

    fn each(&self) -> impl Iterator<Item = &'static Interp> {
        [Interp::main(), &CLOSED].into_iter().chain(self.open.iter().copied())
    }
}

/// Nanoseconds of the monotonic clock.
pub fn deadline(timeout_ns: u64) -> u64 {
    sys::now().saturating_add(timeout_ns)
}
