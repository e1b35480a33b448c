//! Dates of price sheets: days and times of day in UTC.

use anyhow::{Context as _, Result, bail, ensure};
use countersign_core::fact::UnixNanos;

const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400 * SECOND;

/// Reads a day (`2026-11-01`, its midnight in UTC) or a time (`2026-11-01T08:30:00Z`).
///
/// # Errors
/// Anything else, and what lies before 1970.
pub fn parse_time(text: &str) -> Result<UnixNanos> {
    let expected = || format!("expected YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ, not {text:?}");
    let (day, time) = text.split_once('T').unwrap_or((text, "00:00:00Z"));
    let fields: Vec<&str> = day.split('-').collect();
    let [year, month, day] = fields[..] else { bail!(expected()) };
    ensure!((year.len(), month.len(), day.len()) == (4, 2, 2), expected());
    let days = days_since_1970(number(year)?, number(month)?, number(day)?);
    let days = days.with_context(expected)?;
    Ok(days * DAY + parse_time_of_day(time).with_context(expected)?)
}

/// Reads a time of day (`01:00:00Z`, `02:00:00+01:00`) as nanoseconds since midnight in UTC.
pub(super) fn parse_time_of_day(text: &str) -> Result<u64> {
    let expected = || format!("expected hh:mm:ssZ or hh:mm:ss+hh:mm, not {text:?}");
    let (time, zone) = text.split_at_checked(8).with_context(expected)?;
    let seconds = clock(time).with_context(expected)?;
    let shifted = match zone.split_at_checked(1) {
        Some(("Z", "")) => seconds,
        Some(("+", zone)) => seconds + 86_400 - clock(zone).with_context(expected)?,
        Some(("-", zone)) => seconds + clock(zone).with_context(expected)?,
        _ => bail!(expected()),
    };
    Ok(shifted % 86_400 * SECOND)
}

/// The day of a time, as `YYYY-MM-DD`.
#[must_use]
pub fn date(at: UnixNanos) -> String {
    let days = at / DAY;
    let mut year = 1970;
    // A few hundred steps at most: the range of nanoseconds ends in 2554.
    while days_since_1970(year + 1, 1, 1).is_some_and(|first| first <= days) {
        year += 1;
    }
    let first = |month| days_since_1970(year, month, 1).filter(|first| *first <= days);
    let month = (1..=12).rev().find(|month| first(*month).is_some()).unwrap_or(1);
    let day = days - first(month).unwrap_or(days) + 1;
    format!("{year:04}-{month:02}-{day:02}")
}

/// Seconds of `hh:mm` or `hh:mm:ss`.
fn clock(text: &str) -> Result<u64> {
    let mut seconds = 0;
    let mut fields = 0;
    for (field, (bound, unit)) in text.split(':').zip([(24, 3_600), (60, 60), (60, 1)]) {
        let value = number(field)?;
        ensure!(field.len() == 2 && value < bound, "expected two digits below {bound}");
        seconds += value * unit;
        fields += 1;
    }
    ensure!((2..=3).contains(&fields) && text.split(':').count() == fields, "expected hh:mm:ss");
    Ok(seconds)
}

fn number(text: &str) -> Result<u64> {
    ensure!(text.bytes().all(|byte| byte.is_ascii_digit()), "expected digits, not {text:?}");
    text.parse().with_context(|| format!("expected a number, not {text:?}"))
}

/// Days from 1970-01-01 to a day of the Gregorian calendar; `None` if there is no such day or it
/// is before 1970 or beyond the range of nanoseconds.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let lengths = [31, 28 + u64::from(leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let before = usize::try_from(month.checked_sub(1)?).ok()?;
    let length = *lengths.get(before)?;
    if !(1970..=2554).contains(&year) || !(1..=length).contains(&day) {
        return None;
    }
    let past = year - 1;
    let leap_days = past / 4 - past / 100 + past / 400;
    // 477 leap days lie before 1970.
    let years = (year - 1970) * 365 + leap_days - 477;
    Some(years + lengths.iter().take(before).sum::<u64>() + day - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints_days() {
        let days = |text: &str| parse_time(text).map(|time| time / DAY).ok();
        assert_eq!(days("1970-01-01"), Some(0));
        assert_eq!(days("1970-03-01"), Some(59));
        // 30 years and their 7 leap days.
        assert_eq!(days("2000-01-01"), Some(30 * 365 + 7));
        assert_eq!(parse_time("2026-10-19").ok(), Some(1_792_368_000 * SECOND));
        assert_eq!(parse_time("2026-10-19T01:02:03Z").ok(), Some(1_792_371_723 * SECOND));
        for text in ["2024-02-29", "2026-11-22", "2026-12-31", "2027-01-01", "2100-02-28"] {
            assert_eq!(date(parse_time(text).unwrap()), text);
        }
        for text in
            ["", "2026", "2026-2-1", "2026-13-01", "2025-02-29", "1969-12-31", "2026-11-01T"]
        {
            assert!(parse_time(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn reads_times_of_day() {
        let seconds = |text: &str| parse_time_of_day(text).map(|time| time / SECOND).ok();
        assert_eq!(seconds("01:00:00Z"), Some(3_600));
        assert_eq!(seconds("23:00:00+01:00"), Some(79_200));
        assert_eq!(seconds("00:30:00+01:00"), Some(84_600));
        assert_eq!(seconds("23:30:00-01:00"), Some(1_800));
        for text in ["", "bad", "24:00:00Z", "12:00:00", "12:60:00Z", "12:00:00é", "1:00:000Z"] {
            assert_eq!(seconds(text), None, "{text:?}");
        }
    }
}
