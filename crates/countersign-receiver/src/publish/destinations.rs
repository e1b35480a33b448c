//! Destinations: the loops that send to them, set up in one place.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::health::Health;
use super::otlp::MetricsPush;
use super::own::Own;
use super::relay::Relay;
use crate::config::{Config, Destination};
use crate::journal::{Cursor, DataDirectory};
use crate::keeper::Keeper;
use crate::limits::RELAY_HOUSEKEEPING;

/// What is sent where, ready to start.
pub struct Destinations {
    prepared: Vec<(Destination, Cursor, Arc<Health>)>,
    interval: Duration,
    instance: String,
}

impl Destinations {
    /// Opens each destination's cursor in the data directory.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn open(config: &Config, directory: &DataDirectory) -> anyhow::Result<Destinations> {
        let mut prepared = Vec::new();
        for destination in &config.destinations {
            let cursor = directory.open_cursor(&destination.name)?;
            if cursor.was_damaged() {
                let name = &destination.name;
                tracing::warn!(destination = name, "its cursor was damaged: it is served anew");
            }
            let health = Arc::new(Health::of(&destination.name));
            prepared.push((destination.clone(), cursor, health));
        }
        let instance = format!("{:032x}", directory.instance());
        Ok(Destinations { prepared, interval: config.metrics_interval, instance })
    }

    /// How the destinations fare, for the operator port.
    #[must_use]
    pub fn healths(&self) -> Vec<Arc<Health>> {
        self.prepared.iter().map(|(_, _, health)| Arc::clone(health)).collect()
    }

    /// Starts a relay and a metrics push for each destination, as far as it takes them.
    ///
    /// # Errors
    /// If an endpoint is no URL, its certificates cannot be read, or the disk fails.
    pub fn start(
        self,
        keeper: &Keeper,
        own: &Arc<Own>,
        loops: &mut JoinSet<anyhow::Result<()>>,
        stopped: &watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        let healths = self.healths();
        for (destination, cursor, health) in self.prepared {
            let wrong = format!("exporter {:?}", destination.name);
            if destination.signals.metrics {
                let (health, instance) = (Arc::clone(&health), self.instance.clone());
                let own = Arc::clone(own);
                let push = MetricsPush::new(&destination, health, self.interval, instance, own)
                    .context(wrong.clone())?;
                let (keeper, stopped) = (keeper.clone(), stopped.clone());
                loops.spawn(async move {
                    push.run(keeper, stopped).await;
                    Ok(())
                });
            }
            if let Some(feed) = keeper.relay() {
                let reader = feed.reader(cursor.position())?;
                let relay = Relay::new(destination, reader, cursor, health).context(wrong)?;
                let (changed, stopped) = (feed.changed(), stopped.clone());
                loops.spawn(async move {
                    relay.run(changed, stopped).await;
                    Ok(())
                });
            }
        }
        if keeper.relay().is_some() {
            loops.spawn(tell_what_is_relayed(keeper.clone(), healths, stopped.clone()));
        }
        Ok(())
    }
}

/// Tells the keeper how far every destination has been served, so that the disk is freed.
async fn tell_what_is_relayed(
    keeper: Keeper,
    healths: Vec<Arc<Health>>,
    mut stopped: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let mut told = 0;
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return Ok(()),
            () = tokio::time::sleep(RELAY_HOUSEKEEPING) => {}
        }
        let position = healths.iter().map(|health| health.position()).min().unwrap_or(0);
        if position > told {
            keeper.relayed(position);
            told = position;
        }
    }
}
