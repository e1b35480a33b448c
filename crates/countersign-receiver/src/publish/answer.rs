//! What a destination's answer means: taken, send it again, or never.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::limits::RETRY_AFTER_MAX;

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It was taken, all but so many records that will never be: it is not sent again.
    Taken { refused: u64 },
    /// It can be sent again, not before so long if the destination said so.
    Later { why: Reason, after: Option<Duration> },
    /// The destination is set up wrongly: the data is kept until somebody mends that.
    Misconfigured(Reason),
    /// It will be refused however often it is sent.
    Never(Reason),
}

/// Why a request was not taken, without a word of its content or of the answer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// No connection, or it broke.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// An HTTP status.
    Http(u16),
    /// A gRPC status.
    Grpc(Code),
}

impl Reason {
    /// Whether a smaller request may be taken.
    pub(super) fn is_size(self) -> bool {
        matches!(self, Reason::Http(413) | Reason::Grpc(Code::ResourceExhausted))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Unreachable => write!(f, "unreachable"),
            Reason::TimedOut => write!(f, "timed out"),
            Reason::Http(status) => write!(f, "HTTP {status}"),
            Reason::Grpc(code) => write!(f, "gRPC {code:?}"),
        }
    }
}

impl Answer {
    /// An answer over HTTP. `body` is what was read of it, at most the limit.
    pub(super) fn of_http(
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        now_s: u64,
    ) -> Answer {
        let why = Reason::Http(status.as_u16());
        match status.as_u16() {
            // A body that cannot be read makes no failure of a success: sending the request
            // again would count everything twice.
            200..=299 => Answer::Taken { refused: refused(body) },
            429 | 502 | 503 | 504 => Answer::Later { why, after: retry_after(headers, now_s) },
            // Redirects are not followed: the endpoint's address is wrong.
            300..=399 | 401 | 403 | 404 => Answer::Misconfigured(why),
            _ => Answer::Never(why),
        }
    }

    /// A failure over gRPC, by the table of the OTLP specification.
    pub(super) fn of_status(status: &Status) -> Answer {
        let why = Reason::Grpc(status.code());
        let delay = || {
            let details = status.get_details_retry_info();
            details.map(|info| info.retry_delay.unwrap_or_default().min(RETRY_AFTER_MAX))
        };
        match status.code() {
            // Our own limit on the answer: the request was taken.
            Code::OutOfRange if status.message().starts_with(ANSWER_TOO_LONG) => {
                Answer::Taken { refused: 0 }
            }
            Code::Ok => Answer::Taken { refused: 0 },
            Code::Cancelled
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unavailable
            | Code::DataLoss => Answer::Later { why, after: delay() },
            Code::ResourceExhausted => match delay() {
                Some(after) => Answer::Later { why, after: Some(after) },
                None => Answer::Never(why),
            },
            Code::Unauthenticated | Code::PermissionDenied | Code::Unimplemented => {
                Answer::Misconfigured(why)
            }
            Code::Unknown
            | Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::FailedPrecondition
            | Code::Internal => Answer::Never(why),
        }
    }
}

/// How tonic begins to say that an answer is over the limit.
const ANSWER_TOO_LONG: &str = "Error, decoded message length too large";

/// Records that a `partial_success` refuses; the three signals have it in the same fields.
pub(super) fn refused(body: &[u8]) -> u64 {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
    let Ok(response) = <ExportTraceServiceResponse as prost::Message>::decode(body) else {
        return 0;
    };
    let partial = response.partial_success.map_or(0, |partial| partial.rejected_spans);
    u64::try_from(partial).unwrap_or(0)
}

