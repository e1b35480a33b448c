//! LiteLLM: `gen_ai.*` with cost; cached tokens only in a Python text.

use super::field::Field;
use super::table::Dialect;

pub(super) const LITELLM: Dialect = Dialect {
    scopes: &["litellm*"],
    keys: &[
        ("litellm.provider.model", Field::RequestModel),
        ("gen_ai.cost.total_cost", Field::Cost),
    ],
    bare: &[("metadata.usage_object", Field::UsageIn)],
    ..Dialect::PLAIN
};
