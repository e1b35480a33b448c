//! Numbers, ids and bytes as OTLP/JSON spells them.

/// The integer that a JSON number or a text of digits means: fractions and exponents are fine
/// as long as the value is whole. `None` for anything else.
pub(super) fn integer(text: &[u8]) -> Option<i128> {
    let (negative, text) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, text),
    };
    let (mantissa, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (text.get(..at)?, exponent(text.get(at + 1..)?)?),
        None => (text, 0),
    };
    let (whole, fraction) = match mantissa.iter().position(|byte| *byte == b'.') {
        Some(at) => (mantissa.get(..at)?, mantissa.get(at + 1..)?),
        None => (mantissa, &[][..]),
    };
    if whole.is_empty() {
        return None;
    }
    let mut value: i128 = 0;
    // Zeros are held back: behind the last other digit they only move the point.
    let mut zeros: i64 = 0;
    for digit in whole.iter().chain(fraction) {
        if !digit.is_ascii_digit() {
            return None;
        }
        if *digit == b'0' {
            zeros += i64::from(value != 0);
            continue;
        }
        value = scaled(value, zeros + 1)?.checked_add(i128::from(digit - b'0'))?;
        zeros = 0;
    }
    let places = i64::try_from(fraction.len()).ok()?;
    let value = scaled(value, exponent.checked_sub(places)?.checked_add(zeros)?)?;
    Some(if negative { -value } else { value })
}

/// The value times a power of ten; `None` if that is no integer or too large.
fn scaled(value: i128, power: i64) -> Option<i128> {
    if value == 0 {
        return Some(0);
    }
    value.checked_mul(10_i128.checked_pow(u32::try_from(power).ok()?)?)
}

fn exponent(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    text.parse::<i64>().ok()
}

/// The double that a text means: the three special words, or a finite JSON number.
pub(super) fn double(text: &[u8]) -> Option<f64> {
    match text {
        b"NaN" => return Some(f64::NAN),
        b"Infinity" => return Some(f64::INFINITY),
        b"-Infinity" => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    let numeric = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    if !text.iter().all(numeric) {
        return None;
    }
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    value.is_finite().then_some(value)
}

/// Appends an id given in hexadecimal. What is no hexadecimal becomes one zero byte: an id of
/// a length that no reader takes, so that its record is refused and no other.
pub(super) fn put_id(text: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    for pair in text.chunks(2) {
        let value = match pair {
            [high, low] => nibble(*high).zip(nibble(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        let Some(value) = value else {
            out.truncate(start);
            out.push(0);
            return;
        };
        out.push(value);
    }
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Appends bytes given in base64 of either alphabet, padded or not; `None` if it is neither.
pub(super) fn put_base64(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    if padding > 2 || (padding > 0 && !text.len().is_multiple_of(4)) {
        return None;
    }
    for group in text.get(..text.len() - padding)?.chunks(4) {
        let mut bits: u32 = 0;
        for digit in group {
            bits = bits << 6 | sextet(*digit)?;
        }
        let bytes = match group.len() {
            4 => 3,
            3 => 2,
            2 => 1,
            _ => return None,
        };
        bits <<= 8 + 6 * (4 - u32::try_from(group.len()).ok()?);
        out.extend_from_slice(bits.to_be_bytes().get(..bytes)?);
    }
    Some(())
}

fn sextet(digit: u8) -> Option<u32> {
    let value = match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_in_any_spelling() {
        let cases: [(&str, Option<i128>); 16] = [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("42.0", Some(42)),
            ("1.5e18", Some(1_500_000_000_000_000_000)),
            ("120e-1", Some(12)),
            ("1e3", Some(1000)),
            ("100", Some(100)),
            ("10010", Some(10010)),
            ("-9223372036854775808", Some(-9_223_372_036_854_775_808)),
            ("18446744073709551615", Some(18_446_744_073_709_551_615)),
            ("1.5", None),
            ("1e400", None),
            ("1e99999999999999999999", None),
            ("", None),
            ("0x10", None),
            ("abc", None),
        ];
        for (text, wanted) in cases {
            assert_eq!(integer(text.as_bytes()), wanted, "{text}");
        }
        assert_eq!(integer("0".repeat(1000).as_bytes()), Some(0));
    }

    #[test]
    fn base64_of_either_alphabet() {
        let read = |text: &str| {
            let mut out = Vec::new();
            put_base64(text.as_bytes(), &mut out).map(|()| out)
        };
        assert_eq!(read(""), Some(vec![]));
        assert_eq!(read("+/8="), Some(vec![0xfb, 0xff]));
        assert_eq!(read("-_8"), Some(vec![0xfb, 0xff]));
        assert_eq!(read("AQIDBA=="), Some(vec![1, 2, 3, 4]));
        assert_eq!(read("A"), None);
        assert_eq!(read("AQ="), None);
        assert_eq!(read("A*=="), None);
    }
}
