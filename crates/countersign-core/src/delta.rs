//! Deltas: what came out of the books. The tally folds them into series; the shell turns
//! verdicts into spans.

use crate::diagnostic::Diagnostic;
use crate::fact::{
    Basis, Component, Judgement, Retries, ReviewState, SourceKind, UnixNanos, Usage,
};
use crate::key::{Key, SpanId, TraceId};
use crate::money::Money;
use crate::names::Name;

/// One change of the books. Counters only ever rise; gauges carry signed changes.
#[derive(Clone, Debug, PartialEq)]
pub enum Delta {
    /// A call was booked.
    Call(CallBooked),
    /// Cost came into being.
    Incurred {
        /// Workflow of the task.
        workflow: Name,
        /// Model, if a model caused it.
        model: Name,
        /// Its provider.
        provider: Name,
        /// Model or tool.
        component: Component,
        /// How much.
        amount: Money,
    },
    /// Cost moved from pending to a verdict, or was incurred by a task already judged.
    Settled {
        /// Workflow of the task.
        workflow: Name,
        /// Route of the task.
        route: Name,
        /// Model, if a model caused it.
        model: Name,
        /// The verdict's state.
        state: ReviewState,
        /// Model, tool or review.
        component: Component,
        /// How much.
        amount: Money,
    },
    /// Settled cost moved from one state to another (model and tool cost).
    CostReclassified {
        /// Workflow of the task.
        workflow: Name,
        /// The state it was settled under.
        from: ReviewState,
        /// The state it belongs to now.
        to: ReviewState,
        /// How much.
        amount: Money,
    },
    /// The pending gauges changed.
    Pending {
        /// Workflow of the task.
        workflow: Name,
        /// Change of the number of pending tasks.
        tasks: i64,
        /// Change of their cost.
        cost: Money,
    },
    /// Cost that belongs to no task changed.
    Unattributed {
        /// Workflow, as far as it is known.
        workflow: Name,
        /// Change of the cost.
        cost: Money,
    },
    /// A verdict was booked on a task.
    Verdict(VerdictBooked),
    /// A task reached a final state.
    Outcome(OutcomeReached),
    /// A judged task moved to another state.
    Reclassified {
        /// Workflow of the task.
        workflow: Name,
        /// From this state.
        from: ReviewState,
        /// To this one.
        to: ReviewState,
    },
    /// The gauges of provisional tasks changed: served ones whose confirm window is not over.
    Provisional {
        /// Workflow of the task.
        workflow: Name,
        /// What its acceptance rests on.
        basis: Basis,
        /// Change of the number of provisional tasks.
        tasks: i64,
        /// Change of their cost.
        cost: Money,
    },
    /// A served task's confirm window ended without a reopen.
    Confirmed {
        /// Workflow of the task.
        workflow: Name,
        /// Route of the task.
        route: Name,
        /// Accepted or edited.
        state: ReviewState,
    },
    /// A served task came back.
    Defect {
        /// Workflow of the task.
        workflow: Name,
        /// Route of the task.
        route: Name,
    },
    /// A step was repeated.
    Retried {
        /// Workflow of the task.
        workflow: Name,
        /// Repetitions, by layer.
        retries: Retries,
    },
    /// A call's model has no price.
    Unpriced {
        /// The model.
        model: Name,
    },
    /// Something was noticed.
    Noticed {
        /// What.
        what: Diagnostic,
        /// How often.
        count: u64,
    },
    /// An evaluation was kept.
    Evaluated {
        /// Workflow of the task, if known.
        workflow: Name,
        /// Name of the evaluation.
        name: Name,
        /// Its label.
        label: Name,
    },
    /// Counters and histograms begin again at zero. The books do not change.
    BegunAgain,
}

/// A booked call.
#[derive(Clone, Debug, PartialEq)]
pub struct CallBooked {
    /// Workflow of the task.
    pub workflow: Name,
    /// Model.
    pub model: Name,
    /// Provider.
    pub provider: Name,
    /// Operation.
    pub operation: Name,
    /// Error type, or empty.
    pub error: Name,
    /// Tokens, if known.
    pub usage: Option<Usage>,
    /// End minus start in nanoseconds; `None` where a metric was the source.
    pub duration: Option<u64>,
    /// Nanoseconds to the first token.
    pub first_token: Option<u64>,
    /// Repetitions.
    pub retries: Retries,
    /// How many calls: 1, or what a metric counted.
    pub count: u64,
    /// Its span, for exemplars.
    pub trace: TraceId,
    /// Its span, for exemplars.
    pub span: SpanId,
}

/// A booked verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct VerdictBooked {
    /// The verdict's id.
    pub id: Key,
    /// The task: see `settle::Books::task`.
    pub task: crate::settle::TaskIndex,
    /// Workflow of the task.
    pub workflow: Name,
    /// Route of the task.
    pub route: Name,
    /// What it says.
    pub judgement: Judgement,
    /// From when on.
    pub effective: UnixNanos,
    /// Who judged.
    pub source: SourceKind,
    /// In which system.
    pub system: Name,
    /// On what basis.
    pub basis: Basis,
    /// Round, or 0.
    pub round: u32,
    /// Reason code.
    pub reason: Name,
    /// Share that was changed, in millionths.
    pub edit_ppm: Option<u32>,
    /// The reviewer's time.
    pub review_ms: Option<u64>,
    /// A trace of the task, for a span beside the work; none if the task has no trace yet.
    pub trace: TraceId,
}

/// A task that reached a final state.
#[derive(Clone, Debug, PartialEq)]
pub struct OutcomeReached {
    /// Workflow of the task.
    pub workflow: Name,
    /// Route of the task.
    pub route: Name,
    /// The state.
    pub state: ReviewState,
    /// Model and tool cost until now.
    pub cost: Money,
    /// From the first span's start to the last span's end, nanoseconds.
    pub duration: u64,
    /// From the last span's end before the verdict to the verdict, nanoseconds.
    pub time_to_verdict: u64,
    /// Review rounds.
    pub rounds: u32,
    /// A trace of the task, for exemplars.
    pub trace: TraceId,
}
