//! Google's Agent Development Kit.

use super::field::Field;
use super::table::{Dialect, Reasoned};

pub(super) const GOOGLE_ADK: Dialect = Dialect {
    scopes: &["gcp.vertex.agent*"],
    keys: &[("gcp.vertex.agent.session_id", Field::Conversation)],
    // Other vendors' models come through LiteLLM, whose output has the thoughts in it already.
    reasoning: Reasoned::TwiceUnless("gcp"),
    distance: 2,
    ..Dialect::PLAIN
};
