//! Requests written down as text, and a check that they count once, in any order, and that
//! their content stays behind.

use std::collections::BTreeMap;

use countersign_core::dialect::{Reader, Scrub, Settings, Signal};
use countersign_core::price::Catalog;
use countersign_core::settle::{Books, Totals};
use expect_test::Expect;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value::StringValue;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::Event;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;

use crate::otlp::{Is, attribute};

const NOW: u64 = 1_795_320_000_000_000_000;

/// Requests, one for each span or log record of a text.
///
/// `span SCOPE TRACE SPAN PARENT NAME…`, `error` in place of `span` for a failed one, `log
/// SCOPE BODY…`; below it, indented, `key = value` and `event NAME key = value`. Values are
/// numbers, or else texts, in quotes if they look like numbers.
fn requests(text: &str) -> Vec<(Signal, Vec<u8>)> {
    let mut requests = Vec::new();
    for block in blocks(text) {
        let mut words = block[0].splitn(6, ' ');
        let what = words.next().unwrap();
        let scope = InstrumentationScope {
            name: words.next().unwrap().to_owned(),
            ..InstrumentationScope::default()
        };
        let resource = Some(Resource {
            attributes: vec![attribute("service.name", Is::Text("agent"))],
            ..Resource::default()
        });
        if what == "log" {
            let body = words.collect::<Vec<_>>().join(" ");
            let record = LogRecord {
                time_unix_nano: NOW,
                body: Some(AnyValue { value: Some(StringValue(body)) }),
                attributes: block[1..].iter().map(|line| key_value(line)).collect(),
                ..LogRecord::default()
            };
            let scope_logs = vec![ScopeLogs {
                scope: Some(scope),
                log_records: vec![record],
                ..ScopeLogs::default()
            }];
            let logs = ResourceLogs { resource, scope_logs, ..ResourceLogs::default() };
            let request = ExportLogsServiceRequest { resource_logs: vec![logs] };
            requests.push((Signal::Logs, request.encode_to_vec()));
            continue;
        }
        let span = span(what == "error", &mut words, &block[1..]);
        let scope_spans =
            vec![ScopeSpans { scope: Some(scope), spans: vec![span], ..ScopeSpans::default() }];
        let spans = ResourceSpans { resource, scope_spans, ..ResourceSpans::default() };
        let request = ExportTraceServiceRequest { resource_spans: vec![spans] };
        requests.push((Signal::Traces, request.encode_to_vec()));
    }
    requests
}

fn blocks(text: &str) -> Vec<Vec<&str>> {
    let mut blocks: Vec<Vec<&str>> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let line = line.trim();
        match line.split(' ').next() {
            Some("span" | "error" | "log") => blocks.push(vec![line]),
            _ => blocks.last_mut().unwrap().push(line),
        }
    }
    blocks
}

fn span<'t>(failed: bool, words: &mut impl Iterator<Item = &'t str>, lines: &[&str]) -> Span {
    let mut number = || words.next().unwrap().parse::<u64>().unwrap();
    let (trace, own, parent) = (number(), number(), number());
    let parent = if parent == 0 { Vec::new() } else { parent.to_be_bytes().to_vec() };
    let (events, attributes): (Vec<_>, Vec<_>) =
        lines.iter().partition(|line| line.starts_with("event "));
    let event = |line: &&str| {
        let (name, attribute) = line["event ".len()..].split_once(' ').unwrap();
        let attributes = vec![key_value(attribute)];
        Event { time_unix_nano: NOW, name: name.to_owned(), attributes, ..Event::default() }
    };
    Span {
        trace_id: u128::from(trace).to_be_bytes().to_vec(),
        span_id: own.to_be_bytes().to_vec(),
        parent_span_id: parent,
        name: words.next().unwrap_or("work").to_owned(),
        kind: 1,
        start_time_unix_nano: NOW - 2_000_000_000 + own * 1_000_000,
        end_time_unix_nano: NOW - 1_000_000_000 + own * 1_000_000,
        attributes: attributes.into_iter().map(key_value).collect(),
        events: events.iter().map(event).collect(),
        status: failed.then(|| Status { code: 2, ..Status::default() }),
        ..Span::default()
    }
}

fn key_value(line: &str) -> opentelemetry_proto::tonic::common::v1::KeyValue {
    let (key, value) = line.split_once(" = ").unwrap();
    attribute(
        key,
        match value.parse() {
            Ok(count) => Is::Count(count),
            Err(_) => {
                let inner = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\''));
                Is::Owned(inner.unwrap_or(value).to_owned())
            }
        },
    )
}

fn totals<'r>(requests: impl Iterator<Item = &'r (Signal, Vec<u8>)>) -> Totals {
    let mut reader = Reader::new(Settings::default());
    let mut books = Books::new(countersign_core::settle::Settings::default());
    let (catalog, mut deltas, mut now) = (Catalog::default(), Vec::new(), NOW);
    for (signal, bytes) in requests {
        now += 50_000_000;
        let mut apply = |fact: countersign_core::fact::Fact<'_>| {
            books.apply(now, &fact, &mut deltas);
        };
        let mut relayed = Vec::new();
        let relay = Some((&mut relayed, Scrub::Standard));
        reader.read(*signal, bytes, now, &catalog, &mut apply, relay).unwrap();
        let leaks = relayed.windows(7).any(|window| window == b"SECRET-");
        assert!(!leaks, "content in {}", String::from_utf8_lossy(&relayed));
    }
    books.tick(now + 600_000_000_000, &mut deltas);
    books.totals().clone()
}

fn shown(totals: &Totals) -> String {
    let usage = &totals.usage;
    let mut shown = format!("{} calls", totals.calls_ok);
    let parts = [
        ("failed", totals.calls_failed),
        ("in", usage.input),
        ("read", usage.cache_read),
        ("write", usage.cache_write),
        ("out", usage.output),
        ("reasoning", usage.reasoning),
        ("unknown", totals.unknown_usage_calls),
    ];
    for (what, count) in parts.into_iter().filter(|(_, count)| *count > 0) {
        shown += &format!(", {count} {what}");
    }
    shown
}

/// Checks what the requests count to, in every order that turning and reversing gives, each
/// once and twice.
pub(crate) fn check(text: &str, expected: &Expect) {
    let requests = requests(text);
    let in_order = totals(requests.iter());
    expected.assert_eq(&shown(&in_order));
    let mut others = BTreeMap::new();
    for turn in 0..requests.len() {
        let (head, tail) = requests.split_at(turn);
        let turned = || tail.iter().chain(head);
        others.insert(format!("turned by {turn}"), totals(turned()));
        others.insert(format!("turned by {turn} and reversed"), totals(turned().rev()));
        let twice = turned().flat_map(|request| [request, request]);
        others.insert(format!("turned by {turn}, each twice"), totals(twice));
        others.insert(format!("turned by {turn}, all twice"), totals(turned().chain(turned())));
    }
    for (how, other) in others {
        assert_eq!(shown(&other), shown(&in_order), "{how} of {text}");
    }
}
