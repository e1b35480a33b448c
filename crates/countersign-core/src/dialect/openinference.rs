//! OpenInference: the instrumentations of Arize Phoenix, and whoever writes its names by hand.

use super::field::Field;
use super::table::{Class, Dialect, Unanswered};

pub(super) const OPENINFERENCE: Dialect = Dialect {
    scopes: &["openinference.*", "@arizeai/openinference*"],
    keys: &[
        ("openinference.span.kind", Field::Kind),
        ("llm.provider", Field::Provider),
        ("llm.system", Field::Provider),
        ("llm.response.model_name", Field::ResponseModel),
        ("llm.model_name", Field::RequestModel),
        ("embedding.model_name", Field::ResponseModel),
        ("llm.request.model_name", Field::RequestModel),
        ("output.value", Field::ResponseIdIn),
        ("llm.output_messages.0.message.role", Field::Answer),
        ("llm.output_messages.0.message.content", Field::Answer),
        ("llm.finish_reason", Field::Answer),
        ("embedding.embeddings.0.embedding.vector", Field::Answer),
        ("llm.token_count.prompt", Field::Input),
        ("llm.token_count.completion", Field::Output),
        ("llm.token_count.prompt_details.cache_read", Field::CacheRead),
        ("llm.token_count.prompt_details.cache_write", Field::CacheWrite),
        ("llm.token_count.prompt_details.cache_input", Field::CacheWrite),
        ("llm.token_count.completion_details.reasoning", Field::Reasoning),
        ("llm.token_count.prompt_details.audio", Field::InputAudio),
        ("llm.token_count.completion_details.audio", Field::OutputAudio),
        ("llm.token_count.total", Field::Total),
        ("llm.cost.total", Field::Cost),
        ("agent.name", Field::Agent),
        ("tool.name", Field::Tool),
    ],
    kinds: &[
        ("LLM", Class::Call),
        ("EMBEDDING", Class::Call),
        ("RERANKER", Class::Call),
        ("AGENT", Class::Sum),
        ("CHAIN", Class::Sum),
        ("TOOL", Class::Tool),
        ("RETRIEVER", Class::Other),
        ("GUARDRAIL", Class::Other),
        ("EVALUATOR", Class::Other),
        ("PROMPT", Class::Other),
        ("DECISION", Class::Other),
    ],
    // LlamaIndex marks the preparation of a request as LLM too.
    unanswered: Unanswered::Step,
    ..Dialect::PLAIN
};
