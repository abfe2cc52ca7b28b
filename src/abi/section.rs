//! Locks of single objects.

use crate::object::bare;
use crate::object::header::Object;
use crate::status::{Status, code};
use std::ffi::c_int;

/// Locks an object for the calling thread, until obj_unlock. Bare: nobody gives it up, neither when the thread detaches nor when it
/// ends, and two threads that lock two objects in opposite order wait for ever. It excludes other obj_lock only: no counting and
/// no sections. Not recursive. Any thread, attached or not; a thread that is attached detaches while it waits. In a forked child
/// the locks of other threads stay locked. errno survives.
///
/// In checking mode GILRT_ERR_DEADLOCK, and a report that names the objects and the threads, if the wait could never end;
/// otherwise that hangs. GILRT_ERR_DEADLOCK too in a signal handler that interrupted this library. GILRT_ERR_INVALID for NULL.
/// GILRT_ERR_NOMEM in checking mode only.
///
/// # Safety
/// As obj_incref, until the object is unlocked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn obj_lock(o: *mut Object) -> c_int {
    // SAFETY: by the contract.
    unsafe { o.as_ref() }.map_or(Status::Invalid as c_int, |o| code(bare::lock(o)))
}

/// Undoes obj_lock, on the same thread. A waiter gets the lock at once if it has waited for more than a millisecond, otherwise
/// whoever comes first. Never blocks but for a short internal mutex. errno survives.
///
/// GILRT_ERR_INVALID for NULL, an object that is not locked and, in checking mode, with a report, one that another thread has
/// locked. GILRT_ERR_DEADLOCK in a signal handler that interrupted this library.
///
/// # Safety
/// As obj_incref.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn obj_unlock(o: *mut Object) -> c_int {
    // SAFETY: by the contract.
    unsafe { o.as_ref() }.map_or(Status::Invalid as c_int, |o| code(bare::unlock(o)))
}
