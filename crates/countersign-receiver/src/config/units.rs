//! How durations, amounts, shares and addresses are written.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use countersign_core::dialect::Scrub;
use countersign_core::money::Money;

/// What [`duration`] understands.
pub const DURATION: &str = "a duration such as 15s, 1m30s, 12h or 14d";

/// A duration as the Collector writes it (`300ms`, `1m30s`), with `d` and `w` added.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut millis = 0_u64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(number_end);
        let unit_end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let unit_ms = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 24 * 3_600_000,
            "w" => 7 * 24 * 3_600_000,
            _ => return None,
        };
        millis = millis.checked_add(number.parse::<u64>().ok()?.checked_mul(unit_ms)?)?;
        rest = after;
    }
    Some(Duration::from_millis(millis))
}

/// A duration that is not zero.
#[must_use]
pub(super) fn some_duration(text: &str) -> Option<Duration> {
    duration(text).filter(|duration| !duration.is_zero())
}

/// A count of bytes with its unit.
#[must_use]
pub(super) fn bytes(text: &str) -> Option<u64> {
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, unit) = text.split_at_checked(at)?;
    let shift = match unit.trim_start() {
        "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// A patience in milliseconds. Longer than a hundred years would overflow the books' clock.
#[must_use]
pub(super) fn patience_ms(text: &str) -> Option<u64> {
    let century = Duration::from_secs(100 * 366 * 24 * 3600);
    let patience = some_duration(text).filter(|patience| *patience <= century)?;
    u64::try_from(patience.as_millis()).ok()
}

/// A confirm window in milliseconds; none at all is `0s`.
#[must_use]
pub(super) fn confirm_ms(text: &str) -> Option<u64> {
    let none = duration(text).filter(std::time::Duration::is_zero).map(|_| 0);
    none.or_else(|| patience_ms(text))
}

/// An amount in dollars.
#[must_use]
pub(super) fn dollars(text: &str) -> Option<Money> {
    text.parse().ok().and_then(Money::from_dollars)
}

/// A share from 0 to 1, in millionths.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1,000,000")]
pub(super) fn share_ppm(text: &str) -> Option<u32> {
    let share: f64 = text.parse().ok()?;
    (0.0..=1.0).contains(&share).then(|| (share * 1e6).round() as u32)
}

/// What [`address`] understands.
pub(super) const ADDRESS: &str = "an address such as 127.0.0.1:4317 or [::1]:0";

/// An address to listen on.
///
/// # Errors
/// What was expected.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    let local = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
    local
        .map(|port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .or_else(|| text.parse().ok())
        .ok_or_else(|| format!("expected {ADDRESS}"))
}

/// How much of what passes through is kept.
#[must_use]
pub(super) fn scrub(text: &str) -> Option<Scrub> {
    match text {
        "standard" => Some(Scrub::Standard),
        "strict" => Some(Scrub::Strict),
        "off" => Some(Scrub::Off),
        _ => None,
    }
}

/// What [`name`] understands.
pub(super) const NAME: &str = "a name of at most 64 letters, digits, `-`, `_` and `.`";
/// The same, for a key that is a name.
pub(super) const NAME_EXPECTED: &str =
    "expected a name of at most 64 letters, digits, `-`, `_` and `.`";

/// A name that is a label, a file and a user elsewhere.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    plain && !text.is_empty() && text.len() <= 64 && !text.starts_with('.')
}

/// See [`is_name`].
#[must_use]
pub(super) fn name(text: &str) -> Option<String> {
    is_name(text).then(|| text.to_owned())
}

/// A file or directory.
#[must_use]
pub(super) fn path(text: &str) -> Option<PathBuf> {
    (!text.is_empty()).then(|| PathBuf::from(text))
}

/// A number from 1.
#[must_use]
pub(super) fn count(text: &str) -> Option<u32> {
    text.parse().ok().filter(|count| *count > 0)
}

/// True or false.
#[must_use]
pub(super) fn truth(text: &str) -> Option<bool> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let seconds = |text| duration(text).map(|duration| duration.as_secs_f64());
        assert_eq!(seconds("300ms"), Some(0.3));
        assert_eq!(seconds("1m30s"), Some(90.0));
        assert_eq!(seconds("14d"), Some(1_209_600.0));
        for wrong in ["", "5", "s", "5 s", "-5s", "5y", "99999999999999999999s", "1w1"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn addresses() {
        assert_eq!(address("localhost:1").map(|a| a.to_string()), Ok("127.0.0.1:1".into()));
        assert_eq!(address("[::1]:0").map(|a| a.to_string()), Ok("[::1]:0".into()));
        assert!(address("4317").is_err());
        assert!(address("example.com:4317").is_err());
    }

    #[test]
    fn shares() {
        assert_eq!(share_ppm("0.05"), Some(50_000));
        assert_eq!(share_ppm("1.01"), None);
        assert_eq!(share_ppm("NaN"), None);
    }
}
