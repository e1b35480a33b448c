//! Facts: what goes into the books. Borrowed from the bytes they were read from.
//!
//! A fact is content-free: ids, names, numbers and times, never a prompt, a completion or a
//! person. What the wire lacks is an empty string, a zero id or `None`.

mod names;
mod words;

use serde::{Deserialize, Serialize};

pub use names::{branch_name, change_name, commit_name, issue_name, repository_name};
pub use words::{Basis, Component, Judgement, ReviewState, SourceKind, Tie};

use crate::key::{Key, SpanId, TraceId};
use crate::limits;
use crate::money::Money;

/// Nanoseconds since 1970-01-01 UTC.
pub type UnixNanos = u64;

/// A time as it is booked: what lies further from its receipt than any working clock puts it is
/// clamped.
#[must_use]
pub fn plausible_time(said: UnixNanos, received: UnixNanos) -> UnixNanos {
    let earliest = received.saturating_sub(limits::PAST_MS_MAX * 1_000_000);
    let latest = received.saturating_add(limits::FUTURE_MS_MAX * 1_000_000);
    said.clamp(earliest, latest)
}

/// One observed thing. Applying the same fact twice changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Fact<'a> {
    /// The shape of a trace: spans that are neither calls nor steps.
    Links(Links),
    /// One model request, as a span or a log record reports it.
    #[serde(borrow)]
    Call(Call<'a>),
    /// A tool, agent, workflow or task span: identity and structure, no tokens of its own.
    #[serde(borrow)]
    Step(Step<'a>),
    /// One point of a usage metric.
    #[serde(borrow)]
    Point(Point<'a>),
    /// Somebody's judgement of a task.
    #[serde(borrow)]
    Verdict(Verdict<'a>),
    /// A measured quality that is no verdict.
    #[serde(borrow)]
    Evaluation(Evaluation<'a>),
    /// Something the stages before the books noticed and counted.
    Noticed(Noticed),
    /// Time went on: deadlines up to the time of application have passed.
    Tick,
    /// Two names of one task.
    #[serde(borrow)]
    Alias(Alias<'a>),
    /// What follows is published as another stream: the data directory is a copy of one whose
    /// counters go on elsewhere.
    BeginAgain,
}

/// Parent links of the spans of one trace, as one request carried them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Links {
    /// The trace of all the links.
    pub trace: TraceId,
    /// Each span with its parent; a parent of 0 makes the span a root.
    pub links: alloc::vec::Vec<Link>,
}

/// One span and its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The span.
    pub span: SpanId,
    /// Its parent, or 0.
    pub parent: SpanId,
}

/// Where a span stands in its trace. Log records that name their span carry its ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The trace, or 0.
    pub trace: TraceId,
    /// The span, or 0.
    pub span: SpanId,
    /// The span's parent, or 0 for a root. Always 0 for log records.
    pub parent: SpanId,
}

/// What a span says about the work it belongs to. Every field may be empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity<'a> {
    /// `countersign.task.id`, from the span, its baggage or its resource; or what the
    /// configured order of keys names as the task.
    pub task: &'a str,
    /// Conversation, session or thread.
    pub conversation: &'a str,
    /// URL of what will be reviewed.
    pub artifact: &'a str,
    /// Repository and change number (`vcs.repository.url.full`, `vcs.change.id`).
    pub repository: &'a str,
    /// See `repository`.
    pub change: &'a str,
    /// Head revision, a commit hash.
    pub revision: &'a str,
    /// Head branch (`vcs.ref.head.name`).
    pub branch: &'a str,
    /// The trace that the span links to, if it has a link.
    pub linked: TraceId,
    /// `gen_ai.workflow.name`, or the agent's or service's name in its place.
    pub workflow: &'a str,
    /// `countersign.team`.
    pub team: &'a str,
    /// `countersign.project`.
    pub project: &'a str,
    /// `countersign.purpose`.
    pub purpose: &'a str,
    /// `countersign.route.name`.
    pub route: &'a str,
    /// `countersign.route.reason`.
    pub route_reason: &'a str,
    /// `countersign.attempt`, from 1; 0 if unsaid.
    pub attempt: u32,
    /// `countersign.round`, from 1; 0 if unsaid.
    pub round: u32,
    /// How good the workflow's name is: see [`NameQuality`].
    pub workflow_quality: NameQuality,
}

/// How a workflow's name was come by; a better one replaces a worse one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum NameQuality {
    /// Nothing was said.
    #[default]
    Unsaid,
    /// The service's name.
    Service,
    /// An agent's name.
    Agent,
    /// `gen_ai.workflow.name` or its like on a call or a step.
    Span,
    /// The workflow named by the task's own span.
    Task,
}

/// Which signal a usage came from. The lowest rank that a service uses counts; the others
/// repeat it. Spans are 0, families of log records 1 to 9, families of metrics 10 and up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rank(pub u8);

