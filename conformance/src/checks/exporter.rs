//! 101–110: what our program does as the sender, at destinations that answer as they are told.

use std::time::{Duration, SystemTime};

use countersign_receiver::clock;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use prost::Message;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::finding::{Finding, Found, expect, fails, same};
use crate::grpc_sink::GrpcSink;
use crate::otlp::{Id, is_clean, span, spans};
use crate::ours::Server;
use crate::sink::{Arrived, Sink, answer, holds};
use crate::target::{PROTOBUF, Target};
use crate::wire::http1::exchange;

const FINE: &str = "200 OK";

/// Our program with destinations: names and where they listen.
fn relaying(target: &Target, destinations: &[(&str, &Sink)], more: &str) -> Found<Server> {
    let mut text = String::from("countersign:\n  metrics:\n    interval: 200ms\nexporters:\n");
    for (name, sink) in destinations {
        text += &format!(
            "  otlphttp/{name}:\n    endpoint: http://{}\n    compression: none\n    timeout: 2s\n    \
             retry_on_failure:\n      initial_interval: 50ms\n      max_interval: 400ms\n{more}",
            sink.address
        );
    }
    target.program()?.start(&text)
}

const TRACES_ONLY: &str = "    signals: [traces]\n";

/// Gives our program one span.
fn give(target: &Target, server: &Server, id: Id) -> Found {
    give_all(target, server, &[id])
}

/// Gives our program spans in one request.
fn give_all(target: &Target, server: &Server, ids: &[Id]) -> Found {
    let body = spans(ids.iter().map(|id| span(*id)).collect());
    is_clean(exchange(server.http, &target.request("POST /v1/traces", &[PROTOBUF], &body))?)
}

fn sink(
    script: impl Fn(&Arrived, usize) -> Option<Vec<u8>> + Send + Sync + 'static,
) -> Found<Sink> {
    Ok(Sink::scripted(script)?)
}

/// What is wrong with the data is given up and counted; what is wrong with the setting is kept,
/// and somebody is told.
pub(super) fn c101_permanent_refusals_are_not_repeated(target: &Target) -> Found {
    let statuses = [400, 401, 403, 404, 413, 415, 500, 501];
    let sinks: Vec<Sink> = statuses
        .iter()
        .map(|status| {
            let refusal = answer(&format!("{status} X"), "", b"why");
            sink(move |_, _| Some(refusal.clone()))
        })
        .collect::<Found<_>>()?;
    let names: Vec<String> = statuses.iter().map(|status| format!("s{status}")).collect();
    let named: Vec<(&str, &Sink)> = names.iter().map(String::as_str).zip(&sinks).collect();
    let server = relaying(target, &named, TRACES_ONLY)?;
    let id = Id::fresh();
    give(target, &server, id)?;
    for ((name, sink), status) in named.iter().zip(statuses) {
        if [401, 403, 404].contains(&status) {
            let health = server.wait_for(name, |health| health["alarm"] == true)?;
            same(name, health["dead_lettered"].as_u64(), Some(0))?;
        } else {
            let health = server.wait_for(name, |health| health["dead_lettered"] == 1)?;
            let why = health["last_failure"].as_str().unwrap_or_default().to_owned();
            expect(why.contains(&status.to_string()), || format!("{name}: {why:?}"))?;
            let times = sink.arrived().len();
            expect(times == 1, || format!("{name}: sent {times} times"))?;
        }
    }
    Ok(())
}

