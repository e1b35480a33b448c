//! Scripts: facts as plain data, each with the time it reaches the books.

use countersign_core::fact::{
    Call, Cost, CostSource, Fact, Identity, Judgement, Link, Links, Measure, NameQuality, Place,
    Point, Rank, Retries, Role, SourceKind, Step, StepKind, Temporality, UnixNanos, Usage, Verdict,
};
use countersign_core::key::{Key, SpanId, TraceId};
use countersign_core::money::Money;

/// All times of scripts count from here: 2026-01-01 00:00 UTC, in milliseconds since 1970.
pub const BEGIN_MS: u64 = 1_767_225_600_000;

/// A fact and when it reaches the books.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Milliseconds since [`BEGIN_MS`].
    pub at_ms: u64,
    /// The fact.
    pub says: Says,
}

/// A fact, owned. Times are milliseconds since [`BEGIN_MS`], ids are small numbers, and 0 or an
/// empty text means none.
#[derive(Clone, Debug, PartialEq)]
pub enum Says {
    /// A model request.
    Call(CallLine),
    /// A span that is no request.
    Step(StepLine),
    /// Spans of a trace that are neither, each with its parent.
    Links(u64, Vec<(u64, u64)>),
    /// A point of a usage metric.
    Point(PointLine),
    /// A judgement.
    Verdict(VerdictLine),
    /// Time goes on.
    Tick,
}

/// What a span says about its work.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Work {
    /// Task id.
    pub task: String,
    /// Conversation.
    pub conversation: String,
    /// URL of the artifact.
    pub url: String,
    /// Linked trace.
    pub linked: u64,
    /// Workflow.
    pub workflow: String,
    /// Review round.
    pub round: u32,
}

/// A model request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallLine {
    /// Trace, span and parent.
    pub place: (u64, u64, u64),
    /// Rank of its signal.
    pub rank: u8,
    /// Whether it may be a sum.
    pub sum: bool,
    /// Sender.
    pub service: String,
    /// Id of the record, for what is no span.
    pub record: String,
    /// Response id.
    pub response: String,
    /// Layers between the emitter and the answer.
    pub distance: u8,
    /// Its work.
    pub work: Work,
    /// Start and end.
    pub time_ms: (u64, u64),
    /// Model.
    pub model: String,
    /// Error type.
    pub error: String,
    /// Tokens: input, cache read, cache write, output, reasoning.
    pub usage: Option<[u64; 5]>,
    /// Picodollars; without them a call with usage is unpriced.
    pub cost: Option<u64>,
}

/// A span that is no request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepLine {
    /// What it is.
    pub kind: StepKind,
    /// Trace, span and parent.
    pub place: (u64, u64, u64),
    /// Its work.
    pub work: Work,
    /// Start and end.
    pub time_ms: (u64, u64),
    /// Its own cost in picodollars.
    pub cost: Option<u64>,
    /// Repetitions of the same tool with the same arguments.
    pub retries: u32,
}

/// What a point counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Counts {
    /// Requests.
    #[default]
    Calls,
    /// Input tokens, cached ones included.
    Input,
    /// Output tokens.
    Output,
    /// Picodollars.
    Cost,
}

/// A point of a usage metric.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PointLine {
    /// Rank of its family.
    pub rank: u8,
    /// Sender.
    pub service: String,
    /// Series.
    pub series: String,
    /// A sum since the start; else an increment.
    pub cumulative: bool,
    /// Start and time.
    pub time_ms: (u64, u64),
    /// What is counted.
    pub counts: Counts,
    /// How much.
    pub value: u64,
    /// Picodollars per token.
    pub rate: Option<u64>,
    /// Its work.
    pub work: Work,
    /// Model.
    pub model: String,
}

/// A judgement.
#[derive(Clone, Debug, PartialEq)]
pub struct VerdictLine {
    /// Its id.
    pub id: String,
    /// Task id or alias.
    pub task: String,
    /// Trace, without a task.
    pub trace: u64,
    /// What it says.
    pub judgement: Judgement,
    /// From when on.
    pub effective_ms: u64,
    /// Who.
    pub source: SourceKind,
    /// Id of the verdict that it takes back.
    pub supersedes: String,
    /// Share that was changed, in millionths.
    pub edit_ppm: Option<u32>,
    /// The reviewer's time.
    pub review_ms: Option<u64>,
}

/// A time of a script as the books know it.
#[must_use]
pub fn nanos(at_ms: u64) -> UnixNanos {
    (BEGIN_MS + at_ms) * 1_000_000
}

