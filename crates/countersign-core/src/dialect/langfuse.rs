//! The SDKs of Langfuse: usage and cost are JSON, in the notation of whoever reported them.

use super::field::Field;
use super::table::{Class, Dialect};

pub(super) const LANGFUSE: Dialect = Dialect {
    scopes: &["langfuse*"],
    keys: &[
        ("langfuse.observation.type", Field::Kind),
        ("langfuse.observation.model.name", Field::ResponseModel),
        ("langfuse.observation.usage_details", Field::UsageIn),
        ("langfuse.observation.cost_details", Field::CostIn),
        ("langfuse.observation.output", Field::ResponseIdIn),
        ("langfuse.observation.metadata.ls_provider", Field::Provider),
        ("langfuse.session.id", Field::Conversation),
        ("langfuse.observation.metadata.langfuse_session_id", Field::Conversation),
        ("langfuse.trace.name", Field::Workflow),
    ],
    kinds: &[
        ("generation", Class::Call),
        ("embedding", Class::Call),
        ("agent", Class::Agent),
        ("chain", Class::Agent),
        ("tool", Class::Tool),
        ("span", Class::Other),
        ("event", Class::Other),
        ("retriever", Class::Other),
        ("evaluator", Class::Other),
        ("guardrail", Class::Other),
    ],
    distance: 2,
    ..Dialect::PLAIN
};
