//! Counted: what was taken and refused since the start, for whoever looks after the program.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use countersign_core::dialect::Signal;
use countersign_core::tally::Histogram;

use super::refused::Refused;
use crate::access::Denied;

/// How a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Over gRPC.
    Grpc,
    /// Over HTTP.
    Http,
}

impl Transport {
    /// Both.
    pub const ALL: [Transport; 2] = [Transport::Grpc, Transport::Http];

    /// Its name in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Transport::Grpc => "grpc",
            Transport::Http => "http",
        }
    }
}

/// Why a request was refused as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Its head is not that of an export request.
    Head,
    /// It is not what it should be.
    Malformed,
    /// More than a request may have.
    TooLarge,
    /// It came too slowly.
    Slow,
    /// No room for now.
    Busy,
    /// Its tenant has more in hand than its share.
    Quota,
    /// Its tenant sent too many.
    Rate,
    /// No known credential.
    Unauthenticated,
    /// A credential for something else.
    PermissionDenied,
    /// The disk takes nothing.
    Disk,
    /// The program stops.
    Stopping,
}

impl Reason {
    /// All of them.
    pub const ALL: [Reason; 11] = [
        Reason::Head,
        Reason::Malformed,
        Reason::TooLarge,
        Reason::Slow,
        Reason::Busy,
        Reason::Quota,
        Reason::Rate,
        Reason::Unauthenticated,
        Reason::PermissionDenied,
        Reason::Disk,
        Reason::Stopping,
    ];

    /// Its name in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Reason::Head => "head",
            Reason::Malformed => "malformed",
            Reason::TooLarge => "too_large",
            Reason::Slow => "slow",
            Reason::Busy => "busy",
            Reason::Quota => "quota",
            Reason::Rate => "rate",
            Reason::Unauthenticated => "unauthenticated",
            Reason::PermissionDenied => "permission_denied",
            Reason::Disk => "disk",
            Reason::Stopping => "stopping",
        }
    }
}

impl From<&Refused> for Reason {
    fn from(refused: &Refused) -> Reason {
        match refused {
            Refused::Malformed(_) => Reason::Malformed,
            Refused::TooLarge => Reason::TooLarge,
            Refused::Slow => Reason::Slow,
            Refused::Busy { .. } => Reason::Busy,
            Refused::Quota { .. } => Reason::Quota,
            Refused::Disk => Reason::Disk,
            Refused::Stopping => Reason::Stopping,
        }
    }
}

impl From<Denied> for Reason {
    fn from(denied: Denied) -> Reason {
        match denied {
            Denied::Unknown => Reason::Unauthenticated,
            Denied::Scope(_) => Reason::PermissionDenied,
            Denied::Rate(_) => Reason::Rate,
        }
    }
}

/// Records of a signal.
#[derive(Debug, Default)]
struct Records {
    accepted: AtomicU64,
    refused: AtomicU64,
}

/// One transport's counters.
#[derive(Debug, Default)]
struct OfTransport {
    spans: Records,
    log_records: Records,
    metric_points: Records,
    refusals: [AtomicU64; Reason::ALL.len()],
}

/// The counters. Shared by the ports and those who look.
#[derive(Debug, Default)]
pub struct Counted {
    grpc: OfTransport,
    http: OfTransport,
    acknowledged: Mutex<Histogram>,
}

impl Counted {
    fn of(&self, transport: Transport) -> &OfTransport {
        match transport {
            Transport::Grpc => &self.grpc,
            Transport::Http => &self.http,
        }
    }

    fn records(&self, transport: Transport, signal: Signal) -> &Records {
        let of = self.of(transport);
        match signal {
            Signal::Traces => &of.spans,
            Signal::Logs => &of.log_records,
            Signal::Metrics => &of.metric_points,
        }
    }

    /// Records of a request that was taken, and those of them that were not.
    pub(super) fn took(&self, transport: Transport, signal: Signal, accepted: u64, refused: u64) {
        let records = self.records(transport, signal);
        records.accepted.fetch_add(accepted, Ordering::Relaxed);
        records.refused.fetch_add(refused, Ordering::Relaxed);
    }

    /// A request that was refused.
    pub(super) fn refused(&self, transport: Transport, reason: impl Into<Reason>) {
        if let Some(count) = self.of(transport).refusals.get(reason.into() as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How long it took until something was on disk and in the books.
    pub(super) fn acknowledged(&self, after: Duration) {
        let mut histogram = self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
        histogram.record(i128::try_from(after.as_nanos()).unwrap_or(i128::MAX), 1_000_000_000);
    }

    /// Records that were taken, and records that were refused of requests that were taken.
    #[must_use]
    pub fn show(&self, transport: Transport, signal: Signal) -> (u64, u64) {
        let records = self.records(transport, signal);
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(&records.accepted), read(&records.refused))
    }

    /// Requests that were refused for this reason.
    #[must_use]
    pub fn refusals(&self, transport: Transport, reason: Reason) -> u64 {
        let count = self.of(transport).refusals.get(reason as usize);
        count.map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// How long acknowledgements took.
    #[must_use]
    pub fn acknowledgements(&self) -> Histogram {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_place() {
        let counted = Counted::default();
        for (count, reason) in (1..).zip(Reason::ALL) {
            (0..count).for_each(|_| counted.refused(Transport::Grpc, reason));
        }
        for (count, reason) in (1..).zip(Reason::ALL) {
            assert_eq!(counted.refusals(Transport::Grpc, reason), count, "{reason:?}");
            assert_eq!(counted.refusals(Transport::Http, reason), 0);
        }
    }
}
