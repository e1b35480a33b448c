//! Recounting: the books and the series, built anew from the journal.

use std::path::Path;

use anyhow::{Context, bail};
use countersign_core::settle::{Books, Settings};
use countersign_core::tally::Tally;
use indicatif::{ProgressBar, ProgressStyle};

use crate::journal::{DataDirectory, Entry, FactReader, LogKind, LogReader};

/// What the journal says.
pub(super) struct Recount {
    /// The books.
    pub(super) books: Books,
    /// The series.
    pub(super) tally: Tally,
    /// Records that were read.
    pub(super) records: u64,
    /// Bytes whose checksum is wrong.
    pub(super) damaged_bytes: u64,
}

/// Reads the whole journal of a data directory. Nothing is written and no lock is needed: a
/// server may be running on it.
///
/// # Errors
/// If the directory is none of ours, cannot be read, or holds what this program cannot read.
pub(super) fn recount(data: &Path, settings: Settings) -> anyhow::Result<Recount> {
    let directory = DataDirectory::open_read_only(data)?;
    let mut reader = LogReader::open(&directory.facts(), LogKind::Facts, 0)
        .with_context(|| format!("cannot read the journal in {}", data.display()))?;
    let progress = ProgressBar::no_length();
    progress.set_style(
        ProgressStyle::with_template("{spinner} {pos} records read, {per_sec}")
            .context("the template is right")?,
    );

    let mut books = Books::new(settings);
    let mut tally = Tally::default();
    let mut deltas = Vec::new();
    let mut records = 0;
    while let Some(record) = reader.next()? {
        let sequence = record.sequence;
        let entry = Entry::decode(record.payload)
            .with_context(|| format!("record {sequence} of the journal"))?;
        for fact in FactReader::of(entry.facts) {
            let Ok(fact) = fact else {
                bail!("record {sequence} of the journal holds facts that this program cannot read")
            };
            books.apply(entry.now, &fact, &mut deltas);
            for delta in deltas.drain(..) {
                tally.apply(entry.now, &delta);
            }
        }
        records += 1;
        progress.inc(1);
    }
    progress.finish_and_clear();
    Ok(Recount { books, tally, records, damaged_bytes: reader.damaged_bytes() })
}
