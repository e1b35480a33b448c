//! Gate: from a request's bytes to facts on disk and in the books.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use countersign_core::diagnostic::Diagnostic;
use countersign_core::dialect::{DecodeError, Outcome, Reader, Scrub, Settings, Signal};
use countersign_core::fact::{Fact, Noticed, UnixNanos};
use countersign_core::price::Catalog;

use super::body::{Budget, Charge};
use super::counted::Counted;
use super::json::{self, JsonError, Transcoded};
use super::refused::Refused;
use crate::access::{Access, Caller, Scope};
use crate::clock;
use crate::journal::FactWriter;
use crate::keeper::{Condition, Keeper, Submission, SubmissionKind, View};
use crate::limits::{READ_IN_PLACE_BYTES_MAX, READERS_KEPT_MAX, REQUEST_BYTES_MAX};

/// For each signal: whether there is a destination for it, and how much of it may pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RelayPlan {
    /// Traces.
    pub traces: Option<Scrub>,
    /// Logs.
    pub logs: Option<Scrub>,
    /// Metrics.
    pub metrics: Option<Scrub>,
}

impl RelayPlan {
    fn of(&self, signal: Signal) -> Option<Scrub> {
        match signal {
            Signal::Traces => self.traces,
            Signal::Logs => self.logs,
            Signal::Metrics => self.metrics,
        }
    }
}

/// How an OTLP request is spelt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// Protobuf.
    Protobuf,
    /// OTLP/JSON.
    Json,
}

/// What became of a request that was taken: on disk and in the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Records that were taken.
    pub accepted: u64,
    /// Records that were refused; the others were taken.
    pub rejected: u64,
    /// Why, or another warning; empty if nothing is worth saying.
    pub message: &'static str,
    /// The books' position afterwards.
    pub position: u64,
}

/// Takes requests. Cheap to clone.
#[derive(Clone)]
pub struct Gate(Arc<Inner>, Access);

struct Inner {
    keeper: Keeper,
    catalog: Arc<Catalog>,
    settings: Settings,
    relay: RelayPlan,
    readers: Mutex<Vec<Reader>>,
    budget: Budget,
    counted: Arc<Counted>,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("relay", &self.0.relay).finish_non_exhaustive()
    }
}

/// One request, read.
struct Read {
    outcome: Outcome,
    submission: Submission,
}

impl Gate {
    /// A gate before this keeper.
    #[must_use]
    pub fn new(
        keeper: Keeper,
        catalog: Arc<Catalog>,
        settings: Settings,
        relay: RelayPlan,
    ) -> Gate {
        let inner = Arc::new(Inner {
            keeper,
            catalog,
            settings,
            relay,
            readers: Mutex::default(),
            budget: Budget::default(),
            counted: Arc::default(),
        });
        Gate(inner, Access::default())
    }

    /// The same gate behind credentials.
    #[must_use]
    pub fn behind(self, access: Access) -> Gate {
        Gate(self.0, access)
    }

    /// What was taken and refused.
    #[must_use]
    pub fn counted(&self) -> &Arc<Counted> {
        &self.0.counted
    }

    /// Who may pass.
    pub(super) fn access(&self) -> &Access {
        &self.1
    }

    /// Takes an export request.
    ///
    /// A request that is cancelled was taken as a whole or not at all: what it holds goes to the
    /// keeper as one message.
    ///
    /// # Errors
    /// [`Refused`] if nothing of it was taken.
    pub async fn take(
        &self,
        caller: &Caller,
        signal: Signal,
        spelling: Spelling,
        bytes: Bytes,
        received: UnixNanos,
    ) -> Result<Taken, Refused> {
        let mut charge = self.charge(caller);
        if spelling == Spelling::Json {
            // What it becomes in protobuf is as large as a rule.
            charge.grow(bytes.len())?;
        }
        let read = if bytes.len() <= READ_IN_PLACE_BYTES_MAX {
            self.0.read(caller, signal, spelling, &bytes, received)?
        } else {
            let (inner, caller) = (Arc::clone(&self.0), caller.clone());
            let read = move || inner.read(&caller, signal, spelling, &bytes, received);
            tokio::task::spawn_blocking(read).await.map_err(|_| Refused::Stopping)??
        };
        drop(charge);
        let position = self.submit(caller, read.submission).await?;
        let Outcome { accepted, rejected, message } = read.outcome;
        Ok(Taken { accepted, rejected, message, position })
    }

    /// Takes verdicts that were read elsewhere; gives the books' position afterwards.
    ///
    /// # Errors
    /// [`Refused`] if none of them was taken.
    pub async fn take_facts(&self, caller: &Caller, facts: FactWriter) -> Result<u64, Refused> {
        let kind = SubmissionKind::Verdicts;
        let facts = facts.into_bytes();
        self.submit(caller, Submission { kind, facts, ..Submission::default() }).await
    }

    /// Asks the caller's books something.
    ///
    /// # Errors
    /// [`Refused`] if they do not answer.
    pub async fn ask<T: Send + 'static>(
        &self,
        caller: &Caller,
        question: impl FnOnce(&View<'_>) -> T + Send + 'static,
    ) -> Result<T, Refused> {
        Ok(self.0.keeper.ask_of(caller.tenant().clone(), question).await?)
    }

