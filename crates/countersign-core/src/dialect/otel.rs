//! The OpenTelemetry conventions for generative AI, in all the names they have had.

use super::field::Field;
use super::table::{Counted, Dialect, LogRule, Logged, MetricRule, Reasoned, Tokens};
use crate::fact::Rank;

/// `gen_ai.*`: what any emitter means by these keys, unless its own dialect says otherwise.
pub(super) const OTEL: Dialect = Dialect {
    scopes: &["opentelemetry.instrumentation.genai.*", "opentelemetry.instrumentation.openai_v2"],
    keys: &[
        ("gen_ai.operation.name", Field::Operation),
        ("gen_ai.provider.name", Field::Provider),
        ("gen_ai.system", Field::Provider),
        ("gen_ai.response.model", Field::ResponseModel),
        ("gen_ai.request.model", Field::RequestModel),
        ("gen_ai.response.id", Field::ResponseId),
        ("gen_ai.response.finish_reasons", Field::Answer),
        ("gen_ai.response.finish_reason", Field::Answer),
        ("gen_ai.output.messages", Field::Answer),
        ("gen_ai.usage.input_tokens", Field::Input),
        ("gen_ai.usage.prompt_tokens", Field::Input),
        ("gen_ai.usage.output_tokens", Field::Output),
        ("gen_ai.usage.completion_tokens", Field::Output),
        ("gen_ai.usage.cache_read.input_tokens", Field::CacheRead),
        ("gen_ai.usage.cache_read_input_tokens", Field::CacheRead),
        ("gen_ai.usage.input_tokens.cached", Field::CacheRead),
        ("gen_ai.usage.details.cache_read_tokens", Field::CacheRead),
        ("gen_ai.usage.details.cache_read_input_tokens", Field::CacheRead),
        ("gen_ai.usage.cache_write.input_tokens", Field::CacheWrite),
        ("gen_ai.usage.cache_creation.input_tokens", Field::CacheWrite),
        ("gen_ai.usage.cache_creation_input_tokens", Field::CacheWrite),
        ("gen_ai.usage.cache_write_input_tokens", Field::CacheWrite),
        ("gen_ai.usage.details.cache_write_tokens", Field::CacheWrite),
        ("gen_ai.usage.details.cache_creation_input_tokens", Field::CacheWrite),
        ("gen_ai.usage.reasoning.output_tokens", Field::Reasoning),
        ("gen_ai.usage.reasoning_tokens", Field::Reasoning),
        ("gen_ai.usage.output_tokens.reasoning", Field::Reasoning),
        ("gen_ai.usage.details.reasoning_tokens", Field::Reasoning),
        ("gen_ai.usage.audio.input_tokens", Field::InputAudio),
        ("gen_ai.usage.audio.output_tokens", Field::OutputAudio),
        ("gen_ai.usage.total_tokens", Field::Total),
        ("gen_ai.usage.cost.amount", Field::Cost),
        ("gen_ai.usage.cost", Field::Cost),
        ("openai.response.service_tier", Field::Tier),
        ("gen_ai.openai.response.service_tier", Field::Tier),
        ("openai.request.service_tier", Field::Tier),
        ("gen_ai.openai.request.service_tier", Field::Tier),
        ("gen_ai.response.time_to_first_chunk", Field::FirstTokenSeconds),
        ("gen_ai.conversation.id", Field::Conversation),
        ("gen_ai.workflow.name", Field::Workflow),
        ("gen_ai.agent.name", Field::Agent),
        ("gen_ai.tool.name", Field::Tool),
        ("gen_ai.tool.call.result", Field::ToolResult),
        ("gen_ai.token.type", Field::TokenType),
        ("gen_ai.evaluation.name", Field::EvaluationName),
        ("gen_ai.evaluation.score.label", Field::EvaluationLabel),
        ("gen_ai.evaluation.score.value", Field::EvaluationScore),
    ],
    logs: &[LogRule {
        event: "gen_ai.client.inference.operation.details",
        kind: "",
        rank: Rank(Rank::LOG.0 + 1),
        what: Logged::Call,
        reasoning: Reasoned::InOutput,
    }],
    metrics: &[
        counter("gen_ai.client.inference.usage.input_tokens", Tokens::Input),
        counter("gen_ai.client.inference.usage.output_tokens", Tokens::Output),
        counter("gen_ai.client.inference.usage.cache_read.input_tokens", Tokens::CacheRead),
        counter("gen_ai.client.inference.usage.cache_write.input_tokens", Tokens::CacheWrite),
        counter("gen_ai.client.inference.usage.reasoning.output_tokens", Tokens::Reasoning),
        MetricRule {
            metric: "gen_ai.client.inference.duration",
            rank: USAGE_COUNTERS,
            counts: Counted::Measurements,
        },
        MetricRule {
            metric: "gen_ai.client.token.usage",
            rank: USAGE_BY_TYPE,
            counts: Counted::TokensByType(&[
                ("input", Tokens::Input),
                ("prompt", Tokens::Input),
                ("output", Tokens::Output),
                ("completion", Tokens::Output),
                ("cache_read", Tokens::CacheRead),
                ("cache_creation", Tokens::CacheWrite),
                ("reasoning", Tokens::Reasoning),
            ]),
        },
        MetricRule {
            metric: "gen_ai.client.operation.duration",
            rank: USAGE_BY_TYPE,
            counts: Counted::Measurements,
        },
        histogram("gen_ai.client.inference.operation.input_tokens", Tokens::Input),
        histogram("gen_ai.client.inference.operation.output_tokens", Tokens::Output),
    ],
    anyone: true,
    ..Dialect::PLAIN
};

/// The family of counters, one for each kind of token.
const USAGE_COUNTERS: Rank = Rank(Rank::METRIC.0 + 2);
/// The one histogram with a type of token, which nearly everyone sends.
const USAGE_BY_TYPE: Rank = Rank(Rank::METRIC.0 + 4);
/// The histograms beside the counters: the same tokens without cache and reasoning.
const USAGE_HISTOGRAMS: Rank = Rank(Rank::METRIC.0 + 6);

const fn counter(metric: &'static str, tokens: Tokens) -> MetricRule {
    MetricRule { metric, rank: USAGE_COUNTERS, counts: Counted::Tokens(tokens) }
}

const fn histogram(metric: &'static str, tokens: Tokens) -> MetricRule {
    MetricRule { metric, rank: USAGE_HISTOGRAMS, counts: Counted::Tokens(tokens) }
}
