//! Who has the least runtime: a binary heap of slots that knows where each slot stands, so that any of them can be
//! taken out in O(log n). It allocates only in [`Heap::reserve`].

use std::collections::TryReserveError;

/// Not in the heap.
const NOWHERE: u32 = u32::MAX;

/// A min-heap of slots ordered by a key and, among equal keys, by the order of arrival.
#[derive(Debug, Default)]
pub struct Heap {
    entries: Vec<Entry>,
    /// By slot: its index in `entries`, or [`NOWHERE`].
    places: Vec<u32>,
    arrivals: u64,
    /// Comparisons so far: what "O(log n)" is counted in.
    pub comparisons: u64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    key: u64,
    arrival: u64,
    slot: u32,
}

impl Heap {
    pub const fn new() -> Heap {
        Heap { entries: Vec::new(), places: Vec::new(), arrivals: 0, comparisons: 0 }
    }

    /// Makes room for slots 0 to `slots - 1`; from then on pushing them does not allocate.
    pub fn reserve(&mut self, slots: usize) -> Result<(), TryReserveError> {
        self.entries.try_reserve(slots.saturating_sub(self.entries.len()))?;
        self.places.try_reserve(slots.saturating_sub(self.places.len()))?;
        if self.places.len() < slots {
            self.places.resize(slots, NOWHERE);
        }
        Ok(())
    }

    pub fn least(&self) -> Option<(u64, u32)> {
        self.entries.first().map(|e| (e.key, e.slot))
    }

    pub fn push(&mut self, slot: u32, key: u64) {
        debug_assert_eq!(self.places[slot as usize], NOWHERE);
        self.arrivals += 1;
        self.entries.push(Entry { key, arrival: self.arrivals, slot });
        self.places[slot as usize] = self.entries.len() as u32 - 1;
        self.rise(self.entries.len() - 1);
    }

    pub fn remove(&mut self, slot: u32) {
        let place = self.places[slot as usize] as usize;
        debug_assert!(place < self.entries.len());
        self.places[slot as usize] = NOWHERE;
        self.entries.swap_remove(place);
        if let Some(moved) = self.entries.get(place) {
            self.places[moved.slot as usize] = place as u32;
            self.sink(place);
            self.rise(place);
        }
    }

    pub fn clear(&mut self) {
        self.entries.clear();
        self.places.fill(NOWHERE);
    }

    fn before(&mut self, a: usize, b: usize) -> bool {
        self.comparisons += 1;
        let (a, b) = (&self.entries[a], &self.entries[b]);
        (a.key, a.arrival) < (b.key, b.arrival)
    }

    fn exchange(&mut self, a: usize, b: usize) {
        self.entries.swap(a, b);
        self.places[self.entries[a].slot as usize] = a as u32;
        self.places[self.entries[b].slot as usize] = b as u32;
    }

    fn rise(&mut self, mut at: usize) {
        while at > 0 && self.before(at, (at - 1) / 2) {
            self.exchange(at, (at - 1) / 2);
            at = (at - 1) / 2;
        }
    }

    fn sink(&mut self, mut at: usize) {
        loop {
            let (left, right) = (2 * at + 1, 2 * at + 2);
            if left >= self.entries.len() {
                return;
            }
            let child = if right < self.entries.len() && self.before(right, left) { right } else { left };
            if !self.before(child, at) {
                return;
            }
            self.exchange(at, child);
            at = child;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_least_comes_first_whatever_is_taken_out(keys in prop::collection::vec(0u64..50, 1..200), out in prop::collection::vec(any::<bool>(), 200)) {
            let mut heap = Heap::new();
            heap.reserve(keys.len()).unwrap();
            let mut left = vec![];
            for (slot, &key) in keys.iter().enumerate() {
                heap.push(slot as u32, key);
            }
            for (slot, &key) in keys.iter().enumerate() {
                if out[slot] { heap.remove(slot as u32) } else { left.push((key, slot as u32)) }
            }
            left.sort();
            for expected in left {
                prop_assert_eq!(heap.least(), Some(expected));
                heap.remove(expected.1);
            }
            prop_assert_eq!(heap.least(), None);
        }
    }
}
