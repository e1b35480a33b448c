//! Scrubbing a batch of 512 spans by splicing bytes, beside decoding and encoding it again.
//!
//! `cargo bench -p countersign-core --bench scrub`

#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

use countersign_core::decode::scrub::{Note, Scrubber};
use countersign_core::dialect::{Scrub, Signal};
use countersign_core::fact::CostSource;
use countersign_core::money::Money;
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Spans of a batch: what SDKs send at most by default.
const SPANS: usize = 512;

fn main() {
    divan::main();
}

/// Calls with content, as an instrumentation of the newest conventions sends them: about 1 KiB
/// a span.
fn gen_ai() -> Vec<u8> {
    let messages =
        r#"[{"role":"user","parts":[{"type":"text","content":"What is the weather in Paris?"}]}]"#;
    batch("opentelemetry.instrumentation.genai.openai", "chat gpt-4o-mini", |n| {
        vec![
            text("gen_ai.operation.name", "chat"),
            text("gen_ai.provider.name", "openai"),
            text("gen_ai.request.model", "gpt-4o-mini"),
            text("gen_ai.response.model", "gpt-4o-mini-2024-07-18"),
            text("gen_ai.response.id", &format!("chatcmpl-{n:024}")),
            text("gen_ai.conversation.id", &format!("conversation-{}", n / 16)),
            text("gen_ai.agent.name", "Weather Reporter"),
            pair(
                "gen_ai.response.finish_reasons",
                Value::ArrayValue(ArrayValue {
                    values: vec![AnyValue { value: Some(Value::StringValue("stop".into())) }],
                }),
            ),
            int("gen_ai.usage.input_tokens", 1100 + n),
            int("gen_ai.usage.output_tokens", 51),
            int("gen_ai.usage.cache_read.input_tokens", 512),
            int("gen_ai.usage.reasoning.output_tokens", 16),
            int("gen_ai.request.max_tokens", 100),
            pair("gen_ai.request.temperature", Value::DoubleValue(0.3)),
            pair("gen_ai.response.time_to_first_chunk", Value::DoubleValue(0.07)),
            text("openai.response.service_tier", "default"),
            text("server.address", "api.openai.com"),
            int("server.port", 443),
            text("gen_ai.input.messages", messages),
            text("gen_ai.output.messages", messages),
            text("gen_ai.system_instructions", messages),
        ]
    })
}

/// Spans of an application on the way through.
fn others() -> Vec<u8> {
    batch("opentelemetry.instrumentation.httpx", "GET", |n| {
        vec![
            text("http.request.method", "GET"),
            text("url.full", "https://shop.example/api/orders?page=2"),
            text("url.path", "/api/orders"),
            text("server.address", "shop.example"),
            int("server.port", 443),
            int("http.response.status_code", 200),
            text("network.protocol.version", "1.1"),
            int("order.count", n),
            text("order.state", "open"),
            text("http.request.header.authorization", "Bearer xxxxxxxxxxxxxxxxxxxxxxxxxxx"),
        ]
    })
}

fn batch(scope: &str, name: &str, attributes: impl Fn(i64) -> Vec<KeyValue>) -> Vec<u8> {
    let spans = (0_i64..).take(SPANS).map(|n| Span {
        trace_id: (n as u128 / 16 + 1).to_be_bytes().to_vec(),
        span_id: (n + 1).to_be_bytes().to_vec(),
        parent_span_id: (n / 16 * 16 + 1).to_be_bytes().to_vec(),
        name: name.into(),
        kind: 3,
        start_time_unix_nano: 1_795_000_000_000_000_000,
        end_time_unix_nano: 1_795_000_001_000_000_000,
        attributes: attributes(n),
        ..Span::default()
    });
    let scope = InstrumentationScope { name: scope.into(), ..InstrumentationScope::default() };
    let scope_spans =
        vec![ScopeSpans { scope: Some(scope), spans: spans.collect(), ..ScopeSpans::default() }];
    let resource =
        Resource { attributes: vec![text("service.name", "bot")], ..Resource::default() };
    let group = ResourceSpans { resource: Some(resource), scope_spans, ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![group] }.encode_to_vec()
}

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    pair(key, Value::StringValue(value.into()))
}

fn int(key: &str, value: i64) -> KeyValue {
    pair(key, Value::IntValue(value))
}

fn splice(bencher: Bencher, bytes: &[u8], mode: Scrub, notes: &[Note]) {
    let mut scrubber = Scrubber::new("here");
    let mut out = Vec::new();
    bencher.counter(ItemsCount::new(SPANS)).counter(BytesCount::new(bytes.len())).bench_local(
        || {
            out.clear();
            scrubber.scrub(Signal::Traces, black_box(bytes), mode, notes, &mut out).unwrap();
            black_box(out.len())
        },
    );
}

#[divan::bench]
fn gen_ai_spliced(bencher: Bencher) {
    splice(bencher, &gen_ai(), Scrub::Standard, &[]);
}

#[divan::bench]
fn gen_ai_spliced_with_cost(bencher: Bencher) {
    let cost = Some((Money::from_pico(165_000_000), CostSource::Catalog));
    let notes: Vec<_> = (0..).take(SPANS).map(|ordinal| Note { ordinal, cost }).collect();
    splice(bencher, &gen_ai(), Scrub::Standard, &notes);
}

#[divan::bench]
fn others_spliced(bencher: Bencher) {
    splice(bencher, &others(), Scrub::Standard, &[]);
}

#[divan::bench]
fn others_spliced_strictly(bencher: Bencher) {
    splice(bencher, &others(), Scrub::Strict, &[]);
}

/// What there is to beat: the tree is built, three attributes of each span are removed by
/// name, and the tree is encoded.
#[divan::bench]
fn gen_ai_decoded_and_encoded(bencher: Bencher) {
    let bytes = gen_ai();
    let content = ["gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions"];
    let mut out = Vec::new();
    bencher.counter(ItemsCount::new(SPANS)).counter(BytesCount::new(bytes.len())).bench_local(
        || {
            out.clear();
            let mut request = ExportTraceServiceRequest::decode(black_box(&bytes[..])).unwrap();
            for group in request.resource_spans.iter_mut().flat_map(|g| &mut g.scope_spans) {
                for span in &mut group.spans {
                    span.attributes.retain(|pair| !content.contains(&pair.key.as_str()));
                }
            }
            request.encode(&mut out).unwrap();
            black_box(out.len())
        },
    );
}
