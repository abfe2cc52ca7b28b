//! Figures of one lock, kept under its mutex: they cost the fast paths nothing.

use hdrhistogram::Histogram;

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
    waits: Option<Histogram<u32>>,
}

/// Waits are recorded to two digits up to an hour: 27 KiB.
const LONGEST: u64 = 3_600_000_000_000;

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
            waits: None,
        }
    }

    /// Before the first wait, so that recording one allocates nothing.
    pub fn start(&mut self) {
        self.waits = Histogram::new_with_bounds(1, LONGEST, 2).ok();
    }

    pub fn waited(&mut self, ns: u64) {
        self.wait_total = self.wait_total.saturating_add(ns);
        self.wait_max = self.wait_max.max(ns);
        if let Some(waits) = &mut self.waits {
            waits.saturating_record(ns.max(1));
        }
    }

    pub fn held(&mut self, ns: u64) {
        self.hold_total = self.hold_total.saturating_add(ns);
        self.hold_max = self.hold_max.max(ns);
    }

    /// The wait that so much of all waits stayed below; 0 if nobody waited.
    pub fn wait_quantile(&self, quantile: f64) -> u64 {
        self.waits.as_ref().filter(|w| !w.is_empty()).map_or(0, |w| w.value_at_quantile(quantile))
    }
}
