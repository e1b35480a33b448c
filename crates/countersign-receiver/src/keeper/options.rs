//! Options: how a keeper is started.

use bytes::Bytes;
use countersign_core::delta::VerdictBooked;
use countersign_core::settle::{Settings, TaskView};

use crate::limits;

/// Makes a trace request of one span for a verdict, to stand beside the work it judges; the text
/// is the data directory's instance in hexadecimal.
pub type VerdictSpan = fn(&VerdictBooked, &TaskView<'_>, &str) -> Option<Bytes>;

/// How the keeper is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// The books' settings.
    pub settings: Settings,
    /// If there are destinations for traces: how a verdict becomes a span.
    pub verdict_span: Option<VerdictSpan>,
    /// Whether there are destinations for anything at all.
    pub relays: bool,
    /// Bytes that are held back on the disk and given free when it is full.
    pub reserve_bytes: u64,
    /// Length at which a log begins a new segment.
    pub segment_bytes: u64,
    /// Bytes of the fact log after which a snapshot is taken.
    pub snapshot_every_bytes: u64,
    /// Bytes of the fact log that are kept although snapshots replace them.
    pub journal_kept_bytes: u64,
}

impl Options {
    /// The usual ones, without destinations.
    #[must_use]
    pub fn of(settings: Settings) -> Options {
        Options {
            settings,
            verdict_span: None,
            relays: false,
            reserve_bytes: limits::RESERVE_BYTES,
            segment_bytes: limits::SEGMENT_BYTES,
            snapshot_every_bytes: limits::SNAPSHOT_EVERY_BYTES,
            journal_kept_bytes: limits::JOURNAL_KEPT_BYTES,
        }
    }
}
