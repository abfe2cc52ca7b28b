//! The lock.

use super::border;
use crate::attach::slow::{self, Runtime};
use crate::attach;
use crate::check;
use crate::gil::Wait;
use crate::interp::{CALL, Interp, calls, lives};
use crate::sched::{SLICE_RANGE, WEIGHT_RANGE};
use crate::status::{Status, code};
use crate::sync::Ordering::Relaxed;
use crate::sys::{self, tls};
use crate::thread::{NOWHERE, Thread};
use std::ffi::{c_int, c_void};

/// Attaches the calling thread: waits until it holds its interpreter's lock. Nests: each acquire needs a gil_release. The
/// first acquire of a thread makes it known to the main interpreter. errno survives.
///
/// May block, and may run destructors that other threads left pending. Not for signal handlers: inside one that interrupted
/// this library it answers GILRT_ERR_DEADLOCK. GILRT_ERR_CLOSED once gilrt_finalize was called, GILRT_ERR_NOMEM or
/// GILRT_ERR_LIMIT if the thread cannot be made known; on every error nothing was acquired.
#[unsafe(no_mangle)]
pub extern "C" fn gil_acquire() -> c_int {
    check::answer(&"gil_acquire", attach::acquire::<Runtime>(tls::current()))
}

/// Undoes one gil_acquire; the outermost one lets other threads in. Never blocks but for a short internal mutex, and runs no
/// callbacks. errno survives.
///
/// GILRT_ERR_NOT_ATTACHED, and nothing is changed, if the calling thread is not attached.
#[unsafe(no_mangle)]
pub extern "C" fn gil_release() -> c_int {
    check::answer(&"gil_release", attach::release::<Runtime>(tls::current()))
}

/// gil_acquire without waiting: GILRT_ERR_TIMEOUT if another thread holds the lock.
#[unsafe(no_mangle)]
pub extern "C" fn gil_try_acquire() -> c_int {
    check::answer(&"gil_try_acquire", attach::acquire_as::<Runtime>(tls::current(), Wait::Try))
}

/// gil_acquire that waits `timeout_ns` nanoseconds of the monotonic clock at the most, then answers GILRT_ERR_TIMEOUT.
/// 0 is gil_try_acquire, UINT64_MAX is for ever. A lock that is granted at the deadline is granted.
#[unsafe(no_mangle)]
pub extern "C" fn gil_acquire_for(timeout_ns: u64) -> c_int {
    let how = match timeout_ns {
        0 => Wait::Try,
        u64::MAX => Wait::Forever,
        ns => Wait::Until(sys::now().saturating_add(ns)),
    };
    check::answer(&"gil_acquire_for", attach::acquire_as::<Runtime>(tls::current(), how))
}

/// Whether the calling thread holds the lock. Async-signal-safe.
#[unsafe(no_mangle)]
pub extern "C" fn gil_held() -> bool {
    slow::held(tls::current())
}

/// A safepoint, to be called often by a host that runs: gives the lock to a waiter if one is due, runs what gil_call_soon
/// left, and destructors that are pending. May block. errno survives.
///
/// GILRT_ERR_CLOSED: the interpreter is closing, and the caller should release and leave. GILRT_ERR_NOT_ATTACHED if the
/// thread is not attached. Otherwise the first answer other than 0 of what ran; GILRT_ERR_TIMEOUT if gil_interrupt was called for
/// this thread since it was last told so; or GILRT_OK.
#[unsafe(no_mangle)]
pub extern "C" fn gil_poll() -> c_int {
    slow::poll(tls::current()).unwrap_or_else(|why| check::tell(&"gil_poll", why))
}

/// Gives the lock to a waiter now, if there is one, and waits to get it back. Where there is no lock, gives way to who stops the
/// world. GILRT_ERR_NOT_ATTACHED if not attached.
#[unsafe(no_mangle)]
pub extern "C" fn gil_yield() -> c_int {
    check::answer(&"gil_yield", slow::yield_now(tls::current()))
}

/// Releases the lock whatever the depth, and returns the depth for gil_attach; 0 if the thread was not attached.
#[unsafe(no_mangle)]
pub extern "C" fn gil_detach() -> u32 {
    slow::detach(tls::current(), None, std::ptr::null_mut())
}

