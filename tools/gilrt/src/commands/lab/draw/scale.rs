//! An axis: where a value lies, and which values are written beside it.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};

#[derive(Clone, Debug)]
pub struct Scale {
    low: f64,
    high: f64,
    logarithmic: bool,
    pub ticks: Vec<f64>,
}

impl Scale {
    /// For these values. Logarithmic only if there is something to take a logarithm of; otherwise it begins at 0.
    pub fn new(values: impl Iterator<Item = f64> + Clone, logarithmic: bool) -> Self {
        let positive = || values.clone().filter(|value| *value > 0.0 && value.is_finite());
        let (least, most) = positive().fold((f64::INFINITY, 0.0_f64), |(l, m), v| (l.min(v), m.max(v)));
        if most == 0.0 {
            return Self { low: 0.0, high: 1.0, logarithmic: false, ticks: vec![0.0] };
        }
        if !logarithmic {
            let step = step(most);
            let steps = (most / step).ceil();
            let ticks = (0..=steps as u32).map(|at| f64::from(at) * step).collect();
            return Self { low: 0.0, high: steps * step, logarithmic, ticks };
        }
        let (low, high) = (least.log10().floor(), most.log10().ceil().max(least.log10().floor() + 1.0));
        // Between few decades there is room for more than the powers of ten.
        let parts: &[f64] = if high - low <= 2.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let all = (low as i32..=high as i32)
            .flat_map(|power| parts.iter().map(move |part| part * 10_f64.powi(power)));
        let (low, high) = (10_f64.powf(low), 10_f64.powf(high));
        let mut ticks: Vec<f64> = all.filter(|tick| (low..=high * 1.001).contains(tick)).collect();
        let (first, last) = trimmed(&ticks, least, most);
        ticks = ticks[first..=last].to_vec();
        Self { low: ticks[0], high: ticks[ticks.len() - 1], logarithmic, ticks }
    }

    /// For values each of which is written.
    pub fn of_points(values: impl Iterator<Item = f64>, logarithmic: bool) -> Self {
        let mut ticks: Vec<f64> = values.collect();
        ticks.sort_by(f64::total_cmp);
        ticks.dedup();
        let logarithmic = logarithmic && ticks.first().is_some_and(|least| *least > 0.0);
        let (low, high) = (ticks.first().copied().unwrap_or(0.0), ticks.last().copied().unwrap_or(1.0));
        let high = if high > low { high } else { low + 1.0 };
        Self { low, high, logarithmic, ticks }
    }

    /// How far along the axis, from 0 to 1; what is too small for it lies at its beginning.
    pub fn part(&self, value: f64) -> f64 {
        let part = if self.logarithmic {
            (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        part.clamp(0.0, 1.0)
    }
}

/// The places of the ticks next to what is shown.
fn trimmed(ticks: &[f64], least: f64, most: f64) -> (usize, usize) {
    let first = ticks.iter().rposition(|tick| *tick <= least).unwrap_or(0);
    let last = ticks.iter().position(|tick| *tick >= most * 0.999).unwrap_or(ticks.len() - 1);
    // An axis has a length.
    if first < last {
        (first, last)
    } else if last + 1 < ticks.len() {
        (first, last + 1)
    } else {
        (first - 1, last)
    }
}

/// 1, 2 or 5 times a power of ten, so that about five of them make `most`.
fn step(most: f64) -> f64 {
    let power = 10_f64.powf((most / 5.0).log10().floor());
    let digit = most / 5.0 / power;
    power
        * if digit <= 1.0 {
            1.0
        } else if digit <= 2.0 {
            2.0
        } else if digit <= 5.0 {
            5.0
        } else {
            10.0
        }
}

impl Ranged for Scale {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        from + (f64::from(to - from) * self.part(*value)).round() as i32
    }

    fn key_points<H: KeyPointHint>(&self, _: H) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(values: &[f64], logarithmic: bool) -> Scale {
        Scale::new(values.iter().copied(), logarithmic)
    }

    #[test]
    fn ticks_are_round_and_cover_the_values() {
        assert_eq!(scale(&[3.0, 47.0], false).ticks, [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]);
        assert_eq!(scale(&[3.0, 4.7e6], true).ticks, [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7]);
        assert_eq!(scale(&[3.0, 47.0], true).ticks, [2.0, 5.0, 10.0, 20.0, 50.0]);
    }

    #[test]
    fn one_value_and_none_have_an_axis_too() {
        for values in [&[1.0][..], &[10.0], &[7.0], &[1e-3], &[0.0], &[]] {
            for logarithmic in [false, true] {
                let scale = scale(values, logarithmic);
                assert!(scale.high > scale.low, "{values:?} {scale:?}");
                assert!(values.iter().all(|value| (0.0..=1.0).contains(&scale.part(*value))), "{values:?}");
            }
        }
    }

    #[test]
    fn points_are_written_each() {
        let scale = Scale::of_points([8.0, 1.0, 2.0, 2.0].into_iter(), true);
        assert_eq!(scale.ticks, [1.0, 2.0, 8.0]);
        assert_eq!((scale.part(1.0), scale.part(8.0)), (0.0, 1.0));
    }
}
