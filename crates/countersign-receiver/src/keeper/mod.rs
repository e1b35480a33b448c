//! Keeper: the one loop that owns the books. Everything else talks to it through a bounded
//! channel: facts go in and are acknowledged when they are on disk and booked; questions are
//! answered from the books as they are.

mod thread;
mod turn;

mod compaction;
mod compare;
mod copied;
mod ledgers;
mod options;
mod pulse;
mod rebuild;
mod recount;
mod relay;
mod room;
mod snapshot;
mod time;

#[cfg(test)]
mod snapshot_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod turn_tests;

pub use compare::{Difference, compare};
pub use ledgers::{Ledger, Ledgers, Tenant};
pub use options::{Options, VerdictSpan};
pub use pulse::Condition;
pub use rebuild::{Rebuilt, newest, rebuild};
pub use recount::{Recount, Recounted, recount};
pub use relay::{RelayFeed, RelayRecord};
pub use snapshot::{About, Capture, SnapshotError, read_snapshot, snapshots};
pub use thread::Running;
pub use time::{BookTime, Now};
pub use turn::Turn;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};

use bytes::Bytes;
use countersign_core::dialect::Signal;
use countersign_core::fact::UnixNanos;
use countersign_core::settle::Books;
use countersign_core::tally::Tally;
use tokio::sync::oneshot;

use self::pulse::Pulse;
use crate::limits::KEEPER_QUEUE_BYTES_MAX;

/// What one request wants booked and relayed: all of it or nothing.
#[derive(Clone, Debug, Default)]
pub struct Submission {
    /// Whose books it is for.
    pub tenant: Tenant,
    /// What it is, for the time when the disk is full.
    pub kind: SubmissionKind,
    /// Facts, as [`crate::journal::FactWriter`] wrote them.
    pub facts: Vec<u8>,
    /// The scrubbed request to relay, if there are destinations for its signal.
    pub relay: Option<(Signal, Bytes)>,
}

/// What is let in when the disk is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubmissionKind {
    /// Telemetry: refused until there is space again. Its senders keep it for a while.
    #[default]
    Telemetry,
    /// Verdicts: few, small, and often said only once. They are written into the space that was
    /// held back.
    Verdicts,
}

impl Submission {
    fn bytes(&self) -> usize {
        self.facts.len() + self.relay.as_ref().map_or(0, |(_, request)| request.len())
    }
}

/// The answer to a submission that is on disk and booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The tenant's books' position after it; [`Books::booked_to`] reaching it means that all its
    /// calls are booked for good.
    pub position: u64,
}

/// Why a submission was not taken. Nothing of it was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The queue is full: try again after so many milliseconds.
    Busy {
        /// How long to wait.
        retry_after_ms: u64,
    },
    /// The disk failed.
    Disk(String),
    /// The disk is full; it goes on by itself when there is space.
    Full,
    /// One submission cannot be so large.
    TooLarge,
    /// There is no room for the books of one more tenant.
    TooManyTenants,
    /// The program is stopping.
    Stopping,
}

/// What a question sees.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The books and series of all tenants.
    pub ledgers: &'a Ledgers,
    /// The books of one tenant: the default one, unless [`View::of_tenant`] gave it.
    pub books: &'a Books,
    /// The series of the same tenant.
    pub tally: &'a Tally,
    /// The time of the question.
    pub now: UnixNanos,
    /// Why the disk takes nothing at present, if so.
    pub fault: Option<&'a str>,
}

impl<'a> View<'a> {
    /// The books and series of this view without a name, and those of the named tenants.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Books, &Tally)> {
        let named = self.ledgers.iter().filter(|(name, _)| !name.is_empty());
        let named = named.map(|(name, ledger)| (name, &ledger.books, &ledger.tally));
        std::iter::once(("", self.books, self.tally)).chain(named)
    }

    /// Asks about one tenant's books; they are empty if it never had facts.
    pub fn ask_of<T>(&self, tenant: &Tenant, question: impl FnOnce(&View<'_>) -> T) -> T {
        let empty;
        let Ledger { books, tally } = match self.ledgers.get(tenant.name()) {
            Some(ledger) => ledger,
            None => {
                empty = self.ledgers.empty();
                &empty
            }
        };
        let View { ledgers, now, fault, .. } = *self;
        question(&View { ledgers, books, tally, now, fault })
    }

    /// The same of another tenant, if it ever had facts.
    #[must_use]
    pub fn of_tenant(&self, tenant: &str) -> Option<View<'a>> {
        let Ledger { books, tally } = self.ledgers.get(tenant)?;
        Some(View { books, tally, ..*self })
    }
}