/// 429, 502, 503 and 504 are tried again, after what `Retry-After` says in seconds or as a date,
/// within reason.
pub(super) fn c102_temporary_refusals_are_repeated(target: &Target) -> Found {
    type After = (&'static str, fn() -> String, std::ops::Range<u64>);
    let cases: [After; 8] = [
        ("429 X", || "Retry-After: 1\r\n".to_owned(), 950..6_000),
        ("502 X", || "Retry-After: 1\r\n".to_owned(), 950..6_000),
        ("503 X", || "Retry-After: 1\r\n".to_owned(), 950..6_000),
        ("504 X", || "Retry-After: 1\r\n".to_owned(), 950..6_000),
        ("503 X", in_two_seconds, 900..8_000),
        ("503 X", || "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n".to_owned(), 0..5_000),
        ("503 X", || "Retry-After: soon\r\n".to_owned(), 0..5_000),
        ("503 X", String::new, 0..5_000),
    ];
    let mut sinks = Vec::new();
    for (status, after, _) in &cases {
        let (status, after) = (*status, *after);
        sinks.push(sink(move |_, number| {
            Some(if number == 0 { answer(status, &after(), b"") } else { answer(FINE, "", b"") })
        })?);
    }
    // A date a century away does not stop the queue for a century, but for a while.
    let century =
        sink(|_, _| Some(answer("503 X", "Retry-After: Sat, 06 Nov 2094 08:49:37 GMT\r\n", b"")))?;
    let names: Vec<String> = (0..cases.len()).map(|number| format!("d{number}")).collect();
    let mut named: Vec<(&str, &Sink)> = names.iter().map(String::as_str).zip(&sinks).collect();
    named.push(("century", &century));
    let server = relaying(target, &named, TRACES_ONLY)?;
    let id = Id::fresh();
    give(target, &server, id)?;
    for (number, ((status, _, wait), sink)) in cases.iter().zip(&sinks).enumerate() {
        expect(sink.waits(|all| all.len() >= 2), || format!("{number}: {status} not repeated"))?;
        let all = sink.arrived();
        let waited = (all[1].at - all[0].at).as_millis() as u64;
        expect(wait.contains(&waited), || format!("{number}: {status} after {waited} ms"))?;
        expect(all[0].body == all[1].body, || format!("{number}: other bytes the second time"))?;
    }
    expect(century.waits(|all| all.len() == 1), || "nothing was sent".to_owned())?;
    same("retries that wait for the century", century.arrived().len(), 1)
}

fn in_two_seconds() -> String {
    let when = SystemTime::UNIX_EPOCH + Duration::from_nanos(clock::now()) + Duration::from_secs(2);
    format!("Retry-After: {}\r\n", httpdate::fmt_http_date(when))
}

/// A connection that breaks: the same bytes again.
pub(super) fn c103_lost_connections_are_retried(target: &Target) -> Found {
    let sink = sink(|_, number| (number >= 3).then(|| answer(FINE, "", b"")))?;
    let server = relaying(target, &[("a", &sink)], TRACES_ONLY)?;
    give(target, &server, Id::fresh())?;
    server.wait_for("a", |health| health["delivered"] == 1)?;
    let all = sink.arrived();
    expect(all.iter().all(|one| one.body == all[0].body), || "other bytes".to_owned())?;
    same("times sent", all.len(), 4)
}

/// The codes of gRPC that are tried again, and those that are not: RESOURCE_EXHAUSTED is only
/// with a delay in its details.
pub(super) fn c104_grpc_codes_have_their_meaning(target: &Target) -> Found {
    let repeated = [
        Code::Cancelled,
        Code::DeadlineExceeded,
        Code::Aborted,
        Code::OutOfRange,
        Code::Unavailable,
        Code::DataLoss,
    ];
    let given_up = [
        Code::Unknown,
        Code::InvalidArgument,
        Code::NotFound,
        Code::AlreadyExists,
        Code::ResourceExhausted,
        Code::FailedPrecondition,
        Code::Internal,
    ];
    let kept = [Code::Unauthenticated, Code::PermissionDenied, Code::Unimplemented];
    let all = [&repeated[..], &given_up, &kept].concat();
    let mut sinks = Vec::new();
    for code in &all {
        let code = *code;
        sinks.push(GrpcSink::scripted(move |number| match number {
            0 => Err(Status::new(code, "no")),
            _ => Ok(ExportTraceServiceResponse::default()),
        })?);
    }
    let delay = ErrorDetails::with_retry_info(Some(Duration::from_secs(1)));
    sinks.push(GrpcSink::scripted(move |number| match number {
        0 => Err(Status::with_error_details(Code::ResourceExhausted, "later", delay.clone())),
        _ => Ok(ExportTraceServiceResponse::default()),
    })?);
    let mut text = String::from("exporters:\n");
    for (number, sink) in sinks.iter().enumerate() {
        text += &format!(
            "  otlp/g{number}:\n    endpoint: http://{}\n    signals: [traces]\n    \
             retry_on_failure:\n      initial_interval: 50ms\n      max_interval: 400ms\n",
            sink.address
        );
    }
    let server = target.program()?.start(&text)?;
    give(target, &server, Id::fresh())?;
    for (number, code) in all.iter().enumerate() {
        let name = format!("g{number}");
        let wanted = |health: &serde_json::Value| {
            if given_up.contains(code) {
                health["dead_lettered"] == 1 && health["retries"] == 0
            } else {
                health["delivered"] == 1 && health["dead_lettered"] == 0
            }
        };
        if let Err(finding) = server.wait_for(&name, wanted) {
            return fails(format!("{code:?}: {finding:?}"));
        }
    }
    let last = sinks.len() - 1;
    server.wait_for(&format!("g{last}"), |health| health["delivered"] == 1)?;
    let calls = sinks[last].calls();
    let waited = calls[1] - calls[0];
    expect(waited >= Duration::from_millis(950), || format!("again after {waited:?}"))
}

/// Some records refused: counted, and never sent again.
pub(super) fn c105_partial_success_is_not_repeated(target: &Target) -> Found {
    // partial_success { rejected_spans: 1, error_message: "no" }
    let body = [0x0a, 6, 0x08, 1, 0x12, 2, b'n', b'o'];
    let sink = sink(move |_, _| Some(answer(FINE, "", &body)))?;
    let server = relaying(target, &[("a", &sink)], TRACES_ONLY)?;
    give(target, &server, Id::fresh())?;
    let health = server.wait_for("a", |health| health["delivered"] == 1)?;
    same("refused records", health["refused_records"].as_u64(), Some(1))?;
    let last = Id::fresh();
    give(target, &server, last)?;
    expect(sink.gets(&last.span()), || "the next request is not sent".to_owned())?;
    same("times sent", sink.arrived().len(), 2)
}

/// Answers that are too long, too slow, packed bombs or garbage: bounded, and a success stays one.
pub(super) fn c106_answers_are_not_trusted(target: &Target) -> Found {
    let garbage = sink(|_, _| Some(answer(FINE, "", b"\xff\xff<html>")))?;
    let long = sink(|_, _| Some(answer(FINE, "", &vec![0xff; 64 << 20])))?;
    let bomb = sink(|_, _| {
        let zeros = vec![0; 32 << 20];
        Some(answer(FINE, "content-encoding: gzip\r\n", &crate::otlp::gzip(&zeros)))
    })?;
    let endless =
        sink(|_, _| Some(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nx".to_vec()))?;
    let named = [("garbage", &garbage), ("long", &long), ("bomb", &bomb), ("endless", &endless)];
    let server = relaying(target, &named, TRACES_ONLY)?;
    let before = server.memory_now()?;
    give(target, &server, Id::fresh())?;
    for name in ["garbage", "long", "bomb"] {
        let health = server.wait_for(name, |health| health["delivered"] == 1)?;
        same(name, health["retries"].as_u64(), Some(0))?;
    }
    // What does not end runs into the time limit; then it was a success or is tried again.
    server.wait_for("endless", |health| {
        health["delivered"] == 1 || health["retries"].as_u64() >= Some(1)
    })?;
    let more = server.peak_memory()?.saturating_sub(before);
    expect(more < 48 << 20, || format!("{} MiB for answers", more >> 20))
}

/// Waits grow, with jitter, for as long as it takes; nobody else waits.
pub(super) fn c107_waits_grow_and_never_end(target: &Target) -> Found {
    let down = sink(|_, number| {
        Some(if number < 25 { answer("503 X", "", b"") } else { answer(FINE, "", b"") })
    })?;
    let fine = sink(|_, _| Some(answer(FINE, "", b"")))?;
    let server = relaying(target, &[("down", &down), ("fine", &fine)], TRACES_ONLY)?;
    let id = Id::fresh();
    give(target, &server, id)?;
    server.wait_for("fine", |health| health["delivered"] == 1)?;
    let last = Id::fresh();
    give(target, &server, last)?;
    expect(fine.gets(&last.span()), || "one destination waits for the other".to_owned())?;
    expect(down.gets(&last.span()), || "it is given up while the other is away".to_owned())?;
    let all = down.arrived();
    let waits: Vec<u128> = all.windows(2).map(|two| (two[1].at - two[0].at).as_millis()).collect();
    let (first, later) = waits[..25.min(waits.len())].split_at(4);
    let mean = |waits: &[u128]| waits.iter().sum::<u128>() / waits.len().max(1) as u128;
    expect(mean(later) > mean(first) / 2 && mean(later) >= 60, || format!("waits: {waits:?}"))?;
    let even = later.iter().all(|wait| wait.abs_diff(later[0]) < 10);
    expect(!even, || format!("no jitter: {waits:?}"))
}

/// A redirect is not followed, and credentials go nowhere else.
pub(super) fn c108_redirects_are_not_followed(target: &Target) -> Found {
    let elsewhere = sink(|_, _| Some(answer(FINE, "", b"")))?;
    let address = elsewhere.address;
    let mut sinks = Vec::new();
    for status in ["301 X", "302 X", "307 X", "308 X"] {
        let location = format!("Location: http://{address}/v1/traces\r\n");
        sinks.push(sink(move |_, _| Some(answer(status, &location, b"")))?);
    }
    let names = ["a", "b", "c", "d"];
    let named: Vec<(&str, &Sink)> = names.into_iter().zip(&sinks).collect();
    let more = format!("{TRACES_ONLY}    headers:\n      authorization: Bearer secret\n");
    let server = relaying(target, &named, &more)?;
    give(target, &server, Id::fresh())?;
    for name in names {
        server.wait_for(name, |health| health["alarm"] == true)?;
    }
    let sent = sinks.iter().all(|sink| sink.arrived()[0].head.contains("Bearer secret"));
    expect(sent, || "the header is not sent to its own destination".to_owned())?;
    same("requests elsewhere", elsewhere.arrived().len(), 0)
}

/// 413: half of it, and half of that, down to one record.
pub(super) fn c109_too_large_batches_are_split(target: &Target) -> Found {
    let poison = Id::fresh();
    let poisonous = poison.span();
    let sink = sink(move |arrived, _| {
        let count = ExportTraceServiceRequest::decode(&*arrived.body).map_or(99, count_spans);
        let refused = count > 3 || holds(&arrived.body, &poisonous);
        Some(answer(if refused { "413 X" } else { FINE }, "", b""))
    })?;
    let server = relaying(target, &[("a", &sink)], TRACES_ONLY)?;
    let mut ids: Vec<Id> = (0..20).map(|_| Id::fresh()).collect();
    ids.push(poison);
    give_all(target, &server, &ids)?;
    let health = server.wait_for("a", |health| health["dead_lettered"] == 1)?;
    let last = Id::fresh();
    give(target, &server, last)?;
    expect(sink.gets(&last.span()), || format!("the queue stands still: {health}"))?;
    let taken: Vec<Vec<u8>> = sink
        .arrived()
        .iter()
        .filter(|one| {
            let count = ExportTraceServiceRequest::decode(&*one.body).map_or(99, count_spans);
            count <= 3 && !holds(&one.body, &poisonous)
        })
        .map(|one| one.body.clone())
        .collect();
    for id in ids.iter().filter(|id| **id != poison) {
        let times = taken.iter().filter(|body| holds(body, &id.span())).count();
        expect(times == 1, || format!("a good span is taken {times} times"))?;
    }
    Ok(())
}

fn count_spans(request: ExportTraceServiceRequest) -> usize {
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    scopes.map(|scope| scope.spans.len()).sum()
}

/// Points of a stream come one after the other, and their times rise.
pub(super) fn c110_points_rise_in_time(target: &Target) -> Found {
    // Slow answers: a second push would overtake the first.
    let sink = sink(|_, number| {
        std::thread::sleep(Duration::from_millis(if number.is_multiple_of(2) { 500 } else { 0 }));
        let failed = number % 5 == 3;
        Some(answer(if failed { "503 X" } else { FINE }, "", b""))
    })?;
    let server = relaying(target, &[("a", &sink)], "    signals: [metrics]\n")?;
    // Something that is counted: a call.
    let call =
        target.request("POST /v1/traces", &[PROTOBUF], &super::billed_call(Id::fresh(), "t"));
    is_clean(exchange(server.http, &call)?)?;
    let pushed = |all: &[Arrived]| all.iter().filter(|one| one.path == "/v1/metrics").count();
    expect(sink.waits(|all| pushed(all) >= 8), || {
        let paths: Vec<_> = sink.arrived().into_iter().map(|one| one.path).collect();
        format!("too few pushes: {paths:?}")
    })?;
    let mut last = std::collections::BTreeMap::new();
    for one in sink.arrived() {
        let request = ExportMetricsServiceRequest::decode(&*one.body)
            .map_err(|error| Finding::Fails(error.to_string()))?;
        for (stream, time) in streams(&request) {
            let before = last.insert(stream.clone(), time);
            if before.is_some_and(|before| before >= time) {
                return fails(format!("{stream}: {time} behind {before:?}"));
            }
        }
    }
    expect(!last.is_empty(), || "no points".to_owned())
}

/// Each point's stream and time.
fn streams(request: &ExportMetricsServiceRequest) -> Vec<(String, u64)> {
    let scopes = request.resource_metrics.iter().flat_map(|it| &it.scope_metrics);
    let mut points = Vec::new();
    for metric in scopes.flat_map(|scope| &scope.metrics) {
        let name = |attributes: &dyn std::fmt::Debug| format!("{} {attributes:?}", metric.name);
        match &metric.data {
            Some(Data::Sum(sum)) => {
                points.extend(
                    sum.data_points.iter().map(|it| (name(&it.attributes), it.time_unix_nano)),
                );
            }
            Some(Data::Gauge(gauge)) => {
                points.extend(
                    gauge.data_points.iter().map(|it| (name(&it.attributes), it.time_unix_nano)),
                );
            }
            Some(Data::ExponentialHistogram(all)) => {
                points.extend(
                    all.data_points.iter().map(|it| (name(&it.attributes), it.time_unix_nano)),
                );
            }
            _ => {}
        }
    }
    points
}
