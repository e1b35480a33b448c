//! Open files: as many as the system lets us have, and how many of them connections may take.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Connections;
use crate::ingest::Slots;
use crate::limits::{FILES_KEPT, OPERATOR_CONNECTIONS_MAX};

/// Room for connections.
pub(super) struct Room {
    /// Of the ports that take telemetry.
    pub(super) ingest: Slots,
    /// Of the operator port.
    pub(super) operator: Slots,
}

/// Asks for as many open files as there may be, and shares them out.
pub(super) fn room(wanted: Connections) -> Room {
    let files = raise();
    let (ingest, operator) = shared_out(files, wanted.total);
    if ingest < wanted.total {
        tracing::info!(
            files,
            connections = ingest,
            "the limit of open files is low: fewer connections than configured"
        );
    }
    Room {
        ingest: Slots::new(ingest, wanted.per_address),
        operator: Slots::new(operator, wanted.per_address),
    }
}

/// The limit of open files, after it was raised as far as it goes.
fn raise() -> usize {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::debug!(%error, "the limit of open files stays as it is");
        }
    }
    let current = getrlimit(Resource::Nofile).current;
    current.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX)
}

/// Connections to the ports that take telemetry, and to the operator port. The journal and the
/// destinations keep some files, half of them if there are few.
fn shared_out(files: usize, wanted: usize) -> (usize, usize) {
    let room = files - FILES_KEPT.min(files / 2);
    let operator = (room / 4).clamp(1, OPERATOR_CONNECTIONS_MAX);
    // More than the semaphore behind it can hold would be no limit.
    let most = tokio::sync::Semaphore::MAX_PERMITS;
    (wanted.min(room.saturating_sub(operator)).clamp(1, most), operator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_keeps_some_files() {
        assert_eq!(shared_out(usize::MAX, 10_000), (10_000, 512));
        assert_eq!(shared_out(1_024, 10_000), (672, 224));
        assert_eq!(shared_out(64, 10_000), (24, 8));
        assert_eq!(shared_out(0, 10_000), (1, 1));
    }
}
