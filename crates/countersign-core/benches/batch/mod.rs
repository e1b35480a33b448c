//! The batch that is measured: 512 spans of agents, twenty attributes each.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, InstrumentationScope, KeyValue, any_value::Value,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;

/// Spans of a batch.
pub(crate) const SPANS: usize = 512;
/// Spans of a trace: an agent, twelve calls, three tools.
const SPANS_OF_A_TRACE: u64 = 16;
/// When the first batch arrives.
pub(crate) const RECEIVED: u64 = 1_795_320_000_000_000_000;

/// A batch as protobuf; each call carries so many bytes of messages.
#[must_use]
pub(crate) fn batch(content_bytes: usize) -> Vec<u8> {
    let spans = (0..SPANS as u64).map(|number| {
        let place = number % SPANS_OF_A_TRACE;
        let root = number - place + 1;
        let (name, attributes) = match place {
            0 => ("invoke_agent support", agent(number)),
            5 | 10 | 15 => ("execute_tool search", tool(number, content_bytes)),
            _ => ("chat gpt-4o-mini", call(number, content_bytes)),
        };
        Span {
            trace_id: u128::from(number / SPANS_OF_A_TRACE + 1).to_be_bytes().to_vec(),
            span_id: (number + 1).to_be_bytes().to_vec(),
            parent_span_id: if place == 0 { Vec::new() } else { root.to_be_bytes().to_vec() },
            name: name.into(),
            kind: 3,
            start_time_unix_nano: RECEIVED - 2_000_000_000,
            end_time_unix_nano: RECEIVED - 1_000_000_000,
            attributes,
            status: Some(Status::default()),
            ..Span::default()
        }
    });
    let scope = InstrumentationScope {
        name: "opentelemetry.instrumentation.genai.openai".into(),
        version: "1.0.0".into(),
        ..InstrumentationScope::default()
    };
    let scope_spans =
        ScopeSpans { scope: Some(scope), spans: spans.collect(), ..ScopeSpans::default() };
    let resource = Resource {
        attributes: vec![
            text("service.name", "support"),
            text("service.instance.id", "7f1c"),
            text("telemetry.sdk.language", "python"),
        ],
        ..Resource::default()
    };
    let resource_spans = ResourceSpans {
        resource: Some(resource),
        scope_spans: vec![scope_spans],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest { resource_spans: vec![resource_spans] }.encode_to_vec()
}

/// Where the trace ids of a batch stand.
#[must_use]
pub(crate) fn trace_ids(bytes: &[u8]) -> Vec<usize> {
    let spans = bytes.windows(20).enumerate();
    let spans = spans.filter(|(_, w)| w.starts_with(&[0x0a, 16]) && w.ends_with(&[0x12, 8]));
    spans.map(|(at, _)| at + 2).collect()
}

/// Makes the batch the `round`-th one: its traces get ids of their own.
pub(crate) fn renumber(bytes: &mut [u8], trace_ids: &[usize], round: u64) {
    for at in trace_ids {
        let head = bytes.get_mut(*at..at + 8).expect("a trace id stands there");
        head.copy_from_slice(&(round + 1).to_be_bytes());
    }
}

fn agent(number: u64) -> Vec<KeyValue> {
    let own = [
        text("gen_ai.operation.name", "invoke_agent"),
        text("gen_ai.agent.name", "support"),
        text("gen_ai.agent.id", "agent-7"),
    ];
    own.into_iter().chain(each(number)).chain(others(10)).collect()
}

fn tool(number: u64, content_bytes: usize) -> Vec<KeyValue> {
    let own = [
        text("gen_ai.operation.name", "execute_tool"),
        text("gen_ai.tool.name", "search"),
        text("gen_ai.tool.call.id", &format!("call_{number:024}")),
        text("gen_ai.tool.call.arguments", &"a".repeat(content_bytes / 2)),
        text("gen_ai.tool.call.result", &"r".repeat(content_bytes / 2)),
    ];
    own.into_iter().chain(each(number)).chain(others(8)).collect()
}

fn call(number: u64, content_bytes: usize) -> Vec<KeyValue> {
    let own = [
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.provider.name", "openai"),
        text("gen_ai.request.model", "gpt-4o-mini"),
        text("gen_ai.response.model", "gpt-4o-mini-2024-07-18"),
        text("gen_ai.response.id", &format!("chatcmpl-{number:024}")),
        text("gen_ai.input.messages", &"i".repeat(content_bytes * 3 / 4)),
        text("gen_ai.output.messages", &"o".repeat(content_bytes / 4)),
        text("server.address", "api.openai.com"),
        int("server.port", 443),
        int("gen_ai.request.max_tokens", 4096),
        int("gen_ai.usage.input_tokens", 1100),
        int("gen_ai.usage.output_tokens", 51),
        int("gen_ai.usage.cache_read.input_tokens", 512),
    ];
    own.into_iter().chain(each(number)).collect()
}

/// What every span of a task carries.
fn each(number: u64) -> [KeyValue; 7] {
    let task = number / SPANS_OF_A_TRACE;
    [
        text("gen_ai.conversation.id", &format!("conversation-{task}")),
        text("countersign.task.id", &format!("task-{task}")),
        text("gen_ai.workflow.name", "support"),
        text("countersign.team", "payments"),
        text("deployment.environment.name", "production"),
        text("thread.name", "MainThread"),
        int("thread.id", 140_284_116_338_432),
    ]
}

fn others(count: usize) -> impl Iterator<Item = KeyValue> {
    (0..count).map(|number| text(&format!("app.attribute.{number}"), "of the application"))
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.into()))
}

fn int(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}
