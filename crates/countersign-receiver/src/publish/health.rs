//! How a destination fares: counted, for the status page and for the journal's housekeeping.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde::Serialize;

use super::answer::Reason;

/// What is known about one destination. Shared by its loops and those who look at it.
#[derive(Debug, Default)]
pub struct Health {
    name: String,
    position: AtomicU64,
    delivered: AtomicU64,
    refused_records: AtomicU64,
    dead_lettered: AtomicU64,
    retries: AtomicU64,
    alarm: AtomicBool,
    last_failure: Mutex<Option<Reason>>,
}

/// A destination's health as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HealthShown {
    /// The destination.
    pub name: String,
    /// The next sequence of the relay log that it gets.
    pub position: u64,
    /// Requests that it took.
    pub delivered: u64,
    /// Records that it refused within requests that it took.
    pub refused_records: u64,
    /// Requests that it will never take and that were given up.
    pub dead_lettered: u64,
    /// Requests that were sent again.
    pub retries: u64,
    /// Whether somebody has to look: its address or credentials are wrong.
    pub alarm: bool,
    /// Why it did not take the last request that it did not take.
    pub last_failure: Option<String>,
}

impl Health {
    /// The health of a destination that nothing was sent to yet.
    #[must_use]
    pub fn of(name: &str) -> Health {
        Health { name: name.to_owned(), ..Health::default() }
    }

    /// The next sequence of the relay log that it gets: what comes before can be removed, as
    /// far as this destination goes.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position.load(Ordering::Acquire)
    }

    /// A copy to show.
    #[must_use]
    pub fn show(&self) -> HealthShown {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let failure = self.last_failure.lock().ok().and_then(|failure| *failure);
        HealthShown {
            name: self.name.clone(),
            position: self.position(),
            delivered: count(&self.delivered),
            refused_records: count(&self.refused_records),
            dead_lettered: count(&self.dead_lettered),
            retries: count(&self.retries),
            alarm: self.alarm.load(Ordering::Relaxed),
            last_failure: failure.map(|reason| reason.to_string()),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn moved_to(&self, position: u64) {
        self.position.store(position, Ordering::Release);
    }

    pub(super) fn took(&self, refused: u64) {
        self.delivered.fetch_add(1, Ordering::Relaxed);
        self.refused_records.fetch_add(refused, Ordering::Relaxed);
        if self.alarm.swap(false, Ordering::Relaxed) {
            tracing::info!(destination = self.name, "destination takes requests again");
        }
    }

    pub(super) fn sends_again(&self, why: Reason) {
        self.retries.fetch_add(1, Ordering::Relaxed);
        self.failed(why);
    }

    pub(super) fn gave_up(&self, why: Reason) {
        self.dead_lettered.fetch_add(1, Ordering::Relaxed);
        self.failed(why);
    }

    pub(super) fn is_misconfigured(&self, why: Reason) {
        self.failed(why);
        if !self.alarm.swap(true, Ordering::Relaxed) {
            tracing::error!(
                destination = self.name,
                reason = %why,
                "destination is set up wrongly: check its endpoint and headers; the data is kept"
            );
        }
    }

    fn failed(&self, why: Reason) {
        if let Ok(mut last) = self.last_failure.lock() {
            *last = Some(why);
        }
    }
}
