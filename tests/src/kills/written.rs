//! What is in the journal, read without the program: which requests, and whether whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use countersign_core::fact::Fact;
use countersign_receiver::journal::{Entry, FactReader, LogKind, LogReader};

use super::oracle::{Unit, spans_of};

/// Follows the journal of a data directory over all lives of the program.
pub(super) struct Written {
    facts: PathBuf,
    reader: Option<LogReader>,
    units: BTreeSet<Unit>,
}

impl Written {
    pub(super) fn of(data: &std::path::Path) -> Written {
        Written { facts: data.join("facts"), reader: None, units: BTreeSet::new() }
    }

    /// Everything that was written up to now.
    pub(super) fn read(&mut self) -> &BTreeSet<Unit> {
        if self.reader.is_none() {
            self.reader = Some(LogReader::open(&self.facts, LogKind::Facts, 1).unwrap());
        }
        let reader = self.reader.as_mut().unwrap();
        while let Some(record) = reader.next().unwrap() {
            let entry = Entry::decode(&record).unwrap();
            let mut calls = BTreeMap::new();
            for fact in FactReader::of(entry.facts) {
                let fact = fact.unwrap();
                if let Fact::Call(call) = &fact {
                    *calls.entry(call.place.trace.0 as u64).or_insert(0) += 1;
                } else if let Fact::Verdict(verdict) = &fact {
                    let number = verdict.task.strip_prefix("task-").unwrap().parse().unwrap();
                    self.units.insert(Unit::Verdict(number));
                }
            }
            for (number, count) in calls {
                assert_eq!(count, spans_of(number), "half of request {number} was written");
                self.units.insert(Unit::Work(number));
            }
        }
        assert_eq!(reader.damaged_bytes(), 0);
        &self.units
    }
}
