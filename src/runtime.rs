//! The life of the runtime and of its threads: start, register, exit, fork, finalize.

use crate::config::{self, Config};
use crate::gil::Wait;
use crate::interp::{BURY, CALL, Interp, MERGE, THREADS};
use crate::status::Status;
use crate::sync::Ordering::*;
use crate::sys::{self, tls};
use crate::thread::table::NoState;
use crate::thread::{DETACHED_STATE, HANDED, SERVE, Thread, UNBIASED};
use crate::watch::log;
use once_cell::sync::OnceCell;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

static STARTED: OnceCell<Config> = OnceCell::new();
/// The pthread key whose destructor is the exit hook.
static EXIT_KEY: AtomicU32 = AtomicU32::new(0);
static SERIALS: AtomicU64 = AtomicU64::new(1);
static FINALIZED: AtomicBool = AtomicBool::new(false);

/// Starts the runtime as `config` says. Busy once it runs, Closed after its end.
pub fn init(config: Config) -> Result<(), Status> {
    if FINALIZED.load(Acquire) {
        return Err(Status::Closed);
    }
    let mut ours = false;
    STARTED.get_or_try_init(|| {
        ours = true;
        start(config)
    })?;
    if ours { Ok(()) } else { Err(Status::Busy) }
}

/// The configuration; the first call of anything starts the runtime with the defaults.
pub fn started() -> Result<&'static Config, Status> {
    STARTED.get_or_try_init(|| start(Config::default()))
}

/// Fork handlers run around those that were registered before them. These come with the library, so that all but those of
/// libraries loaded earlier find the lock usable before, in the parent and in the child (L15).
#[used]
#[unsafe(link_section = ".init_array")]
static AT_LOAD: extern "C" fn() = {
    extern "C" fn at_load() {
        handles_forks(); // if there is no memory now, the start tries again
    }
    at_load
};

/// Registers the fork handlers, once. False if there is no memory for that.
fn handles_forks() -> bool {
    static REGISTERED: OnceCell<()> = OnceCell::new();
    let registered = REGISTERED.get_or_try_init(|| {
        // SAFETY: the handlers are functions of this library, which is never unloaded (-z nodelete).
        match unsafe { libc::pthread_atfork(Some(fork_prepare), Some(fork_parent), Some(fork_child)) } {
            0 => Ok(()),
            why => Err(why),
        }
    });
    registered.is_ok()
}

fn start(config: Config) -> Result<Config, Status> {
    let config = config::with_environment(config);
    let mut key = 0;
    // SAFETY: `key` is valid for writing, and the hook takes what `register` stores.
    if unsafe { libc::pthread_key_create(&mut key, Some(on_thread_exit)) } != 0 {
        return Err(Status::Limit);
    }
    EXIT_KEY.store(key, Relaxed);
    if !handles_forks() {
        return Err(Status::Nomem);
    }
    sys::barrier::start(config.bias);
    let mut inner = Interp::main().gil.lock_inner();
    inner.sched().set_policy(config.policy);
    inner.sched().set_slice(config.slice.ns());
    inner.counters.start();
    drop(inner);
    Ok(config)
}

/// Makes the calling thread, which is nowhere, a thread of the main interpreter.
pub fn register() -> Result<&'static Thread, Status> {
    started()?;
    let t = THREADS.take().map_err(|why| match why {
        NoState::Memory => Status::Nomem,
        NoState::Limit => Status::Limit,
    })?;
    clean(t);
    t.serial.store(SERIALS.fetch_add(1, Relaxed), Relaxed);
    if let Err(why) = Interp::main().enrol(t) {
        THREADS.give_back(t);
        return Err(why);
    }
    // SAFETY: the key exists since `start`; the value is a state, which is never given back to the allocator.
    let hooked = unsafe { libc::pthread_setspecific(EXIT_KEY.load(Relaxed), std::ptr::from_ref(t).cast()) };
    if hooked != 0 {
        Interp::main().gil.leave(t);
        THREADS.give_back(t);
        return Err(Status::Nomem);
    }
    tls::set_current(t);
    Ok(t)
}

