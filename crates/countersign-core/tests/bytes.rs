//! Any bytes: facts or an error, never a panic; and the walk sees what prost sees.

use std::path::PathBuf;

use countersign_core::decode::{self, Budget, Fault, Node, Value};
use countersign_core::dialect::{DecodeError, Reader, Settings, Signal};
use countersign_core::fact::Fact;
use countersign_core::limits;
use countersign_core::price::Catalog;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use prost::Message;

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

const RECEIVED: u64 = 1_795_320_000_000_000_000;

/// Every recorded protobuf request.
fn recorded() -> Result<Vec<(Signal, Vec<u8>)>> {
    let captures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/captures");
    let mut files = Vec::new();
    for run in std::fs::read_dir(captures)? {
        let run = run?.path();
        if run.is_dir() {
            files.extend(std::fs::read_dir(run)?.map(|file| file.map(|file| file.path())));
        }
    }
    let mut files: Vec<_> = files.into_iter().collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "pb"));
    files.sort();
    let mut requests = Vec::new();
    for path in files {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let signal = match name.split('-').next() {
            Some("traces") => Signal::Traces,
            Some("logs") => Signal::Logs,
            _ => Signal::Metrics,
        };
        requests.push((signal, std::fs::read(path)?));
    }
    assert!(requests.len() > 100, "the captures are there");
    Ok(requests)
}

/// What a walk saw, one word per record.
#[derive(Debug, Default, PartialEq)]
struct Seen(Vec<String>);

