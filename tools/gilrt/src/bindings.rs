pub const GILRT_VERSION_MAJOR: u32 = 0;
pub const GILRT_VERSION_MINOR: u32 = 1;
pub const GILRT_VERSION_PATCH: u32 = 0;
pub const GILRT_VERSION_HEX: u32 = 256;
pub const GILRT_ABI: u32 = 1;
pub const OBJ_TYPE_TRY: u32 = 1;
pub const GILRT_MODULE_FREE_THREADED: u32 = 1;
pub const GILRT_CALL_RELEASE: u32 = 1;
pub const GILRT_CALL_ALONE: u32 = 2;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct gil_thread {
    _unused: [u8; 0],
}
pub type gil_thread_t = gil_thread;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct gil_interp {
    _unused: [u8; 0],
}
pub type gil_interp_t = gil_interp;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct gil_guard {
    _unused: [u8; 0],
}
pub type gil_guard_t = gil_guard;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct obj {
    _unused: [u8; 0],
}
pub type obj_t = obj;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct obj_type {
    _unused: [u8; 0],
}
pub type obj_type_t = obj_type;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct obj_weak {
    _unused: [u8; 0],
}
pub type obj_weak_t = obj_weak;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct obj_channel {
    _unused: [u8; 0],
}
pub type obj_channel_t = obj_channel;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct gilrt_library {
    _unused: [u8; 0],
}
pub type gilrt_library_t = gilrt_library;
pub const GILRT_OK: gilrt_status_t = 0;
pub const GILRT_ERR_INVALID: gilrt_status_t = -1;
pub const GILRT_ERR_NOT_ATTACHED: gilrt_status_t = -2;
pub const GILRT_ERR_TIMEOUT: gilrt_status_t = -3;
pub const GILRT_ERR_CLOSED: gilrt_status_t = -4;
pub const GILRT_ERR_BUSY: gilrt_status_t = -5;
pub const GILRT_ERR_NOMEM: gilrt_status_t = -6;
pub const GILRT_ERR_DEADLOCK: gilrt_status_t = -7;
pub const GILRT_ERR_ABI: gilrt_status_t = -8;
pub const GILRT_ERR_MODULE: gilrt_status_t = -9;
pub const GILRT_ERR_NESTED: gilrt_status_t = -10;
pub const GILRT_ERR_LIMIT: gilrt_status_t = -11;
pub const GILRT_ERR_PANIC: gilrt_status_t = -12;
pub type gilrt_status_t = ::core::ffi::c_int;
pub const GIL_MODE_LOCKED: gil_mode_t = 0;
pub const GIL_MODE_SHARED: gil_mode_t = 1;
pub const GIL_MODE_FREE: gil_mode_t = 2;
pub type gil_mode_t = ::core::ffi::c_uint;
pub const GIL_POLICY_RESPONSIVE: gil_policy_t = 0;
pub const GIL_POLICY_INTERVAL: gil_policy_t = 1;
pub const GIL_POLICY_TICKS: gil_policy_t = 2;
pub type gil_policy_t = ::core::ffi::c_uint;
pub const GIL_BIAS_SAFE: gil_bias_t = 0;
pub const GIL_BIAS_ALWAYS: gil_bias_t = 1;
pub const GIL_BIAS_NEVER: gil_bias_t = 2;
pub type gil_bias_t = ::core::ffi::c_uint;
pub const GIL_REQUEST_DROP: gil_request_t = 1;
pub const GIL_REQUEST_CALL: gil_request_t = 4;
pub const GIL_REQUEST_CLOSE: gil_request_t = 8;
pub const GIL_REQUEST_STOP: gil_request_t = 16;
pub const GIL_REQUEST_INTERRUPT: gil_request_t = 64;
pub type gil_request_t = ::core::ffi::c_uint;
pub const OBJ_COUNT_BIASED: obj_count_t = 0;
pub const OBJ_COUNT_ATOMIC: obj_count_t = 1;
pub const OBJ_COUNT_LOCKED: obj_count_t = 2;
pub type obj_count_t = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct gilrt_config_t {
    pub struct_size: usize,
    pub mode: i32,
    pub policy: i32,
    pub switch_interval_ns: u64,
    pub count: i32,
    pub alloc: ::core::option::Option<
        unsafe extern "C" fn(
            size: usize,
            align: usize,
            user: *mut ::core::ffi::c_void,
        ) -> *mut ::core::ffi::c_void,
    >,
    pub free: ::core::option::Option<
        unsafe extern "C" fn(
            p: *mut ::core::ffi::c_void,
            size: usize,
            align: usize,
            user: *mut ::core::ffi::c_void,
        ),
    >,
    pub alloc_user: *mut ::core::ffi::c_void,
    pub bias: i32,
    pub on_request: ::core::option::Option<
        unsafe extern "C" fn(
            thread_id: u64,
            requests: u32,
            user: *mut ::core::ffi::c_void,
        ),
    >,
    pub user: *mut ::core::ffi::c_void,
    pub strict: bool,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct gil_interp_config_t {
    pub struct_size: usize,
    pub name: *const ::core::ffi::c_char,
    pub mode: i32,
    pub policy: i32,
    pub switch_interval_ns: u64,
    pub share_with: *mut gil_interp_t,
    pub count: i32,
    pub on_request: ::core::option::Option<
        unsafe extern "C" fn(
            thread_id: u64,
            requests: u32,
            user: *mut ::core::ffi::c_void,
        ),
    >,
    pub user: *mut ::core::ffi::c_void,
    pub strict: bool,
}
pub type obj_visit_fn = ::core::option::Option<
    unsafe extern "C" fn(
        child: *mut obj_t,
        user: *mut ::core::ffi::c_void,
    ) -> ::core::ffi::c_int,
>;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct obj_type_config_t {
    pub struct_size: usize,
    pub name: *const ::core::ffi::c_char,
    pub payload_size: usize,
    pub flags: u32,
    pub finalize: ::core::option::Option<unsafe extern "C" fn(o: *mut obj_t)>,
    pub traverse: ::core::option::Option<
        unsafe extern "C" fn(
            o: *mut obj_t,
            visit: obj_visit_fn,
            user: *mut ::core::ffi::c_void,
        ) -> ::core::ffi::c_int,
    >,
    pub clear: ::core::option::Option<unsafe extern "C" fn(o: *mut obj_t)>,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct obj_section_t {
    pub outer: *const obj_section_t,
    pub first: *const obj_t,
    pub second: *const obj_t,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct gilrt_call_t {
    pub struct_size: usize,
    pub thread_index: u32,
    pub thread_count: u32,
    pub argc: ::core::ffi::c_int,
    pub argv: *mut *mut ::core::ffi::c_char,
    pub state: *mut ::core::ffi::c_void,
    pub flags: u32,
    pub progress: ::core::option::Option<
        unsafe extern "C" fn(done: u64, total: u64, user: *mut ::core::ffi::c_void),
    >,
    pub report: ::core::option::Option<
        unsafe extern "C" fn(
            name: *const ::core::ffi::c_char,
            value: i64,
            user: *mut ::core::ffi::c_void,
        ),
    >,
    pub say: ::core::option::Option<
        unsafe extern "C" fn(
            message: *const ::core::ffi::c_char,
            user: *mut ::core::ffi::c_void,
        ),
    >,
    pub user: *mut ::core::ffi::c_void,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct gilrt_function_t {
    pub name: *const ::core::ffi::c_char,
    pub help: *const ::core::ffi::c_char,
    pub run: ::core::option::Option<
        unsafe extern "C" fn(call: *mut gilrt_call_t) -> ::core::ffi::c_int,
    >,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct gilrt_module_t {
    pub struct_size: usize,
    pub abi: u32,
    pub name: *const ::core::ffi::c_char,
    pub flags: u32,
    pub load: ::core::option::Option<
        unsafe extern "C" fn(state: *mut *mut ::core::ffi::c_void) -> ::core::ffi::c_int,
    >,
    pub unload: ::core::option::Option<
        unsafe extern "C" fn(state: *mut ::core::ffi::c_void),
    >,
    pub functions: *const gilrt_function_t,
    pub function_count: usize,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct gilrt_stats_t {
    pub struct_size: usize,
    pub acquires: u64,
    pub contended: u64,
    pub handoffs: u64,
    pub drop_requests: u64,
    pub forced_drops: u64,
    pub revocations: u64,
    pub wait_ns_total: u64,
    pub wait_ns_max: u64,
    pub hold_ns_total: u64,
    pub hold_ns_max: u64,
    pub wait_ns_p50: u64,
    pub wait_ns_p99: u64,
    pub waiters: u32,
    pub threads: u32,
    pub switches: u32,
    pub collections: u64,
    pub collected: u64,
    pub collect_ns_total: u64,
    pub collect_ns_max: u64,
}
pub struct Gilrt {
    __library: ::libloading::Library,
    pub gilrt_version: unsafe extern "C" fn() -> u32,
    pub gilrt_version_string: unsafe extern "C" fn() -> *const ::core::ffi::c_char,
    pub gilrt_abi: unsafe extern "C" fn() -> u32,
    pub gilrt_strerror: unsafe extern "C" fn(
        status: ::core::ffi::c_int,
    ) -> *const ::core::ffi::c_char,
    pub gilrt_status_name: unsafe extern "C" fn(
        status: ::core::ffi::c_int,
    ) -> *const ::core::ffi::c_char,
    pub gilrt_init: unsafe extern "C" fn(
        config: *const gilrt_config_t,
    ) -> ::core::ffi::c_int,
    pub gilrt_finalize: unsafe extern "C" fn(timeout_ns: u64) -> ::core::ffi::c_int,
    pub gil_acquire: unsafe extern "C" fn() -> ::core::ffi::c_int,
    pub gil_release: unsafe extern "C" fn() -> ::core::ffi::c_int,
    pub gil_try_acquire: unsafe extern "C" fn() -> ::core::ffi::c_int,
    pub gil_acquire_for: unsafe extern "C" fn(timeout_ns: u64) -> ::core::ffi::c_int,
    pub gil_held: unsafe extern "C" fn() -> bool,
    pub gil_poll: unsafe extern "C" fn() -> ::core::ffi::c_int,
    pub gil_yield: unsafe extern "C" fn() -> ::core::ffi::c_int,
    pub gil_detach: unsafe extern "C" fn() -> u32,
    pub gil_attach: unsafe extern "C" fn(depth: u32) -> ::core::ffi::c_int,
    pub gil_detach_unblock: unsafe extern "C" fn(
        unblock: ::core::option::Option<
            unsafe extern "C" fn(user: *mut ::core::ffi::c_void),
        >,
        user: *mut ::core::ffi::c_void,
    ) -> u32,
    pub gil_interrupt: unsafe extern "C" fn(thread_id: u64) -> ::core::ffi::c_int,
    pub gil_region_begin: unsafe extern "C" fn() -> u32,
    pub gil_region_end: unsafe extern "C" fn(saved: u32),
    pub gil_set_switch_interval: unsafe extern "C" fn(ns: u64) -> ::core::ffi::c_int,
    pub gil_switch_interval: unsafe extern "C" fn() -> u64,
    pub gil_set_thread_weight: unsafe extern "C" fn(weight: u32) -> ::core::ffi::c_int,
    pub gil_call_soon: unsafe extern "C" fn(
        fn_: ::core::option::Option<
            unsafe extern "C" fn(user: *mut ::core::ffi::c_void) -> ::core::ffi::c_int,
        >,
        user: *mut ::core::ffi::c_void,
    ) -> ::core::ffi::c_int,
    pub gil_thread_id: unsafe extern "C" fn() -> u64,
    pub gil_thread_self: unsafe extern "C" fn() -> *mut gil_thread_t,
    pub gil_acquire_slow: unsafe extern "C" fn(
        t: *mut gil_thread_t,
    ) -> ::core::ffi::c_int,
    pub gil_release_slow: unsafe extern "C" fn(t: *mut gil_thread_t),
    pub gil_thread_set_user: unsafe extern "C" fn(
        user: *mut ::core::ffi::c_void,
    ) -> ::core::ffi::c_int,
    pub gil_thread_user: unsafe extern "C" fn() -> *mut ::core::ffi::c_void,
    pub gil_poll_word: unsafe extern "C" fn() -> *const u32,
    pub gil_interp_main: unsafe extern "C" fn() -> *mut gil_interp_t,
    pub gil_interp_current: unsafe extern "C" fn() -> *mut gil_interp_t,
    pub gil_interp_new: unsafe extern "C" fn(
        config: *const gil_interp_config_t,
        out: *mut *mut gil_interp_t,
    ) -> ::core::ffi::c_int,
    pub gil_interp_enter: unsafe extern "C" fn(
        interp: *mut gil_interp_t,
        previous: *mut *mut gil_interp_t,
    ) -> ::core::ffi::c_int,
    pub gil_interp_close: unsafe extern "C" fn(
        interp: *mut gil_interp_t,
        timeout_ns: u64,
    ) -> ::core::ffi::c_int,
    pub gil_guard_new: unsafe extern "C" fn(
        interp: *mut gil_interp_t,
        out: *mut *mut gil_guard_t,
    ) -> ::core::ffi::c_int,
    pub gil_guard_free: unsafe extern "C" fn(guard: *mut gil_guard_t),
    pub gil_interp_mode: unsafe extern "C" fn(
        interp: *const gil_interp_t,
    ) -> ::core::ffi::c_int,
    pub gil_interp_set_mode: unsafe extern "C" fn(
        interp: *mut gil_interp_t,
        mode: ::core::ffi::c_int,
    ) -> ::core::ffi::c_int,
    pub gil_stop_world: unsafe extern "C" fn() -> ::core::ffi::c_int,
    pub gil_resume_world: unsafe extern "C" fn() -> ::core::ffi::c_int,
    pub obj_type_new: unsafe extern "C" fn(
        config: *const obj_type_config_t,
        out: *mut *mut obj_type_t,
    ) -> ::core::ffi::c_int,
    pub obj_new: unsafe extern "C" fn(
        type_: *mut obj_type_t,
        extra_bytes: usize,
        out: *mut *mut obj_t,
    ) -> ::core::ffi::c_int,
    pub obj_incref: unsafe extern "C" fn(o: *mut obj_t),
    pub obj_decref: unsafe extern "C" fn(o: *mut obj_t),
    pub obj_incref_slow: unsafe extern "C" fn(o: *mut obj_t),
    pub obj_decref_slow: unsafe extern "C" fn(o: *mut obj_t),
    pub obj_newref: unsafe extern "C" fn(o: *mut obj_t) -> *mut obj_t,
    pub obj_try_incref: unsafe extern "C" fn(o: *mut obj_t) -> bool,
    pub obj_refcount: unsafe extern "C" fn(o: *const obj_t) -> usize,
    pub obj_type_of: unsafe extern "C" fn(o: *const obj_t) -> *mut obj_type_t,
    pub obj_type_name: unsafe extern "C" fn(
        type_: *const obj_type_t,
    ) -> *const ::core::ffi::c_char,
    pub obj_live_count: unsafe extern "C" fn() -> i64,
    pub obj_type_live_count: unsafe extern "C" fn(type_: *const obj_type_t) -> i64,
    pub obj_make_hot: unsafe extern "C" fn(o: *mut obj_t) -> ::core::ffi::c_int,
    pub obj_immortalize: unsafe extern "C" fn(o: *mut obj_t) -> ::core::ffi::c_int,
    pub obj_is_immortal: unsafe extern "C" fn(o: *const obj_t) -> bool,
    pub obj_weak_new: unsafe extern "C" fn(
        o: *mut obj_t,
        out: *mut *mut obj_weak_t,
    ) -> ::core::ffi::c_int,
    pub obj_weak_get: unsafe extern "C" fn(weak: *mut obj_weak_t) -> *mut obj_t,
    pub obj_weak_free: unsafe extern "C" fn(weak: *mut obj_weak_t),
    pub obj_section_begin: unsafe extern "C" fn(
        frame: *mut obj_section_t,
        o: *mut obj_t,
    ) -> ::core::ffi::c_int,
    pub obj_section_begin2: unsafe extern "C" fn(
        frame: *mut obj_section_t,
        a: *mut obj_t,
        b: *mut obj_t,
    ) -> ::core::ffi::c_int,
    pub obj_section_end: unsafe extern "C" fn(frame: *mut obj_section_t),
    pub obj_lock: unsafe extern "C" fn(o: *mut obj_t) -> ::core::ffi::c_int,
    pub obj_unlock: unsafe extern "C" fn(o: *mut obj_t) -> ::core::ffi::c_int,
    pub obj_channel_new: unsafe extern "C" fn(
        capacity: usize,
        out: *mut *mut obj_channel_t,
    ) -> ::core::ffi::c_int,
    pub obj_send: unsafe extern "C" fn(
        channel: *mut obj_channel_t,
        o: *mut obj_t,
        timeout_ns: u64,
    ) -> ::core::ffi::c_int,
    pub obj_receive: unsafe extern "C" fn(
        channel: *mut obj_channel_t,
        timeout_ns: u64,
        out: *mut *mut obj_t,
    ) -> ::core::ffi::c_int,
    pub obj_channel_close: unsafe extern "C" fn(channel: *mut obj_channel_t),
    pub obj_channel_free: unsafe extern "C" fn(channel: *mut obj_channel_t),
    pub obj_collect: unsafe extern "C" fn() -> i64,
    pub obj_collect_enable: unsafe extern "C" fn(on: bool) -> ::core::ffi::c_int,
    pub obj_set_collect_threshold: unsafe extern "C" fn(
        generation: ::core::ffi::c_int,
        allocations: usize,
    ) -> ::core::ffi::c_int,
    pub gilrt_module_open: unsafe extern "C" fn(
        path: *const ::core::ffi::c_char,
        out: *mut *mut gilrt_library_t,
    ) -> ::core::ffi::c_int,
    pub gilrt_module_call: unsafe extern "C" fn(
        lib: *mut gilrt_library_t,
        function: *const ::core::ffi::c_char,
        call: *mut gilrt_call_t,
    ) -> ::core::ffi::c_int,
    pub gilrt_module_close: unsafe extern "C" fn(lib: *mut gilrt_library_t),
    pub gilrt_module_describe: unsafe extern "C" fn(
        lib: *const gilrt_library_t,
    ) -> *const gilrt_module_t,
    pub gilrt_error_text: unsafe extern "C" fn() -> *const ::core::ffi::c_char,
    pub gilrt_stats_get: unsafe extern "C" fn(
        interp: *mut gil_interp_t,
        out: *mut gilrt_stats_t,
    ) -> ::core::ffi::c_int,
    pub gil_last_holder: unsafe extern "C" fn(interp: *const gil_interp_t) -> u64,
    pub gilrt_set_log: unsafe extern "C" fn(
        log: ::core::option::Option<
            unsafe extern "C" fn(
                level: ::core::ffi::c_int,
                message: *const ::core::ffi::c_char,
                user: *mut ::core::ffi::c_void,
            ),
        >,
        user: *mut ::core::ffi::c_void,
    ),
}
impl Gilrt {
    pub unsafe fn new<P>(path: P) -> Result<Self, ::libloading::Error>
    where
        P: AsRef<::std::ffi::OsStr>,
    {
        let library = ::libloading::Library::new(path)?;
        Self::from_library(library)
    }
    pub unsafe fn from_library<L>(library: L) -> Result<Self, ::libloading::Error>
    where
        L: Into<::libloading::Library>,
    {
        let __library = library.into();
        let gilrt_version = __library.get(b"gilrt_version\0").map(|sym| *sym)?;
        let gilrt_version_string = __library
            .get(b"gilrt_version_string\0")
            .map(|sym| *sym)?;
        let gilrt_abi = __library.get(b"gilrt_abi\0").map(|sym| *sym)?;
        let gilrt_strerror = __library.get(b"gilrt_strerror\0").map(|sym| *sym)?;
        let gilrt_status_name = __library.get(b"gilrt_status_name\0").map(|sym| *sym)?;
        let gilrt_init = __library.get(b"gilrt_init\0").map(|sym| *sym)?;
        let gilrt_finalize = __library.get(b"gilrt_finalize\0").map(|sym| *sym)?;
        let gil_acquire = __library.get(b"gil_acquire\0").map(|sym| *sym)?;
        let gil_release = __library.get(b"gil_release\0").map(|sym| *sym)?;
        let gil_try_acquire = __library.get(b"gil_try_acquire\0").map(|sym| *sym)?;
        let gil_acquire_for = __library.get(b"gil_acquire_for\0").map(|sym| *sym)?;
        let gil_held = __library.get(b"gil_held\0").map(|sym| *sym)?;
        let gil_poll = __library.get(b"gil_poll\0").map(|sym| *sym)?;
        let gil_yield = __library.get(b"gil_yield\0").map(|sym| *sym)?;
        let gil_detach = __library.get(b"gil_detach\0").map(|sym| *sym)?;
        let gil_attach = __library.get(b"gil_attach\0").map(|sym| *sym)?;
        let gil_detach_unblock = __library.get(b"gil_detach_unblock\0").map(|sym| *sym)?;
        let gil_interrupt = __library.get(b"gil_interrupt\0").map(|sym| *sym)?;
        let gil_region_begin = __library.get(b"gil_region_begin\0").map(|sym| *sym)?;
        let gil_region_end = __library.get(b"gil_region_end\0").map(|sym| *sym)?;
        let gil_set_switch_interval = __library
            .get(b"gil_set_switch_interval\0")
            .map(|sym| *sym)?;
        let gil_switch_interval = __library
            .get(b"gil_switch_interval\0")
            .map(|sym| *sym)?;
        let gil_set_thread_weight = __library
            .get(b"gil_set_thread_weight\0")
            .map(|sym| *sym)?;
        let gil_call_soon = __library.get(b"gil_call_soon\0").map(|sym| *sym)?;
        let gil_thread_id = __library.get(b"gil_thread_id\0").map(|sym| *sym)?;
        let gil_thread_self = __library.get(b"gil_thread_self\0").map(|sym| *sym)?;
        let gil_acquire_slow = __library.get(b"gil_acquire_slow\0").map(|sym| *sym)?;
        let gil_release_slow = __library.get(b"gil_release_slow\0").map(|sym| *sym)?;
        let gil_thread_set_user = __library
            .get(b"gil_thread_set_user\0")
            .map(|sym| *sym)?;
        let gil_thread_user = __library.get(b"gil_thread_user\0").map(|sym| *sym)?;
        let gil_poll_word = __library.get(b"gil_poll_word\0").map(|sym| *sym)?;
        let gil_interp_main = __library.get(b"gil_interp_main\0").map(|sym| *sym)?;
        let gil_interp_current = __library.get(b"gil_interp_current\0").map(|sym| *sym)?;
        let gil_interp_new = __library.get(b"gil_interp_new\0").map(|sym| *sym)?;
        let gil_interp_enter = __library.get(b"gil_interp_enter\0").map(|sym| *sym)?;
        let gil_interp_close = __library.get(b"gil_interp_close\0").map(|sym| *sym)?;
        let gil_guard_new = __library.get(b"gil_guard_new\0").map(|sym| *sym)?;
        let gil_guard_free = __library.get(b"gil_guard_free\0").map(|sym| *sym)?;
        let gil_interp_mode = __library.get(b"gil_interp_mode\0").map(|sym| *sym)?;
        let gil_interp_set_mode = __library
            .get(b"gil_interp_set_mode\0")
            .map(|sym| *sym)?;
        let gil_stop_world = __library.get(b"gil_stop_world\0").map(|sym| *sym)?;
        let gil_resume_world = __library.get(b"gil_resume_world\0").map(|sym| *sym)?;
        let obj_type_new = __library.get(b"obj_type_new\0").map(|sym| *sym)?;
        let obj_new = __library.get(b"obj_new\0").map(|sym| *sym)?;
        let obj_incref = __library.get(b"obj_incref\0").map(|sym| *sym)?;
        let obj_decref = __library.get(b"obj_decref\0").map(|sym| *sym)?;
        let obj_incref_slow = __library.get(b"obj_incref_slow\0").map(|sym| *sym)?;
        let obj_decref_slow = __library.get(b"obj_decref_slow\0").map(|sym| *sym)?;
        let obj_newref = __library.get(b"obj_newref\0").map(|sym| *sym)?;
        let obj_try_incref = __library.get(b"obj_try_incref\0").map(|sym| *sym)?;
        let obj_refcount = __library.get(b"obj_refcount\0").map(|sym| *sym)?;
        let obj_type_of = __library.get(b"obj_type_of\0").map(|sym| *sym)?;
        let obj_type_name = __library.get(b"obj_type_name\0").map(|sym| *sym)?;
        let obj_live_count = __library.get(b"obj_live_count\0").map(|sym| *sym)?;
        let obj_type_live_count = __library
            .get(b"obj_type_live_count\0")
            .map(|sym| *sym)?;
        let obj_make_hot = __library.get(b"obj_make_hot\0").map(|sym| *sym)?;
        let obj_immortalize = __library.get(b"obj_immortalize\0").map(|sym| *sym)?;
        let obj_is_immortal = __library.get(b"obj_is_immortal\0").map(|sym| *sym)?;
        let obj_weak_new = __library.get(b"obj_weak_new\0").map(|sym| *sym)?;
        let obj_weak_get = __library.get(b"obj_weak_get\0").map(|sym| *sym)?;
        let obj_weak_free = __library.get(b"obj_weak_free\0").map(|sym| *sym)?;
        let obj_section_begin = __library.get(b"obj_section_begin\0").map(|sym| *sym)?;
        let obj_section_begin2 = __library.get(b"obj_section_begin2\0").map(|sym| *sym)?;
        let obj_section_end = __library.get(b"obj_section_end\0").map(|sym| *sym)?;
        let obj_lock = __library.get(b"obj_lock\0").map(|sym| *sym)?;
        let obj_unlock = __library.get(b"obj_unlock\0").map(|sym| *sym)?;
        let obj_channel_new = __library.get(b"obj_channel_new\0").map(|sym| *sym)?;
        let obj_send = __library.get(b"obj_send\0").map(|sym| *sym)?;
        let obj_receive = __library.get(b"obj_receive\0").map(|sym| *sym)?;
        let obj_channel_close = __library.get(b"obj_channel_close\0").map(|sym| *sym)?;
        let obj_channel_free = __library.get(b"obj_channel_free\0").map(|sym| *sym)?;
        let obj_collect = __library.get(b"obj_collect\0").map(|sym| *sym)?;
        let obj_collect_enable = __library.get(b"obj_collect_enable\0").map(|sym| *sym)?;
        let obj_set_collect_threshold = __library
            .get(b"obj_set_collect_threshold\0")
            .map(|sym| *sym)?;
        let gilrt_module_open = __library.get(b"gilrt_module_open\0").map(|sym| *sym)?;
        let gilrt_module_call = __library.get(b"gilrt_module_call\0").map(|sym| *sym)?;
        let gilrt_module_close = __library.get(b"gilrt_module_close\0").map(|sym| *sym)?;
        let gilrt_module_describe = __library
            .get(b"gilrt_module_describe\0")
            .map(|sym| *sym)?;
        let gilrt_error_text = __library.get(b"gilrt_error_text\0").map(|sym| *sym)?;
        let gilrt_stats_get = __library.get(b"gilrt_stats_get\0").map(|sym| *sym)?;
        let gil_last_holder = __library.get(b"gil_last_holder\0").map(|sym| *sym)?;
        let gilrt_set_log = __library.get(b"gilrt_set_log\0").map(|sym| *sym)?;
        Ok(Gilrt {
            __library,
            gilrt_version,
            gilrt_version_string,
            gilrt_abi,
            gilrt_strerror,
            gilrt_status_name,
            gilrt_init,
            gilrt_finalize,
            gil_acquire,
            gil_release,
            gil_try_acquire,
            gil_acquire_for,
            gil_held,
            gil_poll,
            gil_yield,
            gil_detach,
            gil_attach,
            gil_detach_unblock,
            gil_interrupt,
            gil_region_begin,
            gil_region_end,
            gil_set_switch_interval,
            gil_switch_interval,
            gil_set_thread_weight,
            gil_call_soon,
            gil_thread_id,
            gil_thread_self,
            gil_acquire_slow,
            gil_release_slow,
            gil_thread_set_user,
            gil_thread_user,
            gil_poll_word,
            gil_interp_main,
            gil_interp_current,
            gil_interp_new,
            gil_interp_enter,
            gil_interp_close,
            gil_guard_new,
            gil_guard_free,
            gil_interp_mode,
            gil_interp_set_mode,
            gil_stop_world,
            gil_resume_world,
            obj_type_new,
            obj_new,
            obj_incref,
            obj_decref,
            obj_incref_slow,
            obj_decref_slow,
            obj_newref,
            obj_try_incref,
            obj_refcount,
            obj_type_of,
            obj_type_name,
            obj_live_count,
            obj_type_live_count,
            obj_make_hot,
            obj_immortalize,
            obj_is_immortal,
            obj_weak_new,
            obj_weak_get,
            obj_weak_free,
            obj_section_begin,
            obj_section_begin2,
            obj_section_end,
            obj_lock,
            obj_unlock,
            obj_channel_new,
            obj_send,
            obj_receive,
            obj_channel_close,
            obj_channel_free,
            obj_collect,
            obj_collect_enable,
            obj_set_collect_threshold,
            gilrt_module_open,
            gilrt_module_call,
            gilrt_module_close,
            gilrt_module_describe,
            gilrt_error_text,
            gilrt_stats_get,
            gil_last_holder,
            gilrt_set_log,
        })
    }
    pub unsafe fn gilrt_version(&self) -> u32 {
        (self.gilrt_version)()
    }
    pub unsafe fn gilrt_version_string(&self) -> *const ::core::ffi::c_char {
        (self.gilrt_version_string)()
    }
    pub unsafe fn gilrt_abi(&self) -> u32 {
        (self.gilrt_abi)()
    }
    pub unsafe fn gilrt_strerror(
        &self,
        status: ::core::ffi::c_int,
    ) -> *const ::core::ffi::c_char {
        (self.gilrt_strerror)(status)
    }
    pub unsafe fn gilrt_status_name(
        &self,
        status: ::core::ffi::c_int,
    ) -> *const ::core::ffi::c_char {
        (self.gilrt_status_name)(status)
    }
    pub unsafe fn gilrt_init(
        &self,
        config: *const gilrt_config_t,
    ) -> ::core::ffi::c_int {
        (self.gilrt_init)(config)
    }
    pub unsafe fn gilrt_finalize(&self, timeout_ns: u64) -> ::core::ffi::c_int {
        (self.gilrt_finalize)(timeout_ns)
    }
    pub unsafe fn gil_acquire(&self) -> ::core::ffi::c_int {
        (self.gil_acquire)()
    }
    pub unsafe fn gil_release(&self) -> ::core::ffi::c_int {
        (self.gil_release)()
    }
    pub unsafe fn gil_try_acquire(&self) -> ::core::ffi::c_int {
        (self.gil_try_acquire)()
    }
    pub unsafe fn gil_acquire_for(&self, timeout_ns: u64) -> ::core::ffi::c_int {
        (self.gil_acquire_for)(timeout_ns)
    }
    pub unsafe fn gil_held(&self) -> bool {
        (self.gil_held)()
    }
    pub unsafe fn gil_poll(&self) -> ::core::ffi::c_int {
        (self.gil_poll)()
    }
    pub unsafe fn gil_yield(&self) -> ::core::ffi::c_int {
        (self.gil_yield)()
    }
    pub unsafe fn gil_detach(&self) -> u32 {
        (self.gil_detach)()
    }
    pub unsafe fn gil_attach(&self, depth: u32) -> ::core::ffi::c_int {
        (self.gil_attach)(depth)
    }
    pub unsafe fn gil_detach_unblock(
        &self,
        unblock: ::core::option::Option<
            unsafe extern "C" fn(user: *mut ::core::ffi::c_void),
        >,
        user: *mut ::core::ffi::c_void,
    ) -> u32 {
        (self.gil_detach_unblock)(unblock, user)
    }
    pub unsafe fn gil_interrupt(&self, thread_id: u64) -> ::core::ffi::c_int {
        (self.gil_interrupt)(thread_id)
    }
    pub unsafe fn gil_region_begin(&self) -> u32 {
        (self.gil_region_begin)()
    }
    pub unsafe fn gil_region_end(&self, saved: u32) {
        (self.gil_region_end)(saved)
    }
    pub unsafe fn gil_set_switch_interval(&self, ns: u64) -> ::core::ffi::c_int {
        (self.gil_set_switch_interval)(ns)
    }
    pub unsafe fn gil_switch_interval(&self) -> u64 {
        (self.gil_switch_interval)()
    }
    pub unsafe fn gil_set_thread_weight(&self, weight: u32) -> ::core::ffi::c_int {
        (self.gil_set_thread_weight)(weight)
    }
    pub unsafe fn gil_call_soon(
        &self,
        fn_: ::core::option::Option<
            unsafe extern "C" fn(user: *mut ::core::ffi::c_void) -> ::core::ffi::c_int,
        >,
        user: *mut ::core::ffi::c_void,
    ) -> ::core::ffi::c_int {
        (self.gil_call_soon)(fn_, user)
    }
    pub unsafe fn gil_thread_id(&self) -> u64 {
        (self.gil_thread_id)()
    }
    pub unsafe fn gil_thread_self(&self) -> *mut gil_thread_t {
        (self.gil_thread_self)()
    }
    pub unsafe fn gil_acquire_slow(&self, t: *mut gil_thread_t) -> ::core::ffi::c_int {
        (self.gil_acquire_slow)(t)
    }
    pub unsafe fn gil_release_slow(&self, t: *mut gil_thread_t) {
        (self.gil_release_slow)(t)
    }
    pub unsafe fn gil_thread_set_user(
        &self,
        user: *mut ::core::ffi::c_void,
    ) -> ::core::ffi::c_int {
        (self.gil_thread_set_user)(user)
    }
    pub unsafe fn gil_thread_user(&self) -> *mut ::core::ffi::c_void {
        (self.gil_thread_user)()
    }
    pub unsafe fn gil_poll_word(&self) -> *const u32 {
        (self.gil_poll_word)()
    }
    pub unsafe fn gil_interp_main(&self) -> *mut gil_interp_t {
        (self.gil_interp_main)()
    }
    pub unsafe fn gil_interp_current(&self) -> *mut gil_interp_t {
        (self.gil_interp_current)()
    }
    pub unsafe fn gil_interp_new(
        &self,
        config: *const gil_interp_config_t,
        out: *mut *mut gil_interp_t,
    ) -> ::core::ffi::c_int {
        (self.gil_interp_new)(config, out)
    }
    pub unsafe fn gil_interp_enter(
        &self,
        interp: *mut gil_interp_t,
        previous: *mut *mut gil_interp_t,
    ) -> ::core::ffi::c_int {
        (self.gil_interp_enter)(interp, previous)
    }
    pub unsafe fn gil_interp_close(
        &self,
        interp: *mut gil_interp_t,
        timeout_ns: u64,
    ) -> ::core::ffi::c_int {
        (self.gil_interp_close)(interp, timeout_ns)
    }
    pub unsafe fn gil_guard_new(
        &self,
        interp: *mut gil_interp_t,
        out: *mut *mut gil_guard_t,
    ) -> ::core::ffi::c_int {
        (self.gil_guard_new)(interp, out)
    }
    pub unsafe fn gil_guard_free(&self, guard: *mut gil_guard_t) {
        (self.gil_guard_free)(guard)
    }
    pub unsafe fn gil_interp_mode(
        &self,
        interp: *const gil_interp_t,
    ) -> ::core::ffi::c_int {
        (self.gil_interp_mode)(interp)
    }
    pub unsafe fn gil_interp_set_mode(
        &self,
        interp: *mut gil_interp_t,
        mode: ::core::ffi::c_int,
    ) -> ::core::ffi::c_int {
        (self.gil_interp_set_mode)(interp, mode)
    }
    pub unsafe fn gil_stop_world(&self) -> ::core::ffi::c_int {
        (self.gil_stop_world)()
    }
    pub unsafe fn gil_resume_world(&self) -> ::core::ffi::c_int {
        (self.gil_resume_world)()
    }
    pub unsafe fn obj_type_new(
        &self,
        config: *const obj_type_config_t,
        out: *mut *mut obj_type_t,
    ) -> ::core::ffi::c_int {
        (self.obj_type_new)(config, out)
    }
    pub unsafe fn obj_new(
        &self,
        type_: *mut obj_type_t,
        extra_bytes: usize,
        out: *mut *mut obj_t,
    ) -> ::core::ffi::c_int {
        (self.obj_new)(type_, extra_bytes, out)
    }
    pub unsafe fn obj_incref(&self, o: *mut obj_t) {
        (self.obj_incref)(o)
    }
    pub unsafe fn obj_decref(&self, o: *mut obj_t) {
        (self.obj_decref)(o)
    }
    pub unsafe fn obj_incref_slow(&self, o: *mut obj_t) {
        (self.obj_incref_slow)(o)
    }
    pub unsafe fn obj_decref_slow(&self, o: *mut obj_t) {
        (self.obj_decref_slow)(o)
    }
    pub unsafe fn obj_newref(&self, o: *mut obj_t) -> *mut obj_t {
        (self.obj_newref)(o)
    }
    pub unsafe fn obj_try_incref(&self, o: *mut obj_t) -> bool {
        (self.obj_try_incref)(o)
    }
    pub unsafe fn obj_refcount(&self, o: *const obj_t) -> usize {
        (self.obj_refcount)(o)
    }
    pub unsafe fn obj_type_of(&self, o: *const obj_t) -> *mut obj_type_t {
        (self.obj_type_of)(o)
    }
    pub unsafe fn obj_type_name(
        &self,
        type_: *const obj_type_t,
    ) -> *const ::core::ffi::c_char {
        (self.obj_type_name)(type_)
    }
    pub unsafe fn obj_live_count(&self) -> i64 {
        (self.obj_live_count)()
    }
    pub unsafe fn obj_type_live_count(&self, type_: *const obj_type_t) -> i64 {
        (self.obj_type_live_count)(type_)
    }
    pub unsafe fn obj_make_hot(&self, o: *mut obj_t) -> ::core::ffi::c_int {
        (self.obj_make_hot)(o)
    }
    pub unsafe fn obj_immortalize(&self, o: *mut obj_t) -> ::core::ffi::c_int {
        (self.obj_immortalize)(o)
    }
    pub unsafe fn obj_is_immortal(&self, o: *const obj_t) -> bool {
        (self.obj_is_immortal)(o)
    }
    pub unsafe fn obj_weak_new(
        &self,
        o: *mut obj_t,
        out: *mut *mut obj_weak_t,
    ) -> ::core::ffi::c_int {
        (self.obj_weak_new)(o, out)
    }
    pub unsafe fn obj_weak_get(&self, weak: *mut obj_weak_t) -> *mut obj_t {
        (self.obj_weak_get)(weak)
    }
    pub unsafe fn obj_weak_free(&self, weak: *mut obj_weak_t) {
        (self.obj_weak_free)(weak)
    }
    pub unsafe fn obj_section_begin(
        &self,
        frame: *mut obj_section_t,
        o: *mut obj_t,
    ) -> ::core::ffi::c_int {
        (self.obj_section_begin)(frame, o)
    }
    pub unsafe fn obj_section_begin2(
        &self,
        frame: *mut obj_section_t,
        a: *mut obj_t,
        b: *mut obj_t,
    ) -> ::core::ffi::c_int {
        (self.obj_section_begin2)(frame, a, b)
    }
    pub unsafe fn obj_section_end(&self, frame: *mut obj_section_t) {
        (self.obj_section_end)(frame)
    }
    pub unsafe fn obj_lock(&self, o: *mut obj_t) -> ::core::ffi::c_int {
        (self.obj_lock)(o)
    }
    pub unsafe fn obj_unlock(&self, o: *mut obj_t) -> ::core::ffi::c_int {
        (self.obj_unlock)(o)
    }
    pub unsafe fn obj_channel_new(
        &self,
        capacity: usize,
        out: *mut *mut obj_channel_t,
    ) -> ::core::ffi::c_int {
        (self.obj_channel_new)(capacity, out)
    }
    pub unsafe fn obj_send(
        &self,
        channel: *mut obj_channel_t,
        o: *mut obj_t,
        timeout_ns: u64,
    ) -> ::core::ffi::c_int {
        (self.obj_send)(channel, o, timeout_ns)
    }
    pub unsafe fn obj_receive(
        &self,
        channel: *mut obj_channel_t,
        timeout_ns: u64,
        out: *mut *mut obj_t,
    ) -> ::core::ffi::c_int {
        (self.obj_receive)(channel, timeout_ns, out)
    }
    pub unsafe fn obj_channel_close(&self, channel: *mut obj_channel_t) {
        (self.obj_channel_close)(channel)
    }
    pub unsafe fn obj_channel_free(&self, channel: *mut obj_channel_t) {
        (self.obj_channel_free)(channel)
    }
    pub unsafe fn obj_collect(&self) -> i64 {
        (self.obj_collect)()
    }
    pub unsafe fn obj_collect_enable(&self, on: bool) -> ::core::ffi::c_int {
        (self.obj_collect_enable)(on)
    }
    pub unsafe fn obj_set_collect_threshold(
        &self,
        generation: ::core::ffi::c_int,
        allocations: usize,
    ) -> ::core::ffi::c_int {
        (self.obj_set_collect_threshold)(generation, allocations)
    }
    pub unsafe fn gilrt_module_open(
        &self,
        path: *const ::core::ffi::c_char,
        out: *mut *mut gilrt_library_t,
    ) -> ::core::ffi::c_int {
        (self.gilrt_module_open)(path, out)
    }
    pub unsafe fn gilrt_module_call(
        &self,
        lib: *mut gilrt_library_t,
        function: *const ::core::ffi::c_char,
        call: *mut gilrt_call_t,
    ) -> ::core::ffi::c_int {
        (self.gilrt_module_call)(lib, function, call)
    }
    pub unsafe fn gilrt_module_close(&self, lib: *mut gilrt_library_t) {
        (self.gilrt_module_close)(lib)
    }
    pub unsafe fn gilrt_module_describe(
        &self,
        lib: *const gilrt_library_t,
    ) -> *const gilrt_module_t {
        (self.gilrt_module_describe)(lib)
    }
    pub unsafe fn gilrt_error_text(&self) -> *const ::core::ffi::c_char {
        (self.gilrt_error_text)()
    }
    pub unsafe fn gilrt_stats_get(
        &self,
        interp: *mut gil_interp_t,
        out: *mut gilrt_stats_t,
    ) -> ::core::ffi::c_int {
        (self.gilrt_stats_get)(interp, out)
    }
    pub unsafe fn gil_last_holder(&self, interp: *const gil_interp_t) -> u64 {
        (self.gil_last_holder)(interp)
    }
    pub unsafe fn gilrt_set_log(
        &self,
        log: ::core::option::Option<
            unsafe extern "C" fn(
                level: ::core::ffi::c_int,
                message: *const ::core::ffi::c_char,
                user: *mut ::core::ffi::c_void,
            ),
        >,
        user: *mut ::core::ffi::c_void,
    ) {
        (self.gilrt_set_log)(log, user)
    }
}
