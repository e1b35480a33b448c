//! Money as an integer: picodollars, so that sums are exact and a price per token is whole.

use core::fmt;
use core::iter::Sum;
use core::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use serde::{Deserialize, Serialize};

/// An amount of money in picodollars (10⁻¹² US dollars), exact.
///
/// A price of $0.15 per million tokens is 150,000 picodollars per token. The range of `i128`
/// is beyond any bill; sums are checked in debug builds and saturate in release builds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Money(i128);

impl Money {
    /// No money.
    pub const ZERO: Money = Money(0);
    /// One US dollar.
    pub const DOLLAR: Money = Money(1_000_000_000_000);

    /// An amount of so many picodollars.
    #[must_use]
    pub const fn from_pico(pico: i128) -> Money {
        Money(pico)
    }

    /// The amount in picodollars.
    #[must_use]
    pub const fn pico(self) -> i128 {
        self.0
    }

    /// The amount nearest to so many dollars; `None` for what is not finite, negative or above
    /// one billion dollars.
    ///
    /// Emitters report cost as a double: the nearest picodollar keeps every digit they meant.
    #[must_use]
    pub fn from_dollars(dollars: f64) -> Option<Money> {
        // A double has 53 bits: above 9,007 dollars the last picodollars are the double's own
        // rounding, not ours.
        if !(0.0..=1e9).contains(&dollars) {
            return None;
        }
        let pico = dollars * 1e12;
        #[allow(clippy::cast_possible_truncation, reason = "bounded above, and rounded")]
        let floor = pico as i128;
        #[allow(clippy::cast_precision_loss, reason = "only the fraction is of interest")]
        let fraction = pico - floor as f64;
        Some(Money(if fraction >= 0.5 { floor + 1 } else { floor }))
    }

    /// The amount times a count.
    #[must_use]
    pub const fn times(self, count: u64) -> Money {
        Money(self.0.saturating_mul(count as i128))
    }

    /// The amount for each of so many, to the nearest picodollar; `None` for none.
    #[must_use]
    pub fn per(self, count: u64) -> Option<Money> {
        let count = i128::from(count);
        Some(Money(self.0.saturating_add(count / 2).checked_div_euclid(count)?))
    }

    /// The amount in dollars, for places that can only carry a double (a metric point).
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "the wire has no wider number")]
    pub fn dollars(self) -> f64 {
        self.0 as f64 / 1e12
    }

    /// Whether the amount is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

/// Decimal dollars without trailing zeros: `0`, `13`, `0.000165`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = Money::DOLLAR.0.unsigned_abs();
        let magnitude = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        write!(f, "{}", magnitude / unit)?;
        let mut fraction = magnitude % unit;
        if fraction == 0 {
            return Ok(());
        }
        let mut digits = 12;
        while fraction.is_multiple_of(10) {
            fraction /= 10;
            digits -= 1;
        }
        write!(f, ".{fraction:0digits$}")
    }
}

impl Add for Money {
    type Output = Money;
    fn add(self, other: Money) -> Money {
        debug_assert!(self.0.checked_add(other.0).is_some(), "money overflows");
        Money(self.0.saturating_add(other.0))
    }
}

impl Sub for Money {
    type Output = Money;
    fn sub(self, other: Money) -> Money {
        self + (-other)
    }
}

impl Neg for Money {
    type Output = Money;
    fn neg(self) -> Money {
        Money(self.0.saturating_neg())
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Money) {
        *self = *self + other;
    }
}

impl SubAssign for Money {
    fn sub_assign(&mut self, other: Money) {
        *self = *self - other;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Money>>(amounts: I) -> Money {
        amounts.fold(Money::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn prints_every_digit_and_no_more() {
        let shown = |pico| Money::from_pico(pico).to_string();
        assert_eq!(shown(0), "0");
        assert_eq!(shown(1), "0.000000000001");
        assert_eq!(shown(13 * Money::DOLLAR.pico()), "13");
        assert_eq!(shown(-2_400_000_000_000), "-2.4");
        assert_eq!(shown(165_000_000), "0.000165");
    }

    #[test]
    fn reads_doubles_to_the_nearest_picodollar() {
        assert_eq!(Money::from_dollars(0.15), Some(Money::from_pico(150_000_000_000)));
        assert_eq!(Money::from_dollars(0.0042), Some(Money::from_pico(4_200_000_000)));
        assert_eq!(Money::from_dollars(-1.0), None);
        assert_eq!(Money::from_dollars(f64::NAN), None);
        assert_eq!(Money::from_dollars(1e300), None);
    }
}
