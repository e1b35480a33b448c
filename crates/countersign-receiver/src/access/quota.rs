//! Quota: what one tenant may take of the program, so that it does not take it from others.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock;
use crate::keeper::Tenant;

/// Seconds of its rate that a tenant can save up for a burst.
const BURST_SECONDS: f64 = 2.0;

/// What a tenant has taken. It outlives reloads of the configuration.
#[derive(Debug)]
pub struct Quota {
    tenant: Tenant,
    in_flight_bytes: AtomicUsize,
    rate: Mutex<Rate>,
}

/// A bucket that fills with requests.
#[derive(Debug)]
struct Rate {
    per_second: Option<f64>,
    saved: f64,
    at: Instant,
}

impl Quota {
    pub(super) fn new(tenant: &str) -> Quota {
        let tenant = Tenant::named(tenant).expect("tenants' names are checked when they are read");
        let rate = Rate { per_second: None, saved: 0.0, at: clock::instant() };
        let in_flight_bytes = AtomicUsize::new(0);
        Quota { tenant, in_flight_bytes, rate: Mutex::new(rate) }
    }

    /// Whose it is.
    #[must_use]
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// Bytes of its requests that are in memory.
    #[must_use]
    pub fn in_flight_bytes(&self) -> usize {
        self.in_flight_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn take_bytes(&self, bytes: usize) {
        self.in_flight_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn give_back_bytes(&self, bytes: usize) {
        self.in_flight_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Sets the rate, with a full bucket if it is another one.
    pub(super) fn limit(&self, requests_per_second: Option<u32>) {
        let mut rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        let per_second = requests_per_second.map(f64::from);
        if rate.per_second != per_second {
            let saved = per_second.unwrap_or(0.0) * BURST_SECONDS;
            *rate = Rate { per_second, saved, at: clock::instant() };
        }
    }

    /// Takes one request out of the bucket.
    ///
    /// # Errors
    /// How long to wait for the next one.
    pub(super) fn take_request(&self) -> Result<(), Duration> {
        let mut rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        rate.take(clock::instant())
    }
}

impl Rate {
    fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let Some(per_second) = self.per_second else { return Ok(()) };
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        self.saved = (self.saved + since * per_second).min(per_second * BURST_SECONDS);
        self.at = now;
        if self.saved < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - self.saved) / per_second));
        }
        self.saved -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_holds_on_average() {
        let began = clock::instant();
        let mut rate = Rate { per_second: Some(10.0), saved: 20.0, at: began };
        let mut taken = 0;
        for ms in 0..5_000 {
            taken += u32::from(rate.take(began + Duration::from_millis(ms)).is_ok());
        }
        // Two seconds were saved, five more passed.
        assert!((69..=70).contains(&taken), "{taken}");
        let wait = rate.take(began + Duration::from_secs(5)).and(rate.take(began)).unwrap_err();
        assert!(wait <= Duration::from_millis(100), "{wait:?}");
    }

    #[test]
    fn another_rate_begins_with_a_full_bucket() {
        let quota = Quota::new("");
        assert!((0..1_000).all(|_| quota.take_request().is_ok()));
        quota.limit(Some(1));
        assert!(quota.take_request().is_ok() && quota.take_request().is_ok());
        assert!(quota.take_request().is_err());
        quota.limit(Some(1));
        assert!(quota.take_request().is_err());
        quota.limit(None);
        assert!(quota.take_request().is_ok());
    }
}
