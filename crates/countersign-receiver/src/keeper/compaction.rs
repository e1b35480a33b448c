//! Compaction: when a snapshot is taken, which are kept, and how much of the journal.
//!
//! The data directory holds at most: the journal that is kept by [`Compaction::keep_bytes`]; the
//! journal since the snapshot before the last, which is twice [`crate::limits::SNAPSHOT_EVERY_BYTES`], a group
//! and a segment at most; three snapshots (two, and one that is being written); the relay log;
//! the reserve; and the quarantine, [`crate::limits::QUARANTINE_BYTES_MAX`] for each log.

use std::time::Duration;

use anyhow::Context;

use super::snapshot::{Capture, SnapshotError, name_of, remove_if_there};
use crate::journal::{DataDirectory, Log};
use crate::limits::{SNAPSHOT_AGE, SNAPSHOT_AGED_SHARE};

/// The cursor of the oldest entry that is kept, if older ones were removed.
const BEGIN: &str = "journal-begin";

/// Snapshots, and the part of the journal that they replace.
#[derive(Debug)]
pub(super) struct Compaction {
    /// Bytes of journal that no start needs any more and that are kept to be recounted.
    keep_bytes: u64,
    /// Bytes of journal after which a snapshot is taken.
    every_bytes: u64,
    /// Sequences of the snapshots, rising.
    kept: Vec<u64>,
    /// Bytes of journal since the last one.
    since: u64,
    /// When the last one was begun, by the monotonic clock; the start at first.
    begun: Duration,
    writing: bool,
}

impl Compaction {
    pub(super) fn new(kept: Vec<u64>, tail_bytes: u64, keep_bytes: u64, every: u64) -> Compaction {
        let begun = Duration::ZERO;
        Compaction {
            keep_bytes,
            every_bytes: every,
            kept,
            since: tail_bytes,
            begun,
            writing: false,
        }
    }

    /// So many bytes were appended to the journal.
    pub(super) fn grew(&mut self, bytes: u64) {
        self.since += bytes;
    }

    /// Whether a snapshot should be taken: the journal has grown enough, or less but for so long
    /// that a start should not have to read it.
    pub(super) fn is_due(&self, monotonic: Duration) -> bool {
        let has_aged = monotonic.saturating_sub(self.begun) >= SNAPSHOT_AGE;
        let enough =
            if has_aged { self.every_bytes / SNAPSHOT_AGED_SHARE } else { self.every_bytes };
        !self.writing && self.since >= enough
    }

    /// Whether there is anything that the last snapshot has not.
    pub(super) fn is_behind(&self, sequence: u64) -> bool {
        !self.writing && self.kept.last() != Some(&sequence) && sequence > 0
    }

    /// A snapshot is being written from now on.
    pub(super) fn begin(&mut self, capture: Capture, monotonic: Duration) -> Capture {
        self.writing = true;
        self.since = 0;
        self.begun = monotonic;
        capture
    }

    /// A snapshot was written or not. With it goes what it replaces: all snapshots but it and the
    /// one before, and the segments that this one covers, as far as they are not to be kept.
    pub(super) fn end(
        &mut self,
        outcome: Result<u64, SnapshotError>,
        directory: &DataDirectory,
        facts: &mut Log,
    ) {
        self.writing = false;
        let result = outcome.map_err(anyhow::Error::new).and_then(|sequence| {
            self.kept.retain(|kept| *kept != sequence);
            self.kept.push(sequence);
            self.remove(directory, facts)
        });
        if let Err(error) = result {
            tracing::error!(error = format!("{error:#}"), "the journal is not shortened");
            // Not at once again, but sooner than usual.
            self.since = self.since.max(self.every_bytes / 4 * 3);
        }
    }

    fn remove(&mut self, directory: &DataDirectory, facts: &mut Log) -> anyhow::Result<()> {
        let disk = directory.disk();
        while self.kept.len() > 2 {
            let path = directory.snapshots().join(name_of(self.kept.remove(0)));
            remove_if_there(disk.as_ref(), &path).context("an old snapshot stays")?;
        }
        let [previous, _] = self.kept.as_slice() else { return Ok(()) };
        let begin = facts.first_to_keep(previous + 1, self.keep_bytes)?;
        let mut cursor = directory.open_cursor(BEGIN)?;
        if begin > cursor.position().max(1) {
            // First the word, so that a journal that lost its beginning is told from a whole one.
            cursor.move_to(begin)?;
            facts.remove_before(begin)?;
        }
        Ok(())
    }
}

/// The oldest entry that is kept, 0 or 1 if none was ever removed; `None` if nobody knows.
pub(super) fn journal_begin(directory: &DataDirectory) -> anyhow::Result<Option<u64>> {
    let cursor = directory.open_cursor(BEGIN)?;
    Ok((!cursor.was_damaged()).then_some(cursor.position()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_little_is_enough_after_a_while() {
        let mut compaction = Compaction::new(Vec::new(), 0, 0, 1_600);
        let (soon, later) = (SNAPSHOT_AGE / 2, SNAPSHOT_AGE);
        compaction.grew(99);
        assert!(!compaction.is_due(later));
        compaction.grew(1);
        assert!(!compaction.is_due(soon) && compaction.is_due(later));
        compaction.grew(1_500);
        assert!(compaction.is_due(soon));
    }
}
