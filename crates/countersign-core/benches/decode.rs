//! Decode: 512 gen-AI spans walked, read as facts, and decoded by prost, side by side.

use countersign_core::decode::{self, Budget, Node};
use countersign_core::dialect::{Reader, Settings, Signal};
use countersign_core::fact::Fact;
use countersign_core::limits;
use countersign_core::price::Catalog;
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, InstrumentationScope, KeyValue, any_value::Value,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SPANS: usize = 512;
const RECEIVED: u64 = 1_795_320_000_000_000_000;

fn main() {
    divan::main();
}

#[divan::bench]
fn walk(bencher: Bencher) {
    let bytes = request();
    bencher.counter(ItemsCount::new(SPANS)).bench_local(|| {
        let mut attributes = 0;
        let mut budget = Budget::new(&bytes, limits::SPANS_PER_REQUEST_MAX);
        decode::traces(black_box(&bytes), &mut budget, |node, _| {
            if let Node::Span(span) = node {
                attributes += span.attributes.len();
            }
            Ok(())
        })
        .expect("the request is well formed");
        attributes
    });
}

#[divan::bench]
fn walk_and_read(bencher: Bencher) {
    let bytes = request();
    let mut reader = Reader::new(Settings::default());
    let catalog = Catalog::default();
    bencher.counter(ItemsCount::new(SPANS)).bench_local(|| {
        let mut tokens = 0;
        let mut facts = |fact: Fact<'_>| {
            if let Fact::Call(call) = fact {
                tokens += call.usage.map_or(0, |usage| usage.input);
            }
        };
        reader
            .read(Signal::Traces, black_box(&bytes), RECEIVED, &catalog, &mut facts, None)
            .expect("the request is well formed");
        tokens
    });
}

#[divan::bench]
fn prost(bencher: Bencher) {
    let bytes = request();
    bencher.counter(ItemsCount::new(SPANS)).bench_local(|| {
        ExportTraceServiceRequest::decode(black_box(bytes.as_slice()))
            .expect("the request is well formed")
    });
}

/// Agents of four spans: an agent, two calls, a tool.
fn request() -> Vec<u8> {
    let spans = (0..SPANS as u64).map(|number| {
        let root = number % 4 == 0;
        let attributes = match number % 4 {
            0 => agent(),
            3 => tool(),
            _ => call(number),
        };
        Span {
            trace_id: u128::from(number / 4 + 1).to_be_bytes().to_vec(),
            span_id: (number + 1).to_be_bytes().to_vec(),
            parent_span_id: if root {
                Vec::new()
            } else {
                (number - number % 4 + 1).to_be_bytes().to_vec()
            },
            name: if root { "invoke_agent support".into() } else { "chat gpt-4o-mini".into() },
            kind: 3,
            start_time_unix_nano: RECEIVED - 2_000_000_000,
            end_time_unix_nano: RECEIVED - 1_000_000_000,
            attributes,
            status: Some(Status::default()),
            ..Span::default()
        }
    });
    let scope_spans = ScopeSpans {
        scope: Some(InstrumentationScope {
            name: "opentelemetry.instrumentation.genai.openai".into(),
            version: "1.0.0".into(),
            ..InstrumentationScope::default()
        }),
        spans: spans.collect(),
        ..ScopeSpans::default()
    };
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

fn agent() -> Vec<KeyValue> {
    vec![
        text("gen_ai.operation.name", "invoke_agent"),
        text("gen_ai.agent.name", "support"),
        text("gen_ai.conversation.id", "conversation-1"),
        text("countersign.task.id", "task-1"),
    ]
}

fn tool() -> Vec<KeyValue> {
    vec![
        text("gen_ai.operation.name", "execute_tool"),
        text("gen_ai.tool.name", "search"),
        text("gen_ai.tool.call.id", "call_1"),
        text("gen_ai.tool.call.arguments", &"a".repeat(300)),
        text("gen_ai.tool.call.result", &"r".repeat(500)),
    ]
}

fn call(number: u64) -> Vec<KeyValue> {
    vec![
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.provider.name", "openai"),
        text("gen_ai.request.model", "gpt-4o-mini"),
        text("gen_ai.response.model", "gpt-4o-mini-2024-07-18"),
        text("gen_ai.response.id", &format!("chatcmpl-{number:024}")),
        text("gen_ai.conversation.id", "conversation-1"),
        text("gen_ai.input.messages", &"i".repeat(300)),
        text("gen_ai.output.messages", &"o".repeat(200)),
        text("server.address", "api.openai.com"),
        int("server.port", 443),
        int("gen_ai.request.max_tokens", 4096),
        int("gen_ai.usage.input_tokens", 1100),
        int("gen_ai.usage.output_tokens", 51),
        int("gen_ai.usage.cache_read.input_tokens", 512),
        int("gen_ai.usage.reasoning.output_tokens", 16),
        text("countersign.task.id", "task-1"),
    ]
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
