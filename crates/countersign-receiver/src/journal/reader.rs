//! Reader: follows a log from a sequence on, also while it is written.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::disk::{Disk, OsDisk};
use super::error::LogError;
use super::recovery::{check_header, segments};
use super::segment::{Found, LogKind, SegmentReader, name_of};

/// One record of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its sequence.
    pub sequence: u64,
    /// The version of what was appended: see [`super::Entry::decode`].
    pub version: u16,
    /// What was appended.
    pub payload: &'a [u8],
}

/// Reads the records of a log in order, and goes on when there are more.
#[derive(Debug)]
pub struct LogReader {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    kind: LogKind,
    from: u64,
    synced: Option<Arc<AtomicU64>>,
    current: Option<(u64, SegmentReader)>,
    damaged_bytes: u64,
}

impl LogReader {
    /// Reads the log of a directory from a sequence on. Without the writer's word for what is
    /// synced ([`super::Log::reader`]), every record whose checksum is right counts.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn open(
        directory: &Path,
        kind: LogKind,
        from_sequence: u64,
    ) -> Result<LogReader, LogError> {
        LogReader::open_with(Arc::new(OsDisk), directory, kind, from_sequence, None)
    }

    /// The same with another disk, or up to the sequence that the writer says is synced.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn open_with(
        disk: Arc<dyn Disk>,
        directory: &Path,
        kind: LogKind,
        from_sequence: u64,
        synced: Option<Arc<AtomicU64>>,
    ) -> Result<LogReader, LogError> {
        let mut reader = LogReader {
            disk,
            directory: directory.to_path_buf(),
            kind,
            from: from_sequence,
            synced,
            current: None,
            damaged_bytes: 0,
        };
        reader.enter_first()?;
        Ok(reader)
    }

    /// The next record, or `None` if there is none yet; ask again later.
    ///
    /// # Errors
    /// If the disk fails. Damage is no error: it is counted and stepped over.
    #[allow(clippy::should_implement_trait, reason = "the record is lent by the reader")]
    pub fn next(&mut self) -> Result<Option<Record<'_>>, LogError> {
        let Some((sequence, version, payload)) = self.advance()? else { return Ok(None) };
        let Some((_, reader)) = &self.current else { return Ok(None) };
        Ok(Some(Record { sequence, version, payload: reader.payload(payload) }))
    }

    /// Bytes that were stepped over because they are damaged.
    #[must_use]
    pub fn damaged_bytes(&self) -> u64 {
        self.damaged_bytes
    }

    /// The sequence after the last record that was read; a reader from here goes on.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.current.as_ref().map_or(self.from, |(_, reader)| self.from.max(reader.last() + 1))
    }

    fn advance(&mut self) -> Result<Option<(u64, u16, std::ops::Range<usize>)>, LogError> {
        if self.current.is_none() && !self.enter_first()? {
            return Ok(None);
        }
        // Set when another segment exists, so that nothing more comes to this one.
        let mut following = None;
        loop {
            let Some((first, reader)) = &mut self.current else { return Ok(None) };
            let path = self.directory.join(name_of(*first));
            match reader.next().map_err(LogError::io("read", path))? {
                Found::Record { sequence, .. } if sequence < self.from => {}
                Found::Record { sequence, version, payload } => {
                    return Ok(Some((sequence, version, payload)));
                }
                Found::Damage(range) => self.damaged_bytes += range.end - range.start,
                Found::End { torn } => {
                    let first = *first;
                    if let Some(next) = following.take() {
                        self.damaged_bytes += self.torn_bytes(first, torn)?;
                        self.enter(next)?;
                        continue;
                    }
                    let firsts = segments(self.disk.as_ref(), &self.directory)?;
                    let Some(next) = firsts.into_iter().find(|other| *other > first) else {
                        return Ok(None);
                    };
                    // The writer may have ended this segment after it was read.
                    if let Some((_, reader)) = &mut self.current {
                        reader.ends_before(next);
                    }
                    following = Some(next);
                }
            }
        }
    }

    /// Enters the segment that holds the first wanted sequence, or the first after it.
    fn enter_first(&mut self) -> Result<bool, LogError> {
        let firsts = segments(self.disk.as_ref(), &self.directory)?;
        let held = firsts.iter().rev().find(|first| **first <= self.from);
        let Some(first) = held.or(firsts.first()).copied() else { return Ok(false) };
        self.enter(first)?;
        Ok(true)
    }

    fn enter(&mut self, first: u64) -> Result<(), LogError> {
        check_header(self.disk.as_ref(), &self.directory, self.kind, first)?;
        let path = self.directory.join(name_of(first));
        let file = self.disk.open_to_read(&path).map_err(LogError::io("open", &path))?;
        let before = segments(self.disk.as_ref(), &self.directory)?
            .into_iter()
            .find(|following| *following > first)
            .unwrap_or(u64::MAX);
        let last = first.saturating_sub(1);
        let reader = SegmentReader::new(file, last, before, self.synced.clone());
        self.current = Some((first, reader));
        Ok(())
    }

    fn torn_bytes(&self, first: u64, torn: Option<u64>) -> Result<u64, LogError> {
        let Some(torn) = torn else { return Ok(0) };
        let path = self.directory.join(name_of(first));
        match self.disk.open_to_read(&path).and_then(|file| file.length()) {
            Ok(length) => Ok(length.saturating_sub(torn)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(LogError::io("read", path)(error)),
        }
    }
}
