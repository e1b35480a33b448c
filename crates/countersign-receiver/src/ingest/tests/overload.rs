//! Too much at once, senders that go away, and a stop in the middle.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use tonic::Code;
use tonic_types::StatusExt;

use super::grpc::{TRACES, framed, send};
use super::{Site, capture, request};
use crate::ingest::Refused;
use crate::limits::{IN_FLIGHT_BYTES_MAX, REQUEST_BYTES_MAX};

const PROTOBUF: &str = "Content-Type: application/x-protobuf\r\n";

#[tokio::test]
async fn without_room_senders_are_told_to_wait() {
    let site = Site::start().await;
    let spans = capture("otel-openai-v2-embeddings/traces-001.pb");
    let mut all = site.gate.charge(&crate::access::Caller::inside());
    all.grow(IN_FLIGHT_BYTES_MAX).unwrap();
    let answer = site.raw(request("POST /v1/traces", PROTOBUF, &spans)).await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
    let (_, _, status) = send(&site, TRACES, &[], framed(0, &spans)).await;
    assert_eq!(status.code(), Code::Unavailable);
    let delay = status.get_details_retry_info().unwrap().retry_delay;
    assert_eq!(delay, Some(Duration::from_secs(1)));
    assert_eq!(site.position().await, 0);
    drop(all);
    let answer = site.raw(request("POST /v1/traces", PROTOBUF, &spans)).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(site.gate.free_bytes(), IN_FLIGHT_BYTES_MAX);
    site.close().await;
}

#[tokio::test]
async fn the_largest_request_has_room() {
    let site = Site::start().await;
    // One unknown field that fills the request.
    let mut large = vec![0x7a];
    countersign_core::decode::wire::put_varint(&mut large, REQUEST_BYTES_MAX as u64 - 5);
    large.resize(REQUEST_BYTES_MAX, 0);
    let answer = site.raw(request("POST /v1/traces", PROTOBUF, &large)).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (_, _, status) = send(&site, TRACES, &[], framed(0, &large)).await;
    assert_eq!(status.code(), Code::Ok);
    let json = format!(r#"{{"x":"{}"}}"#, "x".repeat(REQUEST_BYTES_MAX - 8));
    let headers = "Content-Type: application/json\r\n";
    let answer = site.raw(request("POST /v1/traces", headers, json.as_bytes())).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    site.close().await;
}

#[tokio::test]
async fn a_request_that_is_given_up_is_taken_whole_or_not_at_all() {
    let site = Site::start().await;
    let spans = framed(0, &capture("claude-code-agent/traces-001.pb"));
    assert_eq!(send(&site, TRACES, &[], spans.clone()).await.2.code(), Code::Ok);
    let whole = site.position().await;
    assert!(whole > 1);
    for micros in 0..60 {
        let given_up = send(&site, TRACES, &[], spans.clone());
        drop(tokio::time::timeout(Duration::from_micros(micros * 50), given_up).await);
        assert_eq!(site.position().await % whole, 0);
    }
    assert_eq!(send(&site, TRACES, &[], spans).await.2.code(), Code::Ok);
    assert_eq!(site.gate.free_bytes(), IN_FLIGHT_BYTES_MAX);
    site.close().await;
}

#[tokio::test]
async fn a_stop_lets_open_requests_finish() {
    let site = Site::start().await;
    let address = site.http;
    let (open, opened) = tokio::sync::oneshot::channel();
    let (go, gone) = std::sync::mpsc::sync_channel(1);
    let client = tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let head = "POST /v1/traces HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n";
        write!(stream, "{head}{PROTOBUF}Content-Length: 2\r\n\r\n").unwrap();
        // The answer to the expectation: the request has begun.
        let mut interim = [0; 25];
        stream.read_exact(&mut interim).unwrap();
        assert!(interim.starts_with(b"HTTP/1.1 100 Continue"));
        open.send(()).unwrap();
        gone.recv().unwrap();
        stream.write_all(&[0x7a, 0]).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    opened.await.unwrap();
    site.stop.send_replace(true);
    // The listener is closed as soon as the stop is seen.
    while let Ok(stream) = std::net::TcpStream::connect(address) {
        stream.shutdown(Shutdown::Both).ok();
        tokio::task::yield_now().await;
    }
    go.send(()).unwrap();
    let answer = client.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    site.close().await;
}

#[test]
fn every_refusal_that_may_pass_has_a_delay() {
    for refused in [Refused::Slow, Refused::Busy { retry_after_ms: 0 }, Refused::Disk] {
        assert!(refused.retry_after().unwrap() >= Duration::from_secs(1), "{refused:?}");
        assert_eq!((refused.http_status().as_u16(), refused.code()), (503, Code::Unavailable));
    }
    for refused in [Refused::TooLarge, Refused::Malformed("x".into())] {
        assert_eq!(refused.retry_after(), None);
    }
    let long = Refused::Malformed("é".repeat(1000).into());
    assert!(long.text().len() <= 256);
}
