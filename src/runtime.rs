//! The life of the runtime and of its threads: start, register, exit, finalize.

mod fork;

use crate::check;
use crate::config::{self, Config};
use crate::attach::slow::Runtime;
use crate::gil::Wait;
use crate::interp::{Interp, MERGE, THREADS, guard, lives};
use crate::status::Status;
use crate::sync::Ordering::*;
use crate::sys::{self, tls};
use crate::thread::table::NoState;
use crate::thread::{DETACHED_STATE, ELSEWHERE, INTERRUPT, Thread, UNBIASED};
use crate::watch::log;
use crate::sync::Mutex;
use once_cell::sync::OnceCell;
use std::ffi::c_void;

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

static STARTED: OnceCell<Config> = OnceCell::new();
/// Held while the runtime starts: a start may fail, and may then be tried again.
static START: Mutex<()> = Mutex::new(());
/// The pthread key whose destructor is the exit hook.
static EXIT_KEY: AtomicU32 = AtomicU32::new(0);
static SERIALS: AtomicU64 = AtomicU64::new(1);
static FINALIZED: AtomicBool = AtomicBool::new(false);

/// Starts the runtime as `config` says. Busy once it runs, Closed after its end.
pub fn init(config: Config) -> Result<(), Status> {
    if FINALIZED.load(Acquire) {
        return Err(Status::Closed);
    }
    let _start = START.lock();
    if STARTED.get().is_some() {
        return Err(Status::Busy);
    }
    start(config).map(drop)
}

/// The configuration; the first call of anything starts the runtime with the defaults.
#[inline]
pub fn started() -> Result<&'static Config, Status> {
    STARTED.get().map_or_else(start_by_default, Ok)
}

#[cold]
fn start_by_default() -> Result<&'static Config, Status> {
    let _start = START.lock();
    STARTED.get().map_or_else(|| start(Config::default()), Ok)
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
    static REGISTERED: AtomicBool = AtomicBool::new(false);
    // At load nobody else is there, and the start holds its mutex: one at a time.
    if !REGISTERED.load(Relaxed) {
        // SAFETY: the handlers are functions of this library, which is never unloaded (-z nodelete).
        let failed = unsafe { libc::pthread_atfork(Some(fork::prepare), Some(fork::parent), Some(fork::child)) };
        REGISTERED.store(failed == 0, Relaxed);
    }
    REGISTERED.load(Relaxed)
}

/// With the mutex [`START`].
fn start(config: Config) -> Result<&'static Config, Status> {
    let config = config::with_environment(config);
    if !handles_forks() {
        return Err(Status::Nomem);
    }
    let mut key = 0;
    // SAFETY: `key` is valid for writing, and the hook takes what `register` stores.
    if unsafe { libc::pthread_key_create(&mut key, Some(on_thread_exit)) } != 0 {
        return Err(Status::Limit);
    }
    EXIT_KEY.store(key, Relaxed);
    check::start(config.check);
    sys::barrier::start(config.bias);
    Interp::main().begin(&config)?;
    Ok(STARTED.get_or_init(|| config))
}

/// Makes the calling thread, which is nowhere, a thread of the main interpreter.
pub fn register() -> Result<&'static Thread, Status> {
    started()?;
    let t = lives::while_open(Interp::main(), || state_in(Interp::main()))?;
    set_current(t);
    Ok(t)
}

/// The calling thread's state: `t`, or a new one if it is nowhere.
pub fn known(t: &'static Thread) -> Result<&'static Thread, Status> {
    if t.id == 0 { register() } else { Ok(t) }
}

/// What a thread has that is nowhere.
pub fn nowhere() -> &'static Thread {
    &DETACHED_STATE
}

/// From now on the calling thread acts by `t`, which is one of its own states, or nowhere. It is detached. An interrupt that
/// is pending goes along, if this is done under the mutex of all interpreters: see [`lives::interrupt`].
pub fn set_current(t: &'static Thread) {
    let before = tls::current();
    if before.id != 0 {
        before.breaker.fetch_or(ELSEWHERE, Relaxed);
    }
    if t.id != 0 {
        t.breaker.fetch_and(!ELSEWHERE, Relaxed);
        if before.poll.load(Relaxed) & INTERRUPT != 0 {
            before.poll.fetch_and(!INTERRUPT, Relaxed);
            t.ask(INTERRUPT);
        }
    }
    tls::set_current(t);
}

