//! OTLP over gRPC.
//!
//! The three export methods are served on the bytes: tonic's own reading would reserve what a
//! sender claims, drop all but the first gzip member and call an oversized message retryable.
//! Everything else on the port is tonic's.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::any;
use bytes::{BufMut, Bytes, BytesMut};
use countersign_core::dialect::Signal;
use countersign_proto::v1::outcomes_server::OutcomesServer;
use countersign_proto::v1::verdicts_server::VerdictsServer;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt, Full};
use tonic::codec::CompressionEncoding::Gzip;
use tonic::service::Routes;
use tonic::{Code, Status};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use super::answer::{self, POSITION};
use super::body;
use super::counted::{Reason, Transport};
use super::gate::{Gate, Spelling};
use super::guard;
use super::refused::Refused;
use super::serve::{Port, Protocol, serve};
use super::services::{Reads, Verdicts};
use crate::clock;
use crate::keeper::Condition;
use crate::limits::{HEALTH_MS, REQUEST_BYTES_MAX, VERDICT_REQUEST_BYTES_MAX};

/// Bytes before a message: a flag and the message's length.
const FRAME_BYTES: usize = 5;

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// Names of the services whose health is told, beside the empty name of the whole.
const SERVICES: [&str; 5] = [
    "opentelemetry.proto.collector.trace.v1.TraceService",
    "opentelemetry.proto.collector.logs.v1.LogsService",
    "opentelemetry.proto.collector.metrics.v1.MetricsService",
    "countersign.v1.Verdicts",
    "countersign.v1.Outcomes",
];

/// Serves OTLP, `countersign.v1` and health over gRPC until `stop`; then open requests are
/// finished.
///
/// # Errors
/// None so far: what goes wrong with one connection concerns that connection.
pub async fn serve_grpc(
    port: impl Into<Port>,
    gate: Gate,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let (health, health_service) = tonic_health::server::health_reporter();
    tell_health(&health, ServingStatus::Serving).await;
    let verdicts = VerdictsServer::new(Verdicts(gate.clone()))
        .accept_compressed(Gzip)
        .send_compressed(Gzip)
        .max_decoding_message_size(VERDICT_REQUEST_BYTES_MAX);
    let reads =
        OutcomesServer::new(Reads(gate.clone())).accept_compressed(Gzip).send_compressed(Gzip);
    let routes = Routes::new(verdicts)
        .add_service(reads)
        .add_service(health_service)
        .prepare()
        .into_axum_router();
    let router = routes.layer(map_response(not_retryable)).merge(export_routes(gate.clone()));
    let router = router.layer(from_fn_with_state(gate.clone(), guard::grpc));
    let stop = async {
        tokio::select! {
            () = stop => {}
            () = watch_health(&gate, &health) => {}
        }
        tell_health(&health, ServingStatus::NotServing).await;
    };
    serve(port.into(), router, Protocol::Http2, stop).await
}

/// Tells whether the journal can be written, for ever.
async fn watch_health(gate: &Gate, health: &HealthReporter) {
    loop {
        tokio::time::sleep(Duration::from_millis(HEALTH_MS)).await;
        let status = match gate.condition() {
            Condition::Well | Condition::Slow { .. } => ServingStatus::Serving,
            Condition::Faulty(_) | Condition::Stopped => ServingStatus::NotServing,
        };
        tell_health(health, status).await;
    }
}

async fn tell_health(health: &HealthReporter, status: ServingStatus) {
    for service in [""].iter().chain(&SERVICES) {
        health.set_service_status(service, status).await;
    }
}

/// Tonic says OUT_OF_RANGE of a message that is too large; senders would try it again.
async fn not_retryable(mut response: Response) -> Response {
    let out_of_range = HeaderValue::from(Code::OutOfRange as i32);
    if response.headers().get(GRPC_STATUS) == Some(&out_of_range) {
        let exhausted = HeaderValue::from(Code::ResourceExhausted as i32);
        response.headers_mut().insert(GRPC_STATUS, exhausted);
    }
    response
}

fn export_routes(gate: Gate) -> Router {
    const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
    const METRICS: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
    Router::new()
        .route(TRACES, any(|gate, request| export(Signal::Traces, gate, request)))
        .route(LOGS, any(|gate, request| export(Signal::Logs, gate, request)))
        .route(METRICS, any(|gate, request| export(Signal::Metrics, gate, request)))
        .with_state(gate)
}