fn walked(signal: Signal, bytes: &[u8]) -> Result<Seen, Fault> {
    let mut seen = Seen::default();
    let mut budget = Budget::new(bytes, limits::POINTS_PER_REQUEST_MAX);
    let visit = |node: Node<'_, '_>, _: &mut Budget| {
        match node {
            Node::Resource(attributes) => seen.0.push(format!("resource {}", attributes.len())),
            Node::Scope(name) => seen.0.push(format!("scope {}", String::from_utf8_lossy(name))),
            Node::Span(span) => {
                let texts = span.attributes.iter().filter(|a| matches!(a.value, Value::Text(_)));
                seen.0.push(format!(
                    "span {} {} {} {} {} {} {} {} {}",
                    span.trace,
                    span.span,
                    span.parent,
                    span.start,
                    span.end,
                    span.status,
                    span.attributes.len(),
                    texts.count(),
                    span.events.len(),
                ));
            }
            Node::Log(log) => seen.0.push(format!(
                "log {} {} {} {} {}",
                log.time,
                log.observed,
                log.trace,
                log.span,
                log.attributes.len()
            )),
            Node::Point(point) => seen.0.push(format!(
                "point {} {} {:?} {}",
                point.time,
                point.attributes.len(),
                point.count,
                point.start
            )),
            Node::Refused => seen.0.push("refused".into()),
        }
        Ok(())
    };
    match signal {
        Signal::Traces => decode::traces(bytes, &mut budget, visit)?,
        Signal::Logs => decode::logs(bytes, &mut budget, visit)?,
        Signal::Metrics => decode::metrics(bytes, &mut budget, visit)?,
    }
    Ok(seen)
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn or_zero(id: &[u8], length: usize) -> String {
    if id.len() == length { hex(id) } else { "00".repeat(length) }
}

fn texts(attributes: &[KeyValue]) -> usize {
    let value = |a: &KeyValue| a.value.as_ref().and_then(|value| value.value.clone());
    let texts = attributes.iter().filter_map(value);
    texts.filter(|value| matches!(value, any_value::Value::StringValue(_))).count()
}

fn decoded(signal: Signal, bytes: &[u8]) -> Result<Seen> {
    let mut seen = Seen::default();
    match signal {
        Signal::Traces => {
            for resource in ExportTraceServiceRequest::decode(bytes)?.resource_spans {
                let attributes = resource.resource.map_or(0, |resource| resource.attributes.len());
                seen.0.push(format!("resource {attributes}"));
                for scope in resource.scope_spans {
                    seen.0.push(format!("scope {}", scope.scope.unwrap_or_default().name));
                    for span in scope.spans {
                        seen.0.push(format!(
                            "span {} {} {} {} {} {} {} {} {}",
                            hex(&span.trace_id),
                            hex(&span.span_id),
                            or_zero(&span.parent_span_id, 8),
                            span.start_time_unix_nano,
                            span.end_time_unix_nano,
                            span.status.unwrap_or_default().code,
                            span.attributes.len(),
                            texts(&span.attributes),
                            span.events.len(),
                        ));
                    }
                }
            }
        }
        Signal::Logs => {
            for resource in ExportLogsServiceRequest::decode(bytes)?.resource_logs {
                let attributes = resource.resource.map_or(0, |resource| resource.attributes.len());
                seen.0.push(format!("resource {attributes}"));
                for scope in resource.scope_logs {
                    seen.0.push(format!("scope {}", scope.scope.unwrap_or_default().name));
                    for log in scope.log_records {
                        seen.0.push(format!(
                            "log {} {} {} {} {}",
                            log.time_unix_nano,
                            log.observed_time_unix_nano,
                            or_zero(&log.trace_id, 16),
                            or_zero(&log.span_id, 8),
                            log.attributes.len()
                        ));
                    }
                }
            }
        }
        Signal::Metrics => {
            for resource in ExportMetricsServiceRequest::decode(bytes)?.resource_metrics {
                let attributes = resource.resource.map_or(0, |resource| resource.attributes.len());
                seen.0.push(format!("resource {attributes}"));
                for scope in resource.scope_metrics {
                    seen.0.push(format!("scope {}", scope.scope.unwrap_or_default().name));
                    for data in scope.metrics.into_iter().filter_map(|metric| metric.data) {
                        seen.0.extend(points(data));
                    }
                }
            }
        }
    }
    Ok(seen)
}

fn points(data: Data) -> Vec<String> {
    let point = |time: u64, attributes: usize, count: Option<u64>, start: u64| {
        format!("point {time} {attributes} {count:?} {start}")
    };
    match data {
        Data::Sum(sum) => {
            let points = sum.data_points.into_iter();
            points
                .map(|p| point(p.time_unix_nano, p.attributes.len(), None, p.start_time_unix_nano))
                .collect()
        }
        Data::Histogram(histogram) => {
            let points = histogram.data_points.into_iter();
            points
                .map(|p| {
                    let count = Some(p.count).filter(|count| *count > 0);
                    point(p.time_unix_nano, p.attributes.len(), count, p.start_time_unix_nano)
                })
                .collect()
        }
        Data::ExponentialHistogram(histogram) => {
            let points = histogram.data_points.into_iter();
            points
                .map(|p| {
                    let count = Some(p.count).filter(|count| *count > 0);
                    point(p.time_unix_nano, p.attributes.len(), count, p.start_time_unix_nano)
                })
                .collect()
        }
        Data::Gauge(_) | Data::Summary(_) => Vec::new(),
    }
}

#[test]
fn the_walk_sees_what_prost_sees() -> Result {
    for (signal, bytes) in recorded()? {
        let walked = walked(signal, &bytes).map_err(|fault| format!("{fault:?}"))?;
        assert_eq!(walked, decoded(signal, &bytes)?);
    }
    Ok(())
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or(0) % sides.max(1)
    }
}

/// Changes some bytes, cuts some out, doubles some.
fn broken(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut broken = bytes.to_vec();
    for _ in 0..=dice.throw(4) {
        let at = dice.throw(broken.len());
        let length = dice.throw(16).min(broken.len() - at);
        match dice.throw(4) {
            0 => broken.truncate(at),
            1 => drop(broken.drain(at..at + length)),
            2 => {
                let part: Vec<u8> = broken.iter().skip(at).take(length).copied().collect();
                broken.splice(at..at, part);
            }
            _ => {
                let byte = u8::try_from(dice.throw(256)).unwrap_or(0);
                if let Some(slot) = broken.get_mut(at) {
                    *slot = byte;
                }
            }
        }
    }
    broken
}

