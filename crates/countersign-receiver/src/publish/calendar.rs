//! Times as people and query strings write them: RFC 3339 in UTC.

use countersign_core::fact::UnixNanos;

const NANOS: u64 = 1_000_000_000;
const DAY_S: u64 = 86_400;

/// A time as `2026-11-22T02:43:02Z`, or with milliseconds where they are not zero.
#[must_use]
pub fn show(time: UnixNanos) -> String {
    let seconds = time / NANOS;
    let (year, month, day) = date_of(seconds / DAY_S);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let millis = time / 1_000_000 % 1000;
    let fraction = if millis == 0 { String::new() } else { format!(".{millis:03}") };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// Reads `2026-11-22`, or RFC 3339 with `Z` or an offset; `None` for anything else and for
/// years before 1970 or after 2500.
#[must_use]
pub fn read(text: &str) -> Option<UnixNanos> {
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = digits(parts.next()?, 2)?;
    let day = digits(parts.next()?, 2)?;
    let plausible = (1970..=2500).contains(&year) && (1..=12).contains(&month);
    if parts.next().is_some() || !plausible || day == 0 || day > days_in(year, month) {
        return None;
    }
    let midnight = days_before(year, month, day) * DAY_S;
    let Some(time) = time else { return Some(midnight * NANOS) };
    let (clock, east_s) = zone(time)?;
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut parts = whole.split(':');
    let hour = digits(parts.next()?, 2)?;
    let minute = digits(parts.next()?, 2)?;
    let second = digits(parts.next()?, 2)?;
    // A leap second is written 60; it counts as the next second.
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let local = midnight + hour * 3600 + minute * 60 + second;
    let utc = i64::try_from(local).ok()?.checked_sub(east_s)?;
    Some(u64::try_from(utc).ok()? * NANOS + nanos(fraction)?)
}

/// The clock's text without its zone, and how many seconds the zone is east of UTC.
fn zone(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let at = time.rfind(['+', '-'])?;
    let (clock, offset) = time.split_at_checked(at)?;
    let (sign, offset) = offset.split_at_checked(1)?;
    let (hours, minutes) = offset.split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = i64::try_from(hours * 3600 + minutes * 60).ok()?;
    Some((clock, if sign == "-" { -seconds } else { seconds }))
}

fn nanos(fraction: &str) -> Option<u64> {
    let kept = fraction.get(..fraction.len().min(9))?;
    let value = digits(kept, kept.len())?;
    fraction.bytes().all(|byte| byte.is_ascii_digit()).then_some(())?;
    let missing = u32::try_from(9 - kept.len()).ok()?;
    Some(value * 10_u64.pow(missing))
}

fn digits(text: &str, count: usize) -> Option<u64> {
    let valid = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if valid && count > 0 { text.parse().ok() } else { None }
}

const fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_in(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to the given day, by Howard Hinnant's `days_from_civil`.
const fn days_before(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year / 400;
    let of_era = year % 400;
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The inverse, `civil_from_days`.
const fn date_of(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year + era * 400;
    (if month <= 2 { year + 1 } else { year }, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_shows() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2000-02-29T23:59:59Z",
            "2026-11-22T02:43:02Z",
            "2026-11-22T02:43:02.125Z",
            "2400-12-31T12:00:00Z",
        ] {
            assert_eq!(show(read(text).unwrap()), text);
        }
    }

    #[test]
    fn reads_dates_offsets_and_fractions() {
        assert_eq!(read("2026-11-22"), read("2026-11-22T00:00:00Z"));
        assert_eq!(read("2026-11-22T02:00:00+02:00"), read("2026-11-22T00:00:00Z"));
        assert_eq!(read("2026-11-21T22:30:00-01:30"), read("2026-11-22T00:00:00Z"));
        assert_eq!(read("1970-01-01T00:00:00.000000001Z"), Some(1));
        assert_eq!(read("1970-01-01T00:00:01.1234567899Z"), Some(1_123_456_789));
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "",
            "2026",
            "2026-13-01",
            "2026-02-29",
            "2026-00-10",
            "1969-12-31",
            "9999-01-01",
            "2026-11-22T25:00:00Z",
            "2026-11-22T02:43:02",
            "2026-11-22T02:43:02.Z",
            "2026-11-22T02:43Z",
            "+026-11-22",
            "2026-11-22T02:43:02+é0:00",
            "1732243382",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