/// What a sender is told to wait when the queue is full.
const RETRY_AFTER_MS: u64 = 1_000;

type Question = Box<dyn FnOnce(&View<'_>) + Send>;

/// What the loop is told.
enum Message {
    Submit(Submission, Unanswered),
    Ask(Question),
    /// Everything of the relay log before this sequence has been delivered.
    Relayed(u64),
    Stop,
}

/// Whoever waits for the answer to a submission.
struct Unanswered {
    answer: oneshot::Sender<Result<Receipt, Refusal>>,
    _charge: Charge,
}

/// Bytes that wait for the keeper, until this is dropped.
#[derive(Debug)]
struct Charge {
    bytes: usize,
    queued: Arc<AtomicUsize>,
}

impl Charge {
    /// Room for so many bytes, if there is some, or if nothing else waits.
    fn take(queued: &Arc<AtomicUsize>, bytes: usize) -> Option<Charge> {
        let before = queued.fetch_add(bytes, Ordering::AcqRel);
        // Dropped at once if there is no room.
        let charge = Charge { bytes, queued: Arc::clone(queued) };
        (before == 0 || before + bytes <= KEEPER_QUEUE_BYTES_MAX).then_some(charge)
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.queued.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

/// The handle to the keeper. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Keeper {
    sender: SyncSender<Message>,
    queued: Arc<AtomicUsize>,
    pulse: Pulse,
    relay: Option<RelayFeed>,
}

impl Keeper {
    /// Books a submission. Resolves when it is on disk and in the books. It is booked even if
    /// nobody waits for the answer any more.
    ///
    /// # Errors
    /// [`Refusal`] if it was not taken.
    pub async fn submit(&self, submission: Submission) -> Result<Receipt, Refusal> {
        let busy = Refusal::Busy { retry_after_ms: RETRY_AFTER_MS };
        let charge = Charge::take(&self.queued, submission.bytes()).ok_or(busy)?;
        let (answer, answered) = oneshot::channel();
        self.send(Message::Submit(submission, Unanswered { answer, _charge: charge }))?;
        answered.await.unwrap_or(Err(Refusal::Stopping))
    }

    /// Asks the books something; the closure runs on the keeper's thread and should be quick.
    ///
    /// # Errors
    /// [`Refusal::Stopping`] or [`Refusal::Busy`].
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&View<'_>) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let (answer, answered) = oneshot::channel();
        self.send(Message::Ask(Box::new(move |view| {
            // Whoever asked may have gone away.
            drop(answer.send(question(view)));
        })))?;
        answered.await.map_err(|_| Refusal::Stopping)
    }

    /// Bytes of submissions that wait for the disk.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.queued.load(Ordering::Acquire)
    }

    /// How the loop and its disk are, at once, also while a commit takes long.
    #[must_use]
    pub fn condition(&self) -> Condition {
        self.pulse.condition()
    }

    /// Asks one tenant's books something, as [`Keeper::ask`] does.
    ///
    /// # Errors
    /// [`Refusal::Stopping`] or [`Refusal::Busy`].
    pub async fn ask_of<T: Send + 'static>(
        &self,
        tenant: Tenant,
        question: impl FnOnce(&View<'_>) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        self.ask(move |view| view.ask_of(&tenant, question)).await
    }

    /// What waits to be relayed; none if the keeper was started without destinations.
    #[must_use]
    pub fn relay(&self) -> Option<&RelayFeed> {
        self.relay.as_ref()
    }

    /// Tells that every destination has what stands before this sequence of the relay log.
    pub fn relayed(&self, sequence: u64) {
        // A full queue only delays the removal of segments until the next call.
        drop(self.send(Message::Relayed(sequence)));
    }

    /// Stops the loop once what was submitted before is booked.
    pub fn stop(&self) {
        // The loop may have stopped already.
        drop(self.sender.send(Message::Stop));
    }

    fn send(&self, message: Message) -> Result<(), Refusal> {
        self.sender.try_send(message).map_err(|error| match error {
            TrySendError::Full(_) => Refusal::Busy { retry_after_ms: RETRY_AFTER_MS },
            TrySendError::Disconnected(_) => Refusal::Stopping,
        })
    }
}
