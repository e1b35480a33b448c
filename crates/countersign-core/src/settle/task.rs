//! A task: what somebody asked for, what it cost so far, and how it was judged.

use alloc::boxed::Box;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::fact::{Basis, Component, Judgement, ReviewState, SourceKind, UnixNanos, Usage};
use crate::key::{Key, TraceId};
use crate::limits;
use crate::money::Money;
use crate::names::{Name, Names};
use crate::planted::{self, Bug};
use crate::settle::Standing;
use crate::settle::store::Seen;
use crate::settle::subject::Labels;
use crate::week::Week;

/// The place of a task in the books; stays the same for as long as the task is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskIndex(pub(super) u32);

/// How sure it is that the work belongs to the task.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Confidence {
    /// The trace itself is the task, for want of anything else.
    #[default]
    Fallback,
    /// Found by the revision or the branch that it was done on: others may have worked there.
    Heuristic,
    /// Found by its conversation, change or link.
    Derived,
    /// The work names the task.
    Explicit,
}

impl Confidence {
    /// The word for it: `fallback`, `heuristic`, `derived`, `explicit`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Confidence::Fallback => "fallback",
            Confidence::Heuristic => "heuristic",
            Confidence::Derived => "derived",
            Confidence::Explicit => "explicit",
        }
    }
}

/// Which part of the work an amount paid for.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Stage {
    /// The first pass.
    #[default]
    First,
    /// A repetition without review: a regeneration or a repeated step.
    Retry,
    /// Work after a reviewer sent it back (round 2 and later).
    Rework,
}

impl Stage {
    /// The word for it: `first`, `retry`, `rework`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Stage::First => "first",
            Stage::Retry => "retry",
            Stage::Rework => "rework",
        }
    }
}

/// What one model or tool did for a task, in one stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The model, or the tool.
    pub model: Name,
    /// Its provider.
    pub provider: Name,
    /// Model or tool.
    pub component: Component,
    /// First pass, retry or rework.
    pub stage: Stage,
    /// Calls that worked.
    pub calls_ok: u32,
    /// Calls that failed.
    pub calls_failed: u32,
    /// Calls without a price.
    pub calls_unpriced: u32,
    /// Tokens.
    pub usage: Usage,
    /// Cost.
    pub cost: Money,
}

/// A verdict as the task keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptVerdict {
    /// Its id.
    pub id: Key,
    /// What it says, after the edit threshold: an edit below it is an acceptance.
    pub judgement: Judgement,
    /// Who judged.
    pub source: SourceKind,
    /// On what basis.
    pub basis: Basis,
    /// In which system.
    pub system: Name,
    /// Reason code.
    pub reason: Name,
    /// Version of the policy or rubric.
    pub policy_version: Name,
    /// From when on it holds.
    pub effective: UnixNanos,
    /// When it was booked.
    pub observed: UnixNanos,
    /// Round, or 0.
    pub round: u32,
    /// Share that was changed, in millionths.
    pub edit_ppm: Option<u32>,
    /// The reviewer's time.
    pub review_ms: Option<u64>,
    /// The verdict that this one takes back, or [`Key::NONE`].
    pub supersedes: Key,
    /// Whether another verdict took it back.
    pub superseded: bool,
}

impl KeptVerdict {
    /// By authority, then effective time, then time of booking, then id: of several verdicts the
    /// greatest is in force.
    pub(super) fn rank(&self) -> (SourceKind, UnixNanos, UnixNanos, Key) {
        (self.source, self.effective, self.observed, self.id)
    }

    /// Whether two verdicts contradict each other so that their rank has to decide: they hold
    /// from the same time, or the later one has less authority. A later verdict of the same or
    /// more authority changes what was said, and one that takes the other back mends it.
    pub(super) fn contradicts(&self, other: &KeptVerdict) -> bool {
        let (early, late) =
            if self.effective <= other.effective { (self, other) } else { (other, self) };
        if late.supersedes == early.id || early.supersedes == late.id {
            return false;
        }
        if early.effective == late.effective && early.source == late.source {
            return early.judgement != late.judgement;
        }
        let defect = [early, late].iter().any(|one| one.judgement == Judgement::Defect);
        let served = |one: &KeptVerdict| ReviewState::from(one.judgement).is_served();
        let overruled = late.source < early.source || early.effective == late.effective;
        !defect && overruled && served(early) != served(late)
    }

    /// A weaker source takes nothing back. Nor does a defect: that work came back does not mean
    /// that nobody took it.
    fn takes_back(&self, other: &KeptVerdict) -> bool {
        self.supersedes == other.id
            && (self.source >= other.source || planted::on(Bug::WeakerTakesBack))
            && self.judgement != Judgement::Defect
    }
}

/// The state of a task.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Task {
    /// Its own id if the work names one, else empty: then an alias or trace names it.
    pub(super) id: Box<str>,
    pub(super) aliases: Vec<Box<str>>,
    pub(super) traces: Vec<TraceId>,
    pub(super) confidence: Confidence,
    pub(super) labels: Labels,
    pub(super) rounds: u32,
    /// Start of the first span, or 0.
    pub(super) started: UnixNanos,
    /// End of the last span, or 0.
    pub(super) ended: UnixNanos,
    /// When something last came in, by the books' clock.
    pub(super) active: UnixNanos,
    pub(super) state: ReviewState,
    /// When the verdict in force took effect; 0 while pending.
    pub(super) decided: UnixNanos,
    pub(super) standing: Standing,
    /// The week in whose cohort it counts.
    pub(super) cohort: Week,
    /// Model and tool cost.
    pub(super) cost: Money,
    /// The reviewers' time, at the rate when each verdict was booked.
    pub(super) review: Money,
    pub(super) retries: crate::fact::Retries,
    pub(super) lines: Vec<Line>,
    pub(super) verdicts: Vec<KeptVerdict>,
    /// The task that this one was merged into.
    pub(super) merged_into: Option<TaskIndex>,
}

