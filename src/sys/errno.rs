//! errno survives acquire and release, both ways (L14): a host releases right after a failed system call, and looks at
//! errno when it is back.

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
