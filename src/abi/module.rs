//! Extension modules.

use super::border;
use crate::module::definition::{Call, Definition};
use crate::module::{self, Library};
use crate::status::{Status, code};
use crate::watch::error_text;
use std::ffi::{CStr, c_char, c_int};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// In gilrt_module_t.flags: the extension is right without a GIL as well.
pub const GILRT_MODULE_FREE_THREADED: u32 = 1;
/// In gilrt_call_t.flags: release the lock while computing; without it, hold the lock and call gil_poll.
pub const GILRT_CALL_RELEASE: u32 = 1;
/// In gilrt_call_t.flags: no other of the `thread_count` calls meets the state of this one, since each is made in an interpreter
/// or a process of its own.
pub const GILRT_CALL_ALONE: u32 = 2;

/// Opens the extension module at `path`: maps it, checks its ABI, and runs its load with the lock held. The caller closes
/// it with gilrt_module_close. May block.
///
/// GILRT_ERR_MODULE for a missing file, a directory, a file that is no module, or a load that failed; GILRT_ERR_ABI for a
/// module compiled for another version; gilrt_error_text has the sentence. GILRT_ERR_INVALID for NULL, GILRT_ERR_CLOSED
/// after gilrt_finalize, GILRT_ERR_NOMEM.
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

/// Runs a function of the module with the lock held around it, and returns what the function returned: 0 or a negative
/// status. Any number of threads may do so at once, each with a call of its own.
///
/// GILRT_ERR_MODULE if there is no such function (gilrt_error_text lists those there are) or it returned with other acquires
/// than releases, which are put right; GILRT_ERR_CLOSED if the module or the runtime is closed; GILRT_ERR_INVALID for NULL
/// or a call whose struct_size is too small.
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

/// Closes a module. Its unload runs as soon as no call of it runs, and its code stays mapped while an object of its types
/// lives. NULL and a module that is closed already do nothing. May block.
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
