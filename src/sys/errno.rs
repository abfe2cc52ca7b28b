//! errno survives acquire and release, both ways (L14): a host releases right after a failed system call, and looks at
//! errno when it is back.

use std::ffi::CStr;
use std::fmt::{Display, Formatter};

/// Restores errno when it goes out of scope. Only the slow paths make one: the fast ones make no system call.
pub struct KeepErrno(i32);

impl KeepErrno {
    pub fn new() -> KeepErrno {
        // SAFETY: the address is this thread's errno.
        KeepErrno(unsafe { *libc::__errno_location() })
    }
}

impl Drop for KeepErrno {
    fn drop(&mut self) {
        // SAFETY: as in `new`.
        unsafe { *libc::__errno_location() = self.0 }
    }
}

/// The system's sentence about an error number, without the allocation that std's takes.
pub struct Sentence(pub i32);

impl Sentence {
    pub fn last() -> Sentence {
        // SAFETY: the address is this thread's errno.
        Sentence(unsafe { *libc::__errno_location() })
    }
}

impl Display for Sentence {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let mut text = [0u8; 128];
        // SAFETY: room for so many bytes, the last of which stays zero.
        unsafe { libc::strerror_r(self.0, text.as_mut_ptr().cast(), text.len() - 1) };
        let text = CStr::from_bytes_until_nul(&text).unwrap_or_default();
        f.write_str(text.to_str().unwrap_or("an error without a sentence"))
    }
}
