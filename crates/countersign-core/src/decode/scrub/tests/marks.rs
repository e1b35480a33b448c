//! Marks: what one reader has booked and relayed, a second one relays and does not book.

use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, span};

use super::*;
use crate::decode::wire::put_bytes;
use crate::dialect::{DecodeError, Reader, Settings};
use crate::fact::Fact;
use crate::price::Catalog;

/// A little after the runs were recorded.
const RECEIVED: u64 = 1_795_320_000_000_000_000;

/// What a reader of this name books of a request, and what it relays.
fn chained(name: &str, signal: Signal, bytes: &[u8], mode: Scrub) -> (usize, Vec<u8>) {
    let mut booked = 0;
    let mut facts = |fact: Fact<'_>| match fact {
        Fact::Call(_) | Fact::Step(_) | Fact::Point(_) | Fact::Verdict(_) => booked += 1,
        Fact::Evaluation(_) => booked += 1,
        Fact::Links(_) | Fact::Noticed(_) | Fact::Tick | Fact::Alias(_) | Fact::BeginAgain => {}
    };
    let settings = Settings { instance: name.into(), ..Settings::default() };
    let mut relayed = Vec::new();
    Reader::new(settings)
        .read(signal, bytes, RECEIVED, &Catalog::default(), &mut facts, Some((&mut relayed, mode)))
        .unwrap();
    (booked, relayed)
}

fn text(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_string(),
        value: Some(AnyValue { value: Some(any_value::Value::StringValue(value.to_string())) }),
        ..Default::default()
    }
}

fn evaluation(name: &str, label: &str) -> Vec<KeyValue> {
    vec![
        text("gen_ai.evaluation.name", name),
        text("gen_ai.evaluation.score.label", label),
        text("countersign.task.id", "pr-7"),
    ]
}

fn logs(resources: Vec<Option<Resource>>, records: Vec<LogRecord>) -> Vec<u8> {
    let resource_logs = resources.into_iter().map(|resource| {
        let scope_logs = vec![ScopeLogs { log_records: records.clone(), ..Default::default() }];
        ResourceLogs { resource, scope_logs, ..Default::default() }
    });
    ExportLogsServiceRequest { resource_logs: resource_logs.collect() }.encode_to_vec()
}

fn judgements() -> Vec<LogRecord> {
    ["review.verdict", "toxicity"]
        .map(|name| LogRecord {
            event_name: "gen_ai.evaluation.result".to_string(),
            attributes: evaluation(name, "accepted"),
            ..Default::default()
        })
        .to_vec()
}

