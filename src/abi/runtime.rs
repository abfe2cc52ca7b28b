//! The life of the runtime.

use super::{border, read_sized};
use crate::config::{Config, Counting, Mode, Slice};
use crate::object::heap::Hooks;
use crate::runtime;
use crate::sched::Policy;
use crate::status::Status;
use crate::thread::request::Hook;
use crate::thread::{CLOSE, DROP, INTERRUPT, SERVE, STOP};
use crate::sys::barrier::Bias;
use std::ffi::{c_int, c_void};

/// Who may be in an interpreter at once.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub enum gil_mode {
    /// One thread at a time: whoever holds the interpreter's own lock.
    GIL_MODE_LOCKED = 0,
    /// One thread at a time in several interpreters that share a lock. Not for the main one, whose lock the others may share.
    GIL_MODE_SHARED = 1,
    /// As many as like: there is no lock, and attaching excludes nobody.
    GIL_MODE_FREE = 2,
}

/// How the lock chooses among those who want it.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub enum gil_policy {
    /// By virtual runtime: a thread that comes back from blocking runs at once while it stays within its share, CPU-bound
    /// threads share the time fairly, and every wait is bounded. The default.
    GIL_POLICY_RESPONSIVE = 0,
    /// CPython since 3.2: a waiter asks for the lock after the switch interval, and the holder that drops it may not have
    /// it back before another thread had it.
    GIL_POLICY_INTERVAL = 1,
    /// Python 2: the holder lets go every 100 polls and competes again at once; a slower waiter starves. For comparison.
    GIL_POLICY_TICKS = 2,
}

/// How objects are counted.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub enum obj_count {
    /// Plainly by the threads of their interpreter, atomically by everybody else. The default.
    OBJ_COUNT_BIASED = 0,
    /// Atomically by everybody.
    OBJ_COUNT_ATOMIC = 1,
    /// Under a lock of the object's own, by everybody: the older way, for comparison. Checking mode keeps that locked while the
    /// object's destructor runs, which invites a deadlock, and reports it: there counting may block, detached meanwhile.
    OBJ_COUNT_LOCKED = 2,
}

/// When a lock is biased: while one thread is alone with it, its acquires and releases cost no atomic instruction, and who
/// comes next pays some microseconds, once.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub enum gil_bias {
    /// Where it stays right even if a seccomp filter that is installed later forbids membarrier: on x86-64. The default.
    GIL_BIAS_SAFE = 0,
    /// Wherever membarrier exists. If it is taken away later, the process is aborted when a bias must be revoked.
    GIL_BIAS_ALWAYS = 1,
    /// Never.
    GIL_BIAS_NEVER = 2,
}

/// What a thread can be asked for, as on_request is told: gil_poll does it.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub enum gil_request {
    /// A waiter wants the lock.
    GIL_REQUEST_DROP = 1,
    /// Something was left to be done: a call by gil_call_soon, or destructors.
    GIL_REQUEST_CALL = 4,
    /// The interpreter is closing: gil_poll answers GILRT_ERR_CLOSED.
    GIL_REQUEST_CLOSE = 8,
    /// Another thread stops the world, in an interpreter without a lock.
    GIL_REQUEST_STOP = 16,
    /// gil_interrupt was called: gil_poll answers GILRT_ERR_TIMEOUT.
    GIL_REQUEST_INTERRUPT = 64,
}

/// The bits are those of the word that gil_poll_word points to.
const _: () = {
    assert!(gil_request::GIL_REQUEST_DROP as u32 == DROP);
    assert!(gil_request::GIL_REQUEST_CALL as u32 == SERVE);
    assert!(gil_request::GIL_REQUEST_CLOSE as u32 == CLOSE);
    assert!(gil_request::GIL_REQUEST_STOP as u32 == STOP);
    assert!(gil_request::GIL_REQUEST_INTERRUPT as u32 == INTERRUPT);
};

/// How the runtime starts. Set `struct_size`, leave zero what you do not care about.
#[allow(non_camel_case_types)]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct gilrt_config {
    /// sizeof(gilrt_config_t).
    pub struct_size: usize,
    /// A gil_mode_t, of the main interpreter.
    pub mode: i32,
    /// A gil_policy_t.
    pub policy: i32,
    /// As for gil_set_switch_interval; 0 for the default of 5,000,000 ns.
    pub switch_interval_ns: u64,
    /// An obj_count_t.
    pub count: i32,
    /// Where objects get their memory: `size` bytes aligned to `align`, or NULL. Any thread may call it. Both this and
    /// `free`, or neither.
    pub alloc: Option<unsafe extern "C" fn(size: usize, align: usize, user: *mut c_void) -> *mut c_void>,
    /// Takes the memory back.
    pub free: Option<unsafe extern "C" fn(p: *mut c_void, size: usize, align: usize, user: *mut c_void)>,
    /// The last argument of both.
    pub alloc_user: *mut c_void,
    /// A gil_bias_t.
    pub bias: i32,
    /// As in gil_interp_config_t, for the main interpreter.
    pub on_request: Option<unsafe extern "C" fn(thread_id: u64, requests: u32, user: *mut c_void)>,
    /// For on_request.
    pub user: *mut c_void,
    /// As gil_interp_config_t.strict, of the main interpreter.
    pub strict: bool,
}

