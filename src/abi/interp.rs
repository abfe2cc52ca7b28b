//! Interpreters.

use super::runtime::of_an_interpreter;
use super::{border, read_sized};
use crate::check;
use crate::config::{Config, Mode};
use crate::interp::guard::{self, Guard};
use crate::interp::{Interp, lives, world};
use crate::status::Status;
use crate::sys::tls;
use crate::thread::request::Hook;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::{self, NonNull};

/// How an interpreter is made. Set `struct_size`, leave zero what you do not care about.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct gil_interp_config {
    /// sizeof(gil_interp_config_t).
    pub struct_size: usize,
    /// For reports, which show 32 bytes of it; may be NULL. Copied.
    pub name: *const c_char,
    /// A gil_mode_t.
    pub mode: i32,
    /// A gil_policy_t, of its own lock; a lock that it shares stays as it is.
    pub policy: i32,
    /// As for gil_set_switch_interval, of its own lock; 0 for the default of 5,000,000 ns.
    pub switch_interval_ns: u64,
    /// With GIL_MODE_SHARED: an interpreter with a lock, which becomes the new one's too. NULL for the main one. NULL otherwise.
    pub share_with: *mut Interp,
    /// An obj_count_t.
    pub count: i32,
    /// Called when a thread of this interpreter is asked for something, with its gil_thread_id and bits of gil_request_t, so that
    /// a host which looks at a word of its own at its safepoints can set that, and call gil_poll there; NULL: gil_poll_word or
    /// gil_poll itself tells. Set the word with release and read it with acquire order, and clear it before gil_poll.
    ///
    /// From any thread, and under the library's internal mutexes, but for GIL_REQUEST_CALL, which may also come from a signal
    /// handler in which gil_call_soon was called. So it must be brief, must not wait for anybody, and calls nothing of the
    /// library but gil_thread_id and gil_held. It may be told again of what was asked before, of what has been withdrawn
    /// meanwhile, and of a thread that has just ended; it is not called after gil_interp_close or gilrt_finalize has answered
    /// GILRT_OK.
    pub on_request: Option<unsafe extern "C" fn(thread_id: u64, requests: u32, user: *mut c_void)>,
    /// For on_request.
    pub user: *mut c_void,
    /// A module that does not declare GILRT_MODULE_FREE_THREADED is refused while the interpreter has no GIL, rather than given one.
    pub strict: bool,
}

/// GIL_MODE_SHARED.
const SHARED: c_int = super::runtime::gil_mode::GIL_MODE_SHARED as c_int;

const DEFAULT: gil_interp_config = gil_interp_config {
    struct_size: size_of::<gil_interp_config>(),
    name: ptr::null(),
    mode: 0,
    policy: 0,
    switch_interval_ns: 0,
    share_with: ptr::null_mut(),
    count: 0,
    on_request: None,
    user: ptr::null_mut(),
    strict: false,
};

/// The main interpreter: the process has it from the start. Never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn gil_interp_main() -> *mut Interp {
    ptr::from_ref(Interp::main()).cast_mut()
}

/// The interpreter that the calling thread's acquires mean; the main one for a thread that is not known. Never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn gil_interp_current() -> *mut Interp {
    ptr::from_ref(Interp::of(tls::current())).cast_mut()
}

/// Makes an interpreter beside the main one: a world of objects of its own, with its own lock, the lock of another one, or none.
/// Nobody has entered it. NULL for `config` means the defaults. From any thread.
///
/// Interpreters that share a lock are apart in everything else: one thread at a time runs in all of them together, and each has its
/// objects, its destructors and its own end.
///
/// GILRT_ERR_INVALID for a value that is not allowed, and for a `share_with` that has no lock; GILRT_ERR_CLOSED if that was closed,
/// and after gilrt_finalize; GILRT_ERR_NOMEM.
///
/// # Safety
/// `config` is NULL or points to as many bytes as its `struct_size` says, its name is NULL or a C string, its `share_with` NULL or an
/// interpreter; `out` is NULL or valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gil_interp_new(config: *const gil_interp_config, out: *mut *mut Interp) -> c_int {
    border(|| {
        // SAFETY: by the contract.
        let c = if config.is_null() { DEFAULT } else { unsafe { read_sized(config, DEFAULT) }? };
        if out.is_null() {
            return Err(Status::Invalid);
        }
        // SAFETY: by the contract NULL or an interpreter, which is never given back to the allocator.
        let kin = match (c.mode, unsafe { c.share_with.as_ref() }) {
            (SHARED, kin) => Some(kin.unwrap_or(Interp::main())),
            (_, None) => None,
            _ => return Err(Status::Invalid),
        };
        let mode = if kin.is_some() { 0 } else { c.mode };
        // SAFETY: by the contract a C string.
        let name = if c.name.is_null() { c"unnamed" } else { unsafe { CStr::from_ptr(c.name) } };
        let on_request = c.on_request.map(|call| Hook { call, user: c.user });
        let config = Config { on_request, strict: c.strict, ..of_an_interpreter(mode, c.policy, c.switch_interval_ns, c.count)? };
        let interp = lives::open(&config, kin, name.to_bytes())?;
        // SAFETY: by the contract.
        unsafe { *out = ptr::from_ref(interp).cast_mut() };
        Ok(())
    })
}

