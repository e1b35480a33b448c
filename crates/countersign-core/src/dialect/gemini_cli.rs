//! Gemini CLI: its spans leave out cached tokens and thoughts, so its logs count before them.

use super::field::Field;
use super::table::{Counted, Dialect, LogRule, Logged, MetricRule, Reasoned, Tokens};
use crate::fact::Rank;

pub(super) const GEMINI_CLI: Dialect = Dialect {
    scopes: &["gemini-cli*"],
    bare: &[
        ("model", Field::RequestModel),
        ("model_name", Field::RequestModel),
        ("input_token_count", Field::Input),
        ("output_token_count", Field::Output),
        ("cached_content_token_count", Field::CacheRead),
        ("thoughts_token_count", Field::Reasoning),
        ("total_token_count", Field::Total),
        ("http.status_code", Field::HttpStatus),
        ("status_code", Field::HttpStatus),
        ("error_type", Field::ErrorType),
        ("duration_ms", Field::DurationMillis),
        ("type", Field::TokenType),
        ("function_name", Field::Tool),
    ],
    logs: &[
        log("gemini_cli.api_response", Logged::Call),
        log("gemini_cli.api_error", Logged::Failure),
    ],
    metrics: &[
        MetricRule {
            metric: "gemini_cli.token.usage",
            rank: Rank::METRIC,
            counts: Counted::TokensByType(&[
                ("input", Tokens::Input),
                ("output", Tokens::PlainOutput),
                ("thought", Tokens::ReasoningApart),
                ("cache", Tokens::CacheRead),
            ]),
        },
        MetricRule {
            metric: "gemini_cli.api.request.count",
            rank: Rank::METRIC,
            counts: Counted::Calls,
        },
    ],
    provider: "gcp.gemini",
    distance: 0,
    rank: Rank(Rank::METRIC.0 - 1),
    session_everywhere: true,
    ..Dialect::PLAIN
};

const fn log(event: &'static str, what: Logged) -> LogRule {
    LogRule { event, kind: "", rank: Rank::LOG, what, reasoning: Reasoned::Apart }
}
