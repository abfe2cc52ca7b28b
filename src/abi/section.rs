//! Locks of single objects: critical sections, and the bare one.

use crate::object::bare;
use crate::object::header::Object;
use crate::object::section::{self, Frame};
use crate::status::{Status, code};
use crate::sys::tls;
use std::ffi::c_int;

/// What a critical section keeps in the caller's frame: use OBJ_BEGIN_SECTION. Its fields are the library's.
#[allow(non_camel_case_types)]
#[derive(Debug)]
#[repr(C)]
pub struct obj_section {
    /// The section around it.
    pub outer: *const obj_section,
    /// NULL: nothing was begun.
    pub first: *const Object,
    /// NULL: the section is for one object.
    pub second: *const Object,
}

const _: () = assert!(size_of::<obj_section>() == size_of::<Frame>());

/// What OBJ_BEGIN_SECTION calls. Until obj_section_end no other thread is in a section for `o`, but for the times when the
/// caller detaches, blocks in this library, or waits in an inner section: then all its sections are given up, and when it is
/// attached again it has the innermost one, when that ends the next outer one. So no order of nesting deadlocks; what must not
/// change between two statements, those must not give up. Dropping the last reference to something may run code that does.
///
/// In an interpreter with a GIL, which excludes the others already, it only notes the section. In a free-threaded one it may
/// block, detached meanwhile. The caller has a reference to `o` throughout. `frame` stays where it is until the end.
///
/// GILRT_ERR_NOT_ATTACHED if the thread is not attached, GILRT_ERR_INVALID for NULL or an object of another interpreter: on
/// every error nothing was begun, and the end does nothing.
///
/// # Safety
/// `frame` is NULL or valid for writing, `o` as for obj_incref.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn obj_section_begin(frame: *mut obj_section, o: *mut Object) -> c_int {
    // SAFETY: the same contract.
    unsafe { obj_section_begin2(frame, o, o) }
}

/// What OBJ_BEGIN_SECTION2 calls: obj_section_begin for two objects at once, in any order. The same one twice is one.
///
/// # Safety
/// As obj_section_begin.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn obj_section_begin2(frame: *mut obj_section, a: *mut Object, b: *mut Object) -> c_int {
    if frame.is_null() {
        return Status::Invalid as c_int;
    }
    // SAFETY: by the contract; an object lives until its last reference is dropped.
    let (Some(a), Some(b)) = (unsafe { a.as_ref() }, unsafe { b.as_ref() }) else {
        // SAFETY: by the contract.
        unsafe { (*frame).first = std::ptr::null() };
        return Status::Invalid as c_int;
    };
    // SAFETY: by the contract; the two have the same layout.
    code(unsafe { section::begin(tls::current(), frame.cast::<Frame>(), a, b) })
}

/// What OBJ_END_SECTION and OBJ_END_SECTION2 call. Ends the innermost section, on the thread that began it; the next outer one,
/// if it was given up meanwhile, is taken again, which may block.
///
/// # Safety
/// `frame` is NULL or what obj_section_begin or obj_section_begin2 was called with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn obj_section_end(frame: *mut obj_section) {
    if !frame.is_null() {
        // SAFETY: by the contract.
        unsafe { section::end(tls::current(), frame.cast::<Frame>()) };
    }
}

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
