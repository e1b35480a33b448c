//! OTLP and verdicts over HTTP.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use countersign_core::dialect::Signal;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::json;
use tonic::Code;

use super::answer::{self, POSITION};
use super::body;
use super::counted::{Reason, Transport};
use super::gate::{Gate, Spelling};
use super::guard;
use super::refused::Refused;
use super::serve::{Port, Protocol, serve};
use super::verdicts;
use crate::clock;
use crate::limits::{REQUEST_BYTES_MAX, VERDICT_REQUEST_BYTES_MAX};

/// Says how the page that asks is related to the port.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The routes of the OTLP/HTTP port.
///
/// The router has a fallback of its own: merge routes into it that have none.
pub fn http_router(gate: Gate) -> Router {
    Router::new()
        .route("/v1/traces", any(|gate, request| export(Signal::Traces, gate, request)))
        .route("/v1/logs", any(|gate, request| export(Signal::Logs, gate, request)))
        .route("/v1/metrics", any(|gate, request| export(Signal::Metrics, gate, request)))
        .route("/v1/verdicts", any(judge))
        .fallback(unknown)
        .layer(from_fn_with_state(gate.clone(), guard::http))
        .with_state(gate)
}

/// Serves the router until `stop`; then open requests are finished.
///
/// # Errors
/// None so far: what goes wrong with one connection concerns that connection.
pub async fn serve_http(
    port: impl Into<Port>,
    router: Router,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    serve(port.into(), router, Protocol::Any, stop).await
}

/// A refusal before the body is read.
struct Early {
    http: StatusCode,
    code: Code,
    text: &'static str,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Early {
    fn new(http: StatusCode, code: Code, text: &'static str) -> Early {
        Early { http, code, text, header: None }
    }

    fn with(mut self, name: HeaderName, value: &'static str) -> Early {
        self.header = Some((name, HeaderValue::from_static(value)));
        self
    }

    fn answer(self, spelling: Spelling) -> Response {
        answer::plain(spelling, self.http, self.code, self.text, self.header)
    }
}

async fn unknown(request: Request) -> Response {
    let spelling = spelling(request.headers()).unwrap_or(Spelling::Json);
    Early::new(
        StatusCode::NOT_FOUND,
        Code::Unimplemented,
        "no such path: expected /v1/traces, /v1/logs, /v1/metrics or /v1/verdicts",
    )
    .answer(spelling)
}

async fn export(signal: Signal, State(gate): State<Gate>, request: Request) -> Response {
    let received = clock::now();
    let (parts, body) = request.into_parts();
    let caller = guard::caller(&parts.extensions);
    let spelling = spelling(&parts.headers);
    let shown = spelling.unwrap_or(Spelling::Json);
    let counted = gate.counted();
    let refuse = |early: Early| {
        counted.refused(Transport::Http, Reason::Head);
        early.answer(shown)
    };
    if let Err(early) = check_head(&parts.method, &parts.headers) {
        return refuse(early);
    }
    let Some(spelling) = spelling else {
        let accepted = "application/x-protobuf, application/json";
        let early = Early::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Code::InvalidArgument,
            "Content-Type: expected application/x-protobuf or application/json",
        );
        return refuse(early.with(header::ACCEPT, accepted));
    };
    let packed = match is_packed(&parts.headers) {
        Ok(packed) => packed,
        Err(early) => return refuse(early),
    };
    let taken = async {
        let mut charge = gate.charge(&caller);
        let bytes = whole(body, packed, REQUEST_BYTES_MAX, &mut charge).await?;
        gate.take(&caller, signal, spelling, bytes, received).await
    };
    match taken.await {
        Ok(taken) => {
            counted.took(Transport::Http, signal, taken.accepted, taken.rejected);
            answer::taken(signal, spelling, &taken)
        }
        Err(refused) => {
            counted.refused(Transport::Http, &refused);
            answer::refused(spelling, &refused)
        }
    }
}

/// Method and origin.
fn check_head(method: &Method, headers: &HeaderMap) -> Result<(), Early> {
    if method != Method::POST {
        let text = "method not allowed: expected POST";
        return Err(Early::new(StatusCode::METHOD_NOT_ALLOWED, Code::Unimplemented, text)
            .with(header::ALLOW, "POST"));
    }
    // Browsers send these, agents do not: a web page must not write to a port on its reader's
    // own machine, whatever name it gave the port.
    if headers.contains_key(header::ORIGIN) || headers.contains_key(SEC_FETCH_SITE) {
        let text = "requests from web pages are not allowed";
        return Err(Early::new(StatusCode::FORBIDDEN, Code::PermissionDenied, text));
    }
    Ok(())
}