/// Acquires the lock to the depth that gil_detach or gil_detach_unblock returned. 0 does nothing. GILRT_ERR_NESTED, and nothing
/// is changed, if the thread is attached; otherwise as gil_acquire.
///
/// Whatever else it answers, it ends what gil_detach_unblock began: it waits for an unblock that is under way, and afterwards
/// there is none any more.
#[unsafe(no_mangle)]
pub extern "C" fn gil_attach(depth: u32) -> c_int {
    check::answer(&"gil_attach", slow::attach(tls::current(), depth))
}

/// gil_detach around a blocking call that gil_interrupt shall end: until gil_attach, called with what this returned, has come back,
/// `unblock(user)` may be called, to make the blocking call return. By the thread that interrupts, and by this one, at once, if an
/// interrupt is pending already; by one at a time, and any number of times. Never after gil_attach has returned, so `user` may be
/// on this thread's stack, and what unblock has left behind can be taken back then.
///
/// It may be called before the blocking call has begun, so what it does must last: write a byte to a pipe that the call looks at
/// too, shut a socket down, set a flag under the mutex of a condition variable; a signal does not last, and who sends one calls
/// gil_interrupt until the thread is back. `unblock` is brief, returns, and calls nothing of the library but gil_thread_id and
/// gil_held: the rest may be refused with GILRT_ERR_DEADLOCK there.
///
/// A callback that attaches inside of the blocking call may do so too: its function is then the one to be called, until it is back;
/// four deep, further in that of the fourth. NULL is gil_detach. Returns 0, and leaves nothing to be called, if the thread was not attached. errno survives.
///
/// # Safety
/// `unblock` may be called with `user` as above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gil_detach_unblock(
    unblock: Option<unsafe extern "C" fn(user: *mut c_void)>,
    user: *mut c_void,
) -> u32 {
    slow::detach(tls::current(), unblock, user)
}

/// Interrupts the thread with this number (gil_thread_id): its next gil_poll answers GILRT_ERR_TIMEOUT, once for any number of
/// interrupts until then, and if it has detached by gil_detach_unblock, its unblock is called, by the calling thread, before this
/// returns (or it is being called for another interrupt). What an interrupt means is the host's to know. From any thread, attached
/// or not; blocks as long as unblock does.
///
/// GILRT_ERR_INVALID if no thread has the number, or it has ended or is in no interpreter; GILRT_ERR_DEADLOCK in a signal handler
/// that interrupted the library.
#[unsafe(no_mangle)]
pub extern "C" fn gil_interrupt(thread_id: u64) -> c_int {
    border(|| lives::interrupt(thread_id))
}

/// What GIL_BEGIN_ALLOW_THREADS calls: releases the lock whatever the depth, for a region that the thread certainly comes
/// back from; gilrt_finalize waits for it. Returns what gil_region_end needs; 0 if the thread was not attached.
#[unsafe(no_mangle)]
pub extern "C" fn gil_region_begin() -> u32 {
    attach::region_begin::<Runtime>(tls::current())
}

/// What GIL_END_ALLOW_THREADS calls: acquires the lock again, also while the interpreter closes. 0 does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn gil_region_end(saved: u32) {
    attach::region_end::<Runtime>(tls::current(), saved);
}

/// Sets the switch interval of the current interpreter, in nanoseconds from 1,000 to 10,000,000,000 (else
/// GILRT_ERR_INVALID): how long a holder runs before a waiter may ask for the lock, and the slice of
/// GIL_POLICY_RESPONSIVE. From any thread.
#[unsafe(no_mangle)]
pub extern "C" fn gil_set_switch_interval(ns: u64) -> c_int {
    border(|| {
        if !SLICE_RANGE.contains(&ns) {
            return Err(Status::Invalid);
        }
        crate::runtime::started()?;
        let _inside = slow::enter().ok_or(Status::Deadlock)?;
        Interp::of(tls::current()).gil.set_slice(ns);
        Ok(())
    })
}

/// The switch interval of the current interpreter, in nanoseconds.
#[unsafe(no_mangle)]
pub extern "C" fn gil_switch_interval() -> u64 {
    let _inside = slow::enter(); // a signal handler is refused meanwhile; in one, this may wait for another thread
    Interp::of(tls::current()).gil.lock_inner().sched().slice()
}

