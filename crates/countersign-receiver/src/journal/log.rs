//! Log: the one writer of a directory of segments.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::disk::{Disk, DiskFile, OsDisk, make_directory, write_all_at};
use super::error::{LogError, is_full};
use super::reader::LogReader;
use super::recovery::{Recovery, recover, segments};
use super::segment::{Found, HEADER_BYTES, Header, LogKind, SegmentReader, name_of, push_record};
use crate::limits::{RECORD_BYTES_MAX, SEGMENT_BYTES};
use crate::planted::{self, Bug};

/// How a log is kept.
#[derive(Clone, Copy, Debug)]
pub struct LogOptions {
    /// What it holds.
    pub kind: LogKind,
    /// The epoch of the data directory, written into each new segment.
    pub epoch: u64,
    /// Length at which a new segment begins.
    pub segment_bytes: u64,
    /// Up to this sequence a snapshot has what the records say: segments that end before are not
    /// read when the log is opened, and no record gets such a sequence any more.
    pub covered: u64,
}

impl LogOptions {
    /// The usual ones.
    #[must_use]
    pub fn of(kind: LogKind) -> LogOptions {
        LogOptions { kind, epoch: 0, segment_bytes: SEGMENT_BYTES, covered: 0 }
    }
}

/// An append-only sequence of records on disk. Blocking; one writer per directory.
///
/// A record that was appended counts only when [`Log::sync`] has returned: then it is on disk,
/// whatever happens. Sequences begin at 1 and rise; after faults some are never used.
#[derive(Debug)]
pub struct Log {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    options: LogOptions,
    current: Option<Current>,
    /// Records that were appended and not yet written.
    group: Vec<u8>,
    next: u64,
    synced: Arc<AtomicU64>,
    poisoned: bool,
}

#[derive(Debug)]
struct Current {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    first: u64,
    /// The length that is synced.
    end: u64,
}

impl Log {
    /// Opens the log of a directory, which is made if it does not exist, and makes it whole.
    ///
    /// # Errors
    /// If the disk fails, or the segments were written by a newer Countersign; then nothing is
    /// changed.
    pub fn open(directory: &Path, kind: LogKind) -> Result<(Log, Recovery), LogError> {
        Log::open_with(Arc::new(OsDisk), directory, LogOptions::of(kind))
    }

    /// The same with another disk, epoch or length of segments.
    ///
    /// # Errors
    /// See [`Log::open`].
    pub fn open_with(
        disk: Arc<dyn Disk>,
        directory: &Path,
        options: LogOptions,
    ) -> Result<(Log, Recovery), LogError> {
        make_directory(disk.as_ref(), directory).map_err(LogError::io("make", directory))?;
        let (resume, recovery) = recover(disk.as_ref(), directory, options.kind, options.covered)?;
        let mut log = Log {
            disk,
            directory: directory.to_path_buf(),
            options,
            current: None,
            group: Vec::new(),
            next: resume.next,
            synced: Arc::new(AtomicU64::new(resume.last)),
            poisoned: false,
        };
        if let Some(first) = resume.empty_segment {
            log.current = Some(log.rewrite_segment(first)?);
        } else if recovery.torn_bytes > 0 {
            // The new segment's name keeps the sequences that are not given out again.
            log.current = Some(log.create_segment(resume.next)?);
        }
        Ok((log, recovery))
    }

    /// Appends a record to the group that the next [`Log::sync`] writes; its sequence.
    ///
    /// # Errors
    /// If the log is poisoned or the payload too large; the group stays as it was.
    pub fn append(&mut self, payload: &[u8]) -> Result<u64, LogError> {
        self.append_parts(&[payload])
    }

    /// Appends a record whose payload is the parts, one after the other.
    ///
    /// # Errors
    /// See [`Log::append`].
    pub fn append_parts(&mut self, parts: &[&[u8]]) -> Result<u64, LogError> {
        if self.poisoned {
            return Err(LogError::Poisoned);
        }
        let bytes = parts.iter().map(|part| part.len()).sum();
        if bytes > RECORD_BYTES_MAX {
            return Err(LogError::TooLarge { bytes });
        }
        let sequence = self.next;
        push_record(&mut self.group, sequence, parts);
        self.next += 1;
        Ok(sequence)
    }

