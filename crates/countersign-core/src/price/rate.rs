//! Rates: what one token or one request costs, as an integer.

use core::fmt;

use crate::money::Money;

/// Attodollars in a picodollar.
const ATTO_PER_PICO: u64 = 1_000_000;

/// A price per token (or per request) in attodollars, 10⁻¹⁸ US dollars.
///
/// Published prices are dollars per million tokens with up to six decimals, which is whole in
/// picodollars per token. A few are finer ($0.0833333333 a million): the six further digits keep
/// them, what is finer still is rounded half up once, when the price is read. A call's
/// components are added in attodollars and the sum is rounded half up to a picodollar, once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(u64);

/// How many units a published figure is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// Dollars for one.
    One,
    /// Dollars for a thousand.
    Thousand,
    /// Dollars for a million.
    Million,
}

impl Per {
    const fn digits(self) -> i32 {
        match self {
            Per::One => 0,
            Per::Thousand => 3,
            Per::Million => 6,
        }
    }
}

/// Why a text is no price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RateError {
    /// It is not a decimal number such as `0.15` or `1.5e-7`.
    NotDecimal,
    /// It is below zero.
    Negative,
    /// It is above 18 dollars for one token or request.
    TooLarge,
}

impl fmt::Display for RateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RateError::NotDecimal => "expected a decimal number of dollars, e.g. 0.15",
            RateError::Negative => "a price cannot be negative",
            RateError::TooLarge => "a price cannot be above 18 dollars for one token or request",
        })
    }
}

impl core::error::Error for RateError {}

impl Rate {
    /// Nothing: given away, which is not the same as having no price.
    pub const FREE: Rate = Rate(0);

    /// Reads dollars in decimal notation, with or without an exponent.
    ///
    /// # Errors
    /// [`RateError`] if the text is no such number or out of range.
    pub fn parse(text: &str, per: Per) -> Result<Rate, RateError> {
        if text.starts_with('-') {
            return Err(RateError::Negative);
        }
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                (mantissa, exponent.parse::<i32>().map_err(|_| RateError::NotDecimal)?)
            }
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty() && fraction.is_empty() {
            return Err(RateError::NotDecimal);
        }
        let mut digits: u128 = 0;
        for byte in whole.bytes().chain(fraction.bytes()) {
            if !byte.is_ascii_digit() {
                return Err(RateError::NotDecimal);
            }
            digits = digits
                .checked_mul(10)
                .and_then(|digits| digits.checked_add(u128::from(byte - b'0')))
                .ok_or(RateError::TooLarge)?;
        }
        let decimals = i32::try_from(fraction.len()).map_err(|_| RateError::TooLarge)?;
        let shift = exponent.saturating_sub(decimals).saturating_add(18 - per.digits());
        scaled(digits, shift).map(Rate)
    }

    /// The price of so many, in attodollars.
    #[must_use]
    pub(super) fn times(self, count: u64) -> Atto {
        Atto(u128::from(self.0) * u128::from(count))
    }

    /// The price of one, to the nearest picodollar.
    #[must_use]
    pub fn money(self) -> Money {
        self.times(1).money()
    }

    /// The price of one, exactly.
    #[must_use]
    pub fn of_one(self) -> Atto {
        self.times(1)
    }

    /// The price of a million, exactly: for people, who know prices by the million.
    #[must_use]
    pub fn per_million(self) -> Atto {
        self.times(1_000_000)
    }
}

/// `digits × 10^shift`, rounded half up.
fn scaled(digits: u128, shift: i32) -> Result<u64, RateError> {
    let power = 10_u128.checked_pow(shift.unsigned_abs());
    let value = match (digits, power) {
        (0, _) => 0,
        (_, Some(power)) if shift >= 0 => digits.checked_mul(power).ok_or(RateError::TooLarge)?,
        (_, Some(power)) => digits / power + u128::from(digits % power >= power.div_ceil(2)),
        (_, None) if shift >= 0 => return Err(RateError::TooLarge),
        (_, None) => 0,
    };
    u64::try_from(value).map_err(|_| RateError::TooLarge)
}

