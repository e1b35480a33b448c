//! OTLP over HTTP, request by request.

use expect_test::{Expect, expect};
use prost::Message;

use super::{HALF_GOOD, Site, capture, gzip, pretty, request};
use crate::limits::REQUEST_BYTES_MAX;

/// Status, the headers that matter, and the body.
fn shown(answer: &str) -> String {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let mut lines = head.lines();
    let mut shown = lines.next().unwrap_or_default().to_owned();
    let told = ["allow", "accept", "accept-encoding", "content-type", "retry-after"];
    for line in lines {
        let name = line.split(':').next().unwrap_or_default();
        if told.contains(&name) {
            shown = format!("{shown}\n{line}");
        }
    }
    format!("{shown}\n{}\n", pretty(body))
}

async fn check(site: &Site, head: &str, headers: &str, body: &[u8], expected: Expect) {
    expected.assert_eq(&shown(&site.raw(request(head, headers, body)).await));
}

async fn status(site: &Site, headers: &str, body: &[u8]) -> String {
    let answer = site.raw(request("POST /v1/traces", headers, body)).await;
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

const JSON: &str = "Content-Type: application/json\r\n";
const PROTOBUF: &str = "Content-Type: application/x-protobuf\r\n";

#[tokio::test]
async fn good_requests_get_what_otlp_says() {
    let site = Site::start().await;
    let spans = capture("otel-openai-v2-embeddings/traces-001.pb");
    let answer = site.raw(request("POST /v1/traces", PROTOBUF, &spans)).await;
    assert!(answer.contains("countersign-position: "), "{answer}");
    let after = site.position().await;
    assert!(answer.contains(&format!("countersign-position: {after}\r\n")), "{answer}");
    expect![[r#"
        HTTP/1.1 200 OK
        content-type: application/x-protobuf

    "#]]
    .assert_eq(&shown(&answer));
    check(
        &site,
        "POST /v1/traces",
        JSON,
        b"{}",
        expect![[r#"
        HTTP/1.1 200 OK
        content-type: application/json
        {}
    "#]],
    )
    .await;
    for (headers, body) in [
        (PROTOBUF, &b""[..]),
        ("content-type: Application/JSON; charset=utf-8\r\n", b"{}"),
        ("Content-Type: application/json\r\nContent-Encoding: identity\r\n", b"{}"),
        ("Content-Type: application/json\r\nContent-Encoding: GZIP\r\n", &gzip(b"{}")),
        (
            "Content-Type: application/json\r\nContent-Encoding: gzip\r\n",
            &[gzip(b"{\"resource"), gzip(b"Spans\":[]}")].concat(),
        ),
    ] {
        assert_eq!(status(&site, headers, body).await, "200", "{headers}");
    }
    for (path, file) in [
        ("POST /v1/logs", "claude-code-json/logs-001.json"),
        ("POST /v1/metrics", "claude-code-json/metrics-001.json"),
        ("POST /v1/traces", "claude-code-json/traces-001.json"),
    ] {
        let answer = site.raw(request(path, JSON, &capture(file))).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    }
    site.close().await;
}

#[tokio::test]
async fn a_request_sent_again_changes_nothing() {
    let site = Site::start().await;
    let spans = capture("otel-openai-v2-embeddings/traces-001.pb");
    for _ in 0..3 {
        assert_eq!(status(&site, PROTOBUF, &spans).await, "200");
    }
    // A task of its own for each trace, however often it came.
    let traces = {
        use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
        let request = ExportTraceServiceRequest::decode(&*spans).unwrap();
        let scopes = request.resource_spans.iter().flat_map(|it| &it.scope_spans);
        let ids: std::collections::BTreeSet<_> =
            scopes.flat_map(|it| &it.spans).map(|it| it.trace_id.clone()).collect();
        ids.len() as u64
    };
    let tasks: u64 = site.totals().await.tasks.iter().sum();
    assert!(tasks <= traces, "{tasks} tasks from {traces} traces");
    site.close().await;
}

#[tokio::test]
async fn bad_records_are_counted_and_the_rest_is_taken() {
    let site = Site::start().await;
    check(
        &site,
        "POST /v1/traces",
        JSON,
        HALF_GOOD.as_bytes(),
        expect![[r#"
        HTTP/1.1 200 OK
        content-type: application/json
        {
          "partialSuccess": {
            "errorMessage": "records without a valid id",
            "rejectedSpans": "1"
          }
        }
    "#]],
    )
    .await;
    let repaired =
        r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityText":"\ud800"}]}]}]}"#;
    check(
        &site,
        "POST /v1/logs",
        JSON,
        repaired.as_bytes(),
        expect![[r#"
        HTTP/1.1 200 OK
        content-type: application/json
        {
          "partialSuccess": {
            "errorMessage": "some values were repaired or left out",
            "rejectedLogRecords": "0"
          }
        }
    "#]],
    )
    .await;
    site.close().await;
}

#[tokio::test]
async fn refusals_say_what_is_expected() {
    let site = Site::start().await;
    let traces = "POST /v1/traces";
    check(
        &site,
        traces,
        JSON,
        b"",
        expect![[r#"
        HTTP/1.1 400 Bad Request
        content-type: application/json
        {
          "code": 3,
          "details": [
            {
              "@type": "type.googleapis.com/google.rpc.BadRequest",
              "fieldViolations": [
                {
                  "description": "not valid JSON at byte 0",
                  "field": "body"
                }
              ]
            }
          ],
          "message": "not valid JSON at byte 0"
        }
    "#]],
    )
    .await;
    let answer = site.raw_bytes(request(traces, PROTOBUF, &[0xff, 0xff])).await;
    let body = answer.windows(4).position(|part| part == b"\r\n\r\n").unwrap() + 4;
    let said = tonic_types::pb::Status::decode(&answer[body..]).unwrap();
    assert_eq!((said.code, &*said.message), (3, "not an OTLP request at byte 0"));
    assert!(said.details[0].type_url.ends_with("google.rpc.BadRequest"));
    check(
        &site,
        traces,
        "",
        b"{}",
        expect![[r#"
        HTTP/1.1 415 Unsupported Media Type
        content-type: application/json
        accept: application/x-protobuf, application/json
        {
          "code": 3,
          "message": "Content-Type: expected application/x-protobuf or application/json"
        }
    "#]],
    )
    .await;
    check(
        &site,
        traces,
        "Content-Type: text/plain\r\n",
        b"{}",
        expect![[r#"
        HTTP/1.1 415 Unsupported Media Type
        content-type: application/json
        accept: application/x-protobuf, application/json
        {
          "code": 3,
          "message": "Content-Type: expected application/x-protobuf or application/json"
        }
    "#]],
    )
    .await;
    check(
        &site,
        "GET /v1/traces",
        "",
        b"",
        expect![[r#"
        HTTP/1.1 405 Method Not Allowed
        content-type: application/json
        allow: POST
        {
          "code": 12,
          "message": "method not allowed: expected POST"
        }
    "#]],
    )
    .await;
    check(
        &site,
        "POST /v1/traces/",
        JSON,
        b"{}",
        expect![[r#"
        HTTP/1.1 404 Not Found
        content-type: application/json
        {
          "code": 12,
          "message": "no such path: expected /v1/traces, /v1/logs, /v1/metrics or /v1/verdicts"
        }
    "#]],
    )
    .await;
    let coded = |coding: &str| format!("{JSON}Content-Encoding: {coding}\r\n");
    check(
        &site,
        traces,
        &coded("br"),
        b"{}",
        expect![[r#"
        HTTP/1.1 415 Unsupported Media Type
        content-type: application/json
        accept-encoding: gzip
        {
          "code": 3,
          "message": "Content-Encoding: expected gzip or identity"
        }
    "#]],
    )
    .await;
    check(
        &site,
        traces,
        &coded("gzip"),
        b"{}",
        expect![[r#"
        HTTP/1.1 400 Bad Request
        content-type: application/json
        {
          "code": 3,
          "details": [
            {
              "@type": "type.googleapis.com/google.rpc.BadRequest",
              "fieldViolations": [
                {
                  "description": "the body is not valid gzip",
                  "field": "body"
                }
              ]
            }
          ],
          "message": "the body is not valid gzip"
        }
    "#]],
    )
    .await;
    for path in ["POST //v1/traces", "POST /V1/TRACES", "POST /", "GET /metrics"] {
        let answer = site.raw(request(path, JSON, b"{}")).await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
    let packed = gzip(b"{}");
    let cut = packed.get(..packed.len() - 1).unwrap();
    assert_eq!(status(&site, &coded("gzip"), cut).await, "400");
    let more = [&*packed, b"more"].concat();
    assert_eq!(status(&site, &coded("gzip"), &more).await, "400");
    assert_eq!(status(&site, &coded("gzip, gzip"), &packed).await, "415");
    let origin = format!("{JSON}Origin: https://example.com\r\n");
    assert_eq!(status(&site, &origin, b"{}").await, "403");
    site.close().await;
}

#[tokio::test]
async fn what_is_too_large_is_not_read() {
    let site = Site::start().await;
    let length = REQUEST_BYTES_MAX + 1;
    let declared = format!(
        "POST /v1/traces HTTP/1.1\r\nHost: x\r\n{PROTOBUF}Content-Length: {length}\r\n\r\n"
    );
    let answer = site.raw(declared.into_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    let bomb = gzip(&vec![0; length]);
    let coded = format!("{PROTOBUF}Content-Encoding: gzip\r\n");
    assert_eq!(status(&site, &coded, &bomb).await, "413");
    // 64 MiB of empty spans in 64 KiB.
    let spans = "\u{12}\u{0}".repeat(8 << 20).into_bytes();
    let mut request = Vec::new();
    countersign_core::decode::wire::put_bytes(&mut request, 2, &spans);
    let mut outer = Vec::new();
    countersign_core::decode::wire::put_bytes(&mut outer, 1, &request);
    let fate = status(&site, &coded, &gzip(&outer)).await;
    assert!(["413", "200"].contains(&fate.as_str()), "{fate}");
    let heads = "X-A: b\r\n".repeat(200);
    assert_eq!(status(&site, &heads, b"{}").await, "431");
    let long = format!("X-A: {}\r\n", "b".repeat(20 << 10));
    assert_eq!(status(&site, &long, b"{}").await, "431");
    site.close().await;
}
