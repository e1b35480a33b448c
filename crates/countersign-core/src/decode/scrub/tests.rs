//! Scrubbed requests compared with what the generated messages say of the original.

extern crate std;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::string::{String, ToString};
use std::{format, fs, vec};

use alloc::vec::Vec;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use prost::Message;

use super::{Note, Scrubber};
use crate::dialect::{Scrub, Signal};
use crate::fact::CostSource;
use crate::money::Money;

mod canary;
mod hostile;
mod marks;

fn captures() -> Vec<(PathBuf, Signal, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/captures");
    let mut found = Vec::new();
    for run in fs::read_dir(root).unwrap() {
        let run = run.unwrap().path();
        if !run.is_dir() {
            continue;
        }
        for file in fs::read_dir(run).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|end| end == "pb") {
                let name = path.file_name().unwrap().to_str().unwrap();
                let signal = match name.split('-').next().unwrap() {
                    "traces" => Signal::Traces,
                    "logs" => Signal::Logs,
                    "metrics" => Signal::Metrics,
                    other => panic!("{other} is no signal"),
                };
                let bytes = fs::read(&path).unwrap();
                found.push((path, signal, bytes));
            }
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

fn scrubbed(signal: Signal, bytes: &[u8], mode: Scrub) -> Vec<u8> {
    let mut out = Vec::new();
    Scrubber::new("here").scrub(signal, bytes, mode, &[], &mut out).unwrap();
    out
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// What must survive of a record, as text: everything but its content.
fn skeleton(signal: Signal, bytes: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    match signal {
        Signal::Traces => {
            for group in ExportTraceServiceRequest::decode(bytes).unwrap().resource_spans {
                for scope_group in group.scope_spans {
                    let scope = scope_group.scope.unwrap_or_default().name;
                    for span in scope_group.spans {
                        lines.push(format!(
                            "{scope} {:?} {:?} {:?} {} {} {} {:?} {:?}",
                            span.trace_id,
                            span.span_id,
                            span.parent_span_id,
                            span.kind,
                            span.start_time_unix_nano,
                            span.end_time_unix_nano,
                            span.status.map(|status| status.code),
                            span.links.iter().map(|link| &link.span_id).collect::<Vec<_>>(),
                        ));
                        lines.extend(kept(&span.attributes));
                    }
                }
            }
        }
        Signal::Logs => {
            for group in ExportLogsServiceRequest::decode(bytes).unwrap().resource_logs {
                for log in group.scope_logs.into_iter().flat_map(|group| group.log_records) {
                    lines.push(format!(
                        "{} {:?} {:?} {} {} {}",
                        log.event_name,
                        log.trace_id,
                        log.span_id,
                        log.time_unix_nano,
                        log.observed_time_unix_nano,
                        log.severity_number,
                    ));
                    lines.extend(kept(&log.attributes));
                }
            }
        }
        Signal::Metrics => {
            for group in ExportMetricsServiceRequest::decode(bytes).unwrap().resource_metrics {
                for metric in group.scope_metrics.into_iter().flat_map(|group| group.metrics) {
                    lines.push(format!("{} {:?}", metric.name, metric.unit));
                    points(metric.data.unwrap(), &mut lines);
                }
            }
        }
    }
    lines
}

fn points(data: opentelemetry_proto::tonic::metrics::v1::metric::Data, lines: &mut Vec<String>) {
    use opentelemetry_proto::tonic::metrics::v1::metric::Data;
    match data {
        Data::Gauge(gauge) => {
            for point in gauge.data_points {
                lines.push(format!("{:?} {}", point.value, point.time_unix_nano));
                lines.extend(kept(&point.attributes));
            }
        }
        Data::Sum(sum) => {
            let how = (sum.aggregation_temporality, sum.is_monotonic);
            for point in sum.data_points {
                lines.push(format!("{how:?} {:?} {}", point.value, point.time_unix_nano));
                lines.extend(kept(&point.attributes));
            }
        }
        Data::Histogram(histogram) => {
            for point in histogram.data_points {
                lines.push(format!(
                    "{:?} {} {:?} {:?} {}",
                    point.sum,
                    point.count,
                    point.bucket_counts,
                    point.explicit_bounds,
                    point.exemplars.len(),
                ));
                lines.extend(kept(&point.attributes));
            }
        }
        Data::ExponentialHistogram(histogram) => {
            for point in histogram.data_points {
                lines.push(format!("{:?} {:?} {:?}", point.sum, point.positive, point.negative));
            }
        }
        Data::Summary(summary) => {
            for point in summary.data_points {
                lines.push(format!("{:?} {:?}", point.sum, point.quantile_values));
            }
        }
    }
}

/// The attributes that no scrubbing may lose: usage, cost, models, operations, ids.
fn kept(attributes: &[KeyValue]) -> Vec<String> {
    const EXACT: &[&str] = &[
        "gen_ai.operation.name",
        "gen_ai.request.model",
        "gen_ai.response.model",
        "gen_ai.system",
        "gen_ai.response.id",
        "gen_ai.provider.name",
        "gen_ai.response.finish_reasons",
        "gen_ai.conversation.id",
        "gen_ai.agent.name",
        "gen_ai.tool.name",
        "gen_ai.tool.call.id",
        "llm.model_name",
        "llm.request.model_name",
        "llm.provider",
        "openinference.span.kind",
        "traceloop.span.kind",
        "ai.model.id",
        "ai.response.id",
        "ai.response.model",
        "ai.operationId",
        "langfuse.observation.model.name",
        "langfuse.observation.type",
        "langfuse.observation.usage_details",
        "mlflow.chat.tokenUsage",
        "mlflow.spanType",
        "mlflow.llm.model",
        "metadata.usage_object",
        "crewai.crew.token_usage",
        "session.id",
        "conversation.id",
        "event.name",
        "event_name",
        "http.request.resend_count",
        "attempt",
        "http.response.status_code",
        "error.type",
        "exception.type",
        "model",
        "type",
        "token_type",
        "gen_ai.token.type",
        "gen_ai.evaluation.name",
        "gen_ai.evaluation.score.value",
        "gen_ai.evaluation.score.label",
        "langsmith.metadata.usage_metadata",
        "gen_ai.workflow.name",
        "vcs.change.id",
        "request_id",
        "response_id",
        "prompt.id",
        "tool_name",
        "decision",
        "function_name",
        "langsmith.span.kind",
        "mastra.span.type",
        "span.type",
        "thread.id",
    ];
    let counted = |key: &str| {
        key.contains("token")
            && key != "github.copilot.token_limit"
            && !key.contains("oauth")
            && !key.contains("access_token")
            && !key.contains("refresh_token")
            || key.ends_with("ost")
            || key.contains("cost_usd")
    };
    attributes
        .iter()
        .filter(|pair| !format!("{:?}", pair.value).contains("synthetic text that stands"))
        .filter(|pair| EXACT.contains(&pair.key.as_str()) || counted(&pair.key))
        .map(|pair| format!("{}={:?}", pair.key, pair.value))
        .collect()
}

#[test]
fn captures_keep_their_numbers_and_lose_their_content() {
    let captures = captures();
    assert!(captures.len() > 300, "{}", captures.len());
    let mut lost = Vec::new();
    for (path, signal, bytes) in captures {
        let before = skeleton(signal, &bytes);
        // One line a record, and one for each attribute, which some records must not keep.
        let before_count = before.iter().filter(|line| !line.contains("=Some(")).count();
        for mode in [Scrub::Standard, Scrub::Strict] {
            let out = scrubbed(signal, &bytes, mode);
            assert!(!holds(&out, "SECRET-"), "{path:?} {mode:?}");
            assert!(out.len() <= bytes.len() + 64, "{path:?} grew");
            let after = skeleton(signal, &out);
            let after_count = after.iter().filter(|line| !line.contains("=Some(")).count();
            let after: BTreeSet<_> = after.into_iter().collect();
            let missing = before.iter().filter(|line| !after.contains(*line));
            lost.extend(missing.map(|line| format!("{path:?} {mode:?} {line}")));
            assert_eq!(before_count, after_count, "{path:?}");
            assert_eq!(scrubbed(signal, &out, mode), out, "{path:?}: not the same twice");
        }
        assert_eq!(scrubbed(signal, &bytes, Scrub::Off), bytes);
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

#[test]
fn notes_are_added_to_their_spans_once() {
    let span =
        |name: &str, attributes: Vec<KeyValue>| opentelemetry_proto::tonic::trace::v1::Span {
            name: name.to_string(),
            attributes,
            ..Default::default()
        };
    let text = |key: &str, value: &str| KeyValue {
        key: key.to_string(),
        value: Some(AnyValue { value: Some(any_value::Value::StringValue(value.to_string())) }),
        ..Default::default()
    };
    let mut request = ExportTraceServiceRequest::default();
    request.resource_spans.resize_with(2, Default::default);
    for group in &mut request.resource_spans {
        group.scope_spans.resize_with(1, Default::default);
        group.scope_spans[0].spans = vec![
            span("GET", vec![]),
            span(
                "x y",
                vec![
                    text("countersign.booked_by", "elsewhere"),
                    text("gen_ai.operation.name", "chat"),
                    text("gen_ai.request.model", "gpt-4o"),
                ],
            ),
        ];
    }
    let bytes = request.encode_to_vec();
    let notes = [
        Note { ordinal: 1, cost: Some((Money::from_pico(165_000_000), CostSource::Catalog)) },
        Note { ordinal: 2, cost: None },
    ];
    let mut scrubber = Scrubber::new("here");
    let mut out = Vec::new();
    let summary =
        scrubber.scrub(Signal::Traces, &bytes, Scrub::Standard, &notes, &mut out).unwrap();
    assert_eq!((summary.seen, summary.gen_ai), (4, 2));
    let mut shown = String::new();
    for group in ExportTraceServiceRequest::decode(&out[..]).unwrap().resource_spans {
        for span in &group.scope_spans[0].spans {
            shown += &span.name;
            for pair in &span.attributes {
                let value = pair.value.clone().unwrap().value.unwrap();
                shown += &format!(" {}={value:?}", pair.key);
            }
            shown.push('\n');
        }
    }
    expect_test::expect![[r#"
        GET
        chat gpt-4o countersign.cost.usd=DoubleValue(0.000165) countersign.cost.source=StringValue("catalog") countersign.booked_by=StringValue("here") gen_ai.operation.name=StringValue("chat") gen_ai.request.model=StringValue("gpt-4o")
        GET countersign.booked_by=StringValue("here")
        chat gpt-4o countersign.booked_by=StringValue("elsewhere") gen_ai.operation.name=StringValue("chat") gen_ai.request.model=StringValue("gpt-4o")
    "#]].assert_eq(&shown);
    let mut again = Vec::new();
    scrubber.scrub(Signal::Traces, &out, Scrub::Standard, &notes, &mut again).unwrap();
    assert_eq!(again, out);
}

#[test]
fn keys_that_the_operator_names_pass_as_ids() {
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
    let text = |key: &str, value: &str| KeyValue {
        key: key.to_string(),
        value: Some(AnyValue { value: Some(any_value::Value::StringValue(value.to_string())) }),
        ..Default::default()
    };
    let attributes = vec![
        text("gen_ai.system", "openai"),
        text("acme.case", "case-7"),
        text("acme.case", "a sentence about Bob"),
        text("acme.note", "note-7"),
    ];
    let spans = vec![Span { attributes, ..Default::default() }];
    let scope_spans = vec![ScopeSpans { spans, ..Default::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..Default::default() }];
    let bytes = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
    let mut out = Vec::new();
    Scrubber::new("here")
        .keeping(["acme.case"])
        .scrub(Signal::Traces, &bytes, Scrub::Standard, &[], &mut out)
        .unwrap();
    assert!(holds(&out, "case-7"));
    assert!(!holds(&out, "Bob") && !holds(&out, "note-7"));
}
