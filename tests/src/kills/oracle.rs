//! What the senders know: what was acknowledged, and what was sent without an answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Instant;

use countersign_receiver::clock;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::{Value, json};

use crate::otlp::call;

/// One request: what is acknowledged as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unit {
    /// The calls of the task with this number; one to three spans.
    Work(u64),
    /// The verdict on that task.
    Verdict(u64),
}

/// Millionths of a dollar that a span of a task costs: each task has its own sum, so that sums
/// tell which tasks are in them.
fn span_micros(number: u64, span: u64) -> u64 {
    number * 10 + span
}

/// How many calls a task has.
pub(super) fn spans_of(number: u64) -> u64 {
    1 + number % 3
}

/// What a task costs, in millionths of a dollar.
pub(super) fn task_micros(number: u64) -> u64 {
    (1..=spans_of(number)).map(|span| span_micros(number, span)).sum()
}

/// A task's name.
pub(super) fn task_name(number: u64) -> String {
    format!("task-{number}")
}

/// The spans of a task, in a trace of their own.
pub(super) fn spans(number: u64) -> Vec<Span> {
    let task = task_name(number);
    (1..=spans_of(number))
        .map(|span| {
            let dollars = span_micros(number, span) as f64 / 1e6;
            call(u128::from(number), span, &task, dollars, &[])
        })
        .collect()
}

/// The verdict on a task.
pub(super) fn verdict(number: u64) -> Value {
    json!({"id": format!("v-{number}"), "task": task_name(number), "state": "accepted"})
}

/// What is known outside of the program that is killed.
#[derive(Debug, Default)]
pub(super) struct Oracle(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    last: u64,
    /// With the moment of the answer.
    acknowledged: BTreeMap<Unit, Instant>,
    /// Sent in this life of the program, no answer.
    unknown: BTreeSet<Unit>,
    /// Ever sent.
    sent: BTreeSet<Unit>,
    refused: u64,
}

/// How many requests fared how.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fared {
    pub(super) acknowledged: usize,
    pub(super) refused: u64,
}

impl Oracle {
    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap()
    }

    /// The number of a task that was never sent.
    pub(super) fn fresh(&self) -> u64 {
        let mut known = self.known();
        known.last += 1;
        known.last
    }

    /// A request is on its way: from now on it may be in the books.
    pub(super) fn sends(&self, unit: Unit) {
        let mut known = self.known();
        known.sent.insert(unit);
        known.unknown.insert(unit);
    }

    /// It was acknowledged.
    pub(super) fn acknowledged(&self, unit: Unit) {
        let mut known = self.known();
        known.unknown.remove(&unit);
        known.acknowledged.insert(unit, clock::instant());
    }

    /// The program asked to send it again later.
    pub(super) fn refused(&self) {
        self.known().refused += 1;
    }

    /// Requests without an answer, to be sent again.
    pub(super) fn unknown(&self) -> Vec<Unit> {
        self.known().unknown.iter().copied().collect()
    }

    /// Everything that was acknowledged.
    pub(super) fn all_acknowledged(&self) -> BTreeMap<Unit, Instant> {
        self.known().acknowledged.clone()
    }

    pub(super) fn fared(&self) -> Fared {
        let known = self.known();
        Fared { acknowledged: known.acknowledged.len(), refused: known.refused }
    }

    /// Acknowledged ⊆ written ⊆ sent.
    pub(super) fn check(&self, written: &BTreeSet<Unit>, told: &str) {
        let known = self.known();
        let lost: Vec<_> = known.acknowledged.keys().filter(|u| !written.contains(u)).collect();
        assert!(lost.is_empty(), "{told}: acknowledged and lost: {lost:?}");
        let invented: Vec<_> = written.difference(&known.sent).collect();
        assert!(invented.is_empty(), "{told}: never sent: {invented:?}");
    }
}
