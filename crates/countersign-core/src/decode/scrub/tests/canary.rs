//! Canaries: a mark in every string of every message, and none of them comes out.

use opentelemetry_proto::tonic::common::v1::{
    ArrayValue, EntityRef, InstrumentationScope, KeyValueList,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary,
    SummaryDataPoint,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use super::*;

/// What stands in every string: one word that is no identifier of any language.
const WORD: &str = "SECRET-Canary";
/// What stands where a name may be: a sentence.
const SENTENCE: &str = "SECRET-Canary \"said\" {hello}\nto Bob";

fn any(value: any_value::Value) -> Option<AnyValue> {
    Some(AnyValue { value: Some(value) })
}

fn pair(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue { key: key.to_string(), value: any(value), ..Default::default() }
}

fn text(mark: &str) -> any_value::Value {
    any_value::Value::StringValue(mark.to_string())
}

fn list(mark: &str) -> any_value::Value {
    let values = vec![AnyValue { value: Some(text(mark)) }];
    any_value::Value::ArrayValue(ArrayValue { values })
}

fn map(mark: &str) -> any_value::Value {
    let values = vec![pair(mark, text(mark))];
    any_value::Value::KvlistValue(KeyValueList { values })
}

/// Attributes that nobody vouched for, and those that are listed, with marks in every place.
fn attributes(mark: &str) -> Vec<KeyValue> {
    let mut attributes = vec![pair(mark, text(mark)), pair(mark, any_value::Value::IntValue(7))];
    let unlisted = [
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.system_instructions",
        "gen_ai.prompt.0.content",
        "gen_ai.prompt.variable.city",
        "gen_ai.never.heard.of",
        "llm.input_messages.0.message.content",
        "input.value",
        "output.value",
        "ai.prompt",
        "ai.response.text",
        "traceloop.entity.input",
        "langfuse.observation.input",
        "user.email",
        "mlflow.spanInputs",
        "mastra.metadata.body",
        "pydantic_ai.all_messages",
        "user.id",
        "exception.message",
        "exception.stacktrace",
        "crewai.task.description",
        "metadata",
        "http.request.header.authorization",
        "url.query",
        "db.query.text",
        "enduser.id",
        "gen_ai.request.user",
        "llm.user",
        "prompt",
        "body",
        "tool_input",
        "hidden_params",
        "metadata.user_api_key_user_email",
        "installation.id",
        "evaluations.0.evaluation.explanation",
    ];
    let numeric = [
        "gen_ai.usage.input_tokens",
        "gen_ai.request.temperature",
        "attempt",
        "cost_usd",
        "langfuse.observation.usage_details",
        "gen_ai.response.finish_reasons",
        "event.name",
    ];
    for key in unlisted.into_iter().chain(numeric) {
        attributes.push(pair(key, text(mark)));
        attributes.push(pair(key, list(mark)));
        attributes.push(pair(key, map(mark)));
        attributes.push(pair(key, any_value::Value::BytesValue(mark.as_bytes().to_vec())));
    }
    // An identity cannot be told from one word; but it is no sentence, list, map or bytes.
    for key in ["gen_ai.request.model", "gen_ai.agent.name", "gen_ai.tool.name", "session.id"] {
        attributes.push(pair(key, text(SENTENCE)));
        attributes.push(pair(key, list(mark)));
        attributes.push(pair(key, map(mark)));
    }
    attributes
}

fn resource(mark: &str) -> Option<Resource> {
    Some(Resource {
        attributes: vec![
            pair(mark, text(mark)),
            pair("process.command_args", list(mark)),
            pair("process.command_line", text(mark)),
            pair("process.executable.path", text(mark)),
            pair("process.owner", text(mark)),
            pair("container.command_args", list(mark)),
            pair("k8s.pod.annotation.note", text(mark)),
            pair("user.name", text(mark)),
            pair("service.name", text(SENTENCE)),
        ],
        entity_refs: vec![EntityRef {
            schema_url: mark.to_string(),
            r#type: mark.to_string(),
            id_keys: vec![mark.to_string()],
            description_keys: vec![mark.to_string()],
        }],
        ..Default::default()
    })
}

fn scope(mark: &str) -> Option<InstrumentationScope> {
    Some(InstrumentationScope {
        name: SENTENCE.to_string(),
        version: SENTENCE.to_string(),
        attributes: attributes(mark),
        ..Default::default()
    })
}

fn traces(mark: &str) -> Vec<u8> {
    let span = Span {
        trace_id: mark.as_bytes().to_vec(),
        span_id: mark.as_bytes().to_vec(),
        parent_span_id: mark.as_bytes().to_vec(),
        trace_state: mark.to_string(),
        name: mark.to_string(),
        attributes: attributes(mark),
        events: ["exception", mark, "gen_ai.choice"]
            .map(|name| Event {
                name: name.to_string(),
                attributes: attributes(mark),
                ..Default::default()
            })
            .to_vec(),
        links: vec![Link {
            trace_id: mark.as_bytes().to_vec(),
            span_id: mark.as_bytes().to_vec(),
            trace_state: mark.to_string(),
            attributes: attributes(mark),
            ..Default::default()
        }],
        status: Some(Status { message: mark.to_string(), code: 2 }),
        ..Default::default()
    };
    let scope_spans =
        vec![ScopeSpans { scope: scope(mark), spans: vec![span], schema_url: mark.to_string() }];
    let group =
        ResourceSpans { resource: resource(mark), scope_spans, schema_url: mark.to_string() };
    ExportTraceServiceRequest { resource_spans: vec![group] }.encode_to_vec()
}

fn logs(mark: &str) -> Vec<u8> {
    let bodies = [text(mark), list(mark), map(mark)];
    let log_records = bodies
        .map(|body| LogRecord {
            severity_text: mark.to_string(),
            body: any(body),
            attributes: attributes(mark),
            trace_id: mark.as_bytes().to_vec(),
            span_id: mark.as_bytes().to_vec(),
            event_name: mark.to_string(),
            ..Default::default()
        })
        .to_vec();
    let scope_logs =
        vec![ScopeLogs { scope: scope(mark), log_records, schema_url: mark.to_string() }];
    let group = ResourceLogs { resource: resource(mark), scope_logs, schema_url: mark.to_string() };
    ExportLogsServiceRequest { resource_logs: vec![group] }.encode_to_vec()
}

fn metrics(mark: &str) -> Vec<u8> {
    let exemplars = vec![Exemplar {
        filtered_attributes: attributes(mark),
        span_id: mark.as_bytes().to_vec(),
        trace_id: mark.as_bytes().to_vec(),
        ..Default::default()
    }];
    let number = NumberDataPoint {
        attributes: attributes(mark),
        exemplars: exemplars.clone(),
        ..Default::default()
    };
    let histogram = HistogramDataPoint {
        attributes: attributes(mark),
        exemplars: exemplars.clone(),
        ..Default::default()
    };
    let exponential = ExponentialHistogramDataPoint {
        attributes: attributes(mark),
        exemplars,
        ..Default::default()
    };
    let summary = SummaryDataPoint { attributes: attributes(mark), ..Default::default() };
    let data = [
        Data::Gauge(Gauge { data_points: vec![number.clone()] }),
        Data::Sum(Sum { data_points: vec![number], ..Default::default() }),
        Data::Histogram(Histogram { data_points: vec![histogram], ..Default::default() }),
        Data::ExponentialHistogram(ExponentialHistogram {
            data_points: vec![exponential],
            ..Default::default()
        }),
        Data::Summary(Summary { data_points: vec![summary] }),
    ];
    let metrics = data
        .map(|data| Metric {
            name: mark.to_string(),
            description: mark.to_string(),
            unit: SENTENCE.to_string(),
            metadata: attributes(mark),
            data: Some(data),
        })
        .to_vec();
    let scope_metrics =
        vec![ScopeMetrics { scope: scope(mark), metrics, schema_url: mark.to_string() }];
    let group =
        ResourceMetrics { resource: resource(mark), scope_metrics, schema_url: mark.to_string() };
    ExportMetricsServiceRequest { resource_metrics: vec![group] }.encode_to_vec()
}

#[test]
fn no_canary_comes_out() {
    for mark in [WORD, SENTENCE] {
        for (signal, bytes) in [
            (Signal::Traces, traces(mark)),
            (Signal::Logs, logs(mark)),
            (Signal::Metrics, metrics(mark)),
        ] {
            assert!(holds(&bytes, "SECRET-"));
            assert!(holds(&scrubbed(signal, &bytes, Scrub::Off), "SECRET-"));
            for mode in [Scrub::Standard, Scrub::Strict] {
                let out = scrubbed(signal, &bytes, mode);
                let at = out.windows(7).position(|window| window == b"SECRET-");
                let around = at
                    .map(|at| String::from_utf8_lossy(&out[at.saturating_sub(60)..]).into_owned());
                assert_eq!(around, None, "{signal:?} {mode:?}");
                assert!(!skeleton(signal, &out).is_empty());
            }
        }
    }
}
