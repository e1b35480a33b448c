//! Recovery: what a log finds on disk when it is opened, and how it makes it whole again.
//!
//! Bytes after the last good record of the last segment are a torn tail: they were never
//! acknowledged, and are cut off. Bad bytes with good records after them, or in an older
//! segment, are damage: they are copied aside, reported, and stepped over by every reader.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::disk::{Disk, DiskFile, read_full_at, write_all_at};
use super::error::LogError;
use super::segment::{
    Found, HEADER_BYTES, HeaderState, LogKind, SegmentReader, first_of, header_state, name_of,
};
use crate::limits::{DAMAGES_TOLD_MAX, QUARANTINE_BYTES_MAX, SEGMENT_WINDOW_BYTES};
use crate::planted::{self, Bug};

/// Where damaged bytes are copied, inside the log's directory.
const QUARANTINE: &str = "quarantine";

/// What opening a log found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Good records.
    pub records: u64,
    /// The first and the last sequence among them.
    pub sequences: Option<(u64, u64)>,
    /// Bytes that were cut off the end, since they were never acknowledged.
    pub torn_bytes: u64,
    /// Damaged ranges, at most [`DAMAGES_TOLD_MAX`] of them.
    pub damages: Vec<Damage>,
    /// Bytes of all damaged ranges.
    pub damaged_bytes: u64,
}

/// Bytes of a log that are no records and stand between records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The segment.
    pub segment: PathBuf,
    /// The bytes.
    pub range: Range<u64>,
    /// Where they were copied; `None` if the quarantine is full or cannot be written.
    pub copy: Option<PathBuf>,
}

/// Where writing goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resume {
    /// The sequence of the next record.
    pub(super) next: u64,
    /// The last sequence on disk, 0 if there is none.
    pub(super) last: u64,
    /// A last segment without records, to be written over.
    pub(super) empty_segment: Option<u64>,
}

/// The first sequences of the segments of a directory, in order.
pub(super) fn segments(disk: &dyn Disk, directory: &Path) -> Result<Vec<u64>, LogError> {
    let names = disk.list(directory).map_err(LogError::io("list", directory))?;
    let mut firsts: Vec<u64> = names.iter().filter_map(|name| first_of(name)).collect();
    firsts.sort_unstable();
    Ok(firsts)
}

/// Makes the log of a directory whole; what is covered by a snapshot is not looked at.
pub(super) fn recover(
    disk: &dyn Disk,
    directory: &Path,
    kind: LogKind,
    covered: u64,
) -> Result<(Resume, Recovery), LogError> {
    let firsts = segments(disk, directory)?;
    // Nothing is changed before every header was understood.
    for first in &firsts {
        check_header(disk, directory, kind, *first)?;
    }
    if let Some(last) = firsts.last() {
        make_durable(disk, directory, *last)?;
    }
    let mut recovery = Recovery::default();
    let mut resume = Resume { next: 1, last: 0, empty_segment: None };
    for (index, first) in firsts.iter().enumerate() {
        let following = firsts.get(index + 1).copied();
        if let Some(following) = following.filter(|following| *following <= covered + 1) {
            resume.last = following.saturating_sub(1);
            continue;
        }
        recover_segment(disk, directory, kind, (*first, following), &mut resume, &mut recovery)?;
    }
    resume.last = resume.last.max(covered);
    resume.next = resume.next.max(resume.last + 1);
    Ok((resume, recovery))
}

/// Lets the last segment be what the device has. A program that was killed may have left bytes
/// that are only in memory; one whose sync failed, bytes that the system takes for written. What
/// is read as data now must not be gone after the next power failure.
fn make_durable(disk: &dyn Disk, directory: &Path, last: u64) -> Result<(), LogError> {
    if planted::on(Bug::CacheBelieved) {
        return Ok(());
    }
    let path = directory.join(name_of(last));
    let file = disk.open(&path).map_err(LogError::io("open", &path))?;
    file.sync().map_err(LogError::io("sync", &path))?;
    file.drop_cached().map_err(LogError::io("read", &path))?;
    disk.sync_directory(directory).map_err(LogError::io("sync", directory))
}

/// Reads the header of a segment, `Ok(None)` if it is damaged.
pub(super) fn check_header(
    disk: &dyn Disk,
    directory: &Path,
    kind: LogKind,
    first: u64,
) -> Result<Option<u64>, LogError> {
    let path = directory.join(name_of(first));
    let file = disk.open_to_read(&path).map_err(LogError::io("open", &path))?;
    let mut bytes = [0; HEADER_BYTES as usize];
    let count = read_full_at(file.as_ref(), &mut bytes, 0).map_err(LogError::io("read", &path))?;
    match header_state(bytes.get(..count).unwrap_or_default(), kind, first) {
        HeaderState::Good { epoch } => Ok(Some(epoch)),
        HeaderState::Bad => Ok(None),
        HeaderState::OtherKind => Err(LogError::OtherKind { path }),
        HeaderState::Newer(version) => Err(LogError::Newer { path, version }),
    }
}

