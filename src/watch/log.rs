//! Log lines: to the host's function, or to standard error from GILRT_LOG's level on (by default: warnings).
//!
//! A line is written into a buffer on the stack: logging allocates nothing, and works when memory has run out.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::fmt::{Arguments, Display, Formatter, Write};
use std::io::Write as _;
use crate::sync::{Guard, Mutex};
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

pub const ERROR: c_int = 1;
pub const WARN: c_int = 2;
pub const INFO: c_int = 3;

pub type LogFn = unsafe extern "C" fn(level: c_int, message: *const c_char, user: *mut c_void);

/// The host's function.
#[derive(Debug, Clone, Copy)]
pub struct Sink {
    log: LogFn,
    user: *mut c_void,
}

// SAFETY: gilrt_set_log says that the function is called from any thread.
unsafe impl Send for Sink {}

/// Held only while it is copied, never during a call.
static SINK: Mutex<Option<Sink>> = Mutex::new(None);
static LEVEL: AtomicI32 = AtomicI32::new(UNREAD);
const UNREAD: i32 = -1;

/// None: to standard error again.
pub fn set(log: Option<LogFn>, user: *mut c_void) {
    *SINK.lock() = log.map(|log| Sink { log, user });
}

/// Held by a fork while the process is copied.
pub fn freeze() -> Guard<'static, Option<Sink>> {
    SINK.lock()
}

pub fn error(message: Arguments) {
    write::<LINE>(ERROR, message);
}

pub fn warn(message: Arguments) {
    write::<LINE>(WARN, message);
}

pub fn info(message: Arguments) {
    write::<LINE>(INFO, message);
}

/// An error that takes several lines, passed on as one text.
pub fn report(message: Arguments) {
    write::<4096>(ERROR, message);
}

fn level() -> i32 {
    if LEVEL.load(Relaxed) == UNREAD {
        let read = crate::config::read(c"GILRT_LOG", &"off, error, warn or info", |v| match v {
            "off" => Some(0),
            "error" => Some(ERROR),
            "warn" => Some(WARN),
            "info" => Some(INFO),
            _ => None,
        });
        LEVEL.store(read.unwrap_or(WARN), Relaxed);
    }
    LEVEL.load(Relaxed)
}

fn write<const ROOM: usize>(level_of_message: c_int, message: Arguments) {
    let sink = *SINK.lock();
    match sink {
        // SAFETY: the host's function, with a C string that lives during the call.
        Some(sink) => unsafe { (sink.log)(level_of_message, Buffer::<ROOM>::of(message).c_str(), sink.user) },
        None if level_of_message <= level() => _ = writeln!(std::io::stderr(), "gilrt: {message}"),
        None => {}
    }
}

/// A C string of limited length; what does not fit is cut.
#[derive(Debug)]
pub struct Buffer<const ROOM: usize> {
    bytes: [u8; ROOM],
    length: usize,
}

/// Room for one sentence.
pub type Line = Buffer<LINE>;
const LINE: usize = 512;

impl<const ROOM: usize> Buffer<ROOM> {
    pub const fn new() -> Self {
        Buffer { bytes: [0; ROOM], length: 0 }
    }

    pub fn of(text: Arguments) -> Self {
        let mut buffer = Buffer::new();
        _ = buffer.write_fmt(text);
        buffer
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }

    /// The byte behind the text is always zero.
    pub fn c_str(&self) -> *const c_char {
        self.bytes.as_ptr().cast()
    }
}

impl<const ROOM: usize> Write for Buffer<ROOM> {
    fn write_str(&mut self, s: &str) -> std::fmt::Result {
        for c in s.chars().filter(|&c| c != '\0') {
            if self.length + c.len_utf8() >= ROOM {
                return Ok(());
            }
            c.encode_utf8(&mut self.bytes[self.length..]);
            self.length += c.len_utf8();
        }
        Ok(())
    }
}

impl<const ROOM: usize> Display for Buffer<ROOM> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A C string of the host or of a module, for a sentence: shown without an allocation, whatever its bytes.
pub struct Text(pub *const c_char);

impl Display for Text {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        if self.0.is_null() {
            return f.write_str("?");
        }
        // SAFETY: whoever made it has a C string that lives as long.
        for chunk in unsafe { CStr::from_ptr(self.0) }.to_bytes().utf8_chunks() {
            f.write_str(chunk.valid())?;
            if !chunk.invalid().is_empty() {
                f.write_str("\u{FFFD}")?;
            }
        }
        Ok(())
    }
}
