//! Google's Agent Development Kit.

use super::field::Field;
use super::table::Dialect;

pub(super) const GOOGLE_ADK: Dialect = Dialect {
    scopes: &["gcp.vertex.agent*"],
    keys: &[("gcp.vertex.agent.session_id", Field::Conversation)],
    distance: 2,
    ..Dialect::PLAIN
};
