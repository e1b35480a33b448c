//! What a dialect is: a table of keys and a few properties, no code.

use super::field::Field;
use crate::fact::Rank;

/// One family of emitters. Add one: a file with a `const Dialect`, a line in `DIALECTS`.
#[derive(Debug)]
pub(super) struct Dialect {
    /// Names of scopes that the family's records come in, a `*` at the end for any ending.
    pub(super) scopes: &'static [&'static str],
    /// Keys with the family's own prefix. They are understood in any scope, and where the
    /// scope says nothing they tell the family. Of several keys for a field the first counts.
    pub(super) keys: &'static [(&'static str, Field)],
    /// Anyone uses these keys: they do not tell the family.
    pub(super) anyone: bool,
    /// Keys that mean something only in the family's scopes.
    pub(super) bare: &'static [(&'static str, Field)],
    /// What the values of [`Field::Kind`] stand for. They outrank `gen_ai.operation.name`.
    pub(super) kinds: &'static [(&'static str, Class)],
    /// Log records that report a call.
    pub(super) logs: &'static [LogRule],
    /// Metrics that count tokens, calls or cost.
    pub(super) metrics: &'static [MetricRule],
    /// Who serves the models where the record does not say; empty if there are several.
    pub(super) provider: &'static str,
    /// Whether input tokens include cached ones.
    pub(super) cache: Cached,
    /// Whether output tokens include reasoning.
    pub(super) reasoning: Reasoned,
    /// How near the emitter is to the provider: 0 for the provider's own SDK, 1 for
    /// instrumentation of an SDK, 2 for a framework.
    pub(super) distance: u8,
    /// Rank of usage on the family's spans; not [`Rank::SPAN`] where its logs tell more.
    pub(super) rank: Rank,
    /// Agent spans sum over the agent's whole life: they are never a call.
    pub(super) sums_over_life: bool,
    /// A call without any sign of an answer is no call ...
    pub(super) unanswered: Unanswered,
    /// Every signal carries the conversation: it tells users of one service apart.
    pub(super) session_everywhere: bool,
}

impl Dialect {
    /// A dialect without properties of its own: the start of every table.
    pub(super) const PLAIN: Dialect = Dialect {
        scopes: &[],
        keys: &[],
        anyone: false,
        bare: &[],
        kinds: &[],
        logs: &[],
        metrics: &[],
        provider: "",
        cache: Cached::InInput,
        reasoning: Reasoned::InOutput,
        distance: 1,
        rank: Rank::SPAN,
        sums_over_life: false,
        unanswered: Unanswered::Call,
        session_everywhere: false,
    };

    /// Whether records of this scope are the family's.
    pub(super) fn speaks_in(&self, scope: &str) -> bool {
        self.scopes.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => scope.starts_with(prefix),
            None => scope == *pattern,
        })
    }
}

/// What a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A model request.
    Call,
    /// A sum of model requests, or a request itself if nothing below it is one.
    Sum,
    /// A tool call.
    Tool,
    /// An agent, a workflow, a plan.
    Agent,
    /// A note beside a call: a sum if it carries usage, else none of these.
    Note,
    /// None of these.
    Other,
}

/// Where cached input tokens are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cached {
    /// Input tokens include them.
    InInput,
    /// Input tokens do not include them.
    Apart,
    /// Input tokens do not include them for this provider, and do for others.
    ApartFor(&'static str),
}

/// Where reasoning tokens are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reasoned {
    /// Output tokens include them.
    InOutput,
    /// Output tokens do not include them.
    Apart,
    /// Output tokens do not include them, and only the total tells how many there are.
    InTotal,
    /// Output tokens include them once for providers with this beginning, twice for others.
    TwiceUnless(&'static str),
}

/// What a call without usage, error or any sign of an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// A call with unknown usage.
    Call,
    /// A failed call: the family does not report errors.
    Failed,
    /// No call: the family uses the kind for other things too.
    Step,
}

/// A kind of log record that reports a call.
#[derive(Debug)]
pub(super) struct LogRule {
    /// The event's name.
    pub(super) event: &'static str,
    /// The value that [`Field::EventKind`] has to have, or empty.
    pub(super) kind: &'static str,
    /// Of several families with the same tokens the lowest counts.
    pub(super) rank: Rank,
    /// What it reports.
    pub(super) what: Logged,
    /// Where reasoning tokens are counted.
    pub(super) reasoning: Reasoned,
}

/// What a log record reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Logged {
    /// A call, if it carries usage; a failed one, if it carries an error.
    Call,
    /// A failed call.
    Failure,
    /// A permission that a tool got or did not get: a signal, never a verdict.
    Decision,
}

/// A metric that counts tokens, calls or cost.
#[derive(Debug)]
pub(super) struct MetricRule {
    /// The metric's name.
    pub(super) metric: &'static str,
    /// Of several families with the same tokens the lowest counts.
    pub(super) rank: Rank,
    /// What its points count.
    pub(super) counts: Counted,
}

/// What the points of a metric count.
#[derive(Clone, Copy, Debug)]
pub(super) enum Counted {
    /// One kind of token.
    Tokens(Tokens),
    /// Tokens of the kind that [`Field::TokenType`] names.
    TokensByType(&'static [(&'static str, Tokens)]),
    /// Calls, by the sum of the points.
    Calls,
    /// Calls, by the number of measurements of a histogram.
    Measurements,
    /// Dollars: then the family's tokens are not priced again.
    Dollars,
}

/// A kind of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tokens {
    /// Input, cached ones included.
    Input,
    /// Input, cached ones counted apart.
    FreshInput,
    /// Of the input, read from a cache.
    CacheRead,
    /// Of the input, written to a cache.
    CacheWrite,
    /// Read from a cache and in no other series.
    CacheReadApart,
    /// Written to a cache and in no other series.
    CacheWriteApart,
    /// Output, reasoning included.
    Output,
    /// Output, reasoning counted apart.
    PlainOutput,
    /// Of the output, reasoning.
    Reasoning,
    /// Reasoning, in no other series.
    ReasoningApart,
}
