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
        Snapshot(Books {
            settings: self.settings.clone(),
            position: self.position,
            now: self.now,
            at: self.at,
            names: self.names.clone(),
            totals: self.totals.clone(),
            removed: self.removed,
            reported: self.reported.clone(),
            tasks: self.tasks.packed(),
            aliases: self.aliases.without_index(),
            expiries: self.expiries.clone(),
            confirmations: self.confirmations.clone(),
            cohorts: self.cohorts.clone(),
            waiting: self.waiting.clone(),
            adopted: self.adopted.clone(),
            unclaimed: self.unclaimed.clone(),
            adopted_names: self.adopted_names.clone(),
            open: self.open.clone(),
            closings: self.closings.clone(),
            closed: self.closed.without_index(),
            services: self.services.clone(),
            responses: self.responses.clone(),
            series: self.series.clone(),
            discounts: self.discounts.clone(),
            held: self.held.clone(),
            remembered: self.remembered.without_index(),
        })
    }

    /// The books that a snapshot was taken of: they go on as if they had never stopped.
    #[must_use]
    pub fn restore(snapshot: Snapshot) -> Books {
        let mut books = snapshot.0;
        books.aliases.reindex();
        books.closed.reindex();
        books.remembered.reindex();
        books
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
