//! Rebuilding: the ledgers from the journal, for a start, a report or a recount.

use anyhow::Context;
use countersign_core::delta::Delta;
use countersign_core::settle::{Books, Settings};

use super::ledgers::Ledgers;
use crate::journal::{DataDirectory, Entry, LogKind, LogReader};

/// The ledgers that a journal gives.
#[derive(Debug)]
pub struct Rebuilt {
    /// The books and series.
    pub ledgers: Ledgers,
    /// Sequence of the last entry, or 0.
    pub sequence: u64,
    /// Facts that were applied.
    pub facts: u64,
    /// Damaged bytes that were stepped over.
    pub damaged_bytes: u64,
}

/// Reads the whole journal of a data directory. `see` is shown each entry's sequence and deltas.
///
/// # Errors
/// If the journal cannot be read. Damaged ranges are no error: they are counted.
pub fn rebuild(
    directory: &DataDirectory,
    settings: Settings,
    see: &mut dyn FnMut(u64, &Books, &Delta),
) -> anyhow::Result<Rebuilt> {
    let ledgers = Ledgers::new(settings);
    let mut rebuilt = Rebuilt { ledgers, sequence: 0, facts: 0, damaged_bytes: 0 };
    let facts = directory.facts();
    let mut reader = LogReader::open_with(directory.disk(), &facts, LogKind::Facts, 1, None)?;
    while let Some(record) = reader.next()? {
        let sequence = record.sequence;
        let entry = Entry::decode(&record)?;
        rebuilt.facts += rebuilt
            .ledgers
            .apply(&entry, &mut |books, delta| see(sequence, books, delta))
            .with_context(|| format!("record {sequence} of {}", facts.display()))?;
        rebuilt.sequence = sequence;
    }
    rebuilt.damaged_bytes = reader.damaged_bytes();
    Ok(rebuilt)
}
