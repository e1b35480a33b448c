//! A task that is known only by verdicts that wait for it.

use countersign_core::settle::Books;
use serde::Serialize;

use super::task::{VerdictShown, verdict};

/// What is known of a task before its work has come.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WaitingShown {
    /// The name that was asked for.
    pub id: String,
    /// Always `unknown`: nobody has seen its work.
    pub state: &'static str,
    /// The verdicts that wait for it.
    pub waiting_verdicts: Vec<VerdictShown>,
}

/// The verdicts that wait for a task of this name; `None` if there is none.
#[must_use]
pub fn waiting(books: &Books, name: &str) -> Option<WaitingShown> {
    let text = |name| books.names().text(name);
    let verdicts: Vec<VerdictShown> = books.waiting(name).map(|kept| verdict(kept, text)).collect();
    (!verdicts.is_empty()).then(|| WaitingShown {
        id: name.to_owned(),
        state: "unknown",
        waiting_verdicts: verdicts,
    })
}
