//! Told: what a delivery says, as facts. Ids, names, states and times; no text.

use countersign_core::fact::{
    Alias, Basis, Evaluation, Fact, Identity, Judgement, Place, SourceKind, Tie, UnixNanos, Verdict,
};
use countersign_core::key::{Key, TraceId};

use crate::journal::FactWriter;
use crate::limits::VERDICT_NAME_BYTES_MAX;

/// How far in the future a system's clock may be.
const AHEAD_NANOS_MAX: u64 = 24 * 3_600_000_000_000;

/// The facts of one delivery.
#[derive(Debug)]
pub(crate) struct Told {
    system: &'static str,
    received: UnixNanos,
    facts: FactWriter,
}

/// A verdict as a system tells it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'a> {
    /// What tells this verdict from others of the system: the same parts are the same verdict,
    /// however often they are delivered.
    pub(super) id: &'a [&'a str],
    /// The task, by a name that the system has for it.
    pub(super) task: &'a str,
    /// What is said.
    pub(super) judgement: Judgement,
    /// When it came about there; `None` for the time of receipt.
    pub(super) at: Option<UnixNanos>,
    /// Who judged.
    pub(super) source: SourceKind,
    /// On what basis.
    pub(super) basis: Basis,
    /// A code of ours.
    pub(super) reason: &'static str,
}

impl Told {
    /// Nothing yet.
    #[must_use]
    pub(super) fn new(system: &'static str, received: UnixNanos) -> Told {
        Told { system, received, facts: FactWriter::default() }
    }

    /// How many facts there are.
    #[must_use]
    pub(super) fn count(&self) -> u64 {
        self.facts.count()
    }

    /// The facts.
    #[must_use]
    pub(super) fn into_facts(self) -> FactWriter {
        self.facts
    }

    /// Two names are one task's.
    pub(super) fn same(&mut self, task: &str, name: &str) {
        self.alias(task, name, Tie::Identity);
    }

    /// A name may lead to the task, unless it leads to others too.
    pub(super) fn hint(&mut self, task: &str, name: &str) {
        self.alias(task, name, Tie::Container);
    }

    fn alias(&mut self, task: &str, name: &str, tie: Tie) {
        if is_name(task) && is_name(name) && task != name {
            self.facts.push(&Fact::Alias(Alias { task, name, tie }));
        }
    }

    /// A verdict.
    pub(super) fn verdict(&mut self, said: Said<'_>) {
        let verdict = Verdict {
            id: self.id(said.id),
            task: said.task,
            trace: TraceId::NONE,
            judgement: said.judgement,
            effective: self.time(said.at),
            source: said.source,
            system: self.system,
            basis: said.basis,
            round: 0,
            supersedes: Key::NONE,
            reason: said.reason,
            edit_ppm: None,
            review_ms: None,
            policy_version: "",
        };
        self.fact(verdict);
    }

    /// A verdict with more to it.
    pub(super) fn fact(&mut self, verdict: Verdict<'_>) {
        if is_name(verdict.task) {
            self.facts.push(&Fact::Verdict(verdict));
        }
    }

    /// The key of parts that tell a verdict from others of the system.
    #[must_use]
    pub(super) fn id(&self, parts: &[&str]) -> Key {
        Key::of_parts(&[&["hook", self.system], parts].concat())
    }

    /// An evaluation by a program: what it is called and what came out, both words of a short
    /// list.
    pub(super) fn evaluation(
        &mut self,
        id: &[&str],
        identity: Identity<'_>,
        (name, label): (&str, &str),
        at: Option<UnixNanos>,
    ) {
        self.facts.push(&Fact::Evaluation(Evaluation {
            record: self.id(id),
            place: Place::default(),
            response: Key::NONE,
            identity,
            name,
            label,
            score_ppm: None,
            time: self.time(at),
        }));
    }

    /// A system's time; one that is missing or far in the future is the time of receipt.
    #[must_use]
    pub(super) fn time(&self, at: Option<UnixNanos>) -> UnixNanos {
        let plausible = |at: &UnixNanos| *at <= self.received.saturating_add(AHEAD_NANOS_MAX);
        at.filter(plausible).unwrap_or(self.received)
    }
}

/// Whether a text can name a task: not empty, not too long, on one line.
#[must_use]
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= VERDICT_NAME_BYTES_MAX && !text.chars().any(char::is_control)
}
