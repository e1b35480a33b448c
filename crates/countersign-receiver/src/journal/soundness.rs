//! Soundness: what is known to be damaged in a data directory, for those who watch it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use countersign_core::fact::UnixNanos;

use super::recovery::Damage;
use crate::limits::DAMAGES_TOLD_MAX;

/// Damage that was found since the start. Cheap to clone; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Soundness(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    ranges: BTreeSet<(PathBuf, u64, u64)>,
    read_again_at: UnixNanos,
}

/// A copy to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SoundnessShown {
    /// Damaged ranges of bytes.
    pub damaged_ranges: u64,
    /// Bytes of all of them.
    pub damaged_bytes: u64,
    /// When everything at rest was last read again to its end; 0 if not since the start.
    pub read_again_at: UnixNanos,
}

impl Soundness {
    /// Adds damage; gives what was not known before.
    pub fn add(&self, damages: &[Damage]) -> Vec<Damage> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut fresh = Vec::new();
        for damage in damages {
            let range = (damage.segment.clone(), damage.range.start, damage.range.end);
            if known.ranges.len() < DAMAGES_TOLD_MAX && known.ranges.insert(range) {
                fresh.push(damage.clone());
            }
        }
        fresh
    }

    /// Everything at rest was read again by now. Damage of files that are gone is forgotten.
    pub fn was_read_again(&self, at: UnixNanos) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.ranges.retain(|(path, _, _)| path.exists());
        known.read_again_at = at;
    }

    /// A copy to show.
    #[must_use]
    pub fn show(&self) -> SoundnessShown {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        SoundnessShown {
            damaged_ranges: known.ranges.len() as u64,
            damaged_bytes: known.ranges.iter().map(|(_, start, end)| end - start).sum(),
            read_again_at: known.read_again_at,
        }
    }
}