impl Task {
    /// Keeps a verdict, and marks those that are taken back by one of at least their authority.
    /// When there are too many the least by authority and time goes: it decides nothing.
    pub(super) fn keep_verdict(&mut self, mut verdict: KeptVerdict) {
        for kept in &mut self.verdicts {
            kept.superseded |= verdict.takes_back(kept);
            verdict.superseded |= kept.takes_back(&verdict);
        }
        self.verdicts.push(verdict);
        if self.verdicts.len() > limits::TASK_VERDICTS_MAX {
            let rank = |(_, kept): &(usize, &KeptVerdict)| kept.rank();
            let least = self.verdicts.iter().enumerate().min_by_key(rank).map(|(at, _)| at);
            least.map(|at| self.verdicts.remove(at));
        }
    }
}

/// A task, as readers see it.
#[derive(Clone)]
pub struct TaskView<'a> {
    pub(super) index: TaskIndex,
    pub(super) task: Seen<'a, Task>,
    pub(super) names: &'a Names,
}

impl<'a> TaskView<'a> {
    /// Its place in the books.
    #[must_use]
    pub fn index(&self) -> TaskIndex {
        self.index
    }
    /// Its id: its own, or its first alias, or the id of its first trace.
    #[must_use]
    pub fn id(&self) -> alloc::borrow::Cow<'_, str> {
        if !self.task.id.is_empty() {
            return (&*self.task.id).into();
        }
        match (self.task.aliases.first(), self.task.traces.first()) {
            (Some(alias), _) => (&**alias).into(),
            (None, Some(trace)) => alloc::format!("{trace}").into(),
            (None, None) => "".into(),
        }
    }
    /// Texts that also name it: URLs, change numbers, conversations.
    pub fn aliases(&self) -> impl Iterator<Item = &str> {
        self.task.aliases.iter().map(AsRef::as_ref)
    }
    /// Its traces, the first [`crate::limits::TASK_TRACES_MAX`].
    #[must_use]
    pub fn traces(&self) -> &[TraceId] {
        &self.task.traces
    }
    /// How it was found.
    #[must_use]
    pub fn confidence(&self) -> Confidence {
        self.task.confidence
    }
    /// Its workflow, or empty.
    #[must_use]
    pub fn workflow(&self) -> &'a str {
        self.names.text(self.task.labels.workflow)
    }
    /// Its team, or empty.
    #[must_use]
    pub fn team(&self) -> &'a str {
        self.names.text(self.task.labels.team)
    }
    /// Its project, or empty.
    #[must_use]
    pub fn project(&self) -> &'a str {
        self.names.text(self.task.labels.project)
    }
    /// `production`, `exploration` or empty.
    #[must_use]
    pub fn purpose(&self) -> &'a str {
        self.names.text(self.task.labels.purpose)
    }
    /// Its route, or empty.
    #[must_use]
    pub fn route(&self) -> &'a str {
        self.names.text(self.task.labels.route)
    }
    /// Why the route was chosen, or empty.
    #[must_use]
    pub fn route_reason(&self) -> &'a str {
        self.names.text(self.task.labels.route_reason)
    }
    /// Attempts, at least 1.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.task.labels.attempt.max(1)
    }
    /// Review rounds, at least 1.
    #[must_use]
    pub fn rounds(&self) -> u32 {
        self.task.rounds.max(1)
    }
    /// Start of its first span, or when its first verdict took effect.
    #[must_use]
    pub fn started(&self) -> UnixNanos {
        self.task.started
    }
    /// End of its last span.
    #[must_use]
    pub fn ended(&self) -> UnixNanos {
        self.task.ended
    }
    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> ReviewState {
        self.task.state
    }
    /// When the verdict in force took effect, or when it expired; 0 while pending.
    #[must_use]
    pub fn decided(&self) -> UnixNanos {
        self.task.decided
    }
    /// How firmly it stands, if it is served.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.task.standing
    }
    /// Model and tool cost.
    #[must_use]
    pub fn cost(&self) -> Money {
        self.task.cost
    }
    /// The reviewers' time, at the workflow's rate when each verdict was booked.
    #[must_use]
    pub fn review_cost(&self) -> Money {
        self.task.review
    }
    /// The reviewers' time in milliseconds, all verdicts together.
    #[must_use]
    pub fn review_ms(&self) -> u64 {
        self.task.verdicts.iter().filter_map(|verdict| verdict.review_ms).sum()
    }
    /// Repetitions, by layer.
    #[must_use]
    pub fn retries(&self) -> crate::fact::Retries {
        self.task.retries
    }
    /// What models and tools did.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.task.lines
    }
    /// Its verdicts in the order of booking.
    #[must_use]
    pub fn verdicts(&self) -> &[KeptVerdict] {
        &self.task.verdicts
    }
    /// The text of a name that a line or verdict carries.
    #[must_use]
    pub fn text(&self, name: Name) -> &'a str {
        self.names.text(name)
    }
}