impl Rank {
    /// Usage on spans.
    pub const SPAN: Rank = Rank(0);
    /// Usage on log records, the family that counts first.
    pub const LOG: Rank = Rank(1);
    /// Usage on metrics, the family that counts first.
    pub const METRIC: Rank = Rank(10);
}

/// Whether a span with usage stands for one request or may sum up others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// A request of its own, unless a descendant carries usage.
    #[default]
    Call,
    /// An agent's or workflow's sum: a call only when nothing below it carries usage.
    Sum,
}

/// Tokens, in one convention: input includes cached, output includes reasoning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// All input tokens, cached ones included.
    pub input: u64,
    /// Of the input, read from a cache.
    pub cache_read: u64,
    /// Of the input, written to a cache.
    pub cache_write: u64,
    /// All output tokens, reasoning included.
    pub output: u64,
    /// Of the output, reasoning.
    pub reasoning: u64,
}

/// Sums stay at the greatest number instead of wrapping: a hostile emitter may get there.
impl core::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Usage) {
        let add = |sum: &mut u64, count: u64| *sum = sum.saturating_add(count);
        add(&mut self.input, other.input);
        add(&mut self.cache_read, other.cache_read);
        add(&mut self.cache_write, other.cache_write);
        add(&mut self.output, other.output);
        add(&mut self.reasoning, other.reasoning);
    }
}

/// Repetitions without review, by layer. Never add them together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retries {
    /// The same HTTP request sent again (`http.request.resend_count`).
    pub transport: u32,
    /// The same tool with the same arguments run again.
    pub step: u32,
    /// The same prompt asked again.
    pub regeneration: u32,
}

/// Layer by layer, up to the greatest number.
impl core::ops::AddAssign for Retries {
    fn add_assign(&mut self, other: Retries) {
        self.transport = self.transport.saturating_add(other.transport);
        self.step = self.step.saturating_add(other.step);
        self.regeneration = self.regeneration.saturating_add(other.regeneration);
    }
}

/// Where a price came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CostSource {
    /// The emitter's own figure.
    Reported,
    /// The operator's contract prices.
    Contract,
    /// The catalog in force when the call ran.
    Catalog,
}

impl CostSource {
    /// The word for it: `reported`, `contract`, `catalog`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            CostSource::Reported => "reported",
            CostSource::Contract => "contract",
            CostSource::Catalog => "catalog",
        }
    }
}

/// What a call cost, or that nobody knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cost {
    /// There is nothing to price: no usage was reported.
    #[default]
    Unknown,
    /// Usage is known and its model has no price: never zero.
    Unpriced,
    /// The exact amount and where the price came from.
    Priced(Money, CostSource),
}

/// One model request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Call<'a> {
    /// The signal it was read from.
    pub rank: Rank,
    /// A request, or possibly a sum of requests.
    pub role: Role,
    /// Its span; a log record's span context.
    pub place: Place,
    /// Who sent it: the service instance (see `dialect`), for counting one signal of several.
    pub service: Key,
    /// Same record, same key: of a span its ids, of a log record its event id or a digest.
    pub record: Key,
    /// Key of the provider's response id: the same call wherever it is seen.
    pub response: Key,
    /// Layers between the emitter and the provider's answer: 0 for the provider's own SDK, 1
    /// for instrumentation of an SDK, 2 for a framework. Of two reports of one response the
    /// nearer counts.
    pub distance: u8,
    /// The work it belongs to.
    #[serde(borrow)]
    pub identity: Identity<'a>,
    /// When it began.
    pub start: UnixNanos,
    /// When it ended.
    pub end: UnixNanos,
    /// Response model, or the request's if the response names none.
    pub model: &'a str,
    /// `gen_ai.provider.name`.
    pub provider: &'a str,
    /// `gen_ai.operation.name`.
    pub operation: &'a str,
    /// `error.type` of a failed call, `_OTHER` if it failed without one, empty if it did not.
    pub error: &'a str,
    /// Tokens; `None` when the wire has none.
    pub usage: Option<Usage>,
    /// What it cost.
    pub cost: Cost,
    /// What the prices on file come to for a call whose emitter reports its cost; `None` if they
    /// do not know its model.
    pub listed: Option<Money>,
    /// Nanoseconds to the first token.
    pub first_token: Option<u64>,
    /// Repetitions that this call is or had.
    pub retries: Retries,
}

/// What kind of span a step is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum StepKind {
    /// The task's own span.
    Task,
    /// A tool call.
    Tool,
    /// An agent, a workflow, a plan.
    Agent,
    /// Anything else that says something about the work.
    #[default]
    Other,
}