fn traces(span: Span) -> Vec<u8> {
    let span = Span { trace_id: vec![1; 16], span_id: vec![2; 8], ..span };
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..Default::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..Default::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

#[test]
fn a_second_reader_books_nothing_of_any_capture() {
    let mut booked = [0; 3];
    for (path, signal, bytes) in captures() {
        for mode in [Scrub::Standard, Scrub::Strict] {
            let (first, relayed) = chained("edge", signal, &bytes, mode);
            let (second, again) = chained("hub", signal, &relayed, mode);
            assert_eq!(second, 0, "{path:?} {mode:?}");
            assert!(again == relayed, "{path:?} {mode:?}: not the same twice");
            assert_eq!(holds(&relayed, "countersign.booked_by"), first > 0, "{path:?}");
            booked[signal as usize] += first;
        }
    }
    assert!(booked.iter().all(|booked| *booked > 50), "{booked:?}");
}

#[test]
fn a_mark_stands_in_the_resource_once_whatever_the_resource_looks_like() {
    let of = |attributes| Some(Resource { attributes, ..Default::default() });
    let named = vec![text("service.name", "agent"), text("process.owner", "Bob")];
    // A mark without a value marks nothing and is replaced.
    let void = vec![KeyValue { key: "countersign.booked_by".to_string(), ..Default::default() }];
    let marked = vec![text("countersign.booked_by", "far")];
    let bytes = logs(vec![None, of(named), of(void), of(marked)], judgements());
    let (booked, relayed) = chained("edge", Signal::Logs, &bytes, Scrub::Standard);
    assert_eq!(booked, 6);
    let mut shown = String::new();
    for group in ExportLogsServiceRequest::decode(&relayed[..]).unwrap().resource_logs {
        for pair in group.resource.unwrap().attributes {
            let value = pair.value.unwrap().value.unwrap();
            shown += &format!("{}={value:?} ", pair.key);
        }
        shown.push('\n');
    }
    expect_test::expect![[r#"
        countersign.booked_by=StringValue("edge") 
        countersign.booked_by=StringValue("edge") service.name=StringValue("agent") 
        countersign.booked_by=StringValue("edge") 
        countersign.booked_by=StringValue("far") 
    "#]]
    .assert_eq(&shown);
}

#[test]
fn a_resource_in_pieces_is_marked_once() {
    for (second, should) in [("service.namespace", 2), ("countersign.booked_by", 0)] {
        let mut group = Vec::new();
        for key in ["service.name", second] {
            let attributes = vec![text(key, "x")];
            put_bytes(
                &mut group,
                1,
                &Resource { attributes, ..Default::default() }.encode_to_vec(),
            );
        }
        let records = ScopeLogs { log_records: judgements(), ..Default::default() };
        put_bytes(&mut group, 2, &records.encode_to_vec());
        let mut bytes = Vec::new();
        put_bytes(&mut bytes, 1, &group);
        let (booked, relayed) = chained("edge", Signal::Logs, &bytes, Scrub::Standard);
        assert_eq!(booked, should);
        let marks = relayed.windows(21).filter(|part| *part == b"countersign.booked_by").count();
        assert_eq!(marks, 1);
        assert_eq!(chained("hub", Signal::Logs, &relayed, Scrub::Standard), (0, relayed));
    }
}

#[test]
fn judgements_on_spans_are_booked_once() {
    let name = "gen_ai.evaluation.result".to_string();
    let attributes = evaluation("review.verdict", "accepted");
    let by_span = Span { name: name.clone(), attributes: attributes.clone(), ..Default::default() };
    let mut attributes = attributes;
    attributes.push(text("reviewer", "user-42"));
    let event = span::Event { name, attributes, ..Default::default() };
    let by_event = Span { name: "GET".to_string(), events: vec![event], ..Default::default() };
    for span in [by_span, by_event] {
        let (booked, relayed) = chained("edge", Signal::Traces, &traces(span), Scrub::Standard);
        assert_eq!(booked, 1);
        assert!(!holds(&relayed, "user-42"));
        assert_eq!(chained("hub", Signal::Traces, &relayed, Scrub::Standard), (0, relayed));
    }
}

#[test]
fn bytes_that_go_as_they_came_carry_no_mark() {
    let bytes = logs(vec![None], judgements());
    let (_, relayed) = chained("edge", Signal::Logs, &bytes, Scrub::Off);
    assert_eq!(relayed, bytes);
    assert_eq!(chained("hub", Signal::Logs, &relayed, Scrub::Off).0, 2);
}

#[test]
fn what_cannot_be_scrubbed_is_refused_before_any_fact() {
    let span = Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        attributes: vec![text("gen_ai.operation.name", "chat")],
        ..Default::default()
    };
    let request = |scope: &[u8]| {
        let (mut group, mut resource_group, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
        put_bytes(&mut group, 2, &span.encode_to_vec());
        put_bytes(&mut group, 1, scope);
        put_bytes(&mut resource_group, 2, &group);
        put_bytes(&mut bytes, 1, &resource_group);
        bytes
    };
    // The attributes of a scope are walked by nobody but the scrubber.
    let (whole, broken) = (request(&[]), request(&[0x1a, 1, 0xff]));
    let read = |bytes: &[u8], out: Option<&mut Vec<u8>>| {
        let mut facts = 0;
        let mut count = |_: Fact<'_>| facts += 1;
        let relay = out.map(|out| (out, Scrub::Standard));
        let catalog = Catalog::default();
        let mut reader = Reader::default();
        let read = reader.read(Signal::Traces, bytes, RECEIVED, &catalog, &mut count, relay);
        (read.map(|outcome| outcome.accepted), facts)
    };
    let mut out = vec![7];
    assert_eq!(read(&broken, None), (Ok(1), 1));
    assert!(matches!(read(&broken, Some(&mut out)), (Err(DecodeError::Malformed(_)), 0)));
    assert_eq!(out, [7]);
    assert_eq!(read(&whole, Some(&mut out)), (Ok(1), 1));
    assert!(out.len() > 1);
}
