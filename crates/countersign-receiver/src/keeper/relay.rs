//! What waits to be relayed: scrubbed requests and spans of verdicts, in a log of their own.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use countersign_core::dialect::Signal;
use tokio::sync::watch;

use crate::journal::{Disk, LogError, LogKind, LogReader};

/// Where the relay loops read. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RelayFeed {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) directory: PathBuf,
    pub(super) synced: Arc<AtomicU64>,
    pub(super) changed: watch::Receiver<u64>,
}

impl RelayFeed {
    /// A reader from this sequence on; it never sees what is not on disk yet. Each record's
    /// payload is a [`RelayRecord`].
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn reader(&self, from_sequence: u64) -> Result<LogReader, LogError> {
        let synced = Some(Arc::clone(&self.synced));
        let disk = Arc::clone(&self.disk);
        LogReader::open_with(disk, &self.directory, LogKind::Relay, from_sequence, synced)
    }

    /// Changes whenever there is more to read; carries the last sequence on disk.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changed.clone()
    }
}

/// One request to relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayRecord<'a> {
    /// Which request it is.
    pub signal: Signal,
    /// The request as protobuf, scrubbed.
    pub request: &'a [u8],
}

impl<'a> RelayRecord<'a> {
    /// The first byte of the payload; the request follows.
    pub(super) fn head(signal: Signal) -> [u8; 1] {
        match signal {
            Signal::Traces => *b"t",
            Signal::Logs => *b"l",
            Signal::Metrics => *b"m",
        }
    }

    /// Reads a payload of the relay log; `None` if no such payload was ever written.
    #[must_use]
    pub fn decode(payload: &'a [u8]) -> Option<RelayRecord<'a>> {
        let (head, request) = payload.split_first()?;
        let all = [Signal::Traces, Signal::Logs, Signal::Metrics];
        let signal = all.into_iter().find(|signal| RelayRecord::head(*signal) == [*head])?;
        Some(RelayRecord { signal, request })
    }
}
