//! Keeper: the one loop that owns the books. Everything else talks to it through a bounded
//! channel: facts go in and are acknowledged when they are on disk and booked; questions are
//! answered from the books as they are.

mod rebuild;
mod relay;
mod turn;

#[cfg(test)]
mod tests;

pub use rebuild::{Rebuilt, rebuild};
pub use relay::{RelayFeed, RelayRecord};
pub use turn::{Options, Running, VerdictSpan};

use std::sync::mpsc::{SyncSender, TrySendError};

use bytes::Bytes;
use countersign_core::dialect::Signal;
use countersign_core::fact::UnixNanos;
use countersign_core::settle::Books;
use countersign_core::tally::Tally;
use tokio::sync::oneshot;

/// What one request wants booked and relayed: all of it or nothing.
#[derive(Clone, Debug, Default)]
pub struct Submission {
    /// Facts, as [`crate::journal::FactWriter`] wrote them.
    pub facts: Vec<u8>,
    /// The scrubbed request to relay, if there are destinations for its signal.
    pub relay: Option<(Signal, Bytes)>,
}

/// The answer to a submission that is on disk and booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The books' position after it; [`Books::booked_to`] reaching it means that all its calls
    /// are booked for good.
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
    /// The disk failed or is full.
    Disk(String),
    /// The program is stopping.
    Stopping,
}

/// What a question sees.
pub struct View<'a> {
    /// The books.
    pub books: &'a Books,
    /// The series.
    pub tally: &'a Tally,
    /// The time of the question.
    pub now: UnixNanos,
    /// Why the disk takes nothing at present, if so.
    pub fault: Option<&'a str>,
}

type Question = Box<dyn FnOnce(&View<'_>) + Send>;

/// What the loop is told.
enum Message {
    Submit(Submission, oneshot::Sender<Result<Receipt, Refusal>>),
    Ask(Question),
    /// Everything of the relay log before this sequence has been delivered.
    Relayed(u64),
    Stop,
}

/// The handle to the keeper. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Keeper {
    sender: SyncSender<Message>,
    relay: Option<RelayFeed>,
}

impl Keeper {
    /// Books a submission. Resolves when it is on disk and in the books. It is booked even if
    /// nobody waits for the answer any more.
    ///
    /// # Errors
    /// [`Refusal`] if it was not taken.
    pub async fn submit(&self, submission: Submission) -> Result<Receipt, Refusal> {
        let (answer, answered) = oneshot::channel();
        self.send(Message::Submit(submission, answer))?;
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
            TrySendError::Full(_) => Refusal::Busy { retry_after_ms: 1_000 },
            TrySendError::Disconnected(_) => Refusal::Stopping,
        })
    }
}
