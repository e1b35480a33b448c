//! Strands Agents: an agent's span sums over all the turns of the agent object.

use super::table::{Counted, Dialect, MetricRule, Tokens};
use crate::fact::Rank;

pub(super) const STRANDS: Dialect = Dialect {
    scopes: &["strands*"],
    metrics: &[
        tokens("strands.event_loop.input.tokens", Tokens::FreshInput),
        tokens("strands.event_loop.output.tokens", Tokens::Output),
        tokens("strands.event_loop.cache_read.input.tokens", Tokens::CacheReadApart),
        tokens("strands.event_loop.cache_write.input.tokens", Tokens::CacheWriteApart),
    ],
    distance: 2,
    sums_over_life: true,
    ..Dialect::PLAIN
};

const fn tokens(metric: &'static str, tokens: Tokens) -> MetricRule {
    MetricRule { metric, rank: Rank::METRIC, counts: Counted::Tokens(tokens) }
}