#[test]
fn any_bytes_give_facts_or_an_error() -> Result {
    let mut dice = Dice(0x1234_5678_9abc_def1);
    let mut reader = Reader::new(Settings::default());
    let catalog = Catalog::default();
    let (mut taken, mut refused) = (0, 0);
    for (signal, bytes) in recorded()? {
        for _ in 0..12 {
            let bytes = broken(&bytes, &mut dice);
            let mut count = 0;
            let mut facts = |_: Fact<'_>| count += 1;
            match reader.read(signal, &bytes, RECEIVED, &catalog, &mut facts, None) {
                Ok(_) => taken += 1,
                Err(_) => {
                    assert_eq!(count, 0, "a refused request gave facts");
                    refused += 1;
                }
            }
            // The bytes of one signal are no harm as another's.
            for other in [Signal::Traces, Signal::Logs, Signal::Metrics] {
                let outcome = reader.read(other, &bytes, RECEIVED, &catalog, &mut |_| {}, None);
                drop(outcome);
            }
        }
    }
    assert!(taken > 100 && refused > 100, "{taken} taken, {refused} refused");
    Ok(())
}

fn read(signal: Signal, bytes: &[u8]) -> Result<(u64, u64), DecodeError> {
    let mut reader = Reader::new(Settings::default());
    let outcome = reader.read(signal, bytes, RECEIVED, &Catalog::default(), &mut |_| {}, None)?;
    Ok((outcome.accepted, outcome.rejected))
}

fn message(number: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = body.len();
    while length >= 0x80 {
        bytes.push(u8::try_from(length & 0x7f).unwrap_or(0) | 0x80);
        length >>= 7;
    }
    bytes.push(u8::try_from(length).unwrap_or(0));
    bytes.extend_from_slice(body);
    bytes
}

#[test]
fn a_small_request_of_many_records_is_over_budget() {
    let spans = [0x12, 0].repeat(limits::SPANS_PER_REQUEST_MAX + 1);
    let request = message(1, &message(2, &spans));
    assert_eq!(read(Signal::Traces, &request), Err(DecodeError::OverBudget));
    let resources = [0x0a, 0].repeat(limits::NODES_PER_REQUEST_MAX + 1);
    assert_eq!(read(Signal::Traces, &resources), Err(DecodeError::OverBudget));
}

#[test]
fn a_span_with_a_bad_id_is_refused_alone() {
    let span =
        |trace: &[u8], span: &[u8]| message(2, &[message(1, trace), message(2, span)].concat());
    let spans = [
        span(&[1; 16], &[2; 8]),
        span(&[1; 15], &[2; 8]),
        span(&[1; 16], &[2; 9]),
        span(&[0; 16], &[2; 8]),
        span(&[1; 16], &[0; 8]),
        span(&[], &[]),
    ];
    let request = message(1, &message(2, &spans.concat()));
    assert_eq!(read(Signal::Traces, &request), Ok((1, 5)));
}

#[test]
fn deep_values_need_no_stack() -> Result {
    let mut value = message(1, b"deep");
    for _ in 0..20_000 {
        value = message(5, &message(1, &value));
    }
    let attribute = [message(1, b"gen_ai.input.messages"), message(2, &value)].concat();
    let span = [message(1, &[1; 16]), message(2, &[2; 8]), message(9, &attribute)].concat();
    let request = message(1, &message(2, &message(2, &span)));
    let small = std::thread::Builder::new().stack_size(256 * 1024);
    let outcome = small.spawn(move || read(Signal::Traces, &request))?.join();
    assert_eq!(outcome.map_err(|_| "panicked")?, Ok((1, 0)));
    Ok(())
}