/// An exact amount in attodollars, before it is rounded to money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Atto(pub(super) u128);

impl Atto {
    /// The sum; it stays at the largest amount instead of overflowing.
    #[must_use]
    pub fn plus(self, other: Atto) -> Atto {
        Atto(self.0.saturating_add(other.0))
    }

    /// The amount to the nearest picodollar, half up.
    #[must_use]
    pub fn money(self) -> Money {
        let half_up = self.0.saturating_add(u128::from(ATTO_PER_PICO / 2));
        // Up to 18 dollars the division is one instruction; a wider one takes tens of them.
        let pico = match u64::try_from(half_up) {
            Ok(small) => u128::from(small / ATTO_PER_PICO),
            Err(_) => half_up / u128::from(ATTO_PER_PICO),
        };
        Money::from_pico(i128::try_from(pico).unwrap_or(i128::MAX))
    }
}

/// Decimal dollars without trailing zeros, every digit.
impl fmt::Display for Atto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DOLLAR: u128 = 1_000_000_000_000_000_000;
        write!(f, "{}", self.0 / DOLLAR)?;
        let mut fraction = self.0 % DOLLAR;
        if fraction == 0 {
            return Ok(());
        }
        let mut digits = 18;
        while fraction.is_multiple_of(10) {
            fraction /= 10;
            digits -= 1;
        }
        write!(f, ".{fraction:0digits$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn reads_published_prices_exactly() {
        let atto = |text, per| Rate::parse(text, per).map(|rate| rate.0);
        // 0.15 dollars a million are 150,000 picodollars a token.
        assert_eq!(atto("0.15", Per::Million), Ok(150_000_000_000));
        assert_eq!(atto("1.5e-7", Per::One), Ok(150_000_000_000));
        assert_eq!(atto("15", Per::Million), Ok(15_000_000_000_000));
        assert_eq!(atto("10", Per::Thousand), Ok(10_000_000_000_000_000));
        assert_eq!(atto("0", Per::Million), Ok(0));
        assert_eq!(atto("0.0833333333333333", Per::Million), Ok(83_333_333_333));
        // A double that went through arithmetic: the noise is below an attodollar.
        assert_eq!(atto("0.18000000000000002", Per::Million), Ok(180_000_000_000));
        assert_eq!(atto("0.13999999999999999", Per::Million), Ok(140_000_000_000));
        assert_eq!(atto("1e-400", Per::One), Ok(0));
    }

    #[test]
    fn refuses_what_is_no_price() {
        for text in ["", ".", "abc", "1,5", "0x1", "NaN", "1e", "--1", "1e1.5", "$1"] {
            assert!(Rate::parse(text, Per::One).is_err(), "{text:?}");
        }
        assert_eq!(Rate::parse("-0.1", Per::Million), Err(RateError::Negative));
        assert_eq!(Rate::parse("19", Per::One), Err(RateError::TooLarge));
        assert_eq!(Rate::parse("1e300", Per::Million), Err(RateError::TooLarge));
        let long = "9".repeat(60);
        assert_eq!(Rate::parse(&long, Per::Million), Err(RateError::TooLarge));
    }

    #[test]
    fn rounds_a_sum_once() {
        assert_eq!(Atto(499_999).money(), Money::ZERO);
        assert_eq!(Atto(500_000).money(), Money::from_pico(1));
        let dollars = 19 * 1_000_000_000_000_000_000;
        assert_eq!(Atto(dollars + 499_999).money(), Money::DOLLAR.times(19));
        assert_eq!(Atto(dollars + 500_000).money(), Money::from_pico(19_000_000_000_001));
        assert_eq!(
            Atto(u128::MAX).money(),
            Money::from_pico(i128::try_from(u128::MAX / 1_000_000).unwrap())
        );
        assert_eq!(Atto(83_333_333_333).money(), Money::from_pico(83_333));
        assert_eq!(Atto(83_333_333_333).to_string(), "0.000000083333333333");
        assert_eq!(Rate(150_000_000_000).per_million().to_string(), "0.15");
    }
}
