//! Rebuilding: the books from the journal, for a start, a report or a recount.

use anyhow::Context;
use countersign_core::delta::Delta;
use countersign_core::fact::UnixNanos;
use countersign_core::settle::{Books, Settings};
use countersign_core::tally::Tally;

use crate::journal::{DataDirectory, Entry, FactReader, LogKind, LogReader};

/// The books and series that a journal gives.
#[derive(Debug)]
pub struct Rebuilt {
    /// The books.
    pub books: Books,
    /// The series.
    pub tally: Tally,
    /// Time of the last entry, or 0.
    pub now: UnixNanos,
    /// Sequence of the last entry, or 0.
    pub sequence: u64,
    /// Facts that were applied.
    pub facts: u64,
    /// Damaged bytes that were stepped over.
    pub damaged_bytes: u64,
}

impl Rebuilt {
    /// Empty books.
    #[must_use]
    pub fn empty(settings: Settings) -> Rebuilt {
        Rebuilt {
            books: Books::new(settings),
            tally: Tally::default(),
            now: 0,
            sequence: 0,
            facts: 0,
            damaged_bytes: 0,
        }
    }

    /// Applies the facts of one entry. `see` is shown each delta with the books after the fact.
    ///
    /// # Errors
    /// If the bytes are no facts: a checksum was right, so another version wrote them.
    pub fn apply(
        &mut self,
        entry: Entry<'_>,
        see: &mut dyn FnMut(&Books, &Delta),
    ) -> anyhow::Result<()> {
        let mut deltas = Vec::new();
        for fact in FactReader::of(entry.facts) {
            let fact =
                fact.context("a fact cannot be read; a newer Countersign may have written it")?;
            self.books.apply(entry.now, &fact, &mut deltas);
            for delta in deltas.drain(..) {
                self.tally.apply(self.books.now(), &delta);
                see(&self.books, &delta);
            }
            self.facts += 1;
        }
        self.now = self.books.now();
        Ok(())
    }
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
    let mut rebuilt = Rebuilt::empty(settings);
    let facts = directory.facts();
    if !facts.exists() {
        return Ok(rebuilt);
    }
    let mut reader = LogReader::open_with(directory.disk(), &facts, LogKind::Facts, 1, None)?;
    while let Some(record) = reader.next()? {
        let sequence = record.sequence;
        let entry = Entry::decode(record.payload)?;
        rebuilt
            .apply(entry, &mut |books, delta| see(sequence, books, delta))
            .with_context(|| format!("record {sequence} of {}", facts.display()))?;
        rebuilt.sequence = sequence;
    }
    rebuilt.damaged_bytes = reader.damaged_bytes();
    Ok(rebuilt)
}
