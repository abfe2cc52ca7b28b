//! Version and status.

use crate::status::Status;
use std::ffi::{c_char, c_int};

/// The version of this header.
pub const GILRT_VERSION_MAJOR: u32 = 0;
/// See GILRT_VERSION_MAJOR.
pub const GILRT_VERSION_MINOR: u32 = 1;
/// See GILRT_VERSION_MAJOR.
pub const GILRT_VERSION_PATCH: u32 = 0;
/// The version as one number that grows: major << 16 | minor << 8 | patch.
pub const GILRT_VERSION_HEX: u32 = 0x000100;
/// The layout that the inline functions of gilrt_inline.h and the structures of extension modules know: what was compiled
/// with another number must be compiled again.
pub const GILRT_ABI: u32 = 1;

/// What a call answered. Success is 0, failures are negative; functions return it as an int. A value never changes its
/// meaning, and new ones may come.
#[allow(non_camel_case_types, clippy::upper_case_acronyms)]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub enum gilrt_status {
    /// Success.
    GILRT_OK = 0,
    /// An argument is NULL, out of range or of the wrong kind.
    GILRT_ERR_INVALID = -1,
    /// The calling thread is not attached, and must be for this.
    GILRT_ERR_NOT_ATTACHED = -2,
    /// The lock was held by another thread, or the channel full or empty, until the deadline.
    GILRT_ERR_TIMEOUT = -3,
    /// The interpreter or the channel is closing or closed.
    GILRT_ERR_CLOSED = -4,
    /// Somebody is still inside, or it is too late for this.
    GILRT_ERR_BUSY = -5,
    /// Out of memory; nothing was changed.
    GILRT_ERR_NOMEM = -6,
    /// Waiting here could never end.
    GILRT_ERR_DEADLOCK = -7,
    /// Compiled for an incompatible version.
    GILRT_ERR_ABI = -8,
    /// The extension module cannot be loaded, or has failed; gilrt_error_text says why.
    GILRT_ERR_MODULE = -9,
    /// The calling thread is attached, and must not be for this.
    GILRT_ERR_NESTED = -10,
    /// A fixed limit of the library is reached.
    GILRT_ERR_LIMIT = -11,
    /// A defect inside libgilrt was caught at the border.
    GILRT_ERR_PANIC = -12,
}

/// The version of the library that runs, as GILRT_VERSION_HEX. From any thread; does not start the runtime.
#[unsafe(no_mangle)]
pub extern "C" fn gilrt_version() -> u32 {
    GILRT_VERSION_HEX
}

/// The same as "major.minor.patch". The library's; valid for ever.
#[unsafe(no_mangle)]
pub extern "C" fn gilrt_version_string() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The layout that the library speaks: compare it with GILRT_ABI.
#[unsafe(no_mangle)]
pub extern "C" fn gilrt_abi() -> u32 {
    GILRT_ABI
}

/// A sentence about a status, for people. The library's; valid for ever, never NULL, whatever the number.
#[unsafe(no_mangle)]
pub extern "C" fn gilrt_strerror(status: c_int) -> *const c_char {
    Status::from_code(status).map_or(c"no status of gilrt", Status::sentence).as_ptr()
}

/// The name of a status, for logs: "GILRT_ERR_TIMEOUT". The library's; valid for ever, never NULL, whatever the number.
#[unsafe(no_mangle)]
pub extern "C" fn gilrt_status_name(status: c_int) -> *const c_char {
    Status::from_code(status).map_or(c"unknown", Status::name).as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_packages() {
        let parts: Vec<u32> = env!("CARGO_PKG_VERSION").split('.').map(|p| p.parse().unwrap()).collect();
        assert_eq!(parts, [GILRT_VERSION_MAJOR, GILRT_VERSION_MINOR, GILRT_VERSION_PATCH]);
        assert_eq!(GILRT_VERSION_HEX, parts[0] << 16 | parts[1] << 8 | parts[2]);
    }

    #[test]
    fn the_enum_of_the_header_is_the_table_of_statuses() {
        let source = include_str!("version.rs");
        for status in Status::ALL {
            let line = format!("    {} = {},", status.name().to_str().unwrap(), *status as i32);
            assert!(source.contains(&line), "{line}");
        }
        assert_eq!(gilrt_status::GILRT_ERR_PANIC as i32, Status::ALL.last().map_or(0, |s| *s as i32));
    }

    #[test]
    fn every_number_has_a_sentence_and_a_name() {
        for status in [0, -1, -12, -13, 1, i32::MIN, i32::MAX] {
            assert!(!gilrt_strerror(status).is_null() && !gilrt_status_name(status).is_null());
        }
    }
}