/// The calling thread's state in `interp`, made if there is none.
pub fn state_in(interp: &'static Interp) -> Result<&'static Thread, Status> {
    if let Some(t) = find_state(interp) {
        return Ok(t);
    }
    let t = THREADS.take().map_err(|why| match why {
        NoState::Memory => Status::Nomem,
        NoState::Limit => Status::Limit,
    })?;
    clean(t);
    let first = first_state();
    let serial = first.map_or_else(|| SERIALS.fetch_add(1, Relaxed), |s| s.serial.load(Relaxed));
    t.serial.store(serial, Relaxed);
    if let Err(why) = interp.enrol(t) {
        THREADS.give_back(t);
        return Err(why);
    }
    t.sibling.store(pointer(first), Relaxed);
    if !set_first_state(Some(t)) {
        interp.dismiss(t);
        t.interp.store(std::ptr::null_mut(), Relaxed);
        THREADS.give_back(t);
        return Err(Status::Nomem);
    }
    Ok(t)
}

/// The calling thread's state in `interp`, if it has one. Gives back those of interpreters that were closed.
pub fn find_state(interp: &'static Interp) -> Option<&'static Thread> {
    let (mut found, mut kept, mut next) = (None, None::<&'static Thread>, first_state());
    while let Some(t) = next {
        // SAFETY: null, or a state of this thread.
        next = unsafe { t.sibling.load(Relaxed).as_ref() };
        if lives::is_closed(t) && !std::ptr::eq(t, tls::current()) {
            match kept {
                None => _ = set_first_state(next),
                Some(k) => k.sibling.store(pointer(next), Relaxed),
            }
            give_back(t);
            continue;
        }
        kept = Some(t);
        if std::ptr::eq(Interp::of(t), interp) {
            found = Some(t);
        }
    }
    found
}

/// Whether `t` is one of the calling thread's states.
pub fn is_mine(t: &Thread) -> bool {
    my_states().any(|mine| mine.id == t.id)
}

/// All of the calling thread's states.
fn my_states() -> impl Iterator<Item = &'static Thread> {
    // SAFETY: null, or another state of this thread.
    std::iter::successors(first_state(), |t| unsafe { t.sibling.load(Relaxed).as_ref() })
}

/// The states of the calling thread, linked by `sibling`.
fn first_state() -> Option<&'static Thread> {
    // SAFETY: the key exists since `start`; its value is null or a state of this thread.
    unsafe { libc::pthread_getspecific(EXIT_KEY.load(Relaxed)).cast::<Thread>().as_ref() }
}

/// False if there is no memory, which cannot be where there was a state before.
fn set_first_state(t: Option<&'static Thread>) -> bool {
    // SAFETY: the key exists since `start`; the value is a state, which is never given back to the allocator.
    unsafe { libc::pthread_setspecific(EXIT_KEY.load(Relaxed), pointer(t).cast()) == 0 }
}

fn pointer(t: Option<&'static Thread>) -> *mut Thread {
    t.map_or(std::ptr::null_mut(), |t| std::ptr::from_ref(t).cast_mut())
}

/// The state may have been another thread's.
fn clean(t: &'static Thread) {
    t.breaker.store(UNBIASED, Relaxed); // nobody has found it yet
    t.poll.store(0, Relaxed);
    t.depth.store(0, Relaxed);
    t.away.store(0, Relaxed);
    t.acquires.store(0, Relaxed);
    t.streak.store(0, Relaxed);
    t.ticks.store(0, Relaxed);
    t.halts.store(0, Relaxed);
    t.since.store(crate::gil::LONG_AGO, Relaxed);
    t.library.store(std::ptr::null_mut(), Relaxed);
    t.user.store(std::ptr::null_mut(), Relaxed);
    t.on_request.store(std::ptr::null_mut(), Relaxed);
    t.blocking.reset();
    crate::object::death::leave_trash(t);
    crate::object::section::abandon(t);
    t.counting.store(0, Relaxed);
}

/// The exit hook. If a destructor of the host that runs later attaches again, the thread gets a new state and this hook
/// runs again; POSIX allows some four rounds.
extern "C" fn on_thread_exit(first: *mut c_void) {
    tls::set_current(&DETACHED_STATE);
    let _inside = crate::attach::slow::enter(); // as in `finalize`
    // SAFETY: what `set_first_state` stored.
    let mut next = unsafe { first.cast::<Thread>().as_ref() };
    while let Some(t) = next {
        // SAFETY: null, or another state of this thread.
        next = unsafe { t.sibling.load(Relaxed).as_ref() };
        end(t);
    }
}

/// A state of the calling thread ends.
fn end(t: &'static Thread) {
    let interp = Interp::of(t);
    interp.collector.forsake(t);
    if lives::leave(t) {
        let serial = t.serial.load(Relaxed);
        let text = format_args!("thread {serial} ended while it was attached: the lock was released for it");
        if check::enabled() { check::report(text) } else { log::warn(text) }
    }
    give_back(t);
    if interp.gil.requests.load(Acquire) & MERGE != 0 {
        interp.help();
    }
}

fn give_back(t: &'static Thread) {
    t.blocking.forget();
    crate::object::death::leave_trash(t);
    crate::object::section::abandon(t);
    t.interp.store(std::ptr::null_mut(), Relaxed); // before it is nobody's: see `lives`
    t.on_request.store(std::ptr::null_mut(), Relaxed);
    THREADS.give_back(t);
}

/// Closes all interpreters for good: waits until everybody has left, `timeout_ns` at the most.
pub fn finalize(timeout_ns: u64) -> Result<(), Status> {
    if tls::current().identity.load(Relaxed) != crate::thread::DETACHED {
        return Err(Status::Nested);
    }
    let deadline = lives::deadline(timeout_ns);
    started()?; // a runtime that never ran is closed too: nothing will
    FINALIZED.store(true, Release);
    while let Some(interp) = lives::any() {
        match lives::close(interp, deadline) {
            Ok(()) | Err(Status::Closed) => {}
            Err(why) => return Err(why),
        }
    }
    let main = Interp::main();
    // A signal handler is refused meanwhile, rather than left waiting for the internal mutex.
    let inside = crate::attach::slow::enter().ok_or(Status::Deadlock)?;
    if find_state(main).is_some_and(|t| t.away.load(Relaxed) != 0) {
        return Err(Status::Deadlock); // its own region would keep it waiting
    }
    wait_until_closed(main, deadline)?;
    // Nobody comes any more; what they left is buried by this thread, the last one inside.
    let mine = lives::while_open(main, || state_in(main))?;
    set_current(mine);
    drop(inside);
    let buried = last_rites(mine);
    crate::module::reap();
    crate::object::types::report_leaks(main);
    main.on_request.withdraw();
    buried
}

/// Waits until the last guard is gone, then refuses who comes, and waits until nobody is inside. Busy at the deadline: the log
/// says why.
pub fn wait_until_closed(interp: &'static Interp, deadline: u64) -> Result<(), Status> {
    loop {
        let seen = interp.gil.departures();
        let closed = guard::refuse(interp).and_then(|()| {
            let _all = lives::hold(); // the mode does not change meanwhile
            interp.try_close()
        });
        match closed {
            Ok(()) => return Ok(()),
            Err(why) if sys::now() >= deadline => {
                if !guard::name_all(interp) {
                    name_those_inside(interp);
                }
                return Err(why);
            }
            Err(_) => interp.gil.await_departure(seen, deadline),
        }
    }
}

/// By the last thread of a closed interpreter: what others left there is done.
pub fn last_rites(t: &'static Thread) -> Result<(), Status> {
    crate::attach::acquire_as::<Runtime>(t, Wait::Return)?;
    crate::module::end_in(Interp::of(t));
    crate::object::hot::sweep();
    crate::object::collect::run::collect_last(t);
    crate::object::hot::sweep(); // what only garbage has referred to
    crate::attach::release::<Runtime>(t)
}

fn name_those_inside(interp: &'static Interp) {
    let name = &interp.name;
    let inner = interp.gil.lock_inner();
    for t in inner.threads() {
        let serial = t.serial.load(Relaxed);
        if t.identity.load(Relaxed) != crate::thread::DETACHED && interp.is_held_by(t) {
            log::warn(format_args!("cannot close interpreter {name}: thread {serial} is attached"));
        } else if t.away.load(Relaxed) != 0 {
            log::warn(format_args!(
                "cannot close interpreter {name}: thread {serial} is in an allow-threads region, and comes back"
            ));
        }
    }
}

/// After the end nothing starts again (A5).
pub fn finalized() -> bool {
    FINALIZED.load(Acquire)
}
