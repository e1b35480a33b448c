//! Rebuilding: the ledgers from snapshots and the journal, for a start, a report or a recount.

use anyhow::Context;
use countersign_core::delta::Delta;
use countersign_core::settle::{Books, Settings};

use super::compaction::journal_begin;
use super::ledgers::Ledgers;
use super::snapshot::{PROGRAM, SnapshotError, read_snapshot, snapshots};
use crate::journal::{DataDirectory, Entry, LogKind, LogReader};
use crate::planted::{self, Bug};

/// The ledgers that snapshots and journal give.
#[derive(Debug)]
pub struct Rebuilt {
    /// The books and series.
    pub ledgers: Ledgers,
    /// The last entry that came from a snapshot; 0 if all were read from the journal.
    pub base: u64,
    /// The entry after which all was booked by the rules that are in force now.
    pub rules_from: u64,
    /// Sequence of the last entry, or 0.
    pub sequence: u64,
    /// Facts that were applied.
    pub facts: u64,
    /// Bytes of their entries.
    pub bytes: u64,
    /// Damaged bytes of the journal that were stepped over.
    pub damaged_bytes: u64,
}

impl Rebuilt {
    /// What a snapshot holds, or nothing.
    #[must_use]
    pub fn from(base: u64, ledgers: Ledgers) -> Rebuilt {
        Rebuilt {
            ledgers,
            base,
            rules_from: 0,
            sequence: base,
            facts: 0,
            bytes: 0,
            damaged_bytes: 0,
        }
    }

    /// Applies what the journal has after this, up to an entry. `see` is shown each entry's
    /// sequence and deltas.
    ///
    /// # Errors
    /// If the journal cannot be read. Damaged ranges are no error: they are counted.
    pub fn replay(
        &mut self,
        directory: &DataDirectory,
        up_to: u64,
        see: &mut dyn FnMut(u64, &Books, &Delta),
    ) -> anyhow::Result<()> {
        let facts = directory.facts();
        let from = self.sequence + 1;
        let mut reader =
            LogReader::open_with(directory.disk(), &facts, LogKind::Facts, from, None)?;
        while let Some(record) = reader.next()? {
            let sequence = record.sequence;
            if sequence > up_to {
                break;
            }
            let mut entry = Entry::decode(&record)?;
            if planted::on(Bug::TenantsMixed) {
                entry.tenant = "";
            }
            self.bytes += record.payload.len() as u64;
            self.facts += self
                .ledgers
                .apply(&entry, &mut |books, delta| see(sequence, books, delta))
                .with_context(|| format!("record {sequence} of {}", facts.display()))?;
            self.sequence = sequence;
        }
        self.damaged_bytes += reader.damaged_bytes();
        Ok(())
    }
}

#[cfg(feature = "planted")]
impl Rebuilt {
    /// What a start that forgets when series began would give.
    pub(super) fn with_planted_bugs(mut self, now: super::Now) -> Rebuilt {
        if planted::on(Bug::StartTimeReset) {
            self.ledgers.begin_series_at(now.wall);
        }
        self
    }
}

/// The newest snapshot that is whole, or nothing if the journal goes back to its first entry.
/// The settings are for the latter: a snapshot has its own.
///
/// # Errors
/// If a newer program wrote a snapshot, or neither a whole snapshot nor a whole journal is left:
/// books that began in the middle would be wrong.
pub fn newest(directory: &DataDirectory, settings: Settings) -> anyhow::Result<Rebuilt> {
    let (disk, folder) = (directory.disk(), directory.snapshots());
    let begin = journal_begin(directory)?;
    for sequence in snapshots(disk.as_ref(), &folder)?.into_iter().rev() {
        match read_snapshot(disk.as_ref(), &folder, sequence) {
            Ok(_) if begin.is_some_and(|begin| sequence + 1 < begin) => {}
            Ok((about, ledgers)) => {
                // Other versions may have other rules.
                let rules_from = if about.program == PROGRAM { about.rules_from } else { sequence };
                return Ok(Rebuilt { rules_from, ..Rebuilt::from(sequence, ledgers) });
            }
            Err(error @ SnapshotError::Newer { .. }) => return Err(error.into()),
            Err(error) => {
                tracing::error!(%error, "a snapshot cannot be used: an older state is read");
            }
        }
    }
    anyhow::ensure!(
        begin.is_some_and(|begin| begin <= 1),
        "{}: no snapshot is whole, and the journal does not go back to its first entry any more: \
         restore {} and {} from a backup",
        directory.path().display(),
        folder.display(),
        directory.facts().display()
    );
    Ok(Rebuilt::from(0, Ledgers::new(settings)))
}

/// Brings the ledgers up to the end of the journal, from the newest snapshot on.
///
/// # Errors
/// See [`newest`] and [`Rebuilt::replay`].
pub fn rebuild(
    directory: &DataDirectory,
    settings: Settings,
    see: &mut dyn FnMut(u64, &Books, &Delta),
) -> anyhow::Result<Rebuilt> {
    let mut rebuilt = newest(directory, settings)?;
    rebuilt.replay(directory, u64::MAX, see)?;
    Ok(rebuilt)
}
