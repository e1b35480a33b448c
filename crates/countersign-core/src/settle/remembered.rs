//! What was booked before: so that a repetition is known for what it is.

use serde::{Deserialize, Serialize};

use crate::fact::UnixNanos;
use crate::key::Key;
use crate::limits;
use crate::settle::books::MS;
use crate::settle::store::KeyLog;

/// Keys of records, verdicts and responses, remembered for [`limits::HORIZON_MS`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Remembered(KeyLog<()>);

impl Remembered {
    /// Remembers a key. `false` if it was known. `forgot` is set when others had to be forgotten
    /// before their time.
    pub(super) fn insert(
        &mut self,
        now: UnixNanos,
        key: Key,
        keys_max: usize,
        forgot: &mut bool,
    ) -> bool {
        let old = |at: UnixNanos| at.saturating_add(limits::HORIZON_MS * MS) <= now;
        while self.0.oldest().is_some_and(old) {
            self.0.forget_oldest(now, |()| None);
        }
        let new = self.0.add(now, key, ());
        if self.0.len() > keys_max {
            *forgot = true;
            self.0.forget_oldest(now, |()| None);
        }
        new
    }

    pub(super) fn contains(&self, key: Key) -> bool {
        self.0.get(key).is_some()
    }

    pub(super) fn without_index(&self) -> Remembered {
        Remembered(self.0.without_index())
    }

    pub(super) fn reindex(&mut self) {
        self.0.reindex();
    }
}
