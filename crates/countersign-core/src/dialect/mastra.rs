//! Mastra's OpenTelemetry exporter.

use super::field::Field;
use super::table::{Class, Dialect};

pub(super) const MASTRA: Dialect = Dialect {
    scopes: &["@mastra/*"],
    keys: &[
        ("mastra.span.type", Field::Kind),
        ("mastra.metadata.sessionId", Field::Conversation),
        ("mastra.metadata.threadId", Field::Conversation),
    ],
    kinds: &[
        ("model_inference", Class::Call),
        ("model_generation", Class::Sum),
        ("model_step", Class::Sum),
        ("agent_run", Class::Sum),
        ("workflow_run", Class::Agent),
        ("tool_call", Class::Tool),
        ("mcp_tool_call", Class::Tool),
        ("model_chunk", Class::Other),
    ],
    distance: 2,
    ..Dialect::PLAIN
};
