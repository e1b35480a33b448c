//! ISO weeks: the cohorts of work by the week in which it began.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::fact::UnixNanos;

const DAY: u64 = 86_400 * 1_000_000_000;

/// A week from Monday to Sunday, UTC, as ISO 8601 counts them.
///
/// It counts from the week of 1970-01-01, which is 1: zero is no week.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Week(u16);

impl Week {
    /// No week.
    pub const NONE: Week = Week(0);

    /// The week of a time.
    #[must_use]
    pub fn of(time: UnixNanos) -> Week {
        // 1970-01-01 was a Thursday: the fourth day of its week.
        let number = (time / DAY + 3) / 7 + 1;
        Week(u16::try_from(number).unwrap_or(u16::MAX))
    }

    /// Whether it is no week.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// So many weeks before, or the first week.
    #[must_use]
    pub const fn before(self, weeks: u16) -> Week {
        Week(if self.0 > weeks { self.0 - weeks } else { 1 })
    }

    /// Its first moment, as far as that is after 1970-01-01.
    #[must_use]
    pub fn start(self) -> UnixNanos {
        (u64::from(self.0.max(1)) - 1).saturating_mul(7).saturating_sub(3).saturating_mul(DAY)
    }

    /// The first moment after it.
    #[must_use]
    pub fn end(self) -> UnixNanos {
        Week(self.0.saturating_add(1)).start()
    }
}

/// As ISO 8601 writes it: `2026-W48`.
impl fmt::Display for Week {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A week belongs to the year that its Thursday is in.
        let mut day = (u64::from(self.0.max(1)) - 1) * 7;
        let mut year = 1970;
        loop {
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = if leap { 366 } else { 365 };
            if day < length {
                break;
            }
            day -= length;
            year += 1;
        }
        write!(f, "{year:04}-W{:02}", day / 7 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn weeks_are_those_of_the_calendar() {
        // (days since 1970, week), around turns of the year with 52 and 53 weeks.
        for (day, expected) in [
            (0, "1970-W01"),
            (3, "1970-W01"),
            (4, "1970-W02"),
            (18_628, "2020-W53"),
            (18_630, "2020-W53"),
            (18_631, "2021-W01"),
            (20_454, "2026-W01"),
            (20_450, "2025-W52"),
            (20_779, "2026-W47"),
            (20_780, "2026-W48"),
        ] {
            let week = Week::of(day * DAY);
            assert_eq!(week.to_string(), expected, "{day}");
            assert!(week.start() <= day * DAY && day * DAY < week.end(), "{day}");
            assert_eq!(Week::of(week.end()), Week::of(week.end() + 6 * DAY));
        }
        assert_eq!(Week::of(u64::MAX).before(1).to_string(), "2554-W28");
        assert_eq!(Week::NONE.before(3), Week::of(0));
    }
}
