//! The end of the pipeline: which protocol, where to, with which runtime.

use std::env;

use opentelemetry_otlp::{LogExporter, Protocol as OtlpProtocol, SpanExporter, WithExportConfig};
use tokio::runtime::{Builder as RuntimeBuilder, Runtime};

use super::error::SetupError;

/// How spans and verdicts travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// OTLP over HTTP, protobuf; port 4318 by default.
    Http,
    /// OTLP over gRPC; port 4317 by default.
    Grpc,
}

/// Both exporters, and the runtime that they need.
pub(super) struct Exporters {
    pub(super) spans: SpanExporter,
    pub(super) verdicts: LogExporter,
    pub(super) runtime: Option<Runtime>,
}

/// Exporters over the protocol and to the base URL that are given, or else to where the
/// environment says.
pub(super) fn exporters(
    protocol: Option<Protocol>,
    base_url: Option<&str>,
) -> Result<Exporters, SetupError> {
    let spans_over = protocol.map_or_else(|| protocol_of("TRACES"), Ok)?;
    let verdicts_over = protocol.map_or_else(|| protocol_of("LOGS"), Ok)?;
    let runtime = match (spans_over, verdicts_over) {
        (Protocol::Http, Protocol::Http) => None,
        (Protocol::Grpc, _) | (_, Protocol::Grpc) => Some(runtime()?),
    };
    use_ring();
    let inside = runtime.as_ref().map(Runtime::enter);
    let spans = span_exporter(spans_over, base_url)?;
    let verdicts = log_exporter(verdicts_over, base_url)?;
    drop(inside);
    Ok(Exporters { spans, verdicts, runtime })
}

/// The protocol that the environment names for a signal.
fn protocol_of(signal: &str) -> Result<Protocol, SetupError> {
    let of_signal = format!("OTEL_EXPORTER_OTLP_{signal}_PROTOCOL");
    for variable in [of_signal.as_str(), "OTEL_EXPORTER_OTLP_PROTOCOL"] {
        match env::var(variable).as_deref() {
            Ok("") | Err(_) => {}
            Ok("http/protobuf") => return Ok(Protocol::Http),
            Ok("grpc") => return Ok(Protocol::Grpc),
            Ok(other) => {
                return Err(SetupError::Variable {
                    variable: variable.to_owned(),
                    value: other.to_owned(),
                    expected: "`http/protobuf` or `grpc`",
                });
            }
        }
    }
    Ok(Protocol::Http)
}

fn span_exporter(protocol: Protocol, base: Option<&str>) -> Result<SpanExporter, SetupError> {
    let exporter = match protocol {
        Protocol::Http => {
            let exporter =
                SpanExporter::builder().with_http().with_protocol(OtlpProtocol::HttpBinary);
            match base {
                Some(base) => exporter.with_endpoint(below(base, "/v1/traces")).build(),
                None => exporter.build(),
            }
        }
        Protocol::Grpc => {
            let exporter = SpanExporter::builder().with_tonic();
            match base {
                Some(base) => exporter.with_endpoint(base).build(),
                None => exporter.build(),
            }
        }
    };
    exporter.map_err(SetupError::Exporter)
}

fn log_exporter(protocol: Protocol, base: Option<&str>) -> Result<LogExporter, SetupError> {
    let exporter = match protocol {
        Protocol::Http => {
            let exporter =
                LogExporter::builder().with_http().with_protocol(OtlpProtocol::HttpBinary);
            match base {
                Some(base) => exporter.with_endpoint(below(base, "/v1/logs")).build(),
                None => exporter.build(),
            }
        }
        Protocol::Grpc => {
            let exporter = LogExporter::builder().with_tonic();
            match base {
                Some(base) => exporter.with_endpoint(base).build(),
                None => exporter.build(),
            }
        }
    };
    exporter.map_err(SetupError::Exporter)
}

fn below(base: &str, path: &str) -> String {
    [base.trim_end_matches('/'), path].concat()
}

/// gRPC needs a runtime that lives as long as the exporter and is never blocked by a flush, so
/// it gets one of its own.
fn runtime() -> Result<Runtime, SetupError> {
    RuntimeBuilder::new_multi_thread()
        .worker_threads(1)
        .thread_name("countersign-export")
        .enable_all()
        .build()
        .map_err(SetupError::Runtime)
}

/// TLS needs a cryptography that somebody has chosen for the process. If nobody has, it is ring.
#[cfg(feature = "tls")]
fn use_ring() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // It fails if somebody was quicker, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
    }
}

/// Without TLS there is nothing to choose.
#[cfg(not(feature = "tls"))]
fn use_ring() {}