/// The calling thread's acquires mean `interp` from now on. A thread that is attached is detached from the other one first,
/// whatever the depth: a caller that wants to come back to it calls gil_detach before and gil_attach after. Stores the
/// interpreter that was left into `previous`, unless that is NULL. A gil_thread_t * from before is of no use meanwhile:
/// what acquires by it is answered GILRT_ERR_INVALID.
///
/// GILRT_ERR_CLOSED if the interpreter has been closed, GILRT_ERR_NOMEM or GILRT_ERR_LIMIT if the thread cannot be made known
/// to it, GILRT_ERR_INVALID for NULL.
///
/// # Safety
/// `interp` is NULL or came from gil_interp_new or gil_interp_main; `previous` is NULL or valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gil_interp_enter(interp: *mut Interp, previous: *mut *mut Interp) -> c_int {
    border(|| {
        // SAFETY: by the contract; interpreters are never given back to the allocator.
        let left = lives::enter(unsafe { interp.as_ref() }.ok_or(Status::Invalid)?)?;
        if !previous.is_null() {
            // SAFETY: by the contract.
            unsafe { *previous = ptr::from_ref(left).cast_mut() };
        }
        Ok(())
    })
}

/// Ends an interpreter, as gilrt_finalize does for the main one: acquires in it answer GILRT_ERR_CLOSED, those inside see that at
/// their next gil_poll, and the call waits until they have left: `timeout_ns` at the most, UINT64_MAX for ever. Pending destructors
/// run on the calling thread, and the unload of modules that are open there. Objects that somebody still refers to live on, without
/// their finalizers. A thread that had entered it enters another one with gil_interp_enter. A caller that is attached to another
/// interpreter is detached while it waits.
///
/// As long as there are guards (gil_guard_new), it only waits for them, and all else goes on.
///
/// GILRT_ERR_BUSY at the deadline: the interpreter stays closing, and the call may be made again; the log says who holds it off.
/// GILRT_ERR_NESTED if the caller is attached to it, GILRT_ERR_DEADLOCK if it has a region open there; GILRT_ERR_CLOSED if it is
/// closed already, GILRT_ERR_INVALID for NULL and the main interpreter.
///
/// # Safety
/// `interp` is NULL or came from gil_interp_new or gil_interp_main.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gil_interp_close(interp: *mut Interp, timeout_ns: u64) -> c_int {
    border(|| {
        // SAFETY: by the contract.
        lives::close(unsafe { interp.as_ref() }.ok_or(Status::Invalid)?, lives::deadline(timeout_ns))
    })
}

/// Makes a guard, which holds off the end of an interpreter: as long as there is one, gil_interp_close and gilrt_finalize wait, and
/// threads get in and run as before, so that one which has to come in later can, on whichever thread; only new guards are refused.
/// For a thread that the host did not start, or a callback that comes when it likes. A guard that is kept for ever keeps the
/// interpreter: those who close it are answered GILRT_ERR_BUSY at their deadline, and the log names the thread that made it.
///
/// From any thread, attached or not. Belongs to the caller until gil_guard_free, which any thread may call. In a forked child
/// only the guards that the forking thread made hold anything off.
///
/// GILRT_ERR_CLOSED if the interpreter is closing or closed, also if it only waits for other guards; GILRT_ERR_INVALID for NULL,
/// GILRT_ERR_NOMEM, GILRT_ERR_DEADLOCK in a signal handler that interrupted the library.
///
/// # Safety
/// `interp` is NULL or came from gil_interp_new or gil_interp_main; `out` is NULL or valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gil_guard_new(interp: *mut Interp, out: *mut *mut Guard) -> c_int {
    border(|| {
        // SAFETY: by the contract; interpreters are never given back to the allocator.
        let interp = unsafe { interp.as_ref() }.filter(|_| !out.is_null()).ok_or(Status::Invalid)?;
        let guard = guard::new(interp)?;
        // SAFETY: by the contract.
        unsafe { *out = guard.as_ptr() };
        Ok(())
    })
}

