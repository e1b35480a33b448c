//! OpenLLMetry, the instrumentations of Traceloop: `gen_ai.*` with words of their own.

use super::field::Field;
use super::table::{Class, Dialect, Reasoned};

const KINDS: &[(&str, Class)] = &[
    ("workflow", Class::Agent),
    ("task", Class::Agent),
    ("agent", Class::Sum),
    ("tool", Class::Tool),
    ("handoff", Class::Agent),
    ("llm", Class::Call),
    ("chat", Class::Call),
    ("completion", Class::Call),
    ("embedding", Class::Call),
    ("rerank", Class::Call),
];

pub(super) const TRACELOOP: Dialect = Dialect {
    scopes: &[
        "opentelemetry.instrumentation.openai.v*",
        "opentelemetry.instrumentation.anthropic",
        "opentelemetry.instrumentation.langchain",
        "opentelemetry.instrumentation.llamaindex*",
        "opentelemetry.instrumentation.openai_agents",
        "opentelemetry.instrumentation.crewai*",
        "opentelemetry.instrumentation.bedrock",
        "opentelemetry.instrumentation.cohere*",
        "opentelemetry.instrumentation.groq",
        "opentelemetry.instrumentation.mistralai*",
        "opentelemetry.instrumentation.ollama*",
        "@traceloop/*",
        "traceloop.*",
    ],
    keys: &[
        ("traceloop.span.kind", Field::Kind),
        ("llm.request.type", Field::Kind),
        ("llm.usage.reasoning_tokens", Field::Reasoning),
        ("llm.usage.total_tokens", Field::Total),
        ("traceloop.association.properties.thread_id", Field::Conversation),
        ("traceloop.association.properties.session_id", Field::Conversation),
        ("traceloop.workflow.name", Field::Workflow),
    ],
    kinds: KINDS,
    ..Dialect::PLAIN
};

/// Its instrumentations of Google's SDKs leave thoughts out of the output.
pub(super) const TRACELOOP_GOOGLE: Dialect = Dialect {
    scopes: &[
        "opentelemetry.instrumentation.google_generativeai*",
        "opentelemetry.instrumentation.vertexai*",
    ],
    reasoning: Reasoned::InTotal,
    ..Dialect::PLAIN
};
