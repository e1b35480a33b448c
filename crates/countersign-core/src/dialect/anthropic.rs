//! The spans that Anthropic's own SDKs make: the nearest that anything is to the provider.

use super::field::Field;
use super::table::Dialect;

pub(super) const ANTHROPIC: Dialect = Dialect {
    scopes: &["com.anthropic.sdk*"],
    keys: &[
        ("anthropic.usage.cache_creation.ephemeral_1h_input_tokens", Field::CacheWriteHour),
        ("anthropic.response.service_tier", Field::Tier),
        ("anthropic.message.stop_reason", Field::Answer),
        ("anthropic.session.id", Field::Conversation),
    ],
    distance: 0,
    ..Dialect::PLAIN
};
