//! All channels, in parts with a lock each. What a host has of a channel is a name: part, slot, and which of the channels that were
//! ever in the slot. Nothing is looked for at an address that the host gives, so that a name that is too old, or no name, is
//! an answer.
//!
//! | the slot's turn | channel | a name of that turn | an older one | a newer one |
//! |---|---|---|---|---|
//! | n | there | is the channel | was freed: Closed | never was: Invalid |
//! | n | none: nobody's, and in `unused` | never was: Invalid | was freed: Closed | never was: Invalid |

use super::queue::Channel;
use crate::status::Status;
use crate::sync::{Guard, Mutex};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// So many that channels which threads use at the same time seldom share a mutex.
const PARTS: usize = if cfg!(loom) { 1 } else { 1 << PART_BITS };
const PART_BITS: u32 = 6;
/// 262,144 channels in each part. The other bits are the turn: of 64, that is 40, which is for ever.
const SLOT_BITS: u32 = 18;
const TURNS: usize = usize::MAX >> (PART_BITS + SLOT_BITS);

#[cfg(not(loom))]
static TABLE: [Mutex<Part>; PARTS] = [const { Mutex::new(Part::new()) }; PARTS];
#[cfg(loom)]
loom::lazy_static! {
    static ref TABLE: [Mutex<Part>; PARTS] = std::array::from_fn(|_| Mutex::new(Part::new()));
}

/// What the C interface has for a name: a pointer to nothing.
#[derive(Debug)]
pub enum Handle {}

/// What a host calls a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name {
    part: usize,
    slot: usize,
    /// From 1: no name is 0.
    turn: usize,
}

impl Name {
    /// None for NULL and for what cannot be a name.
    pub fn of(handle: *const Handle) -> Option<Name> {
        let bits = handle.addr();
        let part = bits % (1 << PART_BITS);
        let slot = (bits >> PART_BITS) % (1 << SLOT_BITS);
        let turn = bits >> (PART_BITS + SLOT_BITS);
        (turn != 0).then_some(Name { part, slot, turn })
    }

    pub fn handle(self) -> *mut Handle {
        let bits = self.part | self.slot << PART_BITS | self.turn << (PART_BITS + SLOT_BITS);
        std::ptr::without_provenance_mut(bits)
    }

    pub fn part(self) -> &'static Mutex<Part> {
        &TABLE[self.part % PARTS]
    }
}

#[derive(Debug)]
pub struct Part {
    slots: Vec<Slot>,
    /// Has room for all slots, so that a free cannot fail.
    unused: Vec<usize>,
}

#[derive(Debug)]
struct Slot {
    /// Of the channel that is there, or the next one.
    turn: usize,
    channel: Option<Channel>,
}

/// A new channel's name.
pub fn open(channel: Channel) -> Result<Name, Status> {
    static OPENED: AtomicUsize = AtomicUsize::new(0);
    let part = OPENED.fetch_add(1, Relaxed) % PARTS; // in turn: the first 64 share nothing
    TABLE[part].lock().insert(part, channel)
}

impl Part {
    const fn new() -> Part {
        Part { slots: Vec::new(), unused: Vec::new() }
    }

    fn insert(&mut self, part: usize, channel: Channel) -> Result<Name, Status> {
        if self.unused.is_empty() {
            let slot = self.slots.len();
            if slot == 1 << SLOT_BITS {
                return Err(Status::Limit);
            }
            self.slots.try_reserve(1).map_err(|_| Status::Nomem)?;
            self.unused.try_reserve(slot + 1).map_err(|_| Status::Nomem)?;
            self.slots.push(Slot { turn: 1, channel: None });
            self.unused.push(slot);
        }
        let slot = self.unused.pop().ok_or(Status::Nomem)?;
        self.slots[slot].channel = Some(channel);
        Ok(Name { part, slot, turn: self.slots[slot].turn })
    }

    /// Closed if it has been freed, Invalid if there never was one.
    pub fn channel(&mut self, name: Name) -> Result<&mut Channel, Status> {
        self.slot(name)?.channel.as_mut().ok_or(Status::Invalid)
    }

    /// By whoever has closed it. Its memory is the caller's to give back, after the mutex.
    pub fn remove(&mut self, name: Name) -> Result<Channel, Status> {
        let slot = self.slot(name)?;
        let channel = slot.channel.take().ok_or(Status::Invalid)?;
        slot.turn = slot.turn % TURNS + 1;
        self.unused.push(name.slot);
        Ok(channel)
    }

    fn slot(&mut self, name: Name) -> Result<&mut Slot, Status> {
        let slot = self.slots.get_mut(name.slot).ok_or(Status::Invalid)?;
        match name.turn.cmp(&slot.turn) {
            std::cmp::Ordering::Less => Err(Status::Closed),
            std::cmp::Ordering::Equal => Ok(slot),
            std::cmp::Ordering::Greater => Err(Status::Invalid),
        }
    }

    /// In a forked child: nobody waits but a thread that forked in a signal handler, which shall look again.
    pub fn reset(&mut self) {
        for channel in self.slots.iter_mut().filter_map(|slot| slot.channel.as_mut()) {
            while let Some(waiter) = channel.next() {
                waiter.poke();
            }
        }
    }
}

/// All parts, held by a fork while the process is copied.
pub type Frozen = [Guard<'static, Part>; PARTS];

pub fn freeze() -> Frozen {
    std::array::from_fn(|i| TABLE[i].lock())
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_used_again_and_its_memory_is() {
        let mut part = Part::new();
        let mut last = 0;
        for turn in 1..1000 {
            let name = part.insert(5, Channel::new(0).unwrap()).unwrap();
            assert_eq!(name, Name { part: 5, slot: 0, turn });
            assert_eq!(Name::of(name.handle()), Some(name));
            assert_ne!(name.handle().addr(), last);
            last = name.handle().addr();
            assert!(part.channel(name).is_ok());
            assert!(part.remove(name).is_ok());
            assert_eq!(part.channel(name).err(), Some(Status::Closed));
            assert_eq!(part.remove(name).err(), Some(Status::Closed));
            assert_eq!(part.channel(Name { turn: turn + 1, ..name }).err(), Some(Status::Invalid));
            assert_eq!(part.channel(Name { slot: 1, ..name }).err(), Some(Status::Invalid));
        }
        assert_eq!((part.slots.len(), part.unused.len()), (1, 1));
    }

    #[test]
    fn the_last_turn_is_followed_by_the_first() {
        let mut part = Part::new();
        part.slots.push(Slot { turn: TURNS, channel: None });
        part.unused.push(0);
        let last = part.insert(63, Channel::new(0).unwrap()).unwrap();
        assert_eq!(Name::of(last.handle()), Some(Name { part: 63, slot: 0, turn: TURNS }));
        assert!(part.remove(last).is_ok());
        assert_eq!(part.slots[0].turn, 1);
    }
}
