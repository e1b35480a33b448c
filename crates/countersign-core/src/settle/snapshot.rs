//! Snapshots: the books at one moment, apart from the books, so that another thread can write
//! them down while the books go on.

use serde::{Deserialize, Serialize};

use crate::fact::UnixNanos;
use crate::settle::Books;

/// The books as they stood.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Snapshot(Books);

impl Books {
    /// The books as they stand.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.clone())
    }

    /// The books that a snapshot was taken of: they go on as if they had never stopped.
    #[must_use]
    pub fn restore(snapshot: Snapshot) -> Books {
        snapshot.0
    }
}

impl Snapshot {
    /// How many facts had been applied: [`Books::position`].
    #[must_use]
    pub fn position(&self) -> u64 {
        self.0.position
    }

    /// The books' time: [`Books::now`].
    #[must_use]
    pub fn now(&self) -> UnixNanos {
        self.0.now
    }
}
