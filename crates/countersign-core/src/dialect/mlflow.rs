//! MLflow: every value is JSON, so texts have quotes around them.

use super::field::Field;
use super::table::{Class, Dialect};

pub(super) const MLFLOW: Dialect = Dialect {
    scopes: &["mlflow*"],
    keys: &[
        ("mlflow.spanType", Field::Kind),
        ("mlflow.llm.provider", Field::Provider),
        ("mlflow.llm.model", Field::ResponseModel),
        ("mlflow.chat.tokenUsage", Field::UsageIn),
        ("mlflow.llm.cost", Field::CostIn),
        ("mlflow.spanOutputs", Field::ResponseIdIn),
        ("mlflow.trace.session", Field::Conversation),
    ],
    bare: &[("model", Field::RequestModel)],
    kinds: &[
        ("CHAT_MODEL", Class::Call),
        ("LLM", Class::Call),
        ("EMBEDDING", Class::Call),
        ("RERANKER", Class::Call),
        ("AGENT", Class::Sum),
        ("CHAIN", Class::Sum),
        ("WORKFLOW", Class::Sum),
        ("TOOL", Class::Tool),
        ("RETRIEVER", Class::Other),
        ("PARSER", Class::Other),
    ],
    ..Dialect::PLAIN
};
