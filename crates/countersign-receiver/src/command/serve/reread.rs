//! Everything at rest is read again from time to time, slowly and on a thread of its own: what a
//! device lost is found while there may still be a copy elsewhere.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use tokio::sync::{oneshot, watch};

use crate::clock;
use crate::journal::{Cursor, Damage, DataDirectory, Disk, LogKind, Soundness, reread};
use crate::limits::{REREAD_BYTES_PER_SECOND, REREAD_LOOK_MS};

/// What is read again, and how often.
pub(super) struct Reread {
    disk: Arc<dyn Disk>,
    logs: Vec<(PathBuf, LogKind)>,
    soundness: Soundness,
    /// When it was last done, in seconds since 1970.
    done: Cursor,
    every: Duration,
}

impl Reread {
    /// Prepares it for a data directory.
    pub(super) fn of(directory: &DataDirectory, every: Duration) -> anyhow::Result<Reread> {
        let mut done = directory.open_cursor("read-again")?;
        if done.position() == 0 {
            // What was just made need not be read again at once.
            done.move_to(now_seconds())?;
        }
        Ok(Reread {
            disk: directory.disk(),
            logs: vec![(directory.facts(), LogKind::Facts), (directory.relay(), LogKind::Relay)],
            soundness: directory.soundness(),
            done,
            every,
        })
    }

    /// Reads again whenever it is time, until the program stops.
    pub(super) async fn run(mut self, mut stopped: watch::Receiver<bool>) -> anyhow::Result<()> {
        let stop = Arc::new(AtomicBool::new(false));
        let look = Duration::from_millis(REREAD_LOOK_MS).min(self.every);
        loop {
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return Ok(()),
                () = tokio::time::sleep(look) => {}
            }
            if now_seconds() < self.done.position().saturating_add(self.every.as_secs()) {
                continue;
            }
            let (answer, answered) = oneshot::channel();
            let seen = Arc::clone(&stop);
            let thread = std::thread::Builder::new().name("read again".into());
            thread.spawn(move || {
                self.read_all(&seen);
                // The loop is gone when the program stops.
                drop(answer.send(self));
            })?;
            self = tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => {
                    stop.store(true, Ordering::Relaxed);
                    return Ok(());
                }
                back = answered => back.context("reading again broke")?,
            };
        }
    }

    fn read_all(&mut self, stop: &AtomicBool) {
        // On Linux this is for the thread alone.
        if let Err(error) = rustix::process::nice(19) {
            tracing::debug!(%error, "reading again has the priority of all else");
        }
        let (began, mut bytes) = (clock::instant(), 0);
        let mut pace = |read: u64| {
            bytes += read;
            let due = Duration::from_secs_f64(bytes as f64 / REREAD_BYTES_PER_SECOND as f64);
            while let Some(early) = due.checked_sub(began.elapsed()).filter(|_| !stopping(stop)) {
                std::thread::sleep(early.min(Duration::from_millis(100)));
            }
            !stopping(stop)
        };
        for (directory, kind) in &self.logs {
            match reread(&self.disk, directory, *kind, &mut pace) {
                Ok(damages) => tell(&self.soundness, &damages),
                Err(error) => tracing::error!(%error, "what is at rest cannot be read again"),
            }
        }
        if stopping(stop) {
            return;
        }
        tracing::info!(bytes, "everything at rest was read again");
        self.soundness.was_read_again(clock::now());
        if let Err(error) = self.done.move_to(now_seconds()) {
            tracing::warn!(%error, "it will be read again sooner than needed");
        }
    }
}

fn tell(soundness: &Soundness, damages: &[Damage]) {
    for damage in soundness.add(damages) {
        tracing::error!(
            segment = %damage.segment.display(),
            from = damage.range.start,
            to = damage.range.end,
            copy = damage.copy.map(|path| path.display().to_string()),
            "bytes at rest are damaged: restore the segment from a backup, and check the disk"
        );
    }
}

fn stopping(stop: &AtomicBool) -> bool {
    stop.load(Ordering::Relaxed)
}

fn now_seconds() -> u64 {
    clock::now() / 1_000_000_000
}