/// Ends a guard; if it was the last and somebody waits for that, the interpreter closes. From any thread; NULL does nothing. In a
/// signal handler that interrupted the library it does nothing either, and the guard stays.
///
/// # Safety
/// `guard` is NULL, or came from gil_guard_new, and is not used afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gil_guard_free(guard: *mut Guard) {
    if let Some(guard) = NonNull::new(guard) {
        // SAFETY: by the contract.
        check::answer(&"gil_guard_free", unsafe { guard::free(guard) });
    }
}

/// The mode of an interpreter, a gil_mode_t: GIL_MODE_SHARED if its lock is at present another one's too. GILRT_ERR_INVALID for
/// NULL, GILRT_ERR_CLOSED for one that was closed.
///
/// # Safety
/// As gil_interp_close.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gil_interp_mode(interp: *const Interp) -> c_int {
    // SAFETY: by the contract.
    match unsafe { interp.as_ref() } {
        None => Status::Invalid as c_int,
        Some(i) if !lives::is_open(i) => Status::Closed as c_int,
        Some(i) => match i.mode() {
            Mode::Locked if i.shares_its_lock() => SHARED,
            Mode::Locked => 0,
            Mode::Free => 2,
        },
    }
}

/// Changes the mode of an interpreter while its threads run: GIL_MODE_FREE takes its lock away, GIL_MODE_LOCKED gives it one. The
/// caller may be attached to it, and is so afterwards, or not; several may change it at once, and the last one wins. Waits for the
/// lock, or until all threads have stopped, as gil_stop_world does: for as long as the slowest takes to its next gil_poll or
/// release. All counts stay exact; what an object is to whom is not changed by it, but that its next counts may cost more. Critical
/// sections that threads are in become locks, or cease to be.
///
/// GILRT_ERR_BUSY if the interpreter shares its lock, the caller has stopped its world, or a module is open there that needs the
/// lock, or has objects there: see gilrt_module_open; GILRT_ERR_INVALID for NULL and for other modes; GILRT_ERR_CLOSED if it closes or was closed; GILRT_ERR_NOMEM, and then nothing is changed; GILRT_ERR_DEADLOCK in a signal
/// handler that interrupted this library.
///
/// # Safety
/// As gil_interp_close.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gil_interp_set_mode(interp: *mut Interp, mode: c_int) -> c_int {
    border(|| {
        let to = match mode {
            0 => Mode::Locked,
            2 => Mode::Free,
            _ => return Err(Status::Invalid),
        };
        // SAFETY: by the contract; interpreters are never given back to the allocator.
        lives::set_mode(unsafe { interp.as_ref() }.ok_or(Status::Invalid)?, to)
    })
}

/// Stops the threads of the current interpreter but the calling one, which is attached by it (as gil_acquire does): the others
/// detach at their next gil_poll, gil_yield or release, and stay so. Waits for that; a thread that computes without polling keeps it
/// waiting. Nests; two threads that stop at once take turns. Holding the lock is all that it takes in GIL_MODE_LOCKED: gil_poll and
/// gil_yield do not give it away until the world goes on, but others get in while the caller blocks or is detached.
///
/// Threads that are stopped go on counting references, as all detached threads do.
///
/// As gil_acquire otherwise. Each needs a gil_resume_world.
#[unsafe(no_mangle)]
pub extern "C" fn gil_stop_world() -> c_int {
    border(|| world::stop_attached(tls::current()))
}

/// Undoes one gil_stop_world of the calling thread. GILRT_ERR_NOT_ATTACHED if it is not attached, GILRT_ERR_INVALID if it has
/// not stopped the world.
#[unsafe(no_mangle)]
pub extern "C" fn gil_resume_world() -> c_int {
    border(|| world::resume_attached(tls::current()))
}
