//! The last stop of a span before it is exported: the task's id is put on, content is taken off.

use std::time::Duration;

use opentelemetry::trace::{Span as _, Status};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use crate::{identity, names};

/// Attributes that carry content: prompts, completions, tool arguments and results, messages of
/// exceptions. A key is dropped if it is one of these or lies below it.
const CONTENT: [&str; 17] = [
    "gen_ai.input",
    "gen_ai.output.messages",
    "gen_ai.prompt",
    "gen_ai.completion",
    "gen_ai.content",
    "gen_ai.system_instructions",
    "gen_ai.tool.call.arguments",
    "gen_ai.tool.call.result",
    "gen_ai.tool.definitions",
    "gen_ai.retrieval",
    "gen_ai.memory",
    "gen_ai.evaluation.explanation",
    "input",
    "output",
    "exception.message",
    "exception.stacktrace",
    "error.message",
];

/// Attributes that are integers on the wire. `tracing` hands unsigned numbers and everything
/// recorded with `%` or `?` on as text.
const INTEGERS: [&str; 7] = [
    "gen_ai.usage",
    "gen_ai.request.max_tokens",
    "gen_ai.request.seed",
    names::HTTP_RESEND_COUNT,
    names::ATTEMPT,
    names::ROUND,
    "countersign.retry",
];

/// A span processor that puts the task's id on every span inside a task, whoever made it, and
/// keeps content from leaving. It hands the spans on to another processor, which exports them.
///
/// [`crate::init`] sets it up. Programs that have a tracer provider of their own wrap the
/// processor there with it.
#[derive(Debug)]
pub struct TaskProcessor<P> {
    next: P,
}

impl<P: SpanProcessor> TaskProcessor<P> {
    /// Puts this in front of another processor.
    pub fn new(next: P) -> TaskProcessor<P> {
        TaskProcessor { next }
    }
}

impl<P: SpanProcessor> SpanProcessor for TaskProcessor<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        if let Some(task) = identity::task_id(context) {
            span.set_attribute(KeyValue::new(names::TASK_ID, task.clone()));
        }
        self.next.on_start(span, context);
    }

    fn on_end(&self, mut span: SpanData) {
        // The typed interface has no place for content, so its spans need no second look.
        if span.instrumentation_scope.name() != names::SCOPE {
            clean(&mut span);
        }
        self.next.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}

fn clean(span: &mut SpanData) {
    if matches!(span.status, Status::Error { .. }) {
        span.status = Status::error("");
    }
    let through_tracing = span.instrumentation_scope.name() == names::TRACING_SCOPE;
    if through_tracing {
        // Each is a line of the agent's log, with its text.
        span.events.events.clear();
    }
    for event in &mut span.events.events {
        event.attributes.retain(|attribute| !is_content(attribute.key.as_str()));
    }
    let mut task_seen = false;
    span.attributes.retain_mut(|attribute| {
        let key = attribute.key.as_str();
        if key == names::TASK_ID {
            // A field of the span itself says the same as the context.
            return !std::mem::replace(&mut task_seen, true);
        }
        if is_content(key) {
            return false;
        }
        if through_tracing && INTEGERS.iter().any(|prefix| is_at_or_below(key, prefix)) {
            make_integer(&mut attribute.value);
        }
        true
    });
}

fn is_content(key: &str) -> bool {
    let named = [names::GEN_AI_PROMPT_NAME, names::GEN_AI_PROMPT_VERSION];
    CONTENT.iter().any(|prefix| is_at_or_below(key, prefix)) && !named.contains(&key)
}

fn is_at_or_below(key: &str, prefix: &str) -> bool {
    key.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn make_integer(value: &mut Value) {
    if let Value::String(text) = value
        && let Ok(number) = text.as_str().parse::<i64>()
    {
        *value = Value::I64(number);
    }
}