async fn export(signal: Signal, State(gate): State<Gate>, request: Request) -> Response {
    let received = clock::now();
    let (parts, body) = request.into_parts();
    let caller = guard::caller(&parts.extensions);
    if parts.method != Method::POST || !is_grpc(&parts.headers) {
        gate.counted().refused(Transport::Grpc, Reason::Head);
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return response;
    }
    let taken = async {
        let packing = packing(&parts.headers)?;
        let mut charge = gate.charge(&caller);
        let message = message(body, packing, &mut charge).await?;
        Ok(gate.take(&caller, signal, Spelling::Protobuf, message, received).await?)
    };
    let taken = match deadline(&parts.headers) {
        None => taken.await,
        // What the keeper has by then is taken all the same, and known when it comes again.
        Some(deadline) => tokio::time::timeout(deadline, taken).await.unwrap_or_else(|_| {
            let status = Status::deadline_exceeded("out of time");
            Err(Failed(status, Reason::Slow))
        }),
    };
    let counted = gate.counted();
    match taken {
        Ok(taken) => {
            counted.took(Transport::Grpc, signal, taken.accepted, taken.rejected);
            answer(&answer::response_message(&taken), taken.position)
        }
        Err(Failed(status, reason)) => {
            counted.refused(Transport::Grpc, reason);
            status.into_http()
        }
    }
}

/// How long the caller waits; not read unless it is as gRPC spells it.
fn deadline(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(GRPC_TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let value: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(value * 3_600)),
        "M" => Some(Duration::from_secs(value * 60)),
        "S" => Some(Duration::from_secs(value)),
        "m" => Some(Duration::from_millis(value)),
        "u" => Some(Duration::from_micros(value)),
        "n" => Some(Duration::from_nanos(value)),
        _ => None,
    }
}

/// What a request failed with.
struct Failed(Status, Reason);

impl Failed {
    fn framing(text: &str) -> Failed {
        Failed(Status::internal(text), Reason::Malformed)
    }
}

impl From<Refused> for Failed {
    fn from(refused: Refused) -> Failed {
        Failed(refused.status(), Reason::from(&refused))
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let Some(rest) = kind.and_then(|kind| kind.strip_prefix("application/grpc")) else {
        return false;
    };
    rest.is_empty() || rest.starts_with(';') || rest == "+proto" || rest.starts_with("+proto;")
}

/// How compressed messages of the request are packed.
enum Packing {
    None,
    Gzip,
}

fn packing(headers: &HeaderMap) -> Result<Packing, Failed> {
    match headers.get(GRPC_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"identity") => Ok(Packing::None),
        Some(b"gzip") => Ok(Packing::Gzip),
        Some(_) => {
            let mut status = Status::unimplemented("grpc-encoding: expected gzip or identity");
            let accepted = tonic::metadata::MetadataValue::from_static("identity,gzip");
            status.metadata_mut().insert("grpc-accept-encoding", accepted);
            Err(Failed(status, Reason::Head))
        }
    }
}

/// The one message of the request. What its prefix claims is checked, never reserved.
async fn message(body: Body, packing: Packing, charge: &mut body::Charge) -> Result<Bytes, Failed> {
    let mut framed = body::read(body, FRAME_BYTES + REQUEST_BYTES_MAX, charge).await?;
    if framed.len() < FRAME_BYTES {
        return Err(Failed::framing("the request has no whole message"));
    }
    let prefix = framed.split_to(FRAME_BYTES);
    let [flag, length @ ..] = &*prefix else {
        return Err(Failed::framing("the request has no whole message"));
    };
    let length = length.iter().fold(0_u64, |length, byte| length << 8 | u64::from(*byte));
    if length > REQUEST_BYTES_MAX as u64 {
        return Err(Refused::TooLarge.into());
    }
    match (framed.len() as u64).cmp(&length) {
        std::cmp::Ordering::Less => {
            return Err(Failed::framing("the message is shorter than its length"));
        }
        std::cmp::Ordering::Greater => {
            return Err(Failed::framing("expected one message in the request"));
        }
        std::cmp::Ordering::Equal => {}
    }
    match (*flag, packing) {
        (0, _) => Ok(framed),
        (1, Packing::Gzip) => Ok(body::unpack(&framed, REQUEST_BYTES_MAX, charge)?),
        (1, Packing::None) => Err(Failed::framing("a compressed message without grpc-encoding")),
        _ => Err(Failed::framing("invalid compression flag")),
    }
}

/// A response with one uncompressed message, too small to be worth compressing.
fn answer(message: &[u8], position: u64) -> Response {
    let mut framed = BytesMut::with_capacity(FRAME_BYTES + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).expect("answers are short"));
    framed.put_slice(message);
    let mut trailers = HeaderMap::new();
    trailers.insert(GRPC_STATUS, HeaderValue::from_static("0"));
    let body = Full::new(framed.freeze()).with_trailers(async { Some(Ok(trailers)) });
    let mut response = Response::new(Body::new(body));
    response.headers_mut().insert(header::CONTENT_TYPE, GRPC);
    response.headers_mut().insert(POSITION, position.into());
    response
}
