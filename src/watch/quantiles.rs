//! "Half of all waits were no longer than this", to two digits, from a fixed table: recording allocates nothing, so it
//! cannot fail.
//!
//! | value | bucket | each is |
//! |---|---|---|
//! | below `STEPS` | the value | one nanosecond |
//! | from `2^k` to `2^(k+1) - 1` | `STEPS` of them | a 128th of its value, or less |

/// Buckets for each power of two: their width is below 1 % of the value.
const STEPS: usize = 128;
const FIRST_POWER: u32 = STEPS.ilog2();
/// What is longer than 2^42 ns, 73 minutes, counts as that long.
const POWERS: usize = 42 - FIRST_POWER as usize;
/// A model does not look, and has little room on its stacks.
const BUCKETS: usize = if cfg!(loom) { 1 } else { STEPS * (POWERS + 1) };

#[derive(Debug)]
pub struct Quantiles {
    total: u64,
    buckets: [u32; BUCKETS],
}

impl Quantiles {
    pub const fn new() -> Quantiles {
        Quantiles { total: 0, buckets: [0; BUCKETS] }
    }

    pub fn record(&mut self, value: u64) {
        let bucket = &mut self.buckets[bucket_of(value)];
        *bucket = bucket.saturating_add(1);
        self.total += 1;
    }

    /// The value that so much of all values do not exceed, as the largest of its bucket; 0 if there are none.
    pub fn at(&self, quantile: f64) -> u64 {
        let wanted = (self.total as f64 * quantile).ceil() as u64;
        let mut seen = 0;
        let found = self.buckets.iter().position(|&n| {
            seen += u64::from(n);
            n > 0 && seen >= wanted
        });
        found.map_or(0, largest_of)
    }
}

fn bucket_of(value: u64) -> usize {
    let bucket = match value.checked_ilog2().filter(|&k| k > FIRST_POWER) {
        None => value as usize,
        Some(k) => {
            let shift = k - FIRST_POWER;
            shift as usize * STEPS + (value >> shift) as usize
        }
    };
    bucket.min(BUCKETS - 1)
}

fn largest_of(bucket: usize) -> u64 {
    match (bucket / STEPS).saturating_sub(1) {
        0 => bucket as u64,
        shift => (((bucket - shift * STEPS + 1) as u64) << shift) - 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_one_another_and_are_narrow() {
        for bucket in 0..BUCKETS - 1 {
            let largest = largest_of(bucket);
            assert_eq!((bucket_of(largest), bucket_of(largest + 1)), (bucket, bucket + 1));
            let smallest = bucket.checked_sub(1).map_or(0, |before| largest_of(before) + 1);
            assert!((largest - smallest) * 100 <= smallest, "{smallest} to {largest}");
        }
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
        assert_eq!(largest_of(BUCKETS - 1), (1 << 42) - 1);
    }

    #[test]
    fn quantiles_of_what_was_recorded() {
        let mut waits = Quantiles::new();
        assert_eq!(waits.at(0.5), 0);
        (1..=100).for_each(|value| waits.record(value));
        assert_eq!([0.0, 0.5, 0.99, 1.0].map(|q| waits.at(q)), [1, 50, 99, 100]);
        (0..900).for_each(|_| waits.record(1_000_000));
        let median = waits.at(0.5);
        assert!((1_000_000..1_010_000).contains(&median), "{median}");
    }
}
