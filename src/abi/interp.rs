//! Interpreters.

use crate::interp::Interp;
use crate::sys::tls;

/// The main interpreter: the process has it from the start. Never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn gil_interp_main() -> *mut Interp {
    std::ptr::from_ref(Interp::main()).cast_mut()
}

/// The interpreter that the calling thread's acquires mean; the main one for a thread that is not known. Never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn gil_interp_current() -> *mut Interp {
    std::ptr::from_ref(Interp::of(tls::current())).cast_mut()
}
