//! Answers to export requests, in the encoding of the request.

use axum::body::Body;
use axum::response::Response;
use countersign_core::decode::wire::{put_bytes, put_varint};
use countersign_core::dialect::Signal;
use http::{HeaderName, HeaderValue, StatusCode, header};
use prost::Message;
use serde_json::json;
use tonic::Code;
use tonic_types::pb;

use super::gate::{Spelling, Taken};
use super::refused::Refused;

/// Where the books stand after a request: header over HTTP, metadata over gRPC.
pub(super) const POSITION: &str = "countersign-position";

const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// An `Export*ServiceResponse`: empty, or with its `partial_success`.
pub(super) fn response_message(taken: &Taken) -> Vec<u8> {
    let mut message = Vec::new();
    if taken.rejected == 0 && taken.message.is_empty() {
        return message;
    }
    let mut partial = Vec::new();
    // int64 rejected_* = 1, string error_message = 2; the same numbers for each signal.
    if taken.rejected > 0 {
        put_varint(&mut partial, 1 << 3);
        put_varint(&mut partial, taken.rejected);
    }
    if !taken.message.is_empty() {
        put_bytes(&mut partial, 2, taken.message.as_bytes());
    }
    put_bytes(&mut message, 1, &partial);
    message
}

fn response_json(signal: Signal, taken: &Taken) -> Vec<u8> {
    if taken.rejected == 0 && taken.message.is_empty() {
        return b"{}".to_vec();
    }
    let rejected = match signal {
        Signal::Traces => "rejectedSpans",
        Signal::Logs => "rejectedLogRecords",
        Signal::Metrics => "rejectedDataPoints",
    };
    let count = taken.rejected.to_string();
    json!({"partialSuccess": {rejected: count, "errorMessage": taken.message}})
        .to_string()
        .into_bytes()
}

/// The answer to a request that was taken.
pub(super) fn taken(signal: Signal, spelling: Spelling, taken: &Taken) -> Response {
    let (kind, body) = match spelling {
        Spelling::Protobuf => (PROTOBUF, response_message(taken)),
        Spelling::Json => (JSON, response_json(signal, taken)),
    };
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response.headers_mut().insert(POSITION, taken.position.into());
    response
}

/// The answer to a request that was refused.
pub(super) fn refused(spelling: Spelling, refused: &Refused) -> Response {
    let text = refused.text();
    let mut details = Vec::new();
    if let Refused::Malformed(_) = refused {
        details.push(Detail::BadRequest);
    }
    let retry_after = refused.retry_after();
    if let Some(delay) = retry_after {
        details.push(Detail::RetryInfo(delay));
    }
    let mut response = status(spelling, refused.http_status(), refused.code(), &text, &details);
    let headers = response.headers_mut();
    if let Some(delay) = retry_after {
        headers.insert(header::RETRY_AFTER, delay.as_secs().max(1).into());
    }
    if matches!(refused, Refused::TooLarge | Refused::Slow) {
        // The rest of the body is not worth reading.
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// A refusal that has nothing to do with the body: path, method, headers.
pub(super) fn plain(
    spelling: Spelling,
    http: StatusCode,
    code: Code,
    text: &str,
    header: Option<(HeaderName, HeaderValue)>,
) -> Response {
    let mut response = status(spelling, http, code, text, &[]);
    if let Some((name, value)) = header {
        response.headers_mut().insert(name, value);
    }
    response
}

/// A refusal for now, before the body is read.
pub(super) fn later(
    spelling: Spelling,
    http: StatusCode,
    code: Code,
    text: &str,
    delay: std::time::Duration,
) -> Response {
    let mut response = status(spelling, http, code, text, &[Detail::RetryInfo(delay)]);
    response.headers_mut().insert(header::RETRY_AFTER, delay.as_secs().max(1).into());
    response
}

enum Detail {
    BadRequest,
    RetryInfo(std::time::Duration),
}

const BAD_REQUEST: &str = "type.googleapis.com/google.rpc.BadRequest";
const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// A `google.rpc.Status`, as OTLP wants it for every refusal.
fn status(
    spelling: Spelling,
    http: StatusCode,
    code: Code,
    text: &str,
    details: &[Detail],
) -> Response {
    let (kind, body) = match spelling {
        Spelling::Protobuf => (PROTOBUF, status_message(code, text, details)),
        Spelling::Json => {
            let details: Vec<_> = details
                .iter()
                .map(|detail| match detail {
                    Detail::BadRequest => json!({
                        "@type": BAD_REQUEST,
                        "fieldViolations": [{"field": "body", "description": text}],
                    }),
                    Detail::RetryInfo(delay) => json!({
                        "@type": RETRY_INFO,
                        "retryDelay": format!("{}s", delay.as_secs_f64()),
                    }),
                })
                .collect();
            let mut status = json!({"code": code as i32, "message": text});
            if let (false, Some(status)) = (details.is_empty(), status.as_object_mut()) {
                status.insert("details".into(), details.into());
            }
            (JSON, status.to_string().into_bytes())
        }
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = http;
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn status_message(code: Code, text: &str, details: &[Detail]) -> Vec<u8> {
    let mut bytes =
        pb::Status { code: code as i32, message: text.to_owned(), details: vec![] }.encode_to_vec();
    for detail in details {
        let (kind, value) = match detail {
            Detail::BadRequest => {
                let violation = pb::bad_request::FieldViolation {
                    field: "body".to_owned(),
                    description: text.to_owned(),
                    ..Default::default()
                };
                let detail = pb::BadRequest { field_violations: vec![violation] };
                (BAD_REQUEST, detail.encode_to_vec())
            }
            Detail::RetryInfo(delay) => {
                // google.protobuf.Duration { seconds = 1, nanos = 2 } as RetryInfo's field 1.
                let mut duration = Vec::new();
                put_varint(&mut duration, 1 << 3);
                put_varint(&mut duration, delay.as_secs());
                put_varint(&mut duration, 2 << 3);
                put_varint(&mut duration, delay.subsec_nanos().into());
                let mut detail = Vec::new();
                put_bytes(&mut detail, 1, &duration);
                (RETRY_INFO, detail)
            }
        };
        // google.protobuf.Any { type_url = 1, value = 2 } as the status' field 3.
        let mut any = Vec::new();
        put_bytes(&mut any, 1, kind.as_bytes());
        put_bytes(&mut any, 2, &value);
        put_bytes(&mut bytes, 3, &any);
    }
    bytes
}
