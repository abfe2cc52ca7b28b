//! Many waits in three figures.

use hdrhistogram::Histogram;

use crate::measured::Sample;

pub const HALF: &str = "p50";
pub const MOST: &str = "p99";
const MAX: &str = "max";

/// Waits that were told in turns, one for each setting.
pub fn parts(subject: &str, settings: &[String], waits: &[u64]) -> impl Iterator<Item = Sample> {
    settings.iter().enumerate().flat_map(move |(part, setting)| {
        let waits: Vec<u64> = waits.iter().copied().skip(part).step_by(settings.len()).collect();
        quantiles(subject, setting, &waits)
    })
}

/// The median, what all but one in a hundred stay below, and the longest of them.
pub fn quantiles(subject: &str, setting: &str, waits: &[u64]) -> [Sample; 3] {
    const LONGEST_NS: u64 = 100_000_000_000;
    let mut histogram = Histogram::<u64>::new_with_bounds(1, LONGEST_NS, 3)
        .expect("these are bounds and a precision that it has");
    for wait in waits {
        histogram.saturating_record(*wait);
    }
    [(HALF, 0.5), (MOST, 0.99), (MAX, 1.0)].map(|(figure, quantile)| {
        Sample::nanoseconds(subject, setting, figure, histogram.value_at_quantile(quantile) as f64)
    })
}
