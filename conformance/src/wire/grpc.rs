//! gRPC on an HTTP/2 connection: what is sent may be wrong, what comes back is read strictly.

use prost::Message;
use tonic_types::pb;

use super::http2::{Http2, Reply};
use crate::finding::{Found, expect, fails, same};

/// The method that takes traces.
pub const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
/// The method that takes logs.
pub const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
/// The method that takes metrics.
pub const METRICS: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

/// Status codes, as far as checks name them.
pub mod code {
    #![allow(missing_docs, reason = "they have the names of gRPC")]
    pub const OK: u32 = 0;
    pub const CANCELLED: u32 = 1;
    pub const INVALID_ARGUMENT: u32 = 3;
    pub const DEADLINE_EXCEEDED: u32 = 4;
    pub const PERMISSION_DENIED: u32 = 7;
    pub const RESOURCE_EXHAUSTED: u32 = 8;
    pub const UNIMPLEMENTED: u32 = 12;
    pub const INTERNAL: u32 = 13;
    pub const UNAVAILABLE: u32 = 14;
    pub const UNAUTHENTICATED: u32 = 16;
}

/// A message with its prefix.
#[must_use]
pub fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("messages are short").to_be_bytes();
    [&[flag], &length[..], message].concat()
}

/// What a call came to.
#[derive(Clone, Debug)]
pub struct Called {
    /// The gRPC status; none if the answer was no gRPC.
    pub code: Option<u32>,
    /// The HTTP status.
    pub http: u16,
    /// What the status says, as it came.
    pub text: String,
    /// `grpc-status-details-bin`, as it came.
    pub details: String,
    /// All that came.
    pub reply: Reply,
}

impl Called {
    fn of(reply: Reply) -> Called {
        let header = |name| reply.header(name).unwrap_or_default().to_owned();
        Called {
            code: reply.header("grpc-status").and_then(|code| code.parse().ok()),
            http: header(":status").parse().unwrap_or(0),
            text: header("grpc-message"),
            details: header("grpc-status-details-bin"),
            reply,
        }
    }

    /// Fails unless it has this status.
    pub fn is(self, code: u32) -> Found<Called> {
        self.is_one_of(&[code])
    }

    /// Fails unless it has one of these statuses.
    pub fn is_one_of(self, codes: &[u32]) -> Found<Called> {
        if self.code.is_some_and(|code| codes.contains(&code)) {
            return Ok(self);
        }
        let Called { code, http, text, reply, .. } = self;
        let reset = reply.reset;
        fails(format!(
            "status {code:?} instead of {codes:?} (HTTP {http}, reset {reset:?}): {text:?}"
        ))
    }

    /// The message of the answer, unframed.
    pub fn message(&self) -> Found<Vec<u8>> {
        let Some((prefix, message)) = self.reply.data.split_first_chunk::<5>() else {
            return fails("no message in the answer");
        };
        same("flag of the answer", prefix[0], 0)?;
        let length = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]);
        same("length of the answer", message.len(), length as usize)?;
        Ok(message.to_vec())
    }

    /// Whether the details have an entry of this type, by the end of its name.
    #[must_use]
    pub fn has_detail(&self, name: &str) -> bool {
        let Some(bytes) = from_base64(&self.details) else { return false };
        let Ok(status) = pb::Status::decode(&*bytes) else { return false };
        status.details.iter().any(|detail| detail.type_url.ends_with(name))
    }

    /// Fails unless the status is one that a sender tries again, after a while that it is told.
    pub fn asks_to_wait(self) -> Found {
        let called = self.is(code::UNAVAILABLE)?;
        expect(called.has_detail("RetryInfo"), || "UNAVAILABLE without RetryInfo".to_owned())
    }
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for digit in text.trim_end_matches('=').bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(bytes)
}

impl Http2 {
    /// Begins a call.
    pub fn call(&mut self, path: &str, more: &[(&str, &str)]) -> Found<u32> {
        let mut headers = vec![
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "localhost"),
            ("te", "trailers"),
        ];
        if !more.iter().any(|(name, _)| *name == "content-type") {
            headers.push(("content-type", "application/grpc"));
        }
        headers.extend(more);
        self.begin(&headers, 0)
    }

    /// Makes a call with a body as it is.
    pub fn unary(&mut self, path: &str, more: &[(&str, &str)], body: &[u8]) -> Found<Called> {
        let stream = self.call(path, more)?;
        self.data(stream, body)?;
        self.called(stream)
    }

    /// Waits for the end of a call.
    pub fn called(&mut self, stream: u32) -> Found<Called> {
        Ok(Called::of(self.reply(stream)?))
    }
}
