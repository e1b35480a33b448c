//! A histogram with exponential buckets, computed in integers: the same on any machine.

use alloc::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Counts of values in buckets whose borders are powers of 2^(1/8), in the metric's unit: the
/// buckets of an OTLP exponential histogram of scale 3.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    /// Values seen.
    pub count: u64,
    /// Values that are zero.
    pub zeros: u64,
    /// Their sum in the raw unit (nanoseconds, picodollars, or one).
    pub sum: i128,
    /// Count by bucket: bucket `i` holds values in (2^(i/8), 2^((i+1)/8)] of the metric's unit.
    pub buckets: BTreeMap<i16, u64>,
}

/// The borders inside one doubling: 2^63 · 2^(k/8), rounded up, for k from 1 to 7.
const BORDERS: [u64; 7] = [
    0x8b95_c1e3_ea8b_d6e7,
    0x9837_f051_8db8_a970,
    0xa5fe_d6a9_b151_38eb,
    0xb504_f333_f9de_6485,
    0xc567_2a11_5506_dade,
    0xd744_fcca_d69d_6af5,
    0xeac0_c6e7_dd24_392f,
];

impl Histogram {
    /// The OTLP scale of the buckets.
    pub const SCALE: i32 = 3;

    /// Counts a value in the raw unit; `per_unit` raw units make one of the metric's unit.
    /// Negative values count as zero.
    pub fn record(&mut self, raw: i128, per_unit: u64) {
        let raw = raw.max(0);
        self.count += 1;
        self.sum = self.sum.saturating_add(raw);
        match bucket(u64::try_from(raw).unwrap_or(u64::MAX), per_unit) {
            Some(bucket) => *self.buckets.entry(bucket).or_default() += 1,
            None => self.zeros += 1,
        }
    }
}

/// The bucket of raw / per_unit; `None` for zero.
fn bucket(raw: u64, per_unit: u64) -> Option<i16> {
    let wide = u128::from(raw) << 64;
    let per_unit = u128::from(per_unit.max(1));
    // The value with 64 fractional bits. A value below 2^-64 of the unit is zero.
    let value = wide / per_unit;
    let exponent = value.checked_ilog2()?;
    let mantissa = if exponent >= 63 { value >> (exponent - 63) } else { value << (63 - exponent) };
    let mantissa = u64::try_from(mantissa).expect("its highest bit is bit 63");
    let step = BORDERS.iter().filter(|border| mantissa >= **border).count();
    let doubling = i32::try_from(exponent).expect("below 128") - 64;
    // A power of two itself belongs to the bucket below: upper borders are inclusive.
    let is_power = value.is_power_of_two() && value * per_unit == wide;
    let bucket = doubling * 8 + i32::try_from(step).expect("below 8") - i32::from(is_power);
    i16::try_from(bucket).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn puts_values_where_the_specification_does() {
        // (raw, per unit, bucket): bucket i is (2^(i/8), 2^((i+1)/8)].
        for (raw, per_unit, expected) in [
            (0, 1, None),
            (1, 1, Some(-1)),
            (2, 1, Some(7)),
            (3, 1, Some(12)),
            (1_000_000_000, 1_000_000_000, Some(-1)),
            (1_090_507_732, 1_000_000_000, Some(0)),
            (1_090_507_733, 1_000_000_000, Some(1)),
            (500_000_000, 1_000_000_000, Some(-9)),
            (1, 1_000_000_000_000, Some(-319)),
        ] {
            assert_eq!(bucket(raw, per_unit), expected, "{raw}/{per_unit}");
        }
    }

    #[test]
    fn agrees_with_the_logarithm() {
        for raw in (1..200_000_u64).step_by(37) {
            #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
            let expected = ((raw as f64 / 1000.0).log2() * 8.0).ceil() as i16 - 1;
            assert_eq!(bucket(raw, 1000), Some(expected), "{raw}");
        }
    }
}
