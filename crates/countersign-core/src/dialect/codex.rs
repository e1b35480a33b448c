//! Codex: its spans know neither model nor conversation, so its logs count before them.

use super::field::Field;
use super::table::{Counted, Dialect, LogRule, Logged, MetricRule, Reasoned, Tokens};
use crate::fact::Rank;

pub(super) const CODEX: Dialect = Dialect {
    scopes: &["codex*"],
    keys: &[("codex.usage.reasoning_output_tokens", Field::Reasoning)],
    bare: &[
        ("slug", Field::RequestModel),
        ("model", Field::RequestModel),
        ("provider_name", Field::Provider),
        ("conversation.id", Field::Conversation),
        // A text on the span of a turn; on other spans a number, the operating system's.
        ("thread.id", Field::Conversation),
        ("event.kind", Field::EventKind),
        ("input_token_count", Field::Input),
        ("output_token_count", Field::Output),
        ("cached_token_count", Field::CacheRead),
        ("cache_write_token_count", Field::CacheWrite),
        ("reasoning_token_count", Field::Reasoning),
        ("http.response.status_code", Field::HttpStatus),
        ("duration_ms", Field::DurationMillis),
        ("ttft_ms", Field::FirstTokenMillis),
        ("attempt", Field::SendingFrom0),
        ("token_type", Field::TokenType),
        ("tool_name", Field::Tool),
        ("decision", Field::Decision),
    ],
    logs: &[
        log("codex.sse_event", "response.completed", Logged::Call),
        log("codex.sse_event", "response.failed", Logged::Failure),
        log("codex.websocket_event", "response.completed", Logged::Call),
        log("codex.api_request", "", Logged::Failure),
        log("codex.tool_decision", "", Logged::Decision),
    ],
    metrics: &[MetricRule {
        metric: "codex.turn.token_usage",
        rank: Rank::METRIC,
        counts: Counted::TokensByType(&[
            ("input", Tokens::Input),
            ("cached_input", Tokens::CacheRead),
            ("cache_write_input", Tokens::CacheWrite),
            ("output", Tokens::Output),
            ("reasoning_output", Tokens::Reasoning),
        ]),
    }],
    distance: 0,
    rank: Rank(Rank::METRIC.0 - 1),
    ..Dialect::PLAIN
};

const fn log(event: &'static str, kind: &'static str, what: Logged) -> LogRule {
    LogRule { event, kind, rank: Rank::LOG, what, reasoning: Reasoned::InOutput }
}
