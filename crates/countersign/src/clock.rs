//! The only clock of the crate: an agent's telemetry is made where time passes.

use std::time::{Instant, SystemTime};

/// The wall clock.
#[allow(clippy::disallowed_methods, reason = "this is the clock")]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

/// The monotonic clock, for durations.
#[allow(clippy::disallowed_methods, reason = "this is the clock")]
pub(crate) fn instant() -> Instant {
    Instant::now()
}
