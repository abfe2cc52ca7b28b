//! Channels between threads, and between interpreters.

use super::border;
use crate::channel::table::{Handle, Name};
use crate::channel;
use crate::object::header::Object;
use crate::status::Status;
use std::ffi::c_int;
use std::ptr;

/// Makes a channel: a queue of references, first in, first out, between threads of any interpreters. It belongs to the process.
/// `capacity` is how many references it holds for receivers that have not come yet; with 0 it holds none, and each obj_send
/// waits for an obj_receive. Ends with obj_channel_free. From any thread, attached or not. Never blocks. A forked child has the
/// channels as they were, and nobody who waits at them.
///
/// GILRT_ERR_INVALID if `out` is NULL; GILRT_ERR_NOMEM, also for an absurd capacity: there is room for all from the beginning, so
/// that sending needs no memory; GILRT_ERR_LIMIT only where there are more than 262,143 channels already; GILRT_ERR_CLOSED after
/// gilrt_finalize; GILRT_ERR_DEADLOCK in a signal handler that interrupted this library.
///
/// # Safety
/// `out` is NULL or valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn obj_channel_new(capacity: usize, out: *mut *mut Handle) -> c_int {
    border(|| {
        if out.is_null() {
            return Err(Status::Invalid);
        }
        let name = channel::open(capacity)?;
        // SAFETY: by the contract.
        unsafe { *out = name.handle() };
        Ok(())
    })
}

/// Hands the caller's reference to `o` to whoever receives it next, in whichever interpreter. With GILRT_OK the reference is the
/// channel's, or the receiver's already; on every error it is still the caller's. The object stays its interpreter's: see
/// obj_receive.
///
/// While the channel is full it waits, `timeout_ns` nanoseconds of the monotonic clock at the most: 0 is not to wait,
/// UINT64_MAX is for ever. Those who wait are served in the order in which they came. From any thread, attached or not: a
/// thread that is attached detaches while it waits, as in GIL_BEGIN_ALLOW_THREADS, so that its sections are given up, closing
/// its interpreter meanwhile is GILRT_ERR_BUSY, and destructors that others left pending may run when it is back. What ends
/// such a wait early is obj_channel_close. errno survives.
///
/// GILRT_ERR_TIMEOUT if nobody has made room; GILRT_ERR_CLOSED if the channel is closed or freed, before or meanwhile;
/// GILRT_ERR_INVALID if `channel` or `o` is NULL, `channel` never was one or, in checking mode, with a report, `o` is dead or no object;
/// GILRT_ERR_DEADLOCK in a signal handler that interrupted this library.
///
/// # Safety
/// `o` is NULL, or the caller has a reference to it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn obj_send(channel: *mut Handle, o: *mut Object, timeout_ns: u64) -> c_int {
    border(|| {
        let name = Name::of(channel).ok_or(Status::Invalid)?;
        // SAFETY: by the contract; an object lives until its last reference is dropped.
        channel::send(name, unsafe { o.as_ref() }.ok_or(Status::Invalid)?, timeout_ns)
    })
}

/// Takes the reference out of a channel that was sent first: it is the caller's from now on. While the channel is empty it waits, as
/// obj_send does while it is full.
///
/// An object of another interpreter may be counted, sent on, held by weak references and dropped by the receiver, all of it attached
/// here, there or nowhere: the last reference runs the destructor in the object's own interpreter, on a thread that is attached
/// there. What is mutable in it is its interpreter's: the receiver reads what no one changes any more, or enters that interpreter.
/// Sections do nothing to it here. An interpreter may close while objects of it are elsewhere; they are only counted then, and end
/// without their finalizers.
///
/// GILRT_ERR_TIMEOUT if nobody has sent anything; GILRT_ERR_CLOSED if the channel is closed or freed, before or meanwhile;
/// GILRT_ERR_INVALID if a pointer is NULL, `channel` never was one or, in checking mode, with a report, the object has died in the
/// channel, because somebody has dropped a reference too many; GILRT_ERR_DEADLOCK in a signal handler that interrupted this library.
///
/// # Safety
/// `out` is NULL or valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn obj_receive(channel: *mut Handle, timeout_ns: u64, out: *mut *mut Object) -> c_int {
    border(|| {
        let name = Name::of(channel).filter(|_| !out.is_null()).ok_or(Status::Invalid)?;
        let o = channel::receive(name, timeout_ns)?;
        // SAFETY: by the contract.
        unsafe { *out = ptr::from_ref(o).cast_mut() };
        Ok(())
    })
}

/// Closes a channel for good: whoever sends or receives, now or later, is answered GILRT_ERR_CLOSED, and the references that it
/// holds are dropped as by obj_decref, so that their destructors run in their own interpreters. Who wants them to be received first
/// closes when they have been: a last object that the receivers know can say so. From any thread, attached or not. Closing again
/// does nothing, nor does NULL, a channel that was freed, or a signal handler that interrupted this library. Never blocks by itself,
/// but may run those destructors.
#[unsafe(no_mangle)]
pub extern "C" fn obj_channel_close(channel: *mut Handle) {
    border(|| {
        Name::of(channel).into_iter().for_each(channel::close);
        Ok(())
    });
}

/// obj_channel_close, and gives the channel's memory back. At any time: those who are inside are answered GILRT_ERR_CLOSED, and
/// touch nothing of it any more; those who come later are answered the same, since an obj_channel_t pointer is a name, not an
/// address, and never used again. In checking mode a channel that is freed twice is reported. A host frees its channels, or closes them,
/// before gilrt_finalize: the objects in them are alive.
#[unsafe(no_mangle)]
pub extern "C" fn obj_channel_free(channel: *mut Handle) {
    border(|| {
        Name::of(channel).into_iter().for_each(channel::free);
        Ok(())
    });
}