fn recover_segment(
    disk: &dyn Disk,
    directory: &Path,
    kind: LogKind,
    (first, following): (u64, Option<u64>),
    resume: &mut Resume,
    recovery: &mut Recovery,
) -> Result<(), LogError> {
    let path = directory.join(name_of(first));
    let read = |path: &Path| disk.open_to_read(path).map_err(LogError::io("open", path));
    let file = read(&path)?;
    let length = file.length().map_err(LogError::io("read", &path))?;
    let header_good = check_header(disk, directory, kind, first)?.is_some();
    let floor = resume.last.max(first.saturating_sub(1));
    let before = following.unwrap_or(u64::MAX);
    let mut reader = SegmentReader::new(read(&path)?, floor, before, None);
    let mut records = 0;
    let mut ranges = Vec::new();
    let torn = loop {
        match reader.next().map_err(LogError::io("read", &path))? {
            Found::Record { sequence, .. } => {
                records += 1;
                let (begin, _) = recovery.sequences.unwrap_or((sequence, sequence));
                recovery.sequences = Some((begin, sequence));
            }
            Found::Damage(range) => ranges.push(range),
            Found::End { torn } => break torn,
        }
    };
    resume.last = reader.last();
    resume.next = reader.last() + 1;
    recovery.records += records;
    let last_segment = following.is_none();
    if !header_good && length > 0 && (records > 0 || !last_segment) {
        ranges.insert(0, 0..HEADER_BYTES.min(length));
    }
    if let Some(torn) = torn.filter(|_| !last_segment) {
        ranges.push(torn..length);
    }
    for range in ranges {
        quarantine(disk, directory, file.as_ref(), &path, range, recovery)?;
    }
    if last_segment {
        if let Some(torn) = torn {
            cut(disk, directory, &path, torn..length, recovery)?;
            // Readers may know the sequences of what was cut: they are not given out again.
            resume.next += (length - torn) / super::segment::RECORD_HEADER_BYTES as u64 + 1;
        }
        if records == 0 {
            resume.next = resume.next.max(first);
            resume.empty_segment = Some(first);
        }
    }
    Ok(())
}

/// Cuts off the end of the last segment. A copy is kept: it could also be damage.
fn cut(
    disk: &dyn Disk,
    directory: &Path,
    path: &Path,
    range: Range<u64>,
    recovery: &mut Recovery,
) -> Result<(), LogError> {
    let file = disk.open(path).map_err(LogError::io("open", path))?;
    recovery.torn_bytes = range.end - range.start;
    copy_aside(disk, directory, file.as_ref(), path, &range);
    file.truncate(range.start).map_err(LogError::io("truncate", path))?;
    file.sync().map_err(LogError::io("sync", path))
}

fn quarantine(
    disk: &dyn Disk,
    directory: &Path,
    file: &dyn DiskFile,
    path: &Path,
    range: Range<u64>,
    recovery: &mut Recovery,
) -> Result<(), LogError> {
    recovery.damaged_bytes += range.end - range.start;
    if recovery.damages.len() < DAMAGES_TOLD_MAX {
        let copy = copy_aside(disk, directory, file, path, &range);
        recovery.damages.push(Damage { segment: path.to_path_buf(), range, copy });
    }
    Ok(())
}

/// Copies a range of a segment into the quarantine, once. Failing at it must not keep the log
/// shut: the bytes also stay where they are, or were never acknowledged.
pub(super) fn copy_aside(
    disk: &dyn Disk,
    directory: &Path,
    file: &dyn DiskFile,
    path: &Path,
    range: &Range<u64>,
) -> Option<PathBuf> {
    let aside = directory.join(QUARANTINE);
    let name = path.file_name()?.to_str()?;
    let copy = aside.join(format!("{name}.{}-{}", range.start, range.end));
    let known = disk.list(&aside).ok()?;
    if known.iter().any(|name| copy.ends_with(name)) {
        return Some(copy);
    }
    let mut held = 0;
    for name in &known {
        held += disk.open_to_read(&aside.join(name)).and_then(|file| file.length()).ok()?;
    }
    if held + (range.end - range.start) > QUARANTINE_BYTES_MAX {
        return None;
    }
    disk.create_directory(&aside).ok()?;
    let to = disk.create(&copy).ok()?;
    let mut bytes = vec![0; SEGMENT_WINDOW_BYTES];
    let mut at = range.start;
    while at < range.end {
        let wanted = usize::try_from(range.end - at).ok()?.min(SEGMENT_WINDOW_BYTES);
        let count = read_full_at(file, bytes.get_mut(..wanted)?, at).ok()?;
        if count == 0 {
            break;
        }
        write_all_at(to.as_ref(), bytes.get(..count)?, at - range.start).ok()?;
        at += count as u64;
    }
    to.sync().ok()?;
    Some(copy)
}
