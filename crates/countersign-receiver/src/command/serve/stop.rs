//! Stopping: who asks for it, who is told, and who is waited for.

use std::future::Future;
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinError;

use super::Loops;
use crate::keeper::{Keeper, Running};
use crate::limits::STOP_KEEPER_MS_MAX;

/// SIGTERM and SIGINT.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

/// Listens for the signals, from now on.
pub(super) fn signals() -> anyhow::Result<Signals> {
    let listen = |kind| signal(kind).context("cannot listen for signals");
    let terminate = listen(SignalKind::terminate())?;
    let interrupt = listen(SignalKind::interrupt())?;
    Ok(Signals { terminate, interrupt })
}

impl Signals {
    /// Waits for one of them.
    pub(super) async fn recv(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Ends the program as a kill would: all that was acknowledged is on disk.
pub(super) fn at_once() -> ! {
    tracing::warn!("asked to stop once more: stopping at once");
    std::process::exit(i32::from(crate::command::exit::AT_ONCE))
}

/// Resolves when the program stops.
pub(super) fn when(stopped: &watch::Receiver<bool>) -> impl Future<Output = ()> + Send + use<> {
    let mut stopped = stopped.clone();
    async move {
        // The sender is gone only when the program is.
        drop(stopped.wait_for(|stopped| *stopped).await);
    }
}

/// A loop that ends while nobody asked for it: its error, or that it ended.
pub(super) fn early(ended: Option<Result<anyhow::Result<()>, JoinError>>) -> anyhow::Result<()> {
    ended
        .context("there are no loops")?
        .context("a loop of the program broke")?
        .and_then(|()| anyhow::bail!("a loop of the program ended"))
}

/// Waits for all loops, but not for ever: whatever is still open then was not acknowledged.
pub(super) async fn drain(loops: &mut Loops, wait_ms_max: u64) {
    let all = async {
        while let Some(ended) = loops.join_next().await {
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!("while stopping: {error:#}"),
                Err(error) => tracing::error!(%error, "a loop of the program broke"),
            }
        }
    };
    if tokio::time::timeout(Duration::from_millis(wait_ms_max), all).await.is_err() {
        tracing::warn!(loops = loops.len(), "not waited for any longer");
        loops.abort_all();
    }
}

/// Stops the keeper once what it took before is booked. A disk that takes too long for that is
/// not waited for: whoever sent it has no answer and sends it again.
pub(super) async fn keeper(keeper: Keeper, keeping: Running) -> anyhow::Result<()> {
    let stopping = tokio::task::spawn_blocking(move || {
        keeper.stop();
        keeping.join();
    });
    match tokio::time::timeout(Duration::from_millis(STOP_KEEPER_MS_MAX), stopping).await {
        Ok(stopped) => Ok(stopped?),
        Err(_) => {
            tracing::warn!("the disk is not waited for any longer");
            Ok(())
        }
    }
}
