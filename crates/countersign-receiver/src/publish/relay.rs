//! Relay: one loop for each destination takes requests from the relay log, sends them, and moves
//! its cursor after the answer, never before.
//!
//! At least once: a request whose answer was lost is sent again. Requests of one signal that
//! wait together are joined (OTLP requests that are written one after the other are one
//! request); if the joined one is refused for good, it is taken apart, so that no good request
//! is given up because of a bad one. No loop knows of another: a destination that is slow or
//! away slows nobody.

mod source;

pub use source::{Joined, Source};

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use super::answer::{Answer, Reason};
use super::backoff::Backoff;
use super::halves::halves;
use super::health::Health;
use super::wire::Wire;
use crate::config::Destination;
use crate::journal::{Cursor, LogError, LogReader};
use crate::limits::RELAY_DISK_WAIT;

/// What one destination's loop works with.
pub struct Relay {
    destination: Destination,
    wire: Wire,
    source: Source,
    health: Arc<Health>,
}

impl Relay {
    /// A loop for this destination. The reader stands where the cursor points.
    ///
    /// # Errors
    /// If the endpoint is no URL or its certificates cannot be read.
    pub fn new(
        destination: Destination,
        reader: LogReader,
        cursor: Cursor,
        health: Arc<Health>,
    ) -> anyhow::Result<Relay> {
        let wire = Wire::to(&destination)?;
        health.moved_to(cursor.position());
        let source = Source::new(reader, cursor, destination.signals);
        Ok(Relay { destination, wire, source, health })
    }

    /// Relays until `stop` says true; `changed` changes when there is more to read. What is in
    /// flight at the stop is sent again after the next start. A disk that fails is waited for.
    pub async fn run(self, mut changed: watch::Receiver<u64>, mut stop: watch::Receiver<bool>) {
        let relayed = async {
            let Relay { destination, wire, mut source, health } = self;
            loop {
                // Before the look, so that what comes after it is not missed.
                changed.mark_unchanged();
                let (back, read) = off_the_loop(source, Source::take).await;
                source = back;
                let (joined, position) = match read {
                    Ok(Some(taken)) => taken,
                    Ok(None) => match changed.changed().await {
                        Ok(()) => continue,
                        // The keeper has stopped: nothing more will come.
                        Err(_) => return,
                    },
                    Err(error) => {
                        wait_for_the_disk(&health, &error).await;
                        continue;
                    }
                };
                if let Some(joined) = joined {
                    deliver(&wire, &destination, &health, joined).await;
                }
                source = move_to(source, position, &health).await;
            }
        };
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => {}
            () = relayed => {}
        }
    }
}

/// Moves the cursor, however long the disk takes.
async fn move_to(mut source: Source, position: u64, health: &Health) -> Source {
    loop {
        let work = move |source: &mut Source| source.delivered(position);
        let (back, moved) = off_the_loop(source, work).await;
        source = back;
        match moved {
            Ok(()) => break,
            Err(error) => wait_for_the_disk(health, &error).await,
        }
    }
    health.moved_to(position);
    source
}

async fn wait_for_the_disk(health: &Health, error: &LogError) {
    tracing::error!(destination = health.name(), %error, "the relay waits for the disk");
    tokio::time::sleep(RELAY_DISK_WAIT).await;
}

/// Runs blocking work on the source elsewhere, and gives the source back.
async fn off_the_loop<T: Send + 'static>(
    mut source: Source,
    work: impl FnOnce(&mut Source) -> T + Send + 'static,
) -> (Source, T) {
    let done = tokio::task::spawn_blocking(move || {
        let result = work(&mut source);
        (source, result)
    });
    done.await.expect("reading a log does not panic, and the runtime outlives its loops")
}

/// Sends until every request was taken or given up.
async fn deliver(wire: &Wire, destination: &Destination, health: &Health, joined: Joined) {
    let mut waiting = VecDeque::from([joined]);
    let mut backoff = Backoff::new(destination.retry);
    while let Some(joined) = waiting.front() {
        let wait = match wire.send(joined.signal, joined.bytes()).await {
            Answer::Taken { refused } => {
                if refused > 0 {
                    tracing::warn!(destination = health.name(), refused, "records were refused");
                }
                health.took(refused);
                waiting.pop_front();
                backoff = Backoff::new(destination.retry);
                continue;
            }
            Answer::Never(why) => {
                give_up(health, why, &mut waiting);
                continue;
            }
            Answer::Misconfigured(why) => {
                health.is_misconfigured(why);
                backoff.longest()
            }
            Answer::Later { why, after } => {
                health.sends_again(why);
                backoff.next(after)
            }
        };
        tokio::time::sleep(wait).await;
    }
}

/// Takes the first of what waits apart, or gives it up: if it is a single request, and if that is
/// not too large or has one record only.
fn give_up(health: &Health, why: Reason, waiting: &mut VecDeque<Joined>) {
    let Some(mut joined) = waiting.pop_front() else { return };
    if joined.requests.len() > 1 {
        let rest = joined.requests.split_off(joined.requests.len() / 2);
        waiting.push_front(Joined { signal: joined.signal, requests: rest });
        waiting.push_front(joined);
        return;
    }
    if let (true, [request]) = (why.is_size(), joined.requests.as_slice())
        && let Some((first, second)) = halves(request)
    {
        for half in [second, first] {
            waiting.push_front(Joined { signal: joined.signal, requests: vec![half] });
        }
        return;
    }
    health.gave_up(why);
    let bytes = joined.requests.first().map_or(0, Bytes::len);
    tracing::warn!(
        destination = health.name(),
        reason = %why,
        signal = ?joined.signal,
        bytes,
        "a request was given up: the destination will never take it"
    );
}

#[cfg(test)]
mod tests;
