//! Name: what a gen-AI span may be called, since some emitters put the prompt there.

use alloc::vec::Vec;

use super::shape;
use super::span::Naming;
use super::splice::{close, open};
use crate::decode::wire::put_bytes;
use crate::limits;
use crate::names::cut;

/// What a gen-AI span is called when nothing better is known.
const UNNAMED_GEN_AI: &[u8] = b"gen_ai";
/// What any other span is called when its name does not pass.
const UNNAMED: &[u8] = b"span";

/// Names that say what the span is, whatever its attributes say. Sorted.
const KEPT: &[&str] = &[
    "Agent Workflow",
    "Agent workflow",
    "gen_ai.evaluation.result",
    "litellm_request",
    "raw_gen_ai_request",
    "review.verdict",
];

/// First words of names in two words, of which the second is a tool, a model or a number.
/// Sorted.
const VERBS: &[&str] = &[
    "DELETE",
    "GET",
    "HEAD",
    "OPTIONS",
    "PATCH",
    "POST",
    "PUT",
    "agent",
    "agent_step",
    "ask",
    "chat",
    "completion",
    "create_agent",
    "embeddings",
    "execute_event_loop_cycle",
    "execute_task",
    "execute_tool",
    "generate_content",
    "invoke_agent",
    "invoke_workflow",
    "model_chunk",
    "model_generation",
    "model_step",
    "plan",
    "prompts/get",
    "resources/read",
    "retrieval",
    "search_memory",
    "step",
    "text_completion",
    "tool",
    "tools/call",
    "turn",
];

/// Names of events that emitters of this field write. Sorted.
const EVENTS: &[&str] = &[
    "EMPTY CHOICE CONTENT",
    "First Token Stream Event",
    "ai.stream.finish",
    "ai.stream.firstChunk",
    "exception",
    "first_token",
    "llm.content.completion.chunk",
    "tool.output",
];

/// Beginnings of events' names, of which the rest is an identifier. Sorted.
const EVENT_FAMILIES: &[&str] = &[
    "claude_code.",
    "codex.",
    "copilot_chat.",
    "countersign.",
    "gemini_cli.",
    "gen_ai.",
    "github.copilot.",
    "qwen-code.",
];

/// Writes the name of a span that passes by allow-list: a kept one, else one made of its
/// operation and what it is about, else its own if it is an identifier.
pub(super) fn put(name: &[u8], naming: &Naming<'_>, gen_ai: bool, out: &mut Vec<u8>) {
    let subject = subject(naming);
    if listed(KEPT, name) {
        put_bytes(out, 5, name);
    } else if !naming.operation.is_empty() && !subject.is_empty() {
        let longest = limits::RELAYED_TEXT_BYTES_MAX.saturating_sub(naming.operation.len() + 1);
        let subject = core::str::from_utf8(subject).unwrap_or_default();
        let subject = cut(subject, longest);
        let built = open(out, 5, naming.operation.len() + 1 + subject.len());
        out.extend_from_slice(naming.operation);
        out.push(b' ');
        out.extend_from_slice(subject.as_bytes());
        close(out, built);
    } else if passes(name) {
        put_bytes(out, 5, name);
    } else if !naming.operation.is_empty() {
        put_bytes(out, 5, naming.operation);
    } else if gen_ai {
        put_bytes(out, 5, UNNAMED_GEN_AI);
    } else {
        put_bytes(out, 5, UNNAMED);
    }
}

/// What the operation is about, by the operation.
fn subject<'a>(naming: &Naming<'a>) -> &'a [u8] {
    let model = [naming.request_model, naming.response_model];
    let order = match naming.operation {
        b"invoke_agent" | b"create_agent" | b"plan" | b"agent_step" => [naming.agent, b"", b""],
        b"invoke_workflow" => [naming.workflow, b"", b""],
        b"execute_task" => [naming.workflow, naming.tool, b""],
        b"execute_tool" => [naming.tool, b"", b""],
        _ => [model[0], model[1], naming.tool],
    };
    order.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
}

/// Whether a name is an identifier, or a known verb with an identifier.
fn passes(name: &[u8]) -> bool {
    if shape::is_word(name) {
        return true;
    }
    let mut words = name.splitn(2, |byte| *byte == b' ');
    let verb = words.next().unwrap_or_default();
    listed(VERBS, verb) && words.next().is_some_and(shape::is_word)
}

/// Whether an event's name is known. Some loggers in Rust name events by their place in the
/// source: `event core/src/retry.rs:165`.
pub(super) fn event(name: &[u8]) -> bool {
    listed(EVENTS, name) || is_of_a_family(name) && shape::is_word(name) || is_source_place(name)
}

fn is_of_a_family(name: &[u8]) -> bool {
    EVENT_FAMILIES.iter().any(|family| name.starts_with(family.as_bytes()))
}

/// Whether a log's name or body is the name of an event.
pub(super) fn log(name: &[u8]) -> bool {
    shape::is_word(name) || is_source_place(name)
}

fn is_source_place(name: &[u8]) -> bool {
    let Some(place) = name.strip_prefix(b"event ") else { return false };
    let mut parts = place.rsplitn(2, |byte| *byte == b':');
    let line = parts.next().unwrap_or_default();
    let file = parts.next().unwrap_or_default();
    !line.is_empty()
        && line.iter().all(u8::is_ascii_digit)
        && file.ends_with(b".rs")
        && shape::is_word(file)
}

fn listed(sorted: &[&str], name: &[u8]) -> bool {
    sorted.binary_search_by(|known| known.as_bytes().cmp(name)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted() {
        for table in [KEPT, VERBS, EVENTS, EVENT_FAMILIES] {
            assert!(table.is_sorted(), "{table:?}");
        }
    }

    #[track_caller]
    fn check(name: &str, naming: Naming<'_>, expected: &str) {
        let mut out = Vec::new();
        put(name.as_bytes(), &naming, true, &mut out);
        assert_eq!(core::str::from_utf8(&out[2..]).unwrap(), expected);
    }

    #[test]
    fn names_come_from_attributes_or_are_identifiers() {
        let chat = Naming { operation: b"chat", request_model: b"gpt-4o", ..Naming::default() };
        check("tell me about Bob", chat, "chat gpt-4o");
        check("gen_ai.evaluation.result", chat, "gen_ai.evaluation.result");
        check("ai.generateText.doGenerate", Naming::default(), "ai.generateText.doGenerate");
        check("execute_task planner", Naming::default(), "execute_task planner");
        check("chat about Bob", Naming::default(), "gen_ai");
        check("Write about Bob.task", Naming::default(), "gen_ai");
        let agent = Naming { operation: b"invoke_agent", ..Naming::default() };
        check("Hello there", agent, "invoke_agent");
    }

    #[test]
    fn events_are_known_or_dropped() {
        assert!(event(b"gen_ai.choice"));
        assert!(event(b"event otel/src/events/session_telemetry.rs:377"));
        assert!(!event(b"event tell me.rs:377"));
        assert!(!event(b"something.else"));
    }
}
