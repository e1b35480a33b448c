//! How many connections there may be: in all, and from one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::{CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX};

/// Room for connections, shared by the listeners that it is given to.
#[derive(Clone, Debug)]
pub struct Slots(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    all: Arc<Semaphore>,
    per_address_max: Option<usize>,
    taken: Mutex<HashMap<IpAddr, usize>>,
    refused: AtomicU64,
}

impl Default for Slots {
    fn default() -> Slots {
        Slots::new(CONNECTIONS_MAX, None)
    }
}

impl Slots {
    /// Room for so many connections, and for so many from one address. Without a number for
    /// one address it is [`CONNECTIONS_PER_ADDRESS_MAX`], and loopback has no limit of its own:
    /// behind a proxy on this machine everybody comes from there.
    #[must_use]
    pub fn new(all: usize, per_address_max: Option<usize>) -> Slots {
        Slots(Arc::new(Inner {
            all: Arc::new(Semaphore::new(all)),
            per_address_max,
            taken: Mutex::default(),
            refused: AtomicU64::new(0),
        }))
    }

    /// Connections that are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    /// Connections that were closed because their address had too many.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }

    /// Waits until there is room for one more.
    pub(super) async fn room(&self) -> Room {
        let permit = Arc::clone(&self.0.all).acquire_owned().await;
        let permit = permit.expect("the semaphore is never closed");
        Room { permit, slots: Arc::clone(&self.0) }
    }
}

/// Room for one connection, whoever comes.
pub(super) struct Room {
    permit: OwnedSemaphorePermit,
    slots: Arc<Inner>,
}

impl Room {
    /// The room as a connection from this address has it; `None` if there are too many of those.
    pub(super) fn of(self, address: IpAddr) -> Option<Slot> {
        let key = network(address);
        let most = match self.slots.per_address_max {
            Some(most) => most,
            None if address.is_loopback() => usize::MAX,
            None => CONNECTIONS_PER_ADDRESS_MAX,
        };
        let mut taken = self.slots.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(key).or_default();
        if *count >= most {
            self.slots.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        *count += 1;
        drop(taken);
        Some(Slot { _permit: self.permit, slots: self.slots, key })
    }
}

/// A connection's room, given back when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    _permit: OwnedSemaphorePermit,
    slots: Arc<Inner>,
    key: IpAddr,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.key);
            }
        }
    }
}

/// Whom an address stands for: of IPv6 a site has 2^64 addresses at the least.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => {
            let site = u128::from(six) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(site))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn take(slots: &Slots, from: &str) -> Option<Slot> {
        slots.room().await.of(from.parse().unwrap())
    }

    #[tokio::test]
    async fn one_address_has_its_share() {
        let slots = Slots::new(10, Some(2));
        let first = take(&slots, "192.0.2.1").await.unwrap();
        let second = take(&slots, "192.0.2.1").await.unwrap();
        assert!(take(&slots, "192.0.2.1").await.is_none());
        let other = take(&slots, "192.0.2.2").await.unwrap();
        drop(first);
        let again = take(&slots, "192.0.2.1").await.unwrap();
        assert_eq!(slots.0.all.available_permits(), 7);
        drop((second, other, again));
        assert_eq!(slots.0.all.available_permits(), 10);
        assert!(slots.0.taken.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn of_ipv6_the_site_counts() {
        let slots = Slots::new(10, Some(1));
        let _one = take(&slots, "2001:db8::1").await.unwrap();
        assert!(take(&slots, "2001:db8::2").await.is_none());
        assert!(take(&slots, "2001:db8:0:1::2").await.is_some());
    }

    #[tokio::test]
    async fn loopback_is_limited_only_when_asked_for() {
        let slots = Slots::new(1_000, None);
        let mut held = Vec::new();
        for _ in 0..CONNECTIONS_PER_ADDRESS_MAX {
            held.push(take(&slots, "127.0.0.1").await.unwrap());
            held.push(take(&slots, "192.0.2.1").await.unwrap());
        }
        assert!(take(&slots, "127.0.0.1").await.is_some());
        assert!(take(&slots, "192.0.2.1").await.is_none());
    }
}