/// Sets the calling thread's share of the lock under GIL_POLICY_RESPONSIVE: 1024 is normal, twice that counts its time
/// half. From 1 to 1,048,576, else GILRT_ERR_INVALID. Makes the thread known, as gil_acquire does.
#[unsafe(no_mangle)]
pub extern "C" fn gil_set_thread_weight(weight: u32) -> c_int {
    border(|| {
        if !WEIGHT_RANGE.contains(&weight) {
            return Err(Status::Invalid);
        }
        let _inside = slow::enter().ok_or(Status::Deadlock)?;
        let t = crate::runtime::known(tls::current())?;
        let member = crate::sched::Member(t.member.load(Relaxed));
        Interp::of(t).gil.lock_inner().sched().set_weight(member, weight);
        Ok(())
    })
}

/// Has `fn(user)` called soon, attached, by the current interpreter's holder at a safepoint (gil_poll); calls run in order.
/// If it returns other than 0, gil_poll returns that. Async-signal-safe, and from any thread.
///
/// GILRT_ERR_LIMIT if 256 calls wait already, GILRT_ERR_INVALID if `fn` is NULL, GILRT_ERR_CLOSED after gilrt_finalize.
#[unsafe(no_mangle)]
pub extern "C" fn gil_call_soon(
    r#fn: Option<unsafe extern "C" fn(user: *mut c_void) -> c_int>,
    user: *mut c_void,
) -> c_int {
    let Some(run) = r#fn else { return Status::Invalid as c_int };
    if crate::runtime::finalized() {
        return Status::Closed as c_int;
    }
    let t = tls::current();
    if lives::is_closed(t) {
        return Status::Closed as c_int;
    }
    let interp = Interp::of(t);
    if !interp.calls.put(calls::Call { run, user }) {
        return Status::Limit as c_int;
    }
    interp.request(CALL);
    0
}

/// The number of the calling thread, from 1 and never given twice; 0 for a thread that is not known, because it never
/// acquired. Async-signal-safe.
#[unsafe(no_mangle)]
pub extern "C" fn gil_thread_id() -> u64 {
    tls::current().serial.load(Relaxed)
}

/// The calling thread's state, for the inline functions that take one. Never NULL: a thread that is not known has a static
/// detached one. Valid until the thread ends; not for other threads.
#[unsafe(no_mangle)]
pub extern "C" fn gil_thread_self() -> *mut Thread {
    std::ptr::from_ref(tls::current()).cast_mut()
}

/// What the inline acquire calls when the breaker of `t`, the calling thread's state, is set; not for anybody else.
///
/// # Safety
/// `t` came from gil_thread_self on this thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gil_acquire_slow(t: *mut Thread) -> c_int {
    // SAFETY: by the contract; states are never given back.
    let t: &'static Thread = unsafe { &*t };
    match t.breaker.load(Relaxed) & NOWHERE {
        0 => code(slow::acquire_slow(t, Wait::Forever)),
        _ => gil_acquire(), // the thread may have become known since it asked for its state
    }
}

/// What the inline release calls when the breaker of `t`, the calling thread's state, is set; not for anybody else.
///
/// # Safety
/// `t` came from gil_thread_self on this thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gil_release_slow(t: *mut Thread) {
    // SAFETY: by the contract.
    slow::release_slow(unsafe { &*t });
}

/// Keeps a pointer of the host's for the calling thread in the current interpreter, as a host does that has thread states of its
/// own. Makes the thread known, as gil_acquire does: GILRT_ERR_NOMEM or GILRT_ERR_LIMIT if that fails, GILRT_ERR_CLOSED in an
/// interpreter that was closed.
#[unsafe(no_mangle)]
pub extern "C" fn gil_thread_set_user(user: *mut c_void) -> c_int {
    border(|| {
        let _inside = slow::enter().ok_or(Status::Deadlock)?;
        let t = crate::runtime::known(tls::current())?;
        if lives::is_closed(t) {
            return Err(Status::Closed);
        }
        t.user.store(user, Relaxed);
        Ok(())
    })
}

/// What gil_thread_set_user kept; NULL for a thread that has kept nothing in the current interpreter. Async-signal-safe.
#[unsafe(no_mangle)]
pub extern "C" fn gil_thread_user() -> *mut c_void {
    tls::current().user.load(Relaxed)
}

/// The word that a host may look at by itself, instead of calling gil_poll at every safepoint: while it is 0, gil_poll would do
/// nothing. Of the calling thread in the current interpreter, and valid as gil_thread_self is. Never NULL, and never 0 for a
/// thread that is not known. Read it as an atomic, relaxed; never write it.
#[unsafe(no_mangle)]
pub extern "C" fn gil_poll_word() -> *const u32 {
    tls::current().poll.as_ptr()
}
