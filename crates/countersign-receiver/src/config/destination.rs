//! A destination: an OTLP endpoint that metrics and the relayed telemetry go to.

use std::path::PathBuf;
use std::time::Duration;

use countersign_core::dialect::{Scrub, Signal};
use http::{HeaderName, HeaderValue};

/// One exporter of the configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Destination {
    /// The part of the key after the slash (`jaeger` of `otlp/jaeger`), or the key itself.
    /// Unique; names the destination's queue on disk.
    pub name: String,
    /// Base URL with scheme, without a slash at the end: `http://127.0.0.1:4317`. Over HTTP
    /// `/v1/traces` and its like are appended.
    pub endpoint: String,
    /// gRPC or HTTP.
    pub protocol: Protocol,
    /// Sent with every request. The values are marked sensitive: they print as `Sensitive`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether requests are compressed.
    pub gzip: bool,
    /// What is sent there.
    pub signals: Signals,
    /// How much of the relayed telemetry is kept.
    pub scrub: Scrub,
    /// A request without an answer fails after so long.
    pub timeout: Duration,
    /// Certificates (PEM) to trust in the place of the system's, for `https`.
    pub ca_file: Option<PathBuf>,
    /// How failed requests are sent again.
    pub retry: Retry,
}

/// The OTLP transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// OTLP over gRPC.
    Grpc,
    /// OTLP over HTTP with protobuf bodies.
    HttpProtobuf,
}

/// Which signals a destination takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signals {
    /// Relayed traces, and verdicts as spans in them.
    pub traces: bool,
    /// Relayed logs.
    pub logs: bool,
    /// Relayed metrics, and our own.
    pub metrics: bool,
}

impl Signals {
    /// All of them.
    pub const ALL: Signals = Signals { traces: true, logs: true, metrics: true };

    /// Whether both take a signal.
    #[must_use]
    pub const fn meets(self, other: Signals) -> bool {
        (self.traces && other.traces)
            || (self.logs && other.logs)
            || (self.metrics && other.metrics)
    }

    /// Whether requests of this signal go there.
    #[must_use]
    pub const fn takes(self, signal: Signal) -> bool {
        match signal {
            Signal::Traces => self.traces,
            Signal::Logs => self.logs,
            Signal::Metrics => self.metrics,
        }
    }
}

/// How failed requests are sent again: at growing intervals, for as long as it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The first wait.
    pub initial: Duration,
    /// The longest wait.
    pub max: Duration,
}

impl Default for Retry {
    fn default() -> Retry {
        Retry { initial: Duration::from_secs(1), max: Duration::from_secs(30) }
    }
}
