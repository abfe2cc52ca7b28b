//! When which generation is due: as in CPython up to 3.12.
//!
//! | generation | counts | is due |
//! |---|---|---|
//! | young | objects made, less those freed | above its threshold |
//! | middle | collections of the young | above its threshold |
//! | old | collections of the middle | above its threshold, and when a quarter has been added to it since it was last collected |
//!
//! The quarter keeps the cost of full collections in proportion to what is made: without it, a program that builds up n
//! objects would look at n² in all.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

pub const YOUNG: usize = 0;
pub const OLD: usize = 2;
pub const GENERATIONS: usize = 3;

/// 2,000 objects of some 64 bytes are still in the second-level cache when they are looked at; the others are CPython's.
const THRESHOLDS: [usize; GENERATIONS] = [2000, 10, 10];

/// Written with the lock held, but for what the host sets.
#[derive(Debug)]
pub struct Generations {
    counts: [AtomicUsize; GENERATIONS],
    thresholds: [AtomicUsize; GENERATIONS],
    enabled: AtomicBool,
    /// How many survived the last full collection.
    old: AtomicUsize,
    /// How many have become old since.
    added: AtomicUsize,
}

impl Generations {
    pub const fn new() -> Generations {
        let [young, middle, old] = THRESHOLDS;
        Generations {
            counts: [const { AtomicUsize::new(0) }; GENERATIONS],
            thresholds: [AtomicUsize::new(young), AtomicUsize::new(middle), AtomicUsize::new(old)],
            enabled: AtomicBool::new(true),
            old: AtomicUsize::new(0),
            added: AtomicUsize::new(0),
        }
    }

    /// As new.
    pub fn reset(&self) {
        for (count, (threshold, default)) in self.counts.iter().zip(self.thresholds.iter().zip(THRESHOLDS)) {
            count.store(0, Relaxed);
            threshold.store(default, Relaxed);
        }
        self.enabled.store(true, Relaxed);
        self.old.store(0, Relaxed);
        self.added.store(0, Relaxed);
    }

    pub fn enable(&self, on: bool) -> bool {
        self.enabled.swap(on, Relaxed)
    }

    pub fn is_enabled(&self) -> bool {
        self.enabled.load(Relaxed)
    }

    /// False if there is no such generation.
    pub fn set_threshold(&self, generation: usize, threshold: usize) -> bool {
        let known = self.thresholds.get(generation);
        known.inspect(|t| t.store(threshold, Relaxed)).is_some()
    }

    #[inline(always)]
    pub fn born(&self) {
        let young = &self.counts[YOUNG];
        young.store(young.load(Relaxed) + 1, Relaxed);
    }

    #[inline(always)]
    pub fn freed(&self) {
        let young = &self.counts[YOUNG];
        young.store(young.load(Relaxed).saturating_sub(1), Relaxed);
    }

    /// Whether to ask [`Self::due`].
    #[inline(always)]
    pub fn is_crowded(&self) -> bool {
        self.counts[YOUNG].load(Relaxed) >= self.thresholds[YOUNG].load(Relaxed)
    }

    /// The oldest generation that is due, if the young one is; a threshold of 0 is never passed.
    pub fn due(&self) -> Option<usize> {
        let passed = |g: usize| {
            let (count, threshold) = (self.counts[g].load(Relaxed), self.thresholds[g].load(Relaxed));
            threshold != 0 && if g == YOUNG { count >= threshold } else { count > threshold }
        };
        if !self.is_enabled() || !passed(YOUNG) {
            return None;
        }
        let grown = self.added.load(Relaxed) > self.old.load(Relaxed) / 4;
        (YOUNG..=OLD).rev().find(|&g| passed(g) && (g != OLD || grown))
    }

    /// `oldest` and all younger ones are being collected.
    pub fn begun(&self, oldest: usize) {
        self.counts[..=oldest].iter().for_each(|c| c.store(0, Relaxed));
        if let Some(next) = self.counts.get(oldest + 1) {
            next.store(next.load(Relaxed) + 1, Relaxed);
        }
    }

    /// `kept` of them are referred to from outside.
    pub fn survived(&self, oldest: usize, kept: usize) {
        match oldest {
            OLD => {
                self.old.store(kept, Relaxed);
                self.added.store(0, Relaxed);
            }
            _ if oldest + 1 == OLD => self.added.store(self.added.load(Relaxed).saturating_add(kept), Relaxed),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allocate(g: &Generations, n: usize) {
        (0..n).for_each(|_| g.born());
    }

    /// Collects `g` when it is due, with `kept` survivors; which generation that was.
    fn collect(g: &Generations, kept: usize) -> Option<usize> {
        let due = g.due()?;
        g.begun(due);
        g.survived(due, kept);
        Some(due)
    }

    #[test]
    fn each_generation_waits_for_collections_of_the_one_before() {
        let g = Generations::new();
        for (generation, threshold) in [(0, 5), (1, 2), (2, 1)] {
            assert!(g.set_threshold(generation, threshold));
        }
        assert!(!g.set_threshold(3, 1));
        let mut seen = Vec::new();
        for _ in 0..12 {
            allocate(&g, 4);
            assert_eq!(collect(&g, 5), None);
            allocate(&g, 1);
            seen.extend(collect(&g, 5));
        }
        assert_eq!(seen, [0, 0, 0, 1, 0, 0, 0, 1, 2, 0, 0, 0]);
    }

    #[test]
    fn the_old_one_waits_until_a_quarter_was_added() {
        let g = Generations::new();
        for generation in 0..GENERATIONS {
            g.set_threshold(generation, 1);
        }
        g.survived(OLD, 100);
        let mut rounds = 0;
        while {
            allocate(&g, 1);
            collect(&g, 5) != Some(OLD)
        } {
            rounds += 1;
        }
        // Five become old at every third round: the 26th of them is one of the sixth five.
        assert_eq!(rounds / 3, 6);
    }

    #[test]
    fn zero_is_never_and_freed_objects_were_not_made() {
        let g = Generations::new();
        g.set_threshold(YOUNG, 0);
        allocate(&g, 10_000);
        assert_eq!(g.due(), None);
        g.set_threshold(YOUNG, 10_000);
        assert_eq!(g.due(), Some(YOUNG));
        g.freed();
        assert_eq!(g.due(), None);
        g.born();
        assert!(g.enable(false));
        assert_eq!(g.due(), None);
        assert!(!g.enable(true));
        g.set_threshold(1, 0);
        for _ in 0..100 {
            assert_eq!(collect(&g, 1), Some(YOUNG));
            allocate(&g, 10_000);
        }
    }
}
