//! What reports call an interpreter.

use crate::sync::Mutex;
use std::fmt;

/// What there is room for; a longer name is cut.
const ROOM: usize = 32;

#[derive(Debug)]
pub struct Name(Mutex<[u8; ROOM]>);

impl Name {
    pub const fn new(name: &str) -> Name {
        Name(Mutex::new(cut(name.as_bytes())))
    }

    pub fn set(&self, name: &[u8]) {
        *self.0.lock() = cut(name);
    }
}

const fn cut(name: &[u8]) -> [u8; ROOM] {
    let mut bytes = [0; ROOM];
    let mut i = 0;
    while i < name.len() && i < ROOM {
        bytes[i] = name[i];
        i += 1;
    }
    bytes
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let bytes = *self.0.lock();
        let length = bytes.iter().position(|&b| b == 0).unwrap_or(ROOM);
        bytes[..length].utf8_chunks().try_for_each(|chunk| f.write_str(chunk.valid()))
    }
}
