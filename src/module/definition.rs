//! What an extension and its caller tell each other: three structures of the header.

use std::ffi::{c_char, c_int, c_void};

/// One call of a function of an extension. The caller fills it in and keeps it alive during the call; each thread has its
/// own. Every field may be zero.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct Call {
    /// sizeof(gilrt_call_t).
    pub struct_size: usize,
    /// Which of `thread_count` threads this is, from 0: the function does its part of the work.
    pub thread_index: u32,
    /// How many threads make this call, each with its own index; 0 counts as 1.
    pub thread_count: u32,
    /// How many arguments `argv` has.
    pub argc: c_int,
    /// The arguments: C strings, the caller's.
    pub argv: *mut *mut c_char,
    /// The module's own state in this interpreter, as its `load` left it. Filled in by gilrt_module_call.
    pub state: *mut c_void,
    /// GILRT_CALL_RELEASE and GILRT_CALL_ALONE, or 0.
    pub flags: u32,
    /// How far this thread is with its part; may be NULL, may be called attached or detached.
    pub progress: Option<unsafe extern "C" fn(done: u64, total: u64, user: *mut c_void)>,
    /// A named figure, a result of the function; may be NULL.
    pub report: Option<unsafe extern "C" fn(name: *const c_char, value: i64, user: *mut c_void)>,
    /// One sentence, for instance why the function fails; may be NULL.
    pub say: Option<unsafe extern "C" fn(message: *const c_char, user: *mut c_void)>,
    /// The last argument of the three above.
    pub user: *mut c_void,
}

/// One function of an extension.
#[derive(Debug)]
#[repr(C)]
pub struct Function {
    /// What gilrt_module_call finds it by.
    pub name: *const c_char,
    /// Its arguments and what it does, in a line; may be NULL.
    pub help: *const c_char,
    /// Runs attached, on any number of threads; must return with as many acquires as releases. 0, or a negative
    /// status.
    pub run: Option<unsafe extern "C" fn(call: *mut Call) -> c_int>,
}

/// What an extension says of itself. It exports
/// `const gilrt_module_t *gilrt_module_get(void);`
/// and what that returns lives as long as the extension's code.
#[derive(Debug)]
#[repr(C)]
pub struct Definition {
    /// sizeof(gilrt_module_t).
    pub struct_size: usize,
    /// GILRT_ABI, as the extension was compiled with.
    pub abi: u32,
    /// The extension's name.
    pub name: *const c_char,
    /// GILRT_MODULE_FREE_THREADED, or 0.
    pub flags: u32,
    /// Runs attached, once in each interpreter that uses the module, and may leave something of its own in `*state`. Not 0: the
    /// module is not opened. Variables of the extension are shared by all interpreters, which may run at once. May be NULL.
    pub load: Option<unsafe extern "C" fn(state: *mut *mut c_void) -> c_int>,
    /// Runs attached, once in each interpreter where `load` has, when no call of it runs there any more: the module was closed, or
    /// the interpreter. May be NULL.
    pub unload: Option<unsafe extern "C" fn(state: *mut c_void)>,
    /// `function_count` functions.
    pub functions: *const Function,
    /// How many functions there are.
    pub function_count: usize,
}
