//! Configuration: what `countersign.yaml` and the command line say, resolved to plain values.
//!
//! A key that the OpenTelemetry Collector has is spelled as there. Everything has a default:
//! without a file the program listens on loopback and keeps its books in `./countersign-data`.

mod destination;
mod file;
mod section;
mod units;
mod yaml;

pub use destination::{Destination, Protocol, Retry, Signals};
pub use section::{Mistake, Refused};
pub use units::{DURATION, address, duration};

use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use countersign_core::dialect::{Scrub, Signal};

use crate::ingest::RelayPlan;

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

/// What the command line says; it wins over the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--data`.
    pub data: Option<PathBuf>,
    /// `--grpc`.
    pub grpc: Option<SocketAddr>,
    /// `--http`.
    pub http: Option<SocketAddr>,
    /// `--operator`.
    pub operator: Option<SocketAddr>,
    /// `--prices`, on top of the file's.
    pub prices: Vec<PathBuf>,
}

impl Config {
    /// What of each signal is kept for the destinations; nothing if none of them takes it. They
    /// share one queue, so they agree on it: a file in which they do not is refused.
    #[must_use]
    pub fn relay_plan(&self) -> RelayPlan {
        let of = |signal| {
            let takers = self.destinations.iter().filter(|to| to.signals.takes(signal));
            takers.map(|to| to.scrub).max_by_key(|scrub| match scrub {
                Scrub::Off => 0,
                Scrub::Standard => 1,
                Scrub::Strict => 2,
            })
        };
        RelayPlan {
            traces: of(Signal::Traces),
            logs: of(Signal::Logs),
            metrics: of(Signal::Metrics),
        }
    }

    /// The configuration of a file, or the defaults without one, under what the command line
    /// says.
    ///
    /// # Errors
    /// All mistakes at once.
    pub fn load(file: Option<&Path>, overrides: Overrides) -> Result<Config, Refused> {
        let text = match file {
            Some(path) => std::fs::read_to_string(path).map_err(|error| Refused {
                file: Some(path.to_owned()),
                mistakes: vec![Mistake {
                    line: None,
                    key: String::new(),
                    text: format!("cannot be read: {error}"),
                }],
            })?,
            None => String::new(),
        };
        let environment = |name: &str| std::env::var(name).ok();
        Config::parse(&text, overrides, &environment)
            .map_err(|mistakes| Refused { file: file.map(Path::to_owned), mistakes })
    }

    fn parse(
        text: &str,
        overrides: Overrides,
        environment: section::Environment<'_>,
    ) -> Result<Config, Vec<Mistake>> {
        let reading = section::Reading { environment, mistakes: RefCell::default() };
        let mut config = Config::default();
        let mut insecure = file::Insecure::default();
        match yaml::parse(text) {
            Ok(root) => {
                insecure = file::read(section::Section::root(&reading, &root), &mut config);
            }
            Err((line, text)) => reading.mistake(line, "", text),
        }
        let Overrides { data, grpc, http, operator, prices } = overrides;
        config.data = data.unwrap_or(config.data);
        config.listen.grpc = grpc.unwrap_or(config.listen.grpc);
        config.listen.http = http.unwrap_or(config.listen.http);
        config.listen.operator = operator.unwrap_or(config.listen.operator);
        config.prices.extend(prices);
        refuse_open_listeners(&reading, &config.listen, insecure);

        let mut mistakes = reading.mistakes.into_inner();
        mistakes.sort();
        if mistakes.is_empty() { Ok(config) } else { Err(mistakes) }
    }
}

/// Off loopback anybody who reaches a listener could write telemetry and verdicts.
fn refuse_open_listeners(
    reading: &section::Reading<'_>,
    listen: &Listen,
    insecure: file::Insecure,
) {
    let listeners = [
        ("receivers.otlp.protocols.grpc", listen.grpc, insecure.grpc),
        ("receivers.otlp.protocols.http", listen.http, insecure.http),
        ("countersign.operator", listen.operator, insecure.operator),
    ];
    for (key, address, insecure) in listeners {
        if !address.ip().is_loopback() && !insecure {
            let text = format!(
                "{address} is open to others, without TLS and credentials. Either of\n\
                 endpoint: 127.0.0.1:{}   # behind a proxy or a Collector that has both\n\
                 insecure: true   # whoever reaches this address may write and read",
                address.port()
            );
            reading.mistake(None, key, text);
        }
    }
}

#[cfg(test)]
mod tests;
