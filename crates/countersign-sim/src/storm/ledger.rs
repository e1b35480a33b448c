//! Ledger: what the journal on a disk says, read without the keeper, and the books that follow
//! from it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use countersign_core::delta::Delta;
use countersign_core::fact::UnixNanos;
use countersign_core::settle::{Books, Settings};
use countersign_core::tally::Tally;
use countersign_receiver::journal::{Entry, FactReader, FactWriter, LogError, LogKind, LogReader};

use crate::disk::SimDisk;

/// An entry of the journal.
#[derive(Clone, Debug, PartialEq)]
struct Kept {
    now: UnixNanos,
    tenant: String,
    /// Each fact as the journal has it.
    facts: Vec<Vec<u8>>,
}

/// The entries of a journal, by sequence.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Ledger {
    entries: BTreeMap<u64, Kept>,
}

impl Ledger {
    /// Reads the journal on a disk.
    pub(super) fn read(disk: &SimDisk, directory: &Path) -> Result<Ledger, LogError> {
        let mut ledger = Ledger::default();
        let disk = Arc::new(disk.clone());
        let directory = directory.join("facts");
        let mut reader = LogReader::open_with(disk, &directory, LogKind::Facts, 1, None)?;
        while let Some(record) = reader.next()? {
            let Ok(Entry { now, tenant, facts }) = Entry::decode(&record) else { continue };
            let facts = FactReader::of(facts).map_while(Result::ok).map(|fact| {
                let mut writer = FactWriter::default();
                writer.push(&fact);
                writer.into_bytes()
            });
            let kept = Kept { now, tenant: tenant.to_owned(), facts: facts.collect() };
            ledger.entries.insert(record.sequence, kept);
        }
        Ok(ledger)
    }

    /// Every fact with its tenant.
    pub(super) fn facts(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.entries
            .values()
            .flat_map(|kept| kept.facts.iter().map(|fact| (kept.tenant.as_str(), fact.as_slice())))
    }

    /// The facts of one tenant with their times, in the order of the journal.
    pub(super) fn of_tenant<'a>(
        &'a self,
        tenant: &'a str,
    ) -> impl Iterator<Item = (UnixNanos, &'a [u8])> {
        let entries = self.entries.values().filter(move |kept| kept.tenant == tenant);
        entries.flat_map(|kept| kept.facts.iter().map(|fact| (kept.now, fact.as_slice())))
    }

    pub(super) fn tenants(&self) -> BTreeSet<&str> {
        self.entries.values().map(|kept| kept.tenant.as_str()).chain([""]).collect()
    }

    /// The books that a program would have which never stopped.
    pub(super) fn books_of(&self, tenant: &str) -> (Books, Tally, Vec<Delta>) {
        let mut books = Books::new(Settings::default());
        let (mut tally, mut all) = (Tally::default(), Vec::new());
        for (now, bytes) in self.of_tenant(tenant) {
            for fact in FactReader::of(bytes).map_while(Result::ok) {
                let mut deltas = Vec::new();
                books.apply(now, &fact, &mut deltas);
                deltas.iter().for_each(|delta| tally.apply(books.now(), delta));
                all.extend(deltas);
            }
        }
        (books, tally, all)
    }
}
