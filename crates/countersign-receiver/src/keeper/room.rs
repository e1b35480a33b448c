//! Room: space that is held back on the disk, given free when the disk is full, and taken again.

use std::time::Duration;

use super::time::Now;
use crate::journal::DataDirectory;
use crate::limits::{GROUP_BYTES_MAX, REOPEN_AFTER};

/// The reserve of a data directory.
///
/// When the disk is full the reserve goes: verdicts, deadlines and the destinations' progress
/// have its space, telemetry is refused until there is enough for the reserve and a group.
#[derive(Debug)]
pub(super) struct Room {
    /// Bytes of the reserve, 0 if there never was space for it.
    bytes: u64,
    scarce: bool,
    /// When it is looked for space again, on the monotonic clock.
    next_look: Duration,
}

impl Room {
    /// Holds so many bytes back, if there are so many.
    pub(super) fn take(directory: &DataDirectory, bytes: u64, now: Now) -> Room {
        let mut room = Room { bytes, scarce: false, next_look: now.monotonic };
        if let Err(error) = directory.reserve(bytes) {
            tracing::warn!(%error, "no space is held back for a full disk");
            room.bytes = 0;
        }
        room
    }

    /// Whether telemetry is refused for want of space.
    pub(super) fn is_scarce(&self) -> bool {
        self.scarce
    }

    /// The disk is full: gives the reserve free. Whether it was there, so that it is worth
    /// trying again.
    pub(super) fn give_free(&mut self, directory: &DataDirectory, now: Now) -> bool {
        self.scarce = true;
        self.next_look = now.monotonic + REOPEN_AFTER;
        match directory.release_reserve() {
            Ok(given) => given,
            Err(error) => {
                tracing::error!(%error, "the space that is held back cannot be given free");
                false
            }
        }
    }

    /// Takes the reserve again if it is time to look and there is space. Whether it was taken.
    pub(super) fn look(&mut self, directory: &DataDirectory, now: Now) -> bool {
        if !self.scarce || now.monotonic < self.next_look {
            return false;
        }
        self.next_look = now.monotonic + REOPEN_AFTER;
        let free = directory.disk().free_bytes(directory.path()).unwrap_or(0);
        let wanted = self.bytes + GROUP_BYTES_MAX as u64;
        if free >= wanted && directory.reserve(self.bytes).is_ok() {
            self.scarce = false;
        }
        !self.scarce
    }
}
