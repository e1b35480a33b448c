//! The only clock of the program.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use countersign_core::fact::UnixNanos;

/// The wall clock, in nanoseconds since 1970-01-01 UTC.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "this is the clock")]
pub fn now() -> UnixNanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// The monotonic clock, for durations.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "this is the clock")]
pub fn instant() -> Instant {
    Instant::now()
}
