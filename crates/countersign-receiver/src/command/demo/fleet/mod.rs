//! The demonstration's fleet: a few agents that work through tasks without end, and the people
//! and systems that judge them a little later. Models are stand-ins that only take their time;
//! everything else is real: the instrumentation crate, its pipelines, the sockets.

mod random;
mod story;
mod work;
mod workflows;

use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::limits;
use random::Random;
use story::Story;
use work::Crew;

/// The world that every demonstration lives through.
const SEED: u64 = 0xc0de_2026;

/// Milliseconds from one task to the next.
const PACE_MS: std::ops::Range<u64> = 220..480;

/// Lets the fleet work until `stop` becomes true or its sender is gone. What it has to tell goes
/// to `otlp_endpoint`, the base URL of an OTLP receiver over HTTP, such as
/// `http://127.0.0.1:4318`.
///
/// # Errors
/// If the pipelines to the receiver cannot be set up.
pub async fn run(otlp_endpoint: String, mut stop: watch::Receiver<bool>) -> anyhow::Result<()> {
    let crew = tokio::task::spawn_blocking(move || Crew::hire(&otlp_endpoint))
        .await
        .context("the demonstration's fleet did not start")??;
    let mut pace = Random::new(SEED, u64::MAX);
    let mut open = JoinSet::new();
    for number in 0.. {
        let idle = Duration::from_millis(pace.within(PACE_MS));
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            () = sleep(idle) => {}
        }
        while open.try_join_next().is_some() {}
        if open.len() < limits::FLEET_TASKS_OPEN_MAX {
            open.spawn(crew.live(number, Story::tell(SEED, number)));
        }
    }
    // What is not finished is cancelled, as in any agent that is shut down.
    open.shutdown().await;
    tokio::task::spawn_blocking(move || crew.dismiss())
        .await
        .context("the demonstration's fleet did not stop")
}
