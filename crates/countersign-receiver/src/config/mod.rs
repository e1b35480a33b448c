//! Configuration: what `countersign.yaml` and the command line say, resolved to plain values.
//!
//! A key that the OpenTelemetry Collector has is spelled as there. Everything has a default:
//! without a file the program listens on loopback and keeps its books in `./countersign-data`.

mod credentials;
mod destination;
mod file;
mod hooks;
mod ports;
mod section;
mod units;
mod yaml;

pub use credentials::{Connections, DEFAULT_TENANT, TenantLimits};
pub use destination::{Destination, Protocol, Retry, Signals};
pub use ports::{Door, Doors, Listen};
pub use section::{Mistake, Refused};
pub use units::{DURATION, address, duration, is_name};

use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use countersign_core::dialect::{Scrub, Signal};

use crate::access::Credential;
use crate::ingest::RelayPlan;
use crate::ingest::hooks::Hook;

/// Everything that an operator can set.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: Listen,
    /// How each port is reached, beside its address.
    pub doors: Doors,
    /// Who may do what. Without any of them everybody may do everything, as the default tenant.
    pub credentials: Vec<Credential>,
    /// Limits of tenants that have some.
    pub tenants: Vec<TenantLimits>,
    /// How many connections there may be.
    pub connections: Connections,
    /// The data directory.
    pub data: PathBuf,
    /// Where metrics and the relayed telemetry go.
    pub destinations: Vec<Destination>,
    /// Where verdicts come from by themselves.
    pub hooks: Vec<Hook>,
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
    /// How often everything at rest is read again, to see whether its checksums still hold.
    pub reread_interval: Duration,
    /// Bytes of the journal that are kept to be recounted, although snapshots replace them.
    pub journal_kept_bytes: u64,
    /// Why this is measured; shown on every page.
    pub purpose: String,
    /// Link to a trace in the operator's own tool, with `{trace_id}` in the place of the id.
    pub trace_url: Option<String>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: Listen::default(),
            doors: Doors::default(),
            credentials: Vec::new(),
            tenants: Vec::new(),
            connections: Connections::default(),
            data: PathBuf::from("countersign-data"),
            destinations: Vec::new(),
            hooks: Vec::new(),
            books: countersign_core::settle::Settings::default(),
            dialect: countersign_core::dialect::Settings::default(),
            prices: Vec::new(),
            scrub: Scrub::Standard,
            metrics_interval: Duration::from_secs(15),
            reread_interval: Duration::from_secs(7 * 24 * 3_600),
            journal_kept_bytes: crate::limits::JOURNAL_KEPT_BYTES,
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
            Some(path) => std::fs::read_to_string(path).map_err(|error| {
                Refused::of_text(Some(path.to_owned()), format!("cannot be read: {error}"))
            })?,
            None => String::new(),
        };
        let environment = |name: &str| std::env::var(name).ok();
        Config::parse(&text, overrides, &environment)
            .map_err(|mistakes| Refused { file: file.map(Path::to_owned), mistakes })
    }

    /// Keys that another configuration has otherwise, and that the running program cannot
    /// change: all but certificates, credentials and tenants.
    #[must_use]
    pub fn differences(&self, other: &Config) -> Vec<&'static str> {
        let doors = |config: &Config| {
            let Doors { grpc, http, operator } = config.doors.clone();
            [grpc, http, operator].map(|door| (door.insecure, door.hosts))
        };
        let compared = [
            ("endpoint", self.listen == other.listen),
            ("insecure and hosts", doors(self) == doors(other)),
            ("connections", self.connections == other.connections),
            ("exporters", self.destinations == other.destinations),
            ("hooks", format!("{:?}", self.hooks) == format!("{:?}", other.hooks)),
            ("data", self.data == other.data),
            ("patience, review rates and edited_threshold", self.books == other.books),
            ("task_keys", self.dialect.task_keys == other.dialect.task_keys),
            ("prices", self.prices == other.prices),
            ("scrub", self.scrub == other.scrub),
            ("metrics", self.metrics_interval == other.metrics_interval),
            ("reread_interval", self.reread_interval == other.reread_interval),
            ("purpose", self.purpose == other.purpose),
            ("trace_url", self.trace_url == other.trace_url),
        ];
        compared.into_iter().filter(|(_, same)| !same).map(|(key, _)| key).collect()
    }

    fn parse(
        text: &str,
        overrides: Overrides,
        environment: section::Environment<'_>,
    ) -> Result<Config, Vec<Mistake>> {
        let reading = section::Reading { environment, mistakes: RefCell::default() };
        let mut config = Config::default();
        match yaml::parse(text) {
            Ok(root) => file::read(section::Section::root(&reading, &root), &mut config),
            Err((line, text)) => reading.mistake(line, "", text),
        }
        let Overrides { data, grpc, http, operator, prices } = overrides;
        config.data = data.unwrap_or(config.data);
        config.listen.grpc = grpc.unwrap_or(config.listen.grpc);
        config.listen.http = http.unwrap_or(config.listen.http);
        config.listen.operator = operator.unwrap_or(config.listen.operator);
        config.prices.extend(prices);
        let has_credentials = !config.credentials.is_empty();
        ports::refuse_open(&reading, &config.listen, &config.doors, has_credentials);

        let mut mistakes = reading.mistakes.into_inner();
        mistakes.sort();
        if mistakes.is_empty() { Ok(config) } else { Err(mistakes) }
    }
}

#[cfg(test)]
mod tests;
