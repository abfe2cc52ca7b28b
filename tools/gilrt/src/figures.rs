//! Numbers as people read them: three significant digits and a unit.

use std::time::Duration;

/// A time, such as `1.03 s`, `512 ms` or `17.3 µs`.
pub fn time(duration: Duration) -> String {
    let nanoseconds = duration.as_nanos() as f64;
    if nanoseconds == 0.0 {
        return "0 s".to_owned();
    }
    scaled(nanoseconds, 1000.0, &[" ns", " µs", " ms", " s"])
}

/// A count, exact below a thousand, then such as `12.3 k`.
pub fn count(value: u64) -> String {
    if value < 1000 { value.to_string() } else { scaled(value as f64, 1000.0, &["", " k", " M", " G", " T"]) }
}

/// An amount of memory, such as `17.3 KiB`.
pub fn memory(bytes: u64) -> String {
    if bytes < 1000 {
        format!("{bytes} B")
    } else {
        scaled(bytes as f64, 1024.0, &[" B", " KiB", " MiB", " GiB"])
    }
}

/// A ratio, such as `1.93`.
pub fn ratio(value: f64) -> String {
    significant(round(value))
}

/// An exact whole number, its digits in groups of three.
pub fn exact(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut grouped = String::from(if value < 0 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The value in the first unit that keeps it below a thousand once it is rounded, or in the last one; a unit is `base` of the one
/// before it.
fn scaled(value: f64, base: f64, units: &[&str]) -> String {
    let mut value = value;
    let mut unit = 0;
    while round(value) >= 1000.0 && unit + 1 < units.len() {
        value /= base;
        unit += 1;
    }
    significant(round(value)) + units[unit]
}

/// The value to three significant digits; rounding comes before the choice of decimals, or 9.999 would become `10.00`.
fn round(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}

fn significant(value: f64) -> String {
    let decimals = match value.abs() {
        whole if whole >= 100.0 => 0,
        tens if tens >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits_and_the_unit_that_fits() {
        let shown = |nanoseconds| time(Duration::from_nanos(nanoseconds));
        assert_eq!(shown(0), "0 s");
        assert_eq!(shown(7), "7.00 ns");
        assert_eq!(shown(17_349), "17.3 µs");
        assert_eq!(shown(999_499), "999 µs");
        assert_eq!(shown(999_999), "1.00 ms");
        assert_eq!(shown(1_034_000_000), "1.03 s");
        assert_eq!(shown(12_345_000_000_000), "12300 s");
    }

    #[test]
    fn counts_are_exact_below_a_thousand() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1000), "1.00 k");
        assert_eq!(count(999_999), "1.00 M");
        assert_eq!(count(123_456_789), "123 M");
    }

    #[test]
    fn memory_is_told_in_powers_of_two() {
        assert_eq!(memory(0), "0 B");
        assert_eq!(memory(999), "999 B");
        assert_eq!(memory(1010), "0.99 KiB");
        assert_eq!(memory(17_715), "17.3 KiB");
        assert_eq!(memory(1 << 20), "1.00 MiB");
    }

    #[test]
    fn ratios_round_before_they_choose_their_decimals() {
        assert_eq!(ratio(1.926), "1.93");
        assert_eq!(ratio(9.999), "10.0");
        assert_eq!(ratio(0.5), "0.50");
    }

    #[test]
    fn exact_numbers_are_grouped() {
        assert_eq!(exact(0), "0");
        assert_eq!(exact(-1_234), "-1,234");
        assert_eq!(exact(100), "100");
        assert_eq!(exact(8_000_000), "8,000,000");
        assert_eq!(exact(i64::MIN), "-9,223,372,036,854,775,808");
    }
}
