//! The lock word.
//!
//! | HELD | WAITERS | WAKING | FAIR | BIASED | means | who may change it |
//! |---|---|---|---|---|---|---|
//! | 0 | 0 | 0 | 0 | 0 | free; the number is the last holder's, or 0 if that has ended or nobody was | whoever comes, by CAS |
//! | 1 | 0 | 0 | 0 | 0 | held | the holder by CAS to free; under the mutex: a waiter adds WAITERS, the holder adds BIASED |
//! | 1 | 1 | 0 | 0 | 0 | held, and the release must wake the next waiter to try | under the mutex |
//! | 1 | 1 | 1 | 0 | 0 | held, and a waiter is on its way: it will look under the mutex | the holder by CAS to free; under the mutex the woken one |
//! | 0 | 1 | 1 | 0 | 0 | free, a waiter is on its way, or naps for 30 µs at the most | whoever comes, by CAS (barging) |
//! | 1 | 1 | any | 1 | 0 | held, and the release must hand over | under the mutex |
//! | 1 | 0 | 0 | 0 | 1 | the holder's `self` tells whether it holds | a revoker or the holder, under the mutex |
//! | 0 | 1 | 0 | - | - | never: a free lock with waiters has woken one (a wake is owed to somebody) | |
//! | 0 | - | - | 1 | - | never: what is FAIR is handed over, not freed | |
//! | - | 1 | - | - | 1 | never: who would queue revokes first | |
//!
//! Whether an interpreter is closing, or has changed its mode, is not here but in the breakers of its threads: who has won the lock
//! looks there ([`super::Gil::acquire_slow`]). The epoch counts changes of holder.

/// One value of the word: `epoch << 32 | flags | number of the (last) holder`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word(pub u64);

const HOLDER: u64 = (1 << 24) - 1;
pub const HELD: u64 = 1 << 24;
pub const WAITERS: u64 = 1 << 25;
pub const WAKING: u64 = 1 << 26;
pub const FAIR: u64 = 1 << 27;
pub const BIASED: u64 = 1 << 28;
const EPOCH: u64 = 1 << 32;

impl Word {
    /// Free, and nobody had it.
    pub const NEW: u64 = 0;

    pub fn holder(self) -> u32 {
        (self.0 & HOLDER) as u32
    }

    pub fn has(self, flags: u64) -> bool {
        self.0 & flags != 0
    }

    /// How often the lock changed hands, modulo 2^32.
    pub fn epoch(self) -> u32 {
        (self.0 >> 32) as u32
    }

    pub fn held_by(self, id: u32) -> bool {
        self.has(HELD) && self.holder() == id
    }

    pub fn with(self, flags: u64) -> Word {
        Word(self.0 | flags)
    }

    pub fn without(self, flags: u64) -> Word {
        Word(self.0 & !flags)
    }

    /// Free, and the last holder is no thread any more.
    pub fn of_nobody(self) -> Word {
        Word(self.0 & !HOLDER)
    }

    /// Held by `id`, the flags unchanged.
    pub fn taken_by(self, id: u32) -> Word {
        let next = self.0 & !HOLDER | HELD | u64::from(id);
        Word(if self.holder() == id { next } else { next.wrapping_add(EPOCH) })
    }
}