    /// Forgets what was appended and not synced. Its sequences are not given out again.
    pub fn forget_group(&mut self) {
        if planted::on(Bug::RefusedIsWritten) {
            return;
        }
        self.group.clear();
    }

    /// Writes the group and makes it durable.
    ///
    /// # Errors
    /// Nothing of the group counts then, and it is forgotten. After [`LogError::Full`] the log
    /// may still be usable ([`Log::is_poisoned`]); after any other error it must be reopened.
    pub fn sync(&mut self) -> Result<(), LogError> {
        if self.poisoned {
            return Err(LogError::Poisoned);
        }
        if self.group.is_empty() {
            return Ok(());
        }
        let mut result = self.write_group();
        let wrote_half = matches!(&result, Err(LogError::Io { action: "write", .. }));
        if wrote_half && planted::on(Bug::HalfGroupAcknowledged) {
            self.poisoned = false;
            result = Ok(());
        }
        let bytes = self.group.len() as u64;
        self.group.clear();
        // One large group must not hold its memory for ever.
        self.group.shrink_to(4 << 20);
        result?;
        if let Some(current) = &mut self.current {
            current.end += bytes;
        }
        self.synced.store(self.next - 1, Ordering::Release);
        Ok(())
    }

    /// The sequence that the next record gets.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.next
    }

    /// The last sequence that is on disk, 0 if there is none, kept up to date for readers.
    #[must_use]
    pub fn synced(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.synced)
    }

    /// Bytes that wait for [`Log::sync`].
    #[must_use]
    pub fn group_bytes(&self) -> usize {
        self.group.len()
    }

    /// Whether a write or a sync failed, so that the log must be reopened.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    /// A reader that follows this log and never sees what is not synced.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn reader(&self, from_sequence: u64) -> Result<LogReader, LogError> {
        let disk = Arc::clone(&self.disk);
        let kind = self.options.kind;
        LogReader::open_with(disk, &self.directory, kind, from_sequence, Some(self.synced()))
    }

    /// Goes on after a fault: reads back what was synced, cuts what was not, and begins a new
    /// segment, whose file no failed sync has touched.
    ///
    /// # Errors
    /// If the fault goes on, or what was synced does not read back: then the log stays poisoned.
    pub fn reopen(&mut self) -> Result<(), LogError> {
        self.poisoned = true;
        self.group.clear();
        if let Some(current) = &self.current {
            self.verify(current)?;
        }
        self.current = None;
        // A file of this name may be left of an attempt that failed.
        self.next += 1;
        self.current = Some(self.create_segment(self.next)?);
        self.poisoned = false;
        Ok(())
    }

    /// Removes the segments whose records all come before a sequence. The last segment stays.
    ///
    /// # Errors
    /// If the directory cannot be changed.
    pub fn remove_before(&mut self, sequence: u64) -> Result<(), LogError> {
        let firsts = segments(self.disk.as_ref(), &self.directory)?;
        let mut removed = false;
        for (first, following) in firsts.iter().zip(firsts.iter().skip(1)) {
            let held = if planted::on(Bug::QueueCutTooEarly) { *first } else { *following };
            if held > sequence {
                break;
            }
            let path = self.directory.join(name_of(*first));
            self.disk.remove(&path).map_err(LogError::io("remove", &path))?;
            removed = true;
        }
        if removed {
            let directory = &self.directory;
            self.disk.sync_directory(directory).map_err(LogError::io("sync", directory))?;
        }
        Ok(())
    }

    /// The first sequence of the segment from which on all must stay: those whose records do not
    /// all come before a sequence, and older ones as far as they have these bytes together.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn first_to_keep(&self, sequence: u64, keep_bytes: u64) -> Result<u64, LogError> {
        let firsts = segments(self.disk.as_ref(), &self.directory)?;
        let mut kept = 0;
        let mut begin = firsts.last().copied().unwrap_or(0);
        for (first, following) in firsts.iter().zip(firsts.iter().skip(1)).rev() {
            if *following <= sequence {
                let path = self.directory.join(name_of(*first));
                let file = self.disk.open_to_read(&path).map_err(LogError::io("open", &path))?;
                kept += file.length().map_err(LogError::io("read", &path))?;
                if kept > keep_bytes {
                    break;
                }
            }
            begin = *first;
        }
        Ok(begin)
    }

    fn write_group(&mut self) -> Result<(), LogError> {
        self.current = self.current.take().filter(|c| c.end < self.options.segment_bytes);
        if self.current.is_none() {
            // The group's first record names the segment.
            let first = self.synced.load(Ordering::Relaxed) + 1;
            let first = group_first(&self.group).unwrap_or(first);
            match self.create_segment(first) {
                Ok(current) => self.current = Some(current),
                Err(error) => {
                    self.poisoned = !matches!(error, LogError::Full);
                    return Err(error);
                }
            }
        }
        let Some(current) = &self.current else { return Err(LogError::Poisoned) };
        if let Err(error) = write_all_at(current.file.as_ref(), &self.group, current.end) {
            let cut = is_full(&error) && current.file.truncate(current.end).is_ok();
            self.poisoned = !cut;
            return Err(LogError::io("write", &current.path)(error));
        }
        let again = || planted::on(Bug::SyncAgainAfterFailure) && current.file.sync().is_ok();
        if let Err(error) = current.file.sync()
            && !again()
        {
            self.poisoned = true;
            return Err(LogError::io("sync", &current.path)(error));
        }
        Ok(())
    }

    fn create_segment(&self, first: u64) -> Result<Current, LogError> {
        let path = self.directory.join(name_of(first));
        let file = self.disk.create(&path).map_err(LogError::io("make", &path))?;
        let made = self.write_header(file, path.clone(), first);
        if made.is_err() && self.disk.remove(&path).is_err() {
            // A segment without records is written over when the log is opened next.
            tracing::warn!(path = %path.display(), "an empty segment could not be removed");
        }
        made
    }

    fn rewrite_segment(&self, first: u64) -> Result<Current, LogError> {
        let path = self.directory.join(name_of(first));
        let file = self.disk.open(&path).map_err(LogError::io("open", &path))?;
        file.truncate(0).map_err(LogError::io("truncate", &path))?;
        self.write_header(file, path, first)
    }

    fn write_header(
        &self,
        file: Box<dyn DiskFile>,
        path: PathBuf,
        first: u64,
    ) -> Result<Current, LogError> {
        let header = Header { kind: self.options.kind, first, epoch: self.options.epoch };
        write_all_at(file.as_ref(), &header.to_bytes(), 0).map_err(LogError::io("write", &path))?;
        file.sync().map_err(LogError::io("sync", &path))?;
        let directory = &self.directory;
        if !planted::on(Bug::DirectoryNotSynced) {
            self.disk.sync_directory(directory).map_err(LogError::io("sync", directory))?;
        }
        Ok(Current { file, path, first, end: HEADER_BYTES })
    }

    /// Reads the synced part of a segment from the device, and cuts off the rest.
    fn verify(&self, current: &Current) -> Result<(), LogError> {
        let path = &current.path;
        let open = || self.disk.open(path).map_err(LogError::io("open", path));
        let file = open()?;
        file.drop_cached().map_err(LogError::io("read", path))?;
        file.truncate(current.end).map_err(LogError::io("truncate", path))?;
        file.sync().map_err(LogError::io("sync", path))?;
        let mut reader = SegmentReader::new(open()?, current.first - 1, u64::MAX, None);
        loop {
            match reader.next().map_err(LogError::io("read", path))? {
                Found::Record { .. } => {}
                Found::Damage(range) => {
                    return Err(LogError::Damaged { path: path.clone(), offset: range.start });
                }
                Found::End { torn: None } if reader.offset() == current.end => return Ok(()),
                Found::End { .. } => {
                    let offset = reader.offset();
                    return Err(LogError::Damaged { path: path.clone(), offset });
                }
            }
        }
    }
}

/// The sequence of the first record of a group.
fn group_first(group: &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(group.get(8..16)?.try_into().ok()?))
}
