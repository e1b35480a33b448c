//! Configuration: what `countersign.yaml` and the command line say, resolved to plain values.
//!
//! A key that the OpenTelemetry Collector has is spelled as there. Everything has a default:
//! without a file the program listens on loopback and keeps its books in `./countersign-data`.

mod destination;

pub use destination::{Destination, Protocol, Queue, Retry, Signals};

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use countersign_core::dialect::Scrub;

/// Everything that an operator can set.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: Listen,
    /// The data directory.
    pub data: PathBuf,
    /// Where metrics and the relayed telemetry go.
    pub destinations: Vec<Destination>,
    /// Patience, review rates, the edit threshold.
    pub books: countersign_core::settle::Settings,
    /// Which attributes name a task.
    pub dialect: countersign_core::dialect::Settings,
    /// Price files on top of the catalog that the program ships, the strongest last.
    pub prices: Vec<PathBuf>,
    /// How much of what passes through is kept, where a destination does not say.
    pub scrub: Scrub,
    /// How often metrics are pushed.
    pub metrics_interval: Duration,
    /// Why this is measured; shown on every page.
    pub purpose: String,
    /// Link to a trace in the operator's own tool, with `{trace_id}` in the place of the id.
    pub trace_url: Option<String>,
}

/// Where to listen. Port 0 takes a free one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// OTLP and `countersign.v1` over gRPC.
    pub grpc: SocketAddr,
    /// OTLP over HTTP, `/v1/verdicts` and hooks.
    pub http: SocketAddr,
    /// Pages, `/metrics`, health and the API.
    pub operator: SocketAddr,
}

impl Default for Listen {
    fn default() -> Listen {
        let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Listen { grpc: loopback(4317), http: loopback(4318), operator: loopback(4319) }
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: Listen::default(),
            data: PathBuf::from("countersign-data"),
            destinations: Vec::new(),
            books: countersign_core::settle::Settings::default(),
            dialect: countersign_core::dialect::Settings::default(),
            prices: Vec::new(),
            scrub: Scrub::Standard,
            metrics_interval: Duration::from_secs(15),
            purpose: String::new(),
            trace_url: None,
        }
    }
}
