//! Extension modules.

use super::border;
use crate::module::definition::{Call, Definition};
use crate::module::{self, Library};
use crate::status::{Status, code};
use crate::watch::error_text;
use std::ffi::{CStr, c_char, c_int};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// In gilrt_module_t.flags: the extension is right without a GIL as well. One that does not say so gets one.
pub const GILRT_MODULE_FREE_THREADED: u32 = 1;
/// In gilrt_call_t.flags: release the lock while computing; without it, hold the lock and call gil_poll.
pub const GILRT_CALL_RELEASE: u32 = 1;
/// In gilrt_call_t.flags: no other of the `thread_count` calls meets the state of this one, since each is made in an interpreter
/// or a process of its own.
pub const GILRT_CALL_ALONE: u32 = 2;

/// Opens the extension module at `path` in the calling thread's interpreter: maps it, checks its ABI, and runs its load, attached.
/// Each interpreter has a state of its own; where the module is open already, the same pointer is returned and counted, and load
/// does not run again. Each needs its gilrt_module_close. May block: who opens what another thread is loading waits for it, detached.
///
/// A module that does not declare GILRT_MODULE_FREE_THREADED turns the GIL on in an interpreter that has none, as
/// gil_interp_set_mode(interp, GIL_MODE_LOCKED) does, before its load runs; the log says so once for each interpreter. It stays
/// on when the module is closed, until the host turns it off; as long as code of such a module may run there, that is
/// GILRT_ERR_BUSY. An interpreter that was made strict refuses the module instead.
///
/// GILRT_ERR_MODULE for a missing file, a directory, a file that is no module, a load that failed, or a strict interpreter without a
/// GIL; GILRT_ERR_ABI for a module compiled for another version; GILRT_ERR_DEADLOCK for a module that its own load opens, or two that
/// open each other; gilrt_error_text has the sentence. GILRT_ERR_INVALID for NULL, GILRT_ERR_CLOSED after gilrt_finalize and in an
/// interpreter that was closed, GILRT_ERR_NOMEM.
///
/// # Safety
/// `path` is NULL or a C string, `out` is NULL or valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gilrt_module_open(path: *const c_char, out: *mut *mut Library) -> c_int {
    border(|| {
        if path.is_null() || out.is_null() {
            return Err(Status::Invalid);
        }
        // SAFETY: by the contract.
        let library = module::open(unsafe { CStr::from_ptr(path) })?;
        // SAFETY: by the contract.
        unsafe { *out = library.cast_mut() };
        Ok(())
    })
}

/// Runs a function of the module in the calling thread's interpreter, attached, and returns what the function returned: 0 or a
/// negative status. Any number of threads may do so at once, each with a call of its own. While it runs, the interpreter
/// cannot be closed, whatever it does with the lock.
///
/// The state is that of the thread's interpreter, which need not be the one that `lib` was opened in. Where nobody has opened the
/// module, the first call loads it, and fails as gilrt_module_open does if that fails; what is loaded so is unloaded when nobody
/// has the module open in any interpreter.
///
/// GILRT_ERR_MODULE if there is no such function (gilrt_error_text lists those there are) or it returned with other acquires
/// than releases or in another interpreter, which is put right; GILRT_ERR_CLOSED if `lib` or the interpreter of either is closed;
/// GILRT_ERR_INVALID for NULL or a call whose struct_size is too small.
///
/// # Safety
/// `lib` came from gilrt_module_open, `function` is a C string, `call` is filled in.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gilrt_module_call(lib: *mut Library, function: *const c_char, call: *mut Call) -> c_int {
    let run = || {
        if lib.is_null() || function.is_null() || call.is_null() {
            return Err(Status::Invalid);
        }
        // SAFETY: by the contract; nobody else uses the call meanwhile.
        let call = unsafe { &mut *call };
        if call.struct_size < size_of::<Call>() {
            return Err(Status::Invalid);
        }
        call.thread_count = call.thread_count.max(1);
        // SAFETY: by the contract.
        module::call(lib, unsafe { CStr::from_ptr(function) }, call)
    };
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(answer)) => answer,
        Ok(Err(why)) => why as c_int,
        Err(_) => Status::Panic as c_int,
    }
}

/// Undoes one gilrt_module_open. With the last, the module ends in the interpreter that it was opened in: its unload runs there,
/// attached, as soon as no call of it runs there, on whichever thread sees to that. Its code stays mapped while an object of its
/// types lives, or another interpreter uses it. From any thread, whatever its interpreter; that is the same afterwards, and
/// attached if it was. NULL and a module that is closed already do nothing. May block.
///
/// A module that is open when its interpreter is closed, by gil_interp_close or gilrt_finalize, ends with it: its unload has run when
/// they return, and what is left to do here is to give the pointer back.
///
/// # Safety
/// `lib` is NULL or came from gilrt_module_open, and is not used afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gilrt_module_close(lib: *mut Library) {
    let closed = border(|| {
        if !lib.is_null() {
            module::close(lib);
        }
        Ok(())
    });
    debug_assert_eq!(closed, code(Ok(())));
}

/// What the module says of itself: name, functions, help. NULL for NULL; valid until the module is closed.
///
/// # Safety
/// `lib` is NULL or an open module.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gilrt_module_describe(lib: *const Library) -> *const Definition {
    // SAFETY: by the contract.
    unsafe { lib.as_ref() }.map_or(std::ptr::null(), |l| std::ptr::from_ref(l.definition))
}

/// Why the last gilrt_module_open or gilrt_module_call of this thread failed, in a sentence for people, where there is more
/// to say than its status; empty if nothing failed so. Never NULL; valid until the next such failure on this thread.
#[unsafe(no_mangle)]
pub extern "C" fn gilrt_error_text() -> *const c_char {
    error_text::get()
}
