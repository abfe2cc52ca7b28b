//! Weak references.

use crate::object::header::Object;
use crate::object::weak::{self, Weak};
use crate::status::Status;
use std::ffi::c_int;
use std::ptr::{self, NonNull};

/// Makes a weak reference: it finds the object for as long as that lives, and does not keep it alive. Weak references are cleared
/// when the object dies, before its finalizer runs. Each ends with its own obj_weak_free, before or after the object; two to the
/// same object may be the same pointer. From any thread, attached or not. Blocks no longer than another weak reference is looked
/// at.
///
/// GILRT_ERR_INVALID if a pointer is NULL; GILRT_ERR_CLOSED if the finalizer of the object has begun, at whatever time (one that
/// was revived by it is never found again), or the collector has found the object unreachable; GILRT_ERR_NOMEM;
/// GILRT_ERR_DEADLOCK in a signal handler that interrupted the library.
///
/// # Safety
/// `o` is NULL or the caller has a reference to it, `out` is valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn obj_weak_new(o: *mut Object, out: *mut *mut Weak) -> c_int {
    super::border(|| {
        // SAFETY: by the contract.
        let o = unsafe { o.as_ref() }.filter(|_| !out.is_null()).ok_or(Status::Invalid)?;
        let weak = weak::new(o)?;
        // SAFETY: by the contract.
        unsafe { *out = weak.as_ptr() };
        Ok(())
    })
}

/// The object, with a new reference that is the caller's, or NULL if it is dying or dead. From any thread, attached or not; any
/// number of threads may use one weak reference at once. NULL for NULL, and in a signal handler that interrupted the library.
/// Never runs callbacks.
///
/// # Safety
/// `weak` is NULL, or came from obj_weak_new and is not freed before this returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn obj_weak_get(weak: *mut Weak) -> *mut Object {
    // SAFETY: by the contract.
    unsafe { weak.as_ref() }.and_then(weak::get).map_or(ptr::null_mut(), |o| ptr::from_ref(o).cast_mut())
}

/// Ends a weak reference; the object does not notice. From any thread, attached or not; NULL does nothing. Not in a signal
/// handler.
///
/// # Safety
/// `weak` is NULL, or came from obj_weak_new, and is not used afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn obj_weak_free(weak: *mut Weak) {
    if let Some(weak) = NonNull::new(weak) {
        // SAFETY: by the contract.
        unsafe { weak::free(weak) }
    }
}
