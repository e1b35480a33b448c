//! Verdicts: what people and systems say of tasks, as JSON or as gRPC messages.
//!
//! Both spellings become [`Given`] and share its rules. A verdict's text fields hold names and
//! codes only: a reason that is longer than a code or has line breaks is refused, so that no
//! content comes in this way.

mod given;
mod json;
mod message;

pub use given::Given;
pub(crate) use json::read_json;
pub(super) use json::read_one;
pub(super) use message::read_message;

use countersign_core::diagnostic::Diagnostic;
use countersign_core::fact::{Fact, Noticed, UnixNanos};
use serde::Serialize;

use super::gate::Gate;
use super::refused::Refused;
use crate::access::Caller;
use crate::journal::FactWriter;

/// What became of a request's verdicts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// How many were taken.
    pub accepted: usize,
    /// Those that were not.
    pub rejected: Vec<Rejected>,
    /// The books' position afterwards.
    pub position: u64,
}

/// A verdict that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// Its place in the request, from 0.
    pub index: usize,
    /// Which field is wrong and what is expected.
    pub error: String,
}

/// Reads verdicts one by one: good ones become facts, bad ones are listed.
pub(super) fn gather<T>(
    verdicts: impl IntoIterator<Item = T>,
    mut read: impl FnMut(T, &mut dyn FnMut(Given<'_>)) -> Result<(), String>,
    received: UnixNanos,
) -> (Judged, FactWriter) {
    let mut facts = FactWriter::default();
    let mut judged = Judged::default();
    for (index, verdict) in verdicts.into_iter().enumerate() {
        let result = read(verdict, &mut |given| {
            let verdict = given.verdict(received);
            if given.effective.is_some_and(|said| said != verdict.effective) {
                let noticed = Noticed { what: Diagnostic::ClockSkew, count: 1 };
                facts.push(&Fact::Noticed(noticed));
            }
            facts.push(&Fact::Verdict(verdict));
        });
        match result {
            Ok(()) => judged.accepted += 1,
            Err(error) => judged.rejected.push(Rejected { index, error }),
        }
    }
    (judged, facts)
}

/// Takes what [`gather`] gave, if there is something good in it.
pub(super) async fn take(
    gate: &Gate,
    caller: &Caller,
    (mut judged, facts): (Judged, FactWriter),
) -> Result<Judged, Refused> {
    if judged.accepted > 0 {
        judged.position = gate.take_facts(caller, facts).await?;
    }
    Ok(judged)
}