/// The calling thread's state: `t`, or a new one if it is nowhere.
pub fn known(t: &'static Thread) -> Result<&'static Thread, Status> {
    if t.id == 0 { register() } else { Ok(t) }
}

/// The state may have been another thread's.
fn clean(t: &'static Thread) {
    t.breaker.fetch_or(UNBIASED, Relaxed);
    t.poll.store(0, Relaxed);
    t.depth.store(0, Relaxed);
    t.away.store(0, Relaxed);
    t.acquires.store(0, Relaxed);
    t.streak.store(0, Relaxed);
    t.ticks.store(0, Relaxed);
    t.since.store(crate::gil::LONG_AGO, Relaxed);
    t.library.store(std::ptr::null_mut(), Relaxed);
    t.user.store(std::ptr::null_mut(), Relaxed);
    crate::object::death::leave_trash(t);
}

/// The exit hook. If a destructor of the host that runs later attaches again, the thread gets a new state and this hook
/// runs again; POSIX allows some four rounds.
extern "C" fn on_thread_exit(state: *mut c_void) {
    // SAFETY: what `register` stored.
    let t = unsafe { &*state.cast::<Thread>() };
    tls::set_current(&DETACHED_STATE);
    let _inside = crate::attach::slow::enter(); // as in `finalize`
    let interp = Interp::of(t);
    if interp.gil.abandon(t) {
        log::warn(format_args!(
            "thread {} ended while it was attached: the lock was released for it",
            t.serial.load(Relaxed)
        ));
    }
    interp.gil.leave(t);
    crate::object::death::leave_trash(t);
    THREADS.give_back(t);
    if interp.gil.requests.load(Acquire) & MERGE != 0 {
        interp.help();
    }
}

/// Closes the main interpreter for good: waits until everybody has left, `timeout_ns` at the most.
pub fn finalize(timeout_ns: u64) -> Result<(), Status> {
    if tls::current().identity.load(Relaxed) != crate::thread::DETACHED {
        return Err(Status::Nested);
    }
    if tls::current().away.load(Relaxed) != 0 {
        return Err(Status::Deadlock); // its own region would keep it waiting
    }
    let deadline = sys::now().saturating_add(timeout_ns);
    started()?; // a runtime that never ran is closed too: nothing will
    FINALIZED.store(true, Release);
    let interp = Interp::main();
    // A signal handler is refused meanwhile, rather than left waiting for the internal mutex.
    let inside = crate::attach::slow::enter().ok_or(Status::Deadlock)?;
    loop {
        let seen = interp.gil.departures();
        match interp.gil.close() {
            Ok(()) => break,
            Err(why) if sys::now() >= deadline => {
                name_those_inside(interp);
                return Err(why);
            }
            Err(_) => interp.gil.await_departure(seen, deadline),
        }
    }
    drop(inside);
    // Nobody comes any more; what they left is buried by this thread, the last one inside.
    let t = known(tls::current())?;
    crate::attach::acquire_as::<crate::attach::slow::Runtime>(t, Wait::Return)?;
    let released = crate::attach::release::<crate::attach::slow::Runtime>(t);
    crate::module::reap();
    released
}

fn name_those_inside(interp: &'static Interp) {
    let inner = interp.gil.lock_inner();
    for t in inner.threads() {
        let serial = t.serial.load(Relaxed);
        if interp.gil.held_by(t) {
            log::warn(format_args!("cannot finalize: thread {serial} holds the lock"));
        } else if t.away.load(Relaxed) != 0 {
            log::warn(format_args!("cannot finalize: thread {serial} is in an allow-threads region, and comes back"));
        }
    }
}

/// After the end nothing starts again (A5).
pub fn finalized() -> bool {
    FINALIZED.load(Acquire)
}

mod held_across_fork {
    //! The locks that a fork takes, in the order in which they nest, so that no other thread is inside one when the
    //! process is copied. The forking thread keeps the guards, in the parent and in the child.
    use super::*;
    use crate::sync::Guard;
    use std::cell::UnsafeCell;

    struct Held {
        _libraries: Guard<'static, crate::module::Libraries>,
        _types: Guard<'static, crate::object::types::Slots>,
        _handed: Guard<'static, crate::object::handed::Queue>,
        inner: Guard<'static, crate::gil::Inner>,
        _table: Guard<'static, crate::thread::table::Free>,
        _log: Guard<'static, Option<log::Sink>>,
        /// Handlers of other libraries that run between ours are refused, rather than left waiting for the above; last, since
        /// what they were refused is made up for when it goes. None in a signal handler that interrupted this library.
        _inside: Option<tls::Inside>,
    }

    struct Place(UnsafeCell<Option<Held>>);
    // SAFETY: only touched by a thread that holds all the locks named in `Held`: one at a time.
    unsafe impl Sync for Place {}
    static HELD: Place = Place(UnsafeCell::new(None));

    pub fn take() {
        // First: a signal handler from here on is refused, rather than left waiting for what this thread holds.
        let inside = crate::attach::slow::enter();
        let interp = Interp::main();
        let held = Held {
            _libraries: crate::module::freeze(),
            _types: crate::object::types::freeze(),
            _handed: interp.handed.freeze(),
            inner: interp.gil.lock_inner(),
            _table: THREADS.freeze(),
            _log: log::freeze(),
            _inside: inside,
        };
        // SAFETY: this thread holds the locks.
        unsafe { *HELD.0.get() = Some(held) };
    }

    pub fn give_back(in_between: impl FnOnce(&mut crate::gil::Inner)) {
        // SAFETY: this thread took the locks in `take`, in this process or the one it is a copy of.
        let Some(mut held) = (unsafe { (*HELD.0.get()).take() }) else { return };
        in_between(&mut held.inner);
    }
}

extern "C" fn fork_prepare() {
    held_across_fork::take();
}

extern "C" fn fork_parent() {
    held_across_fork::give_back(|_| ());
}

/// Only this thread exists in the child: it keeps what it held, everything else is reset (L15, L24).
extern "C" fn fork_child() {
    sys::barrier::after_fork();
    let interp = Interp::main();
    interp.calls.fill_gaps();
    let me = tls::current();
    let survivor = (me.id != 0).then_some(me);
    // Whoever was in the middle of serving what was requested does not exist: it is requested again, in vain at the worst.
    interp.gil.requests.fetch_or(CALL | MERGE | BURY, Relaxed);
    survivor.inspect(|t| {
        t.poll.fetch_or(SERVE, Relaxed);
        t.breaker.fetch_or(HANDED, Relaxed);
    });
    let mut dead = 0;
    held_across_fork::give_back(|inner| {
        // The table is locked by this very thread: the dead are chained here and given back after.
        interp.gil.reset_after_fork(inner, survivor, |t| {
            t.next_unused.store(dead, Relaxed);
            dead = t.id;
        });
    });
    while dead != 0 {
        let t = THREADS.at(dead);
        dead = t.next_unused.load(Relaxed);
        clean(t);
        t.identity.store(crate::thread::DETACHED, Relaxed);
        THREADS.give_back(t);
    }
}