const DEFAULT: gilrt_config = gilrt_config {
    struct_size: size_of::<gilrt_config>(),
    mode: 0,
    policy: 0,
    switch_interval_ns: 0,
    count: 0,
    alloc: None,
    free: None,
    alloc_user: std::ptr::null_mut(),
    bias: 0,
    on_request: None,
    user: std::ptr::null_mut(),
    strict: false,
};

/// Starts the runtime. Optional: the first call of anything starts it with the defaults. NULL means the defaults too.
/// The environment (GILRT_MODE, GILRT_STRICT, GILRT_POLICY, GILRT_SWITCH_INTERVAL_NS, GILRT_BIAS) wins over `config`.
///
/// GILRT_CHECK=1 in the environment turns checking mode on: a decref below zero, a use after free, a pointer to no object, a
/// write beyond a payload, a call by the wrong thread and the like are told as an error through the log, with the object, its
/// type, the threads and the last operations on it; then the process is aborted. With GILRT_CHECK=continue it goes on, without
/// what was wrong. Counting is slow then, and freed objects are kept for a while.
///
/// GILRT_ERR_BUSY if it runs already, GILRT_ERR_CLOSED after gilrt_finalize, GILRT_ERR_INVALID for a value that is not
/// allowed, GILRT_ERR_NOMEM or GILRT_ERR_LIMIT if the system has nothing left.
///
/// # Safety
/// `config` is NULL or points to as many bytes as its `struct_size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gilrt_init(config: *const gilrt_config) -> c_int {
    border(|| {
        if config.is_null() {
            return runtime::init(Config::default());
        }
        // SAFETY: by the contract.
        runtime::init(convert(unsafe { read_sized(config, DEFAULT) }?)?)
    })
}

fn convert(c: gilrt_config) -> Result<Config, Status> {
    let hooks = match (c.alloc, c.free) {
        (None, None) => None,
        (Some(alloc), Some(free)) => Some(Hooks { alloc, free, user: c.alloc_user }),
        _ => return Err(Status::Invalid),
    };
    let bias = match c.bias {
        0 => Bias::Safe,
        1 => Bias::Always,
        2 => Bias::Never,
        _ => return Err(Status::Invalid),
    };
    let on_request = c.on_request.map(|call| Hook { call, user: c.user });
    Ok(Config { hooks, bias, on_request, strict: c.strict, ..of_an_interpreter(c.mode, c.policy, c.switch_interval_ns, c.count)? })
}

/// What gilrt_config_t and gil_interp_config_t have in common.
pub(super) fn of_an_interpreter(mode: i32, policy: i32, slice: u64, count: i32) -> Result<Config, Status> {
    let mode = match mode {
        0 => Mode::Locked,
        2 => Mode::Free,
        _ => return Err(Status::Invalid),
    };
    let policy = match policy {
        0 => Policy::Responsive,
        1 => Policy::Interval,
        2 => Policy::Ticks,
        _ => return Err(Status::Invalid),
    };
    let counting = match count {
        0 => Counting::Biased,
        1 => Counting::Atomic,
        2 => Counting::Locked,
        _ => return Err(Status::Invalid),
    };
    let slice = match slice {
        0 => Slice::default(),
        ns => Slice::new(ns).ok_or(Status::Invalid)?,
    };
    Ok(Config { mode, policy, slice, counting, ..Config::default() })
}

/// Ends the runtime: no thread gets in any more (acquires answer GILRT_ERR_CLOSED, also those that wait already), those inside see
/// GILRT_ERR_CLOSED at their next gil_poll, and the call waits until they have left: `timeout_ns` at the most, UINT64_MAX for ever.
/// Pending destructors, and the unload of modules that are open, run on the calling thread, which must not be attached
/// (GILRT_ERR_NESTED) or in an allow-threads region or a callback of the library (GILRT_ERR_DEADLOCK: it would wait for its own way
/// back).
///
/// GILRT_ERR_BUSY at the deadline: there is a guard (see gil_guard_new), or somebody is still inside, or in an allow-threads
/// region, which it comes back from; the log says who. The runtime stays closing, and the call may be made again. Nothing ever
/// starts the runtime again.
#[unsafe(no_mangle)]
pub extern "C" fn gilrt_finalize(timeout_ns: u64) -> c_int {
    border(|| runtime::finalize(timeout_ns))
}