/// The body, read and unpacked.
async fn whole(
    body: Body,
    packed: bool,
    most: usize,
    charge: &mut body::Charge,
) -> Result<Bytes, Refused> {
    let bytes = body::read(body, most, charge).await?;
    if packed { body::unpack(&bytes, most, charge) } else { Ok(bytes) }
}

/// How the body is spelt, by its content type; parameters do not matter.
pub(super) fn spelling(headers: &HeaderMap) -> Option<Spelling> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let essence = value.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/x-protobuf") {
        Some(Spelling::Protobuf)
    } else if essence.eq_ignore_ascii_case("application/json") {
        Some(Spelling::Json)
    } else {
        None
    }
}

/// Whether the body is gzip. Other codings, and several of them, are refused.
fn is_packed(headers: &HeaderMap) -> Result<bool, Early> {
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
    let coding = codings.next().map_or(Ok(""), HeaderValue::to_str).map(str::trim);
    match (coding, codings.next()) {
        (Ok(coding), None) if coding.is_empty() || coding.eq_ignore_ascii_case("identity") => {
            Ok(false)
        }
        (Ok(coding), None) if coding.eq_ignore_ascii_case("gzip") => Ok(true),
        _ => Err(Early::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Code::InvalidArgument,
            "Content-Encoding: expected gzip or identity",
        )
        .with(header::ACCEPT_ENCODING, "gzip")),
    }
}

async fn judge(State(gate): State<Gate>, request: Request) -> Response {
    let received = clock::now();
    let (parts, body) = request.into_parts();
    let caller = guard::caller(&parts.extensions);
    let early = check_head(&parts.method, &parts.headers).and_then(|()| {
        if spelling(&parts.headers) != Some(Spelling::Json) {
            let text = "Content-Type: expected application/json";
            let http = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(Early::new(http, Code::InvalidArgument, text)
                .with(header::ACCEPT, "application/json"));
        }
        is_packed(&parts.headers)
    });
    let packed = match early {
        Ok(packed) => packed,
        Err(early) => return problem(early.http, early.text, json!({}), early.header),
    };
    let judged = async {
        let most = VERDICT_REQUEST_BYTES_MAX;
        let mut charge = gate.charge(&caller);
        let bytes = whole(body, packed, most, &mut charge).await?;
        verdicts::take(&gate, &caller, verdicts::read_json(&bytes, received)?).await
    };
    match judged.await {
        Ok(judged) if judged.accepted == 0 && !judged.rejected.is_empty() => {
            let more = json!({"accepted": 0, "rejected": judged.rejected});
            let text = judged.rejected.first().map_or("", |first| &first.error);
            problem(StatusCode::BAD_REQUEST, text, more, None)
        }
        Ok(judged) => {
            let body = serde_json::to_vec(&judged).expect("plain data is JSON");
            let mut response = Response::new(Body::from(body));
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers.insert(POSITION, judged.position.into());
            response
        }
        Err(refused) => {
            let wait = refused.retry_after().map(|delay| delay.as_secs().max(1).into());
            let wait = wait.map(|wait| (header::RETRY_AFTER, wait));
            problem(refused.http_status(), &refused.text(), json!({}), wait)
        }
    }
}

/// Problem details (RFC 9457).
pub(super) fn problem(
    http: StatusCode,
    detail: &str,
    mut more: serde_json::Value,
    header: Option<(HeaderName, HeaderValue)>,
) -> Response {
    if let Some(members) = more.as_object_mut() {
        members.insert("title".into(), http.canonical_reason().unwrap_or_default().into());
        members.insert("status".into(), http.as_u16().into());
        members.insert("detail".into(), detail.into());
    }
    let mut response = Response::new(Body::from(more.to_string()));
    *response.status_mut() = http;
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("application/problem+json");
    headers.insert(header::CONTENT_TYPE, kind);
    if let Some((name, value)) = header {
        headers.insert(name, value);
    }
    response
}
