//! Requests as the checks need them, in protobuf and in JSON.

use std::io::Write;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use countersign_receiver::clock;
use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use serde_json::Value;
use tonic_types::pb;

use crate::finding::{Finding, Found, expect, same};
use crate::wire::http1::Answer;

/// An id that nobody has used yet: a trace's and its span's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id(u64);

impl Id {
    /// The next one.
    #[must_use]
    pub fn fresh() -> Id {
        static BEGIN: LazyLock<u64> = LazyLock::new(clock::now);
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Id(*BEGIN + NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The span's.
    #[must_use]
    pub fn span(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    /// The trace's.
    #[must_use]
    pub fn trace(self) -> [u8; 16] {
        (u128::from(self.0) << 64 | u128::from(self.0)).to_be_bytes()
    }

    /// The span's in hexadecimal.
    #[must_use]
    pub fn span_hex(self) -> String {
        format!("{:016x}", self.0)
    }

    /// The trace's in hexadecimal.
    #[must_use]
    pub fn trace_hex(self) -> String {
        format!("{:016x}{:016x}", self.0, self.0)
    }
}

/// A span.
#[must_use]
pub fn span(id: Id) -> Span {
    Span {
        trace_id: id.trace().to_vec(),
        span_id: id.span().to_vec(),
        name: "checked".to_owned(),
        kind: 2,
        start_time_unix_nano: clock::now() - 1_000_000,
        end_time_unix_nano: clock::now(),
        ..Span::default()
    }
}

/// A request with these spans.
#[must_use]
pub fn spans(spans: Vec<Span>) -> Vec<u8> {
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

/// A request with one good span.
#[must_use]
pub fn one_span(id: Id) -> Vec<u8> {
    spans(vec![span(id)])
}

/// The same in JSON, with more members.
#[must_use]
pub fn json_span(id: Id, more: &str) -> String {
    let (trace, span) = (id.trace_hex(), id.span_hex());
    let comma = if more.is_empty() { "" } else { "," };
    format!(r#"{{"traceId":"{trace}","spanId":"{span}","name":"checked"{comma}{more}}}"#)
}

/// A request with spans in JSON.
#[must_use]
pub fn json_spans(spans: &str) -> String {
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{spans}]}}]}}]}}"#)
}

/// Appends a length-delimited field.
pub fn put(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    prost::encoding::encode_key(number, prost::encoding::WireType::LengthDelimited, out);
    prost::encoding::encode_varint(bytes.len() as u64, out);
    out.extend(bytes);
}

/// A request around the bytes of one span.
#[must_use]
pub fn around(span: &[u8]) -> Vec<u8> {
    let (mut scope, mut resource, mut request) = (Vec::new(), Vec::new(), Vec::new());
    put(&mut scope, 2, span);
    put(&mut resource, 2, &scope);
    put(&mut request, 1, &resource);
    request
}

/// Packs bytes.
#[must_use]
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::default());
    writer.write_all(bytes).expect("a Vec takes all");
    writer.finish().expect("a Vec takes all")
}

/// What an answer says beside its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partial {
    /// Records that were refused.
    pub rejected: i64,
    /// Why, or another warning.
    pub message: String,
}

/// The `partial_success` of an answer in protobuf; the signals have it in the same fields.
pub fn partial(body: &[u8]) -> Found<Partial> {
    let response = ExportTraceServiceResponse::decode(body)
        .map_err(|error| Finding::Fails(format!("the answer is no response: {error}")))?;
    let partial = response.partial_success.unwrap_or_default();
    Ok(Partial { rejected: partial.rejected_spans, message: partial.error_message })
}

/// The same of an answer in JSON.
pub fn json_partial(answer: &Answer) -> Found<Partial> {
    let body: Value = serde_json::from_slice(&answer.body)
        .map_err(|error| Finding::Fails(format!("the answer is no JSON: {error}")))?;
    let partial = &body["partialSuccess"];
    let rejected = ["rejectedSpans", "rejectedLogRecords", "rejectedDataPoints"];
    let rejected = rejected.iter().find_map(|name| {
        let count = &partial[*name];
        count.as_str().map_or_else(|| count.as_i64(), |text| text.parse().ok())
    });
    let message = partial["errorMessage"].as_str().unwrap_or_default().to_owned();
    Ok(Partial { rejected: rejected.unwrap_or(0), message })
}

/// A `google.rpc.Status`: its code, its message, and the ends of its details' names.
pub fn status(answer: &Answer) -> Found<(i32, String, Vec<String>)> {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    match answer.header("content-type").map(|kind| kind.split(';').next().unwrap_or_default()) {
        Some("application/x-protobuf") => {
            let status = pb::Status::decode(&*answer.body)
                .map_err(|error| Finding::Fails(format!("the body is no Status: {error}")))?;
            let details = status.details.iter().map(|detail| last(&detail.type_url));
            Ok((status.code, status.message, details.collect()))
        }
        Some("application/json") => {
            let body: Value = serde_json::from_slice(&answer.body)
                .map_err(|error| Finding::Fails(format!("the body is no Status: {error}")))?;
            expect(body.is_object(), || format!("the body is no Status: {body}"))?;
            let details = body["details"].as_array().cloned().unwrap_or_default();
            let details = details.iter().filter_map(|it| Some(last(it["@type"].as_str()?)));
            let code = i32::try_from(body["code"].as_i64().unwrap_or(0)).unwrap_or(-1);
            let message = body["message"].as_str().unwrap_or_default().to_owned();
            Ok((code, message, details.collect()))
        }
        other => Err(Finding::Fails(format!("a refusal in {other:?} instead of a Status"))),
    }
}

/// Fails unless the answer is a success that refuses nothing and says nothing.
pub fn is_clean(answer: Answer) -> Found {
    let answer = answer.is(200)?;
    same("records refused", json_or_not(&answer)?, Partial::default())
}

/// The `partial_success` of a success, whatever its content type.
pub fn json_or_not(answer: &Answer) -> Found<Partial> {
    match answer.header("content-type") {
        Some(kind) if kind.starts_with("application/json") => json_partial(answer),
        _ => partial(&answer.body),
    }
}
