//! How long to wait before a request is sent again: growing, and with full jitter, so that
//! those who failed together do not come back together.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::config::Retry;
use crate::limits::RETRY_WAIT_MIN;

/// The waits of one request.
pub(super) struct Backoff {
    retry: Retry,
    tries: u32,
}

impl Backoff {
    pub(super) fn new(retry: Retry) -> Backoff {
        Backoff { retry, tries: 0 }
    }

    /// The next wait; never shorter than the destination asked for.
    pub(super) fn next(&mut self, asked: Option<Duration>) -> Duration {
        let wait = asked.unwrap_or_default().max(jittered(self.ceiling(), random()));
        self.tries = self.tries.saturating_add(1);
        wait.max(RETRY_WAIT_MIN)
    }

    /// The longest wait, for what a person has to mend.
    pub(super) fn longest(&self) -> Duration {
        self.retry.max.max(RETRY_WAIT_MIN)
    }

    fn ceiling(&self) -> Duration {
        let doubled = 2_u32.checked_pow(self.tries).unwrap_or(u32::MAX);
        self.retry.initial.saturating_mul(doubled).min(self.retry.max)
    }
}

/// A wait between nothing and the ceiling, by a number of 32 random bits.
fn jittered(ceiling: Duration, random: u32) -> Duration {
    ceiling.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

/// Random bits from the standard library's own seed: jitter needs no better.
#[allow(clippy::cast_possible_truncation, reason = "the low half is as random as any")]
fn random() -> u32 {
    RandomState::new().hash_one(0_u8) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_limit_and_obey_the_destination() {
        let seconds = Duration::from_secs;
        let mut backoff = Backoff::new(Retry { initial: seconds(1), max: seconds(30) });
        let mut ceilings = Vec::new();
        for _ in 0..40 {
            let ceiling = backoff.ceiling();
            assert!(backoff.next(None) <= ceiling.max(RETRY_WAIT_MIN));
            ceilings.push(ceiling.as_secs());
        }
        assert_eq!(ceilings[..7], [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(ceilings[39], 30);
        assert!(backoff.next(Some(seconds(600))) >= seconds(600));
        assert_eq!(jittered(seconds(8), 0), Duration::ZERO);
        assert_eq!(jittered(seconds(8), u32::MAX), seconds(8));
    }
}
