//! The one table of status codes: value, name, sentence.

macro_rules! statuses {
    ($($variant:ident = $value:literal, $name:literal, $sentence:literal;)*) => {
        /// What a call answered. Zero is success, failures are negative; a value never changes its meaning.
        ///
        /// The C enum is `abi::status::gilrt_status_t`; a test holds the two together.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(i32)]
        pub enum Status { $($variant = $value,)* }

        impl Status {
            pub const ALL: &[Status] = &[$(Status::$variant,)*];

            pub fn from_code(code: i32) -> Option<Status> {
                match code { $($value => Some(Status::$variant),)* _ => None }
            }

            pub fn name(self) -> &'static std::ffi::CStr {
                match self { $(Status::$variant => $name,)* }
            }

            pub fn sentence(self) -> &'static std::ffi::CStr {
                match self { $(Status::$variant => $sentence,)* }
            }
        }
    };
}

statuses! {
    Ok = 0, c"GILRT_OK", c"success";
    Invalid = -1, c"GILRT_ERR_INVALID", c"an argument is NULL, out of range or of the wrong kind";
    NotAttached = -2, c"GILRT_ERR_NOT_ATTACHED", c"the calling thread is not attached: it must hold the lock for this";
    Timeout = -3, c"GILRT_ERR_TIMEOUT", c"the lock was held by another thread, or the channel full or empty, until the deadline";
    Closed = -4, c"GILRT_ERR_CLOSED", c"the interpreter or the channel is closing or closed: the thread must not use it any more";
    Busy = -5, c"GILRT_ERR_BUSY", c"somebody is still inside, or it is too late for this";
    Nomem = -6, c"GILRT_ERR_NOMEM", c"out of memory";
    Deadlock = -7, c"GILRT_ERR_DEADLOCK", c"waiting here could never end";
    Abi = -8, c"GILRT_ERR_ABI", c"compiled for an incompatible version of libgilrt: compile it again";
    Module = -9, c"GILRT_ERR_MODULE", c"the extension module cannot be loaded or has failed";
    Nested = -10, c"GILRT_ERR_NESTED", c"the calling thread is attached, and must not be for this";
    Limit = -11, c"GILRT_ERR_LIMIT", c"a fixed limit of the library is reached";
    Panic = -12, c"GILRT_ERR_PANIC", c"a defect inside libgilrt was caught at the border";
}

/// The status of a result without a value.
pub fn code(result: Result<(), Status>) -> i32 {
    match result {
        Ok(()) => 0,
        Err(status) => status as i32,
    }
}
