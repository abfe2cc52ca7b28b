//! The exported functions, one file per section of the header: they check arguments, call, and convert. Their comments
//! are the header's.
//!
//! No panic crosses the border: what can panic is wrapped by `border`; what is on a hot path cannot.

pub mod channel;
pub mod collect;
pub mod interp;
pub mod lock;
pub mod module;
pub mod object;
pub mod runtime;
pub mod section;
pub mod version;
pub mod watch;
pub mod weak;

use crate::status::{Status, code};
use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `f`; a panic in it, which would be a defect of this library, becomes GILRT_ERR_PANIC.
fn border(f: impl FnOnce() -> Result<(), Status>) -> c_int {
    code(catch_unwind(AssertUnwindSafe(f)).unwrap_or(Err(Status::Panic)))
}

/// A structure that begins with its size: as much of it as the caller knows of, the rest as in `default`.
///
/// # Safety
/// `from` points to at least as many bytes as it says in its first field.
unsafe fn read_sized<T: Copy>(from: *const T, default: T) -> Result<T, Status> {
    if from.is_null() {
        return Err(Status::Invalid);
    }
    // SAFETY: by the contract; `T` begins with `struct_size: usize`.
    let size = unsafe { from.cast::<usize>().read() };
    if size < size_of::<usize>() {
        return Err(Status::Invalid);
    }
    let mut value = default;
    // SAFETY: no more than the caller has, no more than there is room for.
    unsafe {
        std::ptr::copy_nonoverlapping(
            from.cast::<u8>(),
            (&raw mut value).cast::<u8>(),
            size.min(size_of::<T>()),
        )
    };
    Ok(value)
}
