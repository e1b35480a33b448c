//! Requests as agents send them, built by hand.

use std::sync::LazyLock;

use countersign_receiver::clock;
use countersign_receiver::publish::calendar;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

/// A value of an attribute.
#[derive(Clone, Debug)]
pub(crate) enum Is {
    Text(&'static str),
    Owned(String),
    Count(i64),
    Number(f64),
}

/// An attribute.
pub(crate) fn attribute(key: &str, value: Is) -> KeyValue {
    let value = match value {
        Is::Text(text) => any_value::Value::StringValue(text.to_owned()),
        Is::Owned(text) => any_value::Value::StringValue(text),
        Is::Count(count) => any_value::Value::IntValue(count),
        Is::Number(number) => any_value::Value::DoubleValue(number),
    };
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

/// A moment of the tests, so many milliseconds after an hour ago: recent enough for every
/// deadline, whenever the tests run.
pub(crate) fn at(millis: u64) -> u64 {
    const HOUR: u64 = 3_600 * SECOND;
    const SECOND: u64 = 1_000_000_000;
    static BEGIN: LazyLock<u64> = LazyLock::new(|| (clock::now() - HOUR) / SECOND * SECOND);
    *BEGIN + millis * 1_000_000
}

/// The same as text.
pub(crate) fn time(millis: u64) -> String {
    calendar::show(at(millis))
}

/// A chat call of a task with a cost that the emitter reports.
pub(crate) fn call(trace: u128, span: u64, task: &str, cost: f64, more: &[(&str, Is)]) -> Span {
    let mut attributes = vec![
        attribute("gen_ai.operation.name", Is::Text("chat")),
        attribute("gen_ai.provider.name", Is::Text("openai")),
        attribute("gen_ai.request.model", Is::Text("gpt-4o-mini")),
        attribute("gen_ai.response.model", Is::Text("gpt-4o-mini-2024-07-18")),
        attribute("gen_ai.usage.input_tokens", Is::Count(1_000)),
        attribute("gen_ai.usage.output_tokens", Is::Count(50)),
        attribute("gen_ai.usage.cost", Is::Number(cost)),
        attribute("gen_ai.response.id", Is::Owned(format!("response-{trace:x}-{span:x}"))),
        attribute("countersign.task.id", Is::Owned(task.to_owned())),
        attribute("gen_ai.workflow.name", Is::Text("pr-review")),
    ];
    attributes.extend(more.iter().map(|(key, value)| attribute(key, value.clone())));
    Span {
        trace_id: trace.to_be_bytes().to_vec(),
        span_id: span.to_be_bytes().to_vec(),
        name: "chat gpt-4o-mini".to_owned(),
        kind: 3,
        start_time_unix_nano: at(span * 1_000),
        end_time_unix_nano: at(span * 1_000 + 800),
        attributes,
        ..Span::default()
    }
}

/// An export request with these spans.
pub(crate) fn request(spans: Vec<Span>) -> Vec<u8> {
    let resource = Resource {
        attributes: vec![attribute("service.name", Is::Text("agent"))],
        ..Resource::default()
    };
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let resource_spans =
        ResourceSpans { resource: Some(resource), scope_spans, ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![resource_spans] }.encode_to_vec()
}
