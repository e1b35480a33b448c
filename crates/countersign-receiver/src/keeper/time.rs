//! Time: what the books are told, from two clocks of which one may jump.

use std::time::Duration;

use countersign_core::fact::UnixNanos;

use crate::limits::{CLOCK_BELIEVED_AFTER, CLOCK_GAP_MAX, CLOCK_STEP_MAX};

/// What the clocks show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The wall clock: it may be set at any time.
    pub wall: UnixNanos,
    /// Since some moment before the start: it never jumps.
    pub monotonic: Duration,
}

/// The time of the books. It never goes back and never stands still.
///
/// It is the wall clock's as long as that goes like the monotonic clock. When the wall clock
/// jumps back, time goes on at half speed until the wall clock has caught up, so that deadlines
/// are met. When it jumps ahead by more than [`CLOCK_STEP_MAX`], time goes on as before, until the
/// wall clock has kept its new time for [`CLOCK_BELIEVED_AFTER`]: a machine that slept is
/// believed, a slip that is mended soon expires nothing.
#[derive(Clone, Copy, Debug)]
pub struct BookTime {
    now: UnixNanos,
    at: Duration,
    /// Since when the wall clock has been far ahead.
    ahead_since: Option<Duration>,
}

impl BookTime {
    /// Goes on after what the books know. Over a stop nobody counted, so a wall clock that is
    /// less than [`CLOCK_GAP_MAX`] ahead is believed at once.
    #[must_use]
    pub fn resume(last: UnixNanos, now: Now) -> BookTime {
        let ahead = now.wall.saturating_sub(last);
        let believed = last == 0 || ahead <= nanos(CLOCK_GAP_MAX);
        BookTime {
            now: if believed { last.max(now.wall) } else { last },
            at: now.monotonic,
            ahead_since: (!believed).then_some(now.monotonic),
        }
    }

    /// The time of the books at a moment, without moving there.
    #[must_use]
    pub fn at(&self, now: Now) -> UnixNanos {
        let mut moved = *self;
        moved.move_to(now)
    }

    /// Moves to a moment; the time of the books there.
    pub fn move_to(&mut self, now: Now) -> UnixNanos {
        let elapsed = nanos(now.monotonic.saturating_sub(self.at));
        let expected = self.now.saturating_add(elapsed);
        self.at = self.at.max(now.monotonic);
        if now.wall <= expected {
            self.ahead_since = None;
            self.now = now.wall.max(self.now.saturating_add(elapsed / 2));
            return self.now;
        }
        if now.wall - expected <= nanos(CLOCK_STEP_MAX) {
            self.ahead_since = None;
            self.now = now.wall;
            return self.now;
        }
        let since = *self.ahead_since.get_or_insert(now.monotonic);
        let kept = now.monotonic.saturating_sub(since) >= CLOCK_BELIEVED_AFTER;
        if kept {
            self.ahead_since = None;
        }
        self.now = if kept { now.wall } else { expected };
        self.now
    }

    /// Whether the wall clock is so far ahead that it is not believed at present.
    #[must_use]
    pub fn doubts(&self) -> bool {
        self.ahead_since.is_some()
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const HOUR: i64 = 3_600;
    const START: u64 = 1_700_000_000;

    /// Steps of (seconds that pass, seconds by which the wall clock is then wrong); gives the
    /// seconds by which the books' time differs from the true time after each.
    fn drift(steps: &[(u64, i64)]) -> Vec<i64> {
        let show = |passed: u64, wrong: i64| Now {
            wall: (START + passed).checked_add_signed(wrong).unwrap() * SECOND,
            monotonic: Duration::from_secs(passed),
        };
        let mut time = BookTime::resume(START * SECOND, show(0, 0));
        let (mut passed, mut last) = (0, 0);
        let mut drifts = Vec::new();
        for (seconds, wrong) in steps {
            passed += seconds;
            let now = show(passed, *wrong);
            assert_eq!(time.at(now), { time }.move_to(now));
            let moved = time.move_to(now);
            assert!(moved > last, "it never goes back nor stands still");
            last = moved;
            drifts.push((moved / SECOND) as i64 - (START + passed) as i64);
        }
        drifts
    }

    #[test]
    fn f16_the_wall_clock_jumps_and_time_goes_on() {
        assert_eq!(drift(&[(10, 0), (10, 1), (10, 0)]), [0, 1, 0], "small steps are followed");
        let back = drift(&[(10, 0), (10, -HOUR), (100, -HOUR), (7200, -HOUR), (60, -HOUR)]);
        assert_eq!(back, [0, -5, -55, -3600, -3600], "half speed until the wall has caught up");
        let ahead = drift(&[(10, 0), (10, HOUR), (100, HOUR), (10, 0), (900, HOUR)]);
        assert_eq!(ahead, [0, 0, 0, 0, 0], "a slip that is mended soon does nothing");
        let slept = drift(&[(10, 0), (10, 12 * HOUR), (300, 12 * HOUR), (301, 12 * HOUR)]);
        assert_eq!(slept, [0, 0, 0, 12 * HOUR], "what lasts is believed");
        let years = 10 * 365 * 24 * HOUR;
        assert_eq!(drift(&[(2, years), (2, 0), (2, -years), (2, 0)]), [0, 0, -1, 0]);
    }

    #[test]
    fn f16_over_a_stop_the_wall_clock_is_believed_within_reason() {
        let monotonic = Duration::from_secs(5);
        let resume = |last: u64, wall: u64| {
            let now = Now { wall: wall * SECOND, monotonic };
            let mut time = BookTime::resume(last * SECOND, now);
            (time.move_to(now) / SECOND, time.doubts())
        };
        assert_eq!(resume(0, START), (START, false), "a fresh start");
        assert_eq!(resume(START, START + 86_400), (START + 86_400, false));
        assert_eq!(resume(START, START - 86_400), (START, false));
        assert_eq!(resume(START, 10 * START), (START, true));
    }
}
