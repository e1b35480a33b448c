//! The reader: one request's bytes in, its facts out.

use alloc::vec::Vec;

use super::draft::{Draft, NO_DIALECT};
use super::field::Field;
use super::index::{Entry, Index};
use super::rules::Reading;
use super::{DIALECTS, DecodeError, Outcome, Scrub, Settings, Signal};
use crate::decode::path::Path;
use crate::decode::scrub::Scrubber;
use crate::decode::wire::Malformed;
use crate::decode::{Attribute, Budget, Fault, logs, metrics, traces};
use crate::fact::{Fact, UnixNanos};
use crate::limits;
use crate::price::Catalog;

/// Room is made ahead for this many facts at most; a batch of an SDK has 512 spans.
const FACTS_EXPECTED_MAX: usize = 1024;

/// Reads requests. Holds what was set and the index of keys; a request leaves nothing behind.
#[derive(Debug)]
pub struct Reader {
    keys: Keys,
    scrubber: Scrubber,
    /// Facts of the last request: the next one has about as many.
    facts_expected: usize,
}

/// What attribute keys mean, in any scope and in the scopes of single dialects.
#[derive(Debug)]
pub(super) struct Keys {
    anywhere: Index,
    /// By place in `DIALECTS`: keys that only the dialect's scopes have.
    bare: Vec<Index>,
    /// Keys that the operator named for the task; the first counts.
    task: Vec<Vec<u8>>,
}

/// What the keys of a request mean in the dialect of its current scope.
#[derive(Debug)]
pub(super) struct Meanings<'a> {
    keys: Path<'a, Option<Entry>>,
    dialect: Option<usize>,
}

impl<'a> Meanings<'a> {
    pub(super) fn new() -> Meanings<'a> {
        Meanings { keys: Path::new(), dialect: None }
    }

    #[inline]
    fn enter(&mut self, dialect: Option<usize>) {
        if self.dialect != dialect {
            self.keys.forget();
            self.dialect = dialect;
        }
        self.keys.enter();
    }
}

impl Default for Reader {
    fn default() -> Reader {
        Reader::new(Settings::default())
    }
}

impl Reader {
    /// A reader with these settings.
    #[must_use]
    pub fn new(settings: Settings) -> Reader {
        let own = DIALECTS.iter().zip(0..).flat_map(|(dialect, place)| {
            let tells = !dialect.anyone;
            dialect.keys.iter().map(move |(key, field)| (*key, *field, place, tells))
        });
        let entries = own.zip(0..).map(|((key, field, dialect, tells), rank)| {
            (key, Entry { field, rank, dialect, tells })
        });
        let bare = DIALECTS.iter().zip(0..).map(|(dialect, place)| {
            Index::new(dialect.bare.iter().zip(0..).map(|((key, field), rank)| {
                // Below every key with a prefix: those say what they mean.
                let rank = u16::MAX / 2 + rank;
                (*key, Entry { field: *field, rank, dialect: place, tells: true })
            }))
        });
        let kept = settings.task_keys.iter().map(alloc::string::String::as_str);
        let scrubber = Scrubber::new(&settings.instance).keeping(kept);
        let task = settings.task_keys.into_iter().map(alloc::string::String::into_bytes);
        Reader {
            facts_expected: 0,
            scrubber,
            keys: Keys {
                anywhere: Index::new(entries),
                bare: bare.collect(),
                task: task.collect(),
            },
        }
    }

    /// Reads one request's bytes: facts go to `facts`, and if `relay` is given, the scrubbed
    /// request (calls enriched with their cost) is appended to its buffer.
    ///
    /// # Errors
    /// [`DecodeError`] if nothing of the request can be taken; then no fact was given.
    pub fn read(
        &mut self,
        signal: Signal,
        bytes: &[u8],
        received: UnixNanos,
        catalog: &Catalog,
        facts: &mut dyn FnMut(Fact<'_>),
        relay: Option<(&mut Vec<u8>, Scrub)>,
    ) -> Result<Outcome, DecodeError> {
        let mut reading = Reading::new(&self.keys, catalog, received, self.facts_expected);
        let records_max = match signal {
            Signal::Traces => limits::SPANS_PER_REQUEST_MAX,
            Signal::Logs => limits::LOGS_PER_REQUEST_MAX,
            Signal::Metrics => limits::POINTS_PER_REQUEST_MAX,
        };
        let mut budget = Budget::new(bytes, records_max);
        match signal {
            Signal::Traces => {
                traces(bytes, &mut budget, |node, budget| reading.visit(node, budget))?
            }
            Signal::Logs => logs(bytes, &mut budget, |node, budget| reading.visit(node, budget))?,
            Signal::Metrics => {
                metrics(bytes, &mut budget, |node, budget| reading.visit(node, budget))?
            }
        }
        self.facts_expected = reading.facts().min(FACTS_EXPECTED_MAX);
        if let Some((out, mode)) = relay {
            let notes = reading.notes();
            let scrubbed = self.scrubber.scrub(signal, bytes, mode, notes, out);
            scrubbed.map_err(|Malformed(at)| DecodeError::Malformed(at))?;
        }
        Ok(reading.finish(&budget, facts))
    }
}

impl From<Fault> for DecodeError {
    fn from(fault: Fault) -> DecodeError {
        match fault {
            Fault::Malformed(at) => DecodeError::Malformed(at),
            Fault::OverBudget => DecodeError::OverBudget,
        }
    }
}

impl Keys {
    /// Sorts attributes into the fields of a draft.
    pub(super) fn sort<'a>(
        &self,
        attributes: &[Attribute<'a>],
        dialect: Option<usize>,
        path: &mut Meanings<'a>,
        draft: &mut Draft<'a>,
    ) {
        path.enter(dialect);
        for attribute in attributes {
            let meaning = path.keys.step(attribute.key, |key| self.find(key, dialect)).copied();
            if let Some(entry) = meaning.unwrap_or_else(|| self.find(attribute.key, dialect)) {
                draft.set(entry, attribute.value);
            }
        }
        for (key, rank) in self.task.iter().zip(0..) {
            for attribute in attributes.iter().filter(|attribute| attribute.key == *key) {
                let entry =
                    Entry { field: Field::TaskBySetting, rank, dialect: NO_DIALECT, tells: false };
                draft.set(entry, attribute.value);
            }
        }
    }

    fn find(&self, key: &[u8], dialect: Option<usize>) -> Option<Entry> {
        let bare = || self.bare.get(dialect?)?.find(key);
        self.anywhere.find(key).or_else(bare)
    }
}
