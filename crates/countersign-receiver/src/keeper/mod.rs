//! Keeper: the one loop that owns the books. Everything else talks to it through a bounded
//! channel: facts go in and are acknowledged when they are on disk and booked; questions are
//! answered from the books as they are.

use bytes::Bytes;
use countersign_core::dialect::Signal;
use countersign_core::fact::UnixNanos;
use countersign_core::settle::Books;
use countersign_core::tally::Tally;

/// What one request wants booked and relayed: all of it or nothing.
#[derive(Clone, Debug, Default)]
pub struct Submission {
    /// Facts, as [`crate::journal::FactWriter`] wrote them.
    pub facts: Vec<u8>,
    /// The scrubbed request to relay, if there are destinations for its signal.
    pub relay: Option<(Relayed, Bytes)>,
}

/// The signal of a relayed request.
pub type Relayed = Signal;

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
    /// The books' time.
    pub now: UnixNanos,
}

/// The handle to the keeper. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Keeper {}

impl Keeper {
    /// Books a submission. Resolves when it is on disk and in the books.
    ///
    /// # Errors
    /// [`Refusal`] if it was not taken.
    pub async fn submit(&self, submission: Submission) -> Result<Receipt, Refusal> {
        let _ = submission;
        Err(Refusal::Stopping)
    }

    /// Asks the books something; the closure runs on the keeper's thread and should be quick.
    ///
    /// # Errors
    /// [`Refusal::Stopping`] or [`Refusal::Busy`].
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&View<'_>) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let _ = question;
        Err(Refusal::Stopping)
    }
}
