//! Qwen Code: descends from Gemini CLI, and counts thoughts in the output.

use super::field::Field;
use super::table::{Counted, Dialect, LogRule, Logged, MetricRule, Reasoned, Tokens};
use crate::fact::Rank;

pub(super) const QWEN_CODE: Dialect = Dialect {
    scopes: &["qwen-code*"],
    bare: &[
        ("qwen-code.model", Field::RequestModel),
        ("model", Field::RequestModel),
        ("response_id", Field::ResponseId),
        ("input_token_count", Field::Input),
        ("output_token_count", Field::Output),
        ("cached_content_token_count", Field::CacheRead),
        ("thoughts_token_count", Field::Reasoning),
        ("total_token_count", Field::Total),
        ("http.status_code", Field::HttpStatus),
        ("status_code", Field::HttpStatus),
        ("error_type", Field::ErrorType),
        ("duration_ms", Field::DurationMillis),
        ("ttft_ms", Field::FirstTokenMillis),
        ("attempt", Field::SendingFrom1),
        ("type", Field::TokenType),
        ("function_name", Field::Tool),
        ("subagent_name", Field::Agent),
    ],
    logs: &[
        log("qwen-code.api_response", Logged::Call),
        log("qwen-code.api_error", Logged::Failure),
    ],
    metrics: &[
        MetricRule {
            metric: "qwen-code.token.usage",
            rank: Rank::METRIC,
            counts: Counted::TokensByType(&[
                ("input", Tokens::Input),
                ("output", Tokens::Output),
                ("thought", Tokens::Reasoning),
                ("cache", Tokens::CacheRead),
            ]),
        },
        MetricRule {
            metric: "qwen-code.api.request.count",
            rank: Rank::METRIC,
            counts: Counted::Calls,
        },
    ],
    distance: 0,
    ..Dialect::PLAIN
};

const fn log(event: &'static str, what: Logged) -> LogRule {
    LogRule { event, kind: "", rank: Rank::LOG, what, reasoning: Reasoned::InOutput }
}
