//! Segment: one file of a log, a header and then records, each with length, checksum, sequence.
//!
//! Header, 40 bytes: magic 8, version u16, kind u16, zero u32, first sequence u64, epoch u64,
//! CRC32C u32 over these, zero u32. Record: payload length in the low 28 bits of a u32 and the
//! payload's version less one in the high 4, CRC32C u32, sequence u64, payload. The checksum is
//! over sequence and payload, and before them the version as u16 if it is not 1. All
//! little-endian. Sequences rise; gaps are allowed.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::disk::{DiskFile, read_full_at};
use crate::limits::{RECORD_BYTES_MAX, SEGMENT_WINDOW_BYTES};
use crate::planted::{self, Bug};

/// The version of the segments and payloads that this program writes; it reads older ones, too.
/// 1: an entry is time and facts. 2: an entry has a tenant between them.
pub(super) const VERSION: u16 = 2;
pub(super) const HEADER_BYTES: u64 = 40;
pub(super) const RECORD_HEADER_BYTES: usize = 16;
const MAGIC: [u8; 8] = *b"CSIGNLOG";
/// When the way is lost, a record this far ahead of the last good one is not believed.
const GAP_MAX: u64 = 1 << 32;
/// Bits of a record's first word that are its length.
const LENGTH_BITS: u32 = 28;
const _: () = assert!(RECORD_BYTES_MAX < 1 << LENGTH_BITS && VERSION <= 16);

/// What a log holds; a segment of one kind is never read as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogKind {
    /// Facts: the truth.
    Facts,
    /// Requests that wait to be relayed.
    Relay,
}

impl LogKind {
    fn code(self) -> u16 {
        match self {
            LogKind::Facts => 1,
            LogKind::Relay => 2,
        }
    }
}

/// The first bytes of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: LogKind,
    pub(super) first: u64,
    pub(super) epoch: u64,
}

/// What the first bytes of a segment turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderState {
    Good { epoch: u64 },
    OtherKind,
    Newer(u16),
    Bad,
}

impl Header {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES as usize);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&self.kind.code().to_le_bytes());
        bytes.extend_from_slice(&0_u32.to_le_bytes());
        bytes.extend_from_slice(&self.first.to_le_bytes());
        bytes.extend_from_slice(&self.epoch.to_le_bytes());
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        bytes.extend_from_slice(&0_u32.to_le_bytes());
        bytes
    }
}

/// Judges the header of the segment whose name says `first`.
pub(super) fn header_state(bytes: &[u8], kind: LogKind, first: u64) -> HeaderState {
    let (Some(body), Some(crc)) = (bytes.get(..32), u32_at(bytes, 32)) else {
        return HeaderState::Bad;
    };
    if !body.starts_with(&MAGIC) || crc32c::crc32c(body) != crc {
        return HeaderState::Bad;
    }
    let (Some(version), Some(code)) = (u16_at(body, 8), u16_at(body, 10)) else {
        return HeaderState::Bad;
    };
    if version > VERSION {
        return HeaderState::Newer(version);
    }
    if code != kind.code() {
        return HeaderState::OtherKind;
    }
    match (u64_at(body, 16), u64_at(body, 24)) {
        (Some(said), Some(epoch)) if said == first => HeaderState::Good { epoch },
        _ => HeaderState::Bad,
    }
}

/// Appends one record, its payload given in parts, to a buffer.
pub(super) fn push_record(buffer: &mut Vec<u8>, sequence: u64, parts: &[&[u8]]) {
    let mut crc = crc32c::crc32c_append(crc_of(VERSION), &sequence.to_le_bytes());
    let mut length = 0;
    for part in parts {
        crc = crc32c::crc32c_append(crc, part);
        length += part.len();
    }
    let length = u32::try_from(length).expect("RECORD_BYTES_MAX is below 256 MiB");
    let word = length | u32::from(VERSION - 1) << LENGTH_BITS;
    buffer.extend_from_slice(&word.to_le_bytes());
    buffer.extend_from_slice(&crc.to_le_bytes());
    buffer.extend_from_slice(&sequence.to_le_bytes());
    for part in parts {
        buffer.extend_from_slice(part);
    }
}

/// The checksum of the version that stands before sequence and payload; nothing for version 1.
fn crc_of(version: u16) -> u32 {
    match version {
        1 => 0,
        other => crc32c::crc32c(&other.to_le_bytes()),
    }
}

/// A segment's file name.
pub(super) fn name_of(first: u64) -> String {
    format!("{first:020}.segment")
}

/// The first sequence that a file name says, if it is a segment's.
pub(super) fn first_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".segment")?;
    (digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit())).then_some(())?;
    digits.parse().ok()
}

/// What comes next in a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A good record; its payload is [`SegmentReader::payload`] of the range.
    Record { sequence: u64, version: u16, payload: Range<usize> },
    /// Bytes that are no record, with a good record after them.
    Damage(Range<u64>),
    /// The end of what may be read now. `torn` is where bytes begin that are no record, if any.
    End { torn: Option<u64> },
}

/// Reads one segment forward. At the end it can be asked again.
#[derive(Debug)]
pub(super) struct SegmentReader {
    file: Box<dyn DiskFile>,
    /// Part of the file, from `window_offset`.
    window: Vec<u8>,
    window_offset: u64,
    /// The last sequence that was synced before the window was read.
    window_synced: u64,
    /// The last synced sequence, as the writer says; without it everything good is believed.
    synced: Option<Arc<AtomicU64>>,
    offset: u64,
    /// The sequence of the last record.
    last: u64,
    /// No record of this segment reaches this sequence.
    before: u64,
    /// Up to this length the bytes from `offset` were searched in vain.
    searched: u64,
}

