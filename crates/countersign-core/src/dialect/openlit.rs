//! OpenLIT: `gen_ai.*`; input without cached tokens where Anthropic serves.

use super::field::Field;
use super::table::{Cached, Dialect};

pub(super) const OPENLIT: Dialect = Dialect {
    scopes: &["openlit*"],
    bare: &[("gen_ai.server.time_to_first_token", Field::FirstTokenSeconds)],
    cache: Cached::ApartFor("anthropic"),
    ..Dialect::PLAIN
};
