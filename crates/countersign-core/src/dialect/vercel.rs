//! The Vercel AI SDK, and what is built on it (opencode).

use super::field::Field;
use super::table::{Class, Dialect};

pub(super) const VERCEL: Dialect = Dialect {
    scopes: &["ai", "gen_ai", "opencode*"],
    keys: &[
        ("ai.operationId", Field::Kind),
        ("ai.model.provider", Field::Provider),
        ("ai.response.model", Field::ResponseModel),
        ("ai.model.id", Field::RequestModel),
        ("ai.response.id", Field::ResponseId),
        ("ai.response.finishReason", Field::Answer),
        ("ai.usage.inputTokens", Field::Input),
        ("ai.usage.promptTokens", Field::Input),
        ("ai.usage.tokens", Field::Input),
        ("ai.usage.outputTokens", Field::Output),
        ("ai.usage.completionTokens", Field::Output),
        ("ai.usage.inputTokenDetails.cacheReadTokens", Field::CacheRead),
        ("ai.usage.cachedInputTokens", Field::CacheRead),
        ("ai.usage.inputTokenDetails.cacheWriteTokens", Field::CacheWrite),
        ("ai.usage.outputTokenDetails.reasoningTokens", Field::Reasoning),
        ("ai.usage.reasoningTokens", Field::Reasoning),
        ("ai.usage.totalTokens", Field::Total),
        ("opencode.llm.cost.total", Field::Cost),
        ("ai.response.msToFirstChunk", Field::FirstTokenMillis),
        ("ai.telemetry.metadata.sessionId", Field::Conversation),
        ("ai.settings.context.sessionId", Field::Conversation),
        ("ai.telemetry.functionId", Field::Agent),
        ("ai.toolCall.name", Field::Tool),
        ("ai.toolCall.result", Field::ToolResult),
    ],
    kinds: &[
        ("ai.generateText.doGenerate", Class::Call),
        ("ai.streamText.doStream", Class::Call),
        ("ai.generateObject.doGenerate", Class::Call),
        ("ai.streamObject.doStream", Class::Call),
        ("ai.embed.doEmbed", Class::Call),
        ("ai.embedMany.doEmbed", Class::Call),
        ("ai.rerank.doRerank", Class::Call),
        ("ai.generateText", Class::Sum),
        ("ai.streamText", Class::Sum),
        ("ai.generateObject", Class::Sum),
        ("ai.streamObject", Class::Sum),
        ("ai.embed", Class::Sum),
        ("ai.embedMany", Class::Sum),
        ("ai.rerank", Class::Sum),
        ("ai.toolCall", Class::Tool),
    ],
    distance: 2,
    ..Dialect::PLAIN
};
