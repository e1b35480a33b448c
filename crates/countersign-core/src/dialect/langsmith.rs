//! LangSmith's OpenTelemetry export of LangChain runs.

use super::field::Field;
use super::table::{Class, Dialect};

pub(super) const LANGSMITH: Dialect = Dialect {
    scopes: &["langsmith*"],
    keys: &[
        ("langsmith.span.kind", Field::Kind),
        ("langsmith.metadata.ls_provider", Field::Provider),
        ("langsmith.metadata.model_name", Field::ResponseModel),
        ("langsmith.metadata.ls_model_name", Field::RequestModel),
        ("langsmith.metadata.usage_metadata", Field::UsageIn),
        ("langsmith.metadata.thread_id", Field::Conversation),
        ("langsmith.metadata.session_id", Field::Conversation),
        ("langsmith.metadata.lc_agent_name", Field::Agent),
    ],
    bare: &[("gen_ai.completion", Field::ResponseIdIn)],
    kinds: &[
        ("llm", Class::Call),
        ("embedding", Class::Call),
        ("chain", Class::Agent),
        ("tool", Class::Tool),
        ("retriever", Class::Other),
        ("prompt", Class::Other),
        ("parser", Class::Other),
    ],
    distance: 2,
    ..Dialect::PLAIN
};
