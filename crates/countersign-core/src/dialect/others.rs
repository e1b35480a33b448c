//! VoltAgent, LiveKit and others whose keys are known from their sources only.

use super::field::Field;
use super::table::Dialect;

pub(super) const OTHERS: Dialect = Dialect {
    keys: &[
        ("usage.prompt_tokens", Field::Input),
        ("usage.completion_tokens", Field::Output),
        ("usage.total_tokens", Field::Total),
        ("voltagent.conversation_id", Field::Conversation),
        ("lk.agent_name", Field::Agent),
    ],
    ..Dialect::PLAIN
};
