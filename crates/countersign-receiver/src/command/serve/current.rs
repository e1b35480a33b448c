//! Current: what can change while the program runs, read again all at once or not at all.
//!
//! Certificates, credentials and tenants' limits are put in the place of the old ones when all
//! of them are right; otherwise everything stays as it is, and that is said. What else changed
//! in the file waits for the next start.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use countersign_core::fact::UnixNanos;
use rustls::ServerConfig;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::access::Access;
use crate::access::tls::TlsReady;
use crate::clock;
use crate::config::{Config, Door, Doors, Overrides};
use crate::ingest::Tls;
use crate::publish::reloads::Reloads;

/// Where the configuration came from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) file: Option<PathBuf>,
    pub(crate) overrides: Overrides,
}

/// How often the file is looked at for a change, unless a certificate asks for more.
const LOOK: Duration = Duration::from_secs(10);
/// When the end of a certificate is warned of: days before it.
const WARNED_DAYS: [u64; 3] = [21, 7, 1];
const DAY_NS: u64 = 86_400_000_000_000;

/// A configuration with the TLS that it names, all of it read.
struct Ready {
    config: Config,
    tls: PerPort<Option<TlsReady>>,
}

/// One thing for each port.
struct PerPort<T> {
    grpc: T,
    http: T,
    operator: T,
}

impl<T> PerPort<T> {
    fn all(&self) -> [(&'static str, &T); 3] {
        [("grpc", &self.grpc), ("http", &self.http), ("operator", &self.operator)]
    }
}

/// What is in force.
pub(super) struct Current {
    source: Option<Source>,
    /// What it was at the start: the rest of it needs a restart to change.
    started: Config,
    ready: Ready,
    tls: PerPort<watch::Sender<Option<Arc<ServerConfig>>>>,
    access: Access,
    reloads: Arc<Reloads>,
    /// Days before the end of a certificate that were warned of, by port.
    warned: PerPort<Option<u64>>,
}

impl Current {
    /// Reads what the configuration names.
    ///
    /// # Errors
    /// Which file is wrong.
    pub(super) fn start(config: &Config, source: Option<Source>) -> anyhow::Result<Current> {
        let tls = load_tls(&config.doors).map_err(|wrong| {
            crate::config::Refused::of_text(source.as_ref().and_then(|s| s.file.clone()), wrong)
        })?;
        let sender = |ready: &Option<TlsReady>| watch::channel(config_of(ready)).0;
        let senders = PerPort {
            grpc: sender(&tls.grpc),
            http: sender(&tls.http),
            operator: sender(&tls.operator),
        };
        let current = Current {
            source,
            started: config.clone(),
            access: Access::new(config.credentials.clone(), &config.tenants),
            ready: Ready { config: config.clone(), tls },
            tls: senders,
            reloads: Arc::new(Reloads::new(clock::now())),
            warned: PerPort { grpc: None, http: None, operator: None },
        };
        current.tell_expiry();
        Ok(current)
    }

    /// Who may do what.
    pub(super) fn access(&self) -> Access {
        self.access.clone()
    }

    /// What became of the reloads.
    pub(super) fn reloads(&self) -> Arc<Reloads> {
        Arc::clone(&self.reloads)
    }

    pub(super) fn grpc_tls(&self) -> Tls {
        self.tls.grpc.subscribe()
    }

    pub(super) fn http_tls(&self) -> Tls {
        self.tls.http.subscribe()
    }

    pub(super) fn operator_tls(&self) -> Tls {
        self.tls.operator.subscribe()
    }

    /// Reloads at SIGHUP and when a file has changed, until `stopped`.
    ///
    /// # Errors
    /// If the signal cannot be listened for.
    pub(super) async fn keep(mut self, mut stopped: watch::Receiver<bool>) -> anyhow::Result<()> {
        let mut hangups = signal(SignalKind::hangup()).context("cannot listen for SIGHUP")?;
        loop {
            self.warn_of_expiry();
            let asked = tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return Ok(()),
                _ = hangups.recv() => Asked::BySignal,
                () = tokio::time::sleep(self.patience()) => Asked::ByClock,
            };
            let (source, doors) = (self.source.clone(), self.ready.config.doors.clone());
            let started = self.started.clone();
            let read = move || read(source, started, &doors);
            match tokio::task::spawn_blocking(read).await? {
                Ok(ready) => self.put(ready, asked),
                Err(wrong) => self.keep_old(wrong, asked),
            }
        }
    }

