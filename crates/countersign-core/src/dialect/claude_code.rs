//! Claude Code: bare words for everything, input without cached tokens in every signal.
//!
//! Permission decisions and edits are signals of the session, never verdicts: they say what a
//! tool may do, not whether the work was good.

use super::field::Field;
use super::table::{
    Cached, Class, Counted, Dialect, LogRule, Logged, MetricRule, Reasoned, Tokens,
};
use crate::fact::Rank;

pub(super) const CLAUDE_CODE: Dialect = Dialect {
    scopes: &["com.anthropic.claude_code*"],
    bare: &[
        ("span.type", Field::Kind),
        ("model", Field::RequestModel),
        ("input_tokens", Field::Input),
        ("output_tokens", Field::Output),
        ("cache_read_tokens", Field::CacheRead),
        ("cache_creation_tokens", Field::CacheWrite),
        ("cache_creation_1h_tokens", Field::CacheWriteHour),
        ("cost_usd", Field::Cost),
        ("cost_usd_micros", Field::CostMicros),
        ("stop_reason", Field::Answer),
        ("success", Field::Success),
        ("status_code", Field::HttpStatus),
        ("ttft_ms", Field::FirstTokenMillis),
        ("duration_ms", Field::DurationMillis),
        ("attempt", Field::SendingFrom1),
        ("type", Field::TokenType),
        ("tool_name", Field::Tool),
        ("decision", Field::Decision),
    ],
    kinds: &[
        ("llm_request", Class::Call),
        ("interaction", Class::Agent),
        ("tool", Class::Tool),
        ("tool.execution", Class::Other),
        ("tool.blocked_on_user", Class::Other),
    ],
    logs: &[
        log("api_request", Logged::Call),
        log("claude_code.api_request", Logged::Call),
        log("api_error", Logged::Failure),
        log("claude_code.api_error", Logged::Failure),
        log("tool_decision", Logged::Decision),
        log("claude_code.tool_decision", Logged::Decision),
    ],
    metrics: &[
        MetricRule {
            metric: "claude_code.token.usage",
            rank: Rank::METRIC,
            counts: Counted::TokensByType(&[
                ("input", Tokens::FreshInput),
                ("output", Tokens::Output),
                ("cacheRead", Tokens::CacheReadApart),
                ("cacheCreation", Tokens::CacheWriteApart),
            ]),
        },
        MetricRule {
            metric: "claude_code.cost.usage",
            rank: Rank::METRIC,
            counts: Counted::Dollars,
        },
    ],
    cache: Cached::Apart,
    provider: "anthropic",
    distance: 0,
    session_everywhere: true,
    ..Dialect::PLAIN
};

const fn log(event: &'static str, what: Logged) -> LogRule {
    LogRule { event, kind: "", rank: Rank::LOG, what, reasoning: Reasoned::InOutput }
}