/// The trace with a small number.
#[must_use]
pub fn trace_id(number: u64) -> TraceId {
    TraceId(u128::from(number))
}

fn money(pico: u64) -> Money {
    Money::from_pico(i128::from(pico))
}

fn place(place: (u64, u64, u64)) -> Place {
    Place { trace: trace_id(place.0), span: SpanId(place.1), parent: SpanId(place.2) }
}

fn identity(work: &Work) -> Identity<'_> {
    let workflow_quality =
        if work.workflow.is_empty() { NameQuality::Unsaid } else { NameQuality::Span };
    Identity {
        task: &work.task,
        conversation: &work.conversation,
        artifact: &work.url,
        linked: trace_id(work.linked),
        workflow: &work.workflow,
        workflow_quality,
        round: work.round,
        ..Identity::default()
    }
}

impl Says {
    /// The fact.
    #[must_use]
    pub fn fact(&self) -> Fact<'_> {
        match self {
            Says::Call(call) => Fact::Call(call.fact()),
            Says::Step(step) => Fact::Step(step.fact()),
            Says::Links(trace, links) => {
                let link = |(span, parent): &(u64, u64)| Link {
                    span: SpanId(*span),
                    parent: SpanId(*parent),
                };
                Fact::Links(Links {
                    trace: trace_id(*trace),
                    links: links.iter().map(link).collect(),
                })
            }
            Says::Point(point) => Fact::Point(point.fact()),
            Says::Verdict(verdict) => Fact::Verdict(verdict.fact()),
            Says::Tick => Fact::Tick,
        }
    }
}

impl CallLine {
    fn fact(&self) -> Call<'_> {
        let place = place(self.place);
        let record = if self.record.is_empty() {
            Key::of_span(place.trace, place.span)
        } else {
            Key::of(&self.record)
        };
        Call {
            rank: Rank(self.rank),
            role: if self.sum { Role::Sum } else { Role::Call },
            place,
            service: Key::of(&self.service),
            record,
            response: Key::of(&self.response),
            distance: self.distance,
            identity: identity(&self.work),
            start: nanos(self.time_ms.0),
            end: nanos(self.time_ms.1),
            model: &self.model,
            provider: "sim",
            operation: "chat",
            error: &self.error,
            usage: self.usage.map(|[input, cache_read, cache_write, output, reasoning]| Usage {
                input,
                cache_read,
                cache_write,
                output,
                reasoning,
            }),
            cost: match (self.usage, self.cost) {
                (_, Some(pico)) => Cost::Priced(money(pico), CostSource::Catalog),
                (Some(_), None) => Cost::Unpriced,
                (None, None) => Cost::Unknown,
            },
            ..Call::default()
        }
    }
}

impl StepLine {
    fn fact(&self) -> Step<'_> {
        Step {
            kind: self.kind,
            place: place(self.place),
            identity: identity(&self.work),
            start: nanos(self.time_ms.0),
            end: nanos(self.time_ms.1),
            name: "step",
            cost: self.cost.map(money),
            retries: Retries { step: self.retries, ..Retries::default() },
            ..Step::default()
        }
    }
}

impl PointLine {
    fn fact(&self) -> Point<'_> {
        Point {
            rank: Rank(self.rank),
            service: Key::of(&self.service),
            series: Key::of(&self.series),
            temporality: if self.cumulative { Temporality::Cumulative } else { Temporality::Delta },
            start: nanos(self.time_ms.0),
            time: nanos(self.time_ms.1),
            measure: match self.counts {
                Counts::Calls => Measure::Calls(self.value),
                Counts::Input => Measure::Input(self.value),
                Counts::Output => Measure::Output(self.value),
                Counts::Cost => Measure::Cost(money(self.value)),
            },
            rate: self.rate.map(money),
            identity: identity(&self.work),
            model: &self.model,
            provider: "sim",
            operation: "chat",
            error: "",
        }
    }
}

impl VerdictLine {
    fn fact(&self) -> Verdict<'_> {
        Verdict {
            id: Key::of(&self.id),
            task: &self.task,
            trace: trace_id(self.trace),
            judgement: self.judgement,
            effective: nanos(self.effective_ms),
            source: self.source,
            system: "sim",
            basis: countersign_core::fact::Basis::Explicit,
            round: 0,
            supersedes: Key::of(&self.supersedes),
            reason: "",
            edit_ppm: self.edit_ppm,
            review_ms: self.review_ms,
            policy_version: "",
        }
    }
}