    fn patience(&self) -> Duration {
        let doors = &self.ready.config.doors;
        let all = [&doors.grpc, &doors.http, &doors.operator];
        let intervals = all.into_iter().filter_map(|door| Some(door.tls.as_ref()?.reload_interval));
        intervals.min().unwrap_or(LOOK).min(LOOK)
    }

    fn put(&mut self, ready: Ready, asked: Asked) {
        let same_tls = self.ready.tls.all().iter().zip(ready.tls.all()).all(|(old, new)| {
            old.1.as_ref().map(|tls| tls.fingerprint) == new.1.as_ref().map(|tls| tls.fingerprint)
        });
        let (old, new) = (&self.ready.config, &ready.config);
        let same = same_tls && old.credentials == new.credentials && old.tenants == new.tenants;
        let waiting = self.started.differences(new);
        if waiting != self.started.differences(old) && !waiting.is_empty() {
            tracing::warn!(keys = waiting.join(", "), "these changes wait for the next start");
        }
        if !same {
            self.access.exchange(new.credentials.clone(), &new.tenants);
            for ((_, sender), (_, tls)) in self.tls.all().into_iter().zip(ready.tls.all()) {
                sender.send_replace(config_of(tls));
            }
        }
        if !same || asked == Asked::BySignal || self.reloads.is_broken() {
            tracing::info!("certificates, credentials and tenants are reloaded");
            self.reloads.done(clock::now());
        }
        self.reloads.wait_for_restart(waiting);
        self.ready = ready;
        self.tell_expiry();
    }

    fn keep_old(&self, wrong: String, asked: Asked) {
        if self.reloads.broke(&wrong) || asked == Asked::BySignal {
            tracing::error!("the configuration cannot be reloaded and stays as it was: {wrong}");
        }
    }

    fn tell_expiry(&self) {
        let ends = self.ready.tls.all().map(|(port, tls)| (port, tls.as_ref().map(|t| t.expires)));
        self.reloads.tell_expiry(&ends);
    }

    fn warn_of_expiry(&mut self) {
        let now = clock::now();
        let warned = [&mut self.warned.grpc, &mut self.warned.http, &mut self.warned.operator];
        for ((port, tls), warned) in self.ready.tls.all().into_iter().zip(warned) {
            let due = tls.as_ref().and_then(|tls| warning_due(tls.expires, now));
            if due.is_some() && due != *warned {
                let hours = tls.as_ref().map_or(0, |tls| tls.expires.saturating_sub(now)) / DAY_NS;
                tracing::warn!(port, days = hours, "the certificate ends soon: renew it");
            }
            *warned = due;
        }
    }
}

/// The fewest days of [`WARNED_DAYS`] that are not left any more.
fn warning_due(expires: UnixNanos, now: UnixNanos) -> Option<u64> {
    let left = expires.saturating_sub(now);
    WARNED_DAYS.into_iter().filter(|days| left < days * DAY_NS).min()
}

/// Who asked for a reload.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    BySignal,
    ByClock,
}

/// Reads everything again; without a source only the certificates.
fn read(source: Option<Source>, started: Config, doors: &Doors) -> Result<Ready, String> {
    let config = match source {
        Some(Source { file, overrides }) => {
            Config::load(file.as_deref(), overrides).map_err(|refused| refused.to_string())?
        }
        None => Config { doors: doors.clone(), ..started },
    };
    let tls = load_tls(&config.doors)?;
    Ok(Ready { config, tls })
}

fn load_tls(doors: &Doors) -> Result<PerPort<Option<TlsReady>>, String> {
    let load = |door: &Door| door.tls.as_ref().map(|tls| tls.load()).transpose();
    Ok(PerPort {
        grpc: load(&doors.grpc)?,
        http: load(&doors.http)?,
        operator: load(&doors.operator)?,
    })
}

fn config_of(tls: &Option<TlsReady>) -> Option<Arc<ServerConfig>> {
    tls.as_ref().map(|tls| Arc::clone(&tls.config))
}

/// Whether the certificates of a configuration can be used.
///
/// # Errors
/// Which file is wrong.
pub(in crate::command) fn check_tls(config: &Config) -> Result<(), String> {
    load_tls(&config.doors).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_certificate_is_warned_of_three_times() {
        let due = |hours: u64| warning_due(hours * DAY_NS / 24, 0);
        assert_eq!(due(22 * 24), None);
        assert_eq!(due(21 * 24 - 1), Some(21));
        assert_eq!(due(7 * 24), Some(21));
        assert_eq!(due(6 * 24), Some(7));
        assert_eq!(due(23), Some(1));
        assert_eq!(due(0), Some(1));
    }
}
