//! Pydantic AI and Logfire: `gen_ai.*`, with cost, and sums under names that are no usage.

use super::field::Field;
use super::table::{Class, Counted, Dialect, MetricRule};
use crate::fact::Rank;

pub(super) const PYDANTIC: Dialect = Dialect {
    scopes: &["pydantic-ai*", "logfire*"],
    keys: &[
        ("operation.cost", Field::Cost),
        ("gen_ai.usage.raw", Field::UsageIn),
        // A span is reported once when it begins and once when it ended.
        ("logfire.span_type", Field::Kind),
    ],
    bare: &[("agent_name", Field::Agent)],
    // A stream that ended is told in a log of no duration beside its span.
    kinds: &[("pending_span", Class::Other), ("log", Class::Note)],
    metrics: &[MetricRule {
        metric: "operation.cost",
        rank: Rank(Rank::METRIC.0 + 4),
        counts: Counted::Dollars,
    }],
    distance: 2,
    ..Dialect::PLAIN
};
