//! What was booked before: so that a repetition is known for what it is.

use serde::{Deserialize, Serialize};

use crate::key::{Key, KeySet};

/// Keys in two generations: when the newer one is full, the older one is forgotten. What was
/// remembered last is kept for at least half the limit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Remembered {
    newer: KeySet,
    older: KeySet,
}

impl Remembered {
    /// Remembers a key. `false` if it was known. `forgot` is set when a generation was dropped.
    pub(super) fn insert(&mut self, key: Key, keys_max: usize, forgot: &mut bool) -> bool {
        if self.older.contains(&key) {
            return false;
        }
        if self.newer.len() >= keys_max / 2 {
            *forgot |= !self.older.is_empty();
            self.older = core::mem::take(&mut self.newer);
            if self.older.contains(&key) {
                return false;
            }
        }
        self.newer.insert(key)
    }
}
