//! What can go wrong with a log.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a log refused.
#[derive(Debug)]
#[non_exhaustive]
pub enum LogError {
    /// The disk is full. What was appended since the last sync is gone, what was synced is safe;
    /// unless [`super::Log::is_poisoned`], appending may go on when there is space again.
    Full,
    /// A write or a sync failed before: nothing more is taken until [`super::Log::reopen`].
    Poisoned,
    /// The payload is longer than [`crate::limits::RECORD_BYTES_MAX`].
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// A segment was written by a newer Countersign.
    Newer {
        /// The segment.
        path: PathBuf,
        /// Its version.
        version: u16,
    },
    /// The segment belongs to a log of another kind.
    OtherKind {
        /// The segment.
        path: PathBuf,
    },
    /// What had been synced does not read back.
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Where the damage begins.
        offset: u64,
    },
    /// The disk failed.
    Io {
        /// What was done.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

impl LogError {
    /// Wraps the system's answer; a full disk is told apart.
    pub(super) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> LogError {
        let path = path.into();
        move |source| {
            if is_full(&source) { LogError::Full } else { LogError::Io { action, path, source } }
        }
    }
}

/// Whether the system says that there is no space, or no quota, left.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogError::Full => write!(f, "the disk is full: free some space on it"),
            LogError::Poisoned => {
                write!(f, "an earlier write or sync failed: the log must be reopened first")
            }
            LogError::TooLarge { bytes } => write!(
                f,
                "{bytes} bytes are too many for one record, at most {} are taken",
                crate::limits::RECORD_BYTES_MAX
            ),
            LogError::Newer { path, version } => write!(
                f,
                "{} has version {version}, written by a newer Countersign: run that one; \
                 nothing was changed",
                path.display()
            ),
            LogError::OtherKind { path } => {
                write!(f, "{} belongs to another log: move it back where it was", path.display())
            }
            LogError::Damaged { path, offset } => write!(
                f,
                "{} does not read back from byte {offset}: restart, so that the damaged bytes \
                 are quarantined, and check the disk",
                path.display()
            ),
            LogError::Io { action, path, source } => {
                write!(f, "cannot {action} {}: {source}", path.display())
            }
        }
    }
}

impl std::error::Error for LogError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if let LogError::Io { source, .. } = self { Some(source) } else { None }
    }
}
