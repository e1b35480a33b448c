//! OpenLIT: `gen_ai.*`; input without cached tokens where Anthropic serves.

use super::field::Field;
use super::table::{Cached, Counted, Dialect, MetricRule};
use crate::fact::Rank;

pub(super) const OPENLIT: Dialect = Dialect {
    scopes: &["openlit*"],
    bare: &[("gen_ai.server.time_to_first_token", Field::FirstTokenSeconds)],
    metrics: &[MetricRule {
        metric: "gen_ai.usage.cost",
        rank: Rank(Rank::METRIC.0 + 4),
        counts: Counted::Dollars,
        reports_cost: true,
    }],
    cache: Cached::ApartFor("anthropic"),
    ..Dialect::PLAIN
};