impl SegmentReader {
    /// Reads records after sequence `last` and before sequence `before`.
    pub(super) fn new(
        file: Box<dyn DiskFile>,
        last: u64,
        before: u64,
        synced: Option<Arc<AtomicU64>>,
    ) -> SegmentReader {
        SegmentReader {
            file,
            window: Vec::new(),
            window_offset: 0,
            window_synced: 0,
            synced,
            offset: HEADER_BYTES,
            last,
            before,
            searched: 0,
        }
    }

    /// The file offset after the last thing found.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The sequence of the last record found.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Tells that the segment ended before a sequence, since another begins there.
    pub(super) fn ends_before(&mut self, sequence: u64) {
        self.before = sequence;
    }

    /// The bytes of a range that [`Found::Record`] gave.
    pub(super) fn payload(&self, range: Range<usize>) -> &[u8] {
        self.window.get(range).unwrap_or_default()
    }

    /// What comes next.
    pub(super) fn next(&mut self) -> io::Result<Found> {
        loop {
            if self.synced_now() <= self.last {
                return Ok(Found::End { torn: None });
            }
            let at = self.record_at(self.offset)?;
            if let Ok((sequence, version, payload)) = &at
                && *sequence <= self.window_synced
            {
                let (sequence, version, payload) = (*sequence, *version, payload.clone());
                self.offset += (RECORD_HEADER_BYTES + payload.len()) as u64;
                self.last = sequence;
                self.searched = 0;
                return Ok(Found::Record { sequence, version, payload });
            }
            if !self.window.is_empty() && self.synced_now() > self.window_synced {
                // More became final since the window was read.
                self.window.clear();
                continue;
            }
            let found = match at {
                Ok(_) | Err(NoRecord::EndOfFile) => Found::End { torn: None },
                Err(NoRecord::Bad) => self.search()?,
            };
            if matches!(found, Found::End { .. }) {
                // What follows may be cut off and written anew: it must be read again.
                self.window.clear();
            }
            return Ok(found);
        }
    }

    /// Looks for the next good record after bytes that are none.
    fn search(&mut self) -> io::Result<Found> {
        let length = self.file.length()?;
        if self.searched == length {
            return Ok(Found::End { torn: Some(self.offset) });
        }
        let mut at = self.offset + 1;
        while at + RECORD_HEADER_BYTES as u64 <= length {
            if let Ok((sequence, ..)) = self.record_at(at)?
                && sequence <= self.window_synced
            {
                let damage = self.offset..at;
                self.offset = at;
                return Ok(Found::Damage(damage));
            }
            at += 1;
        }
        self.searched = length;
        Ok(Found::End { torn: Some(self.offset) })
    }

    /// The record at an offset: sequence, version, and its payload's place in the window.
    fn record_at(&mut self, at: u64) -> io::Result<Result<RecordAt, NoRecord>> {
        let Some(head) = self.fill(at, RECORD_HEADER_BYTES)? else {
            let end = self.file.length()?;
            return Ok(Err(if at >= end { NoRecord::EndOfFile } else { NoRecord::Bad }));
        };
        let bytes = self.window.get(head..).unwrap_or_default();
        let (Some(word), Some(crc), Some(sequence)) =
            (u32_at(bytes, 0), u32_at(bytes, 4), u64_at(bytes, 8))
        else {
            return Ok(Err(NoRecord::Bad));
        };
        let length = (word & ((1 << LENGTH_BITS) - 1)) as usize;
        let version = (word >> LENGTH_BITS) as u16 + 1;
        let plausible = length <= RECORD_BYTES_MAX
            && version <= VERSION
            && sequence > self.last
            && sequence < self.before
            && sequence - self.last <= GAP_MAX;
        if !plausible {
            return Ok(Err(NoRecord::Bad));
        }
        let Some(head) = self.fill(at, RECORD_HEADER_BYTES + length)? else {
            return Ok(Err(NoRecord::Bad));
        };
        let payload = head + RECORD_HEADER_BYTES..head + RECORD_HEADER_BYTES + length;
        // The sequence and the payload are neighbours.
        let checked = self.window.get(head + 8..payload.end).unwrap_or_default();
        let believed = planted::on(Bug::TornTailTaken);
        if crc32c::crc32c_append(crc_of(version), checked) == crc || believed {
            Ok(Ok((sequence, version, payload)))
        } else {
            Ok(Err(NoRecord::Bad))
        }
    }

    /// Has `count` bytes from an offset in the window; where they begin in it.
    fn fill(&mut self, at: u64, count: usize) -> io::Result<Option<usize>> {
        let inside = at.checked_sub(self.window_offset).and_then(|d| usize::try_from(d).ok());
        if let Some(begin) = inside
            && begin + count <= self.window.len()
        {
            return Ok(Some(begin));
        }
        let left = self.file.length()?.saturating_sub(at);
        if left < count as u64 {
            return Ok(None);
        }
        // The bound is read before the bytes: what it covers is final.
        self.window_synced = self.synced_now();
        let wanted = count.max(SEGMENT_WINDOW_BYTES.min(usize::try_from(left).unwrap_or(count)));
        self.window.resize(wanted, 0);
        let filled = read_full_at(self.file.as_ref(), &mut self.window, at)?;
        self.window.truncate(filled);
        self.window_offset = at;
        Ok((filled >= count).then_some(0))
    }

    fn synced_now(&self) -> u64 {
        self.synced.as_ref().map_or(u64::MAX, |synced| synced.load(Ordering::Acquire))
    }
}

/// Sequence, version, place of the payload in the window.
type RecordAt = (u64, u16, Range<usize>);

enum NoRecord {
    EndOfFile,
    Bad,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}
