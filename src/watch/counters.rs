//! Figures of one lock, kept under its mutex: they cost the fast paths nothing.

use super::quantiles::Quantiles;

/// Nanoseconds throughout. A wait ends when the lock is granted; a hold is one that somebody could have noticed, because
/// it began or ended in a slow path.
#[derive(Debug)]
pub struct Counters {
    pub contended: u64,
    pub handoffs: u64,
    pub drop_requests: u64,
    pub forced_drops: u64,
    pub revocations: u64,
    pub wait_total: u64,
    pub wait_max: u64,
    pub hold_total: u64,
    pub hold_max: u64,
    waits: Quantiles,
}

impl Counters {
    pub const fn new() -> Counters {
        Counters {
            contended: 0,
            handoffs: 0,
            drop_requests: 0,
            forced_drops: 0,
            revocations: 0,
            wait_total: 0,
            wait_max: 0,
            hold_total: 0,
            hold_max: 0,
            waits: Quantiles::new(),
        }
    }

    pub fn waited(&mut self, ns: u64) {
        self.wait_total = self.wait_total.saturating_add(ns);
        self.wait_max = self.wait_max.max(ns);
        self.waits.record(ns);
    }

    pub fn held(&mut self, ns: u64) {
        self.hold_total = self.hold_total.saturating_add(ns);
        self.hold_max = self.hold_max.max(ns);
    }

    /// The wait that so much of all waits stayed below; 0 if nobody waited.
    pub fn wait_quantile(&self, quantile: f64) -> u64 {
        self.waits.at(quantile)
    }
}