/// `Retry-After` in seconds or as a date, at most a quarter of an hour: a clock that is wrong
/// must not stop the relay.
fn retry_after(headers: &HeaderMap, now_s: u64) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = match text.parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let date = httpdate::parse_http_date(text).ok()?;
            let since = date.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            since.as_secs().saturating_sub(now_s)
        }
    };
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use tonic_types::ErrorDetails;

    const NOW_S: u64 = 784_111_700;

    fn http(status: u16, retry_after: &str, body: &[u8]) -> Answer {
        let mut headers = HeaderMap::new();
        if !retry_after.is_empty() {
            headers.insert(header::RETRY_AFTER, retry_after.parse().unwrap());
        }
        Answer::of_http(StatusCode::from_u16(status).unwrap(), &headers, body, NOW_S)
    }

    #[test]
    fn http_answers() {
        let mut text = String::new();
        for status in [200, 202, 301, 400, 401, 403, 404, 413, 415, 429, 500, 501, 502, 503, 504] {
            text += &format!("{status} {:?}\n", http(status, "", b"garbage"));
        }
        expect![[r#"
            200 Taken { refused: 0 }
            202 Taken { refused: 0 }
            301 Misconfigured(Http(301))
            400 Never(Http(400))
            401 Misconfigured(Http(401))
            403 Misconfigured(Http(403))
            404 Misconfigured(Http(404))
            413 Never(Http(413))
            415 Never(Http(415))
            429 Later { why: Http(429), after: None }
            500 Never(Http(500))
            501 Never(Http(501))
            502 Later { why: Http(502), after: None }
            503 Later { why: Http(503), after: None }
            504 Later { why: Http(504), after: None }
        "#]]
        .assert_eq(&text);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_bounded() {
        let after = |text| {
            let Answer::Later { after, .. } = http(503, text, b"") else { panic!("{text}") };
            after
        };
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(after("86400"), Some(Duration::from_secs(900)));
        // 77 seconds later than now.
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(77)));
        assert_eq!(after("Sat, 06 Nov 1993 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!(after("Sat, 06 Nov 2094 08:49:37 GMT"), Some(Duration::from_secs(900)));
        assert_eq!(after("soon"), None);
        assert_eq!(after("-1"), None);
    }

    #[test]
    fn partial_success_is_counted() {
        // partial_success { rejected_spans: 3, error_message: "x" }
        let body = [0x0a, 5, 0x08, 3, 0x12, 1, b'x'];
        assert_eq!(http(200, "", &body), Answer::Taken { refused: 3 });
        assert_eq!(http(200, "", b""), Answer::Taken { refused: 0 });
    }

    #[test]
    fn grpc_answers() {
        let mut text = String::new();
        for code in 0..=16 {
            let status = Status::new(Code::from_i32(code), "why");
            text += &format!("{:?}\n", Answer::of_status(&status));
        }
        let details = ErrorDetails::with_retry_info(Some(Duration::from_secs(3)));
        let busy = Status::with_error_details(Code::ResourceExhausted, "why", details);
        text += &format!("{:?}\n", Answer::of_status(&busy));
        let long = Status::out_of_range(format!("{ANSWER_TOO_LONG}: found 9 bytes"));
        text += &format!("{:?}\n", Answer::of_status(&long));
        expect![[r#"
            Taken { refused: 0 }
            Later { why: Grpc(Cancelled), after: None }
            Never(Grpc(Unknown))
            Never(Grpc(InvalidArgument))
            Later { why: Grpc(DeadlineExceeded), after: None }
            Never(Grpc(NotFound))
            Never(Grpc(AlreadyExists))
            Misconfigured(Grpc(PermissionDenied))
            Never(Grpc(ResourceExhausted))
            Never(Grpc(FailedPrecondition))
            Later { why: Grpc(Aborted), after: None }
            Later { why: Grpc(OutOfRange), after: None }
            Misconfigured(Grpc(Unimplemented))
            Never(Grpc(Internal))
            Later { why: Grpc(Unavailable), after: None }
            Later { why: Grpc(DataLoss), after: None }
            Misconfigured(Grpc(Unauthenticated))
            Later { why: Grpc(ResourceExhausted), after: Some(3s) }
            Taken { refused: 0 }
        "#]]
        .assert_eq(&text);
    }
}
