//! `plain-otlp`: a receiver as one is written in an afternoon with tonic, axum and
//! opentelemetry-proto. It decodes requests, sums tokens and answers.
//!
//! It shows two things: that the checks can fail, and what the same work costs without care.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use bytes::Bytes;
use clap::Parser;
use opentelemetry_proto::tonic::collector::logs::v1 as logs;
use opentelemetry_proto::tonic::collector::metrics::v1 as metrics;
use opentelemetry_proto::tonic::collector::trace::v1 as traces;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// A plain receiver of OTLP that sums tokens.
#[derive(Debug, Parser)]
struct Arguments {
    /// OTLP over gRPC.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4317")]
    grpc: SocketAddr,
    /// OTLP over HTTP.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4318")]
    http: SocketAddr,
}

/// The tokens so far.
#[derive(Clone, Debug, Default)]
struct Sums(Arc<AtomicU64>);

impl Sums {
    fn add(&self, request: &traces::ExportTraceServiceRequest) {
        let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
        let spans = scopes.flat_map(|scope| &scope.spans);
        for attribute in spans.flat_map(|span| &span.attributes) {
            let value = attribute.value.as_ref().and_then(|any| any.value.as_ref());
            if let ("gen_ai.usage.input_tokens" | "gen_ai.usage.output_tokens", Some(value)) =
                (attribute.key.as_str(), value)
                && let Value::IntValue(tokens) = value
            {
                self.0.fetch_add(u64::try_from(*tokens).unwrap_or(0), Ordering::Relaxed);
            }
        }
    }
}

#[tonic::async_trait]
impl traces::trace_service_server::TraceService for Sums {
    async fn export(
        &self,
        request: Request<traces::ExportTraceServiceRequest>,
    ) -> Result<Response<traces::ExportTraceServiceResponse>, Status> {
        self.add(request.get_ref());
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl logs::logs_service_server::LogsService for Sums {
    async fn export(
        &self,
        _: Request<logs::ExportLogsServiceRequest>,
    ) -> Result<Response<logs::ExportLogsServiceResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl metrics::metrics_service_server::MetricsService for Sums {
    async fn export(
        &self,
        _: Request<metrics::ExportMetricsServiceRequest>,
    ) -> Result<Response<metrics::ExportMetricsServiceResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
}

/// A body of any signal: unpacked if it is packed, decoded, answered.
fn take<T: Message + Default>(
    headers: &HeaderMap,
    body: &Bytes,
    with: impl Fn(&T),
) -> (StatusCode, [(&'static str, &'static str); 1], String) {
    let unpacked = match headers.get("content-encoding") {
        None => body.to_vec(),
        Some(_) => {
            let mut unpacked = Vec::new();
            let mut reader = flate2::read::GzDecoder::new(&**body);
            if std::io::Read::read_to_end(&mut reader, &mut unpacked).is_err() {
                return (StatusCode::BAD_REQUEST, [PLAIN], "gzip".to_owned());
            }
            unpacked
        }
    };
    match T::decode(&*unpacked) {
        Ok(request) => {
            with(&request);
            (StatusCode::OK, [("content-type", "application/x-protobuf")], String::new())
        }
        Err(error) => (StatusCode::BAD_REQUEST, [PLAIN], error.to_string()),
    }
}

const PLAIN: (&str, &str) = ("content-type", "text/plain");

fn routes(sums: Sums) -> Router {
    Router::new()
        .route(
            "/v1/traces",
            post(async |State(sums): State<Sums>, headers: HeaderMap, body: Bytes| {
                take(&headers, &body, |request| sums.add(request))
            }),
        )
        .route(
            "/v1/logs",
            post(async |headers: HeaderMap, body: Bytes| {
                take::<logs::ExportLogsServiceRequest>(&headers, &body, |_| {})
            }),
        )
        .route(
            "/v1/metrics",
            post(async |headers: HeaderMap, body: Bytes| {
                take::<metrics::ExportMetricsServiceRequest>(&headers, &body, |_| {})
            }),
        )
        .with_state(sums)
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(arguments))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(arguments: Arguments) -> anyhow::Result<()> {
    let grpc = tokio::net::TcpListener::bind(arguments.grpc).await?;
    let http = tokio::net::TcpListener::bind(arguments.http).await?;
    let ready = format!("{} {}\n", grpc.local_addr()?, http.local_addr()?);
    std::io::Write::write_all(&mut std::io::stdout(), ready.as_bytes())?;
    let sums = Sums::default();
    let traces = traces::trace_service_server::TraceServiceServer::new(sums.clone());
    let logs = logs::logs_service_server::LogsServiceServer::new(sums.clone());
    let metrics = metrics::metrics_service_server::MetricsServiceServer::new(sums.clone());
    let calls = Server::builder()
        .add_service(traces.accept_compressed(Gzip))
        .add_service(logs.accept_compressed(Gzip))
        .add_service(metrics.accept_compressed(Gzip))
        .serve_with_incoming(TcpIncoming::from(grpc));
    let posts = std::future::IntoFuture::into_future(axum::serve(http, routes(sums)));
    tokio::select! {
        ended = calls => ended?,
        ended = posts => ended?,
    }
    Ok(())
}