    /// How the journal is, at once.
    #[must_use]
    pub fn condition(&self) -> Condition {
        self.0.keeper.condition()
    }

    pub(super) fn charge(&self, caller: &Caller) -> Charge {
        self.0.budget.charge(caller)
    }

    #[cfg(test)]
    pub(super) fn free_bytes(&self) -> usize {
        self.0.budget.free()
    }

    async fn submit(&self, caller: &Caller, submission: Submission) -> Result<u64, Refused> {
        if submission.facts.is_empty() && submission.relay.is_none() {
            return self.ask(caller, |view| view.books.position()).await;
        }
        let submission = Submission { tenant: caller.tenant().clone(), ..submission };
        let began = clock::instant();
        let receipt = self.0.keeper.submit(submission).await?;
        self.0.counted.acknowledged(began.elapsed());
        Ok(receipt.position)
    }
}

impl Inner {
    fn read(
        &self,
        caller: &Caller,
        signal: Signal,
        spelling: Spelling,
        bytes: &[u8],
        received: UnixNanos,
    ) -> Result<Read, Refused> {
        let mut transcoded = Vec::new();
        let mut notes = Transcoded::default();
        let bytes = match spelling {
            Spelling::Protobuf => bytes,
            Spelling::Json => {
                transcoded.reserve_exact(room_for(bytes));
                notes = json::transcode(signal, bytes, &mut transcoded)?;
                &transcoded
            }
        };
        let mut reader = self.lend();
        let scrub = self.relay.of(signal);
        let mut relayed = Vec::new();
        if scrub.is_some() {
            relayed.reserve_exact(room_for(bytes));
        }
        let mut facts = FactWriter::default();
        let judges = caller.may(Scope::WriteVerdicts);
        let mut unwelcome = 0;
        let outcome = reader.read(
            signal,
            bytes,
            received,
            &self.catalog,
            &mut |fact| {
                if !judges && matches!(fact, Fact::Verdict(_)) {
                    unwelcome += 1;
                } else {
                    facts.push(&fact);
                }
            },
            scrub.map(|scrub| (&mut relayed, scrub)),
        );
        self.give_back(reader);
        let mut outcome = with_notes(outcome?, notes, &mut facts);
        if unwelcome > 0 {
            outcome.accepted = outcome.accepted.saturating_sub(unwelcome);
            outcome.rejected += unwelcome;
            outcome.message = "verdicts need a credential with the scope write_verdicts";
        }
        let relay = scrub.is_some() && !relayed.is_empty();
        let relay = relay.then(|| (signal, Bytes::from(relayed)));
        let facts = facts.into_bytes();
        let submission = Submission { facts, relay, ..Submission::default() };
        Ok(Read { outcome, submission })
    }

    fn lend(&self) -> Reader {
        let kept = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        kept.unwrap_or_else(|| Reader::new(self.settings.clone()))
    }

    fn give_back(&self, reader: Reader) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < READERS_KEPT_MAX {
            readers.push(reader);
        }
    }
}

/// Room for what a request becomes: as much as it is, as a rule. For large ones it is all that
/// they may become, since memory that nobody writes to costs nothing, and to grow would take the
/// old place and the new one at a time.
fn room_for(bytes: &[u8]) -> usize {
    /// The limit is found out by the value that passes it.
    const BEYOND: usize = 64 << 10;
    let large = bytes.len() > READ_IN_PLACE_BYTES_MAX;
    if large { REQUEST_BYTES_MAX + BEYOND } else { bytes.len() }
}

/// The outcome with what was noticed before the bytes were protobuf.
fn with_notes(mut outcome: Outcome, notes: Transcoded, facts: &mut FactWriter) -> Outcome {
    let mut noticed = |what, count| {
        if count > 0 {
            facts.push(&Fact::Noticed(Noticed { what, count }));
        }
    };
    noticed(Diagnostic::InvalidValue, notes.rejected);
    noticed(Diagnostic::RepairedText, u64::from(notes.repaired));
    outcome.rejected += notes.rejected;
    if notes.snake_case {
        outcome.message = "OTLP/JSON has field names in lowerCamelCase: others were ignored";
    } else if notes.rejected > 0 {
        outcome.message = "some records have values that do not fit their fields";
    } else if notes.repaired && outcome.message.is_empty() {
        outcome.message = "some values were repaired or left out";
    }
    outcome
}

impl From<JsonError> for Refused {
    fn from(error: JsonError) -> Refused {
        match error {
            JsonError::TooLarge => Refused::TooLarge,
            JsonError::Syntax(_) | JsonError::Shape(_) => {
                Refused::Malformed(error.to_string().into())
            }
        }
    }
}

impl From<DecodeError> for Refused {
    fn from(error: DecodeError) -> Refused {
        if let DecodeError::Malformed(at) = error {
            return Refused::Malformed(format!("not an OTLP request at byte {at}").into());
        }
        Refused::TooLarge
    }
}