/// A span of the work that is not a call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Step<'a> {
    /// What it is.
    pub kind: StepKind,
    /// Its span.
    pub place: Place,
    /// The work it belongs to.
    #[serde(borrow)]
    pub identity: Identity<'a>,
    /// When it began.
    pub start: UnixNanos,
    /// When it ended.
    pub end: UnixNanos,
    /// Tool or agent.
    pub name: &'a str,
    /// As on a call.
    pub error: &'a str,
    /// Repetitions that this step is.
    pub retries: Retries,
    /// Its own cost, if it says so (a paid tool).
    pub cost: Option<Money>,
}

/// What a metric point counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Measure {
    /// Requests.
    Calls(u64),
    /// All input tokens, cached ones included.
    Input(u64),
    /// Input tokens outside any cache: the emitter counts cached ones apart.
    FreshInput(u64),
    /// Of the input, tokens read from a cache.
    CacheRead(u64),
    /// Of the input, tokens written to a cache.
    CacheWrite(u64),
    /// Tokens read from a cache that no other series of the emitter counts as input.
    CacheReadApart(u64),
    /// Tokens written to a cache that no other series of the emitter counts as input.
    CacheWriteApart(u64),
    /// All output tokens, reasoning included.
    Output(u64),
    /// Output tokens without reasoning: the emitter counts reasoning apart.
    PlainOutput(u64),
    /// Of the output, reasoning tokens.
    Reasoning(u64),
    /// Reasoning tokens that no other series of the emitter counts as output.
    ReasoningApart(u64),
    /// Cost as the emitter reports it.
    Cost(Money),
}

/// How a metric's points follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Temporality {
    /// Each point is an increment.
    Delta,
    /// Each point is the sum since its start.
    Cumulative,
}

/// One point of a usage metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point<'a> {
    /// The metric family's rank: of two families with the same tokens one counts.
    pub rank: Rank,
    /// As on a call.
    pub service: Key,
    /// Metric, attributes and resource: what makes the series.
    pub series: Key,
    /// Increments or sums.
    pub temporality: Temporality,
    /// Start of the series, or of the increment.
    pub start: UnixNanos,
    /// Time of the point.
    pub time: UnixNanos,
    /// What is counted, and how much.
    pub measure: Measure,
    /// Picodollars per unit of the measure, from the catalog in force; `None` if unpriced.
    pub rate: Option<Money>,
    /// The work it belongs to, as far as the point says.
    #[serde(borrow)]
    pub identity: Identity<'a>,
    /// As on a call.
    pub model: &'a str,
    /// As on a call.
    pub provider: &'a str,
    /// As on a call.
    pub operation: &'a str,
    /// As on a call.
    pub error: &'a str,
}

/// Somebody's judgement of a task. Append-only: another one may follow, none is changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict<'a> {
    /// The verdict's own id; the same id is the same verdict.
    pub id: Key,
    /// The task's id or any of its aliases. Empty if only the trace is known.
    pub task: &'a str,
    /// The trace that the verdict's record belongs to, for a verdict without `task`.
    pub trace: TraceId,
    /// What it says.
    pub judgement: Judgement,
    /// From when on it holds.
    pub effective: UnixNanos,
    /// Who judged.
    pub source: SourceKind,
    /// In which system, e.g. `github`.
    pub system: &'a str,
    /// What it rests on.
    pub basis: Basis,
    /// Review round, from 1; 0 if unsaid.
    pub round: u32,
    /// Id of the verdict that this one takes back, or [`Key::NONE`].
    pub supersedes: Key,
    /// A short code, low in cardinality.
    pub reason: &'a str,
    /// Share of the output that people changed, in millionths.
    pub edit_ppm: Option<u32>,
    /// The reviewer's time.
    pub review_ms: Option<u64>,
    /// Version of the policy or rubric.
    pub policy_version: &'a str,
}

/// Two names of one task, as a system outside the work knows them: a pull request and the task
/// that its description names, say. It makes no task by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias<'a> {
    /// The name that people would use: a URL, a ticket's key. It is the task.
    pub task: &'a str,
    /// Another name.
    pub name: &'a str,
    /// How the other name is tied to the task.
    pub tie: Tie,
}

/// A measured quality of a call or task: kept as quality, never a verdict by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation<'a> {
    /// Same record, same key.
    pub record: Key,
    /// The evaluated span, if named.
    pub place: Place,
    /// The evaluated response, if named.
    pub response: Key,
    /// The work it belongs to.
    #[serde(borrow)]
    pub identity: Identity<'a>,
    /// `gen_ai.evaluation.name`.
    pub name: &'a str,
    /// `gen_ai.evaluation.score.label`.
    pub label: &'a str,
    /// `gen_ai.evaluation.score.value`, in millionths.
    pub score_ppm: Option<i64>,
    /// When it was made.
    pub time: UnixNanos,
}

/// A count of something noticed before the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noticed {
    /// What was noticed.
    pub what: crate::diagnostic::Diagnostic,
    /// How often.
    pub count: u64,
}
