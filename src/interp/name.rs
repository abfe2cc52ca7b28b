//! What reports call an interpreter.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// What there is room for; a longer name is cut.
const ROOM: usize = 32;

/// Set before anybody knows the interpreter. Atomics, since a report may still read the one that was closed in its place.
#[derive(Debug)]
pub struct Name([AtomicU8; ROOM]);

impl Name {
    pub const fn new(name: &str) -> Name {
        let mut bytes = [const { AtomicU8::new(0) }; ROOM];
        let mut i = 0;
        while i < name.len() && i < ROOM {
            bytes[i] = AtomicU8::new(name.as_bytes()[i]);
            i += 1;
        }
        Name(bytes)
    }

    pub fn set(&self, name: &[u8]) {
        let padded = name.iter().copied().chain(std::iter::repeat(0));
        self.0.iter().zip(padded).for_each(|(place, byte)| place.store(byte, Relaxed));
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let bytes: [u8; ROOM] = std::array::from_fn(|i| self.0[i].load(Relaxed));
        let length = bytes.iter().position(|&b| b == 0).unwrap_or(ROOM);
        bytes[..length].utf8_chunks().try_for_each(|chunk| f.write_str(chunk.valid()))
    }
}
