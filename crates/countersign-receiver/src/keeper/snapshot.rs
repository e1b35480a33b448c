//! Snapshot: the ledgers as they stood after one entry of the journal, in a file.
//!
//! Header, 92 bytes: magic 8, version u16, ledgers u16, zero u32, sequence u64, epoch u64,
//! instance u128, rules' beginning u64, program's version 32 bytes filled up with zeros, CRC32C u32 over these. Then
//! blocks: length u32, CRC32C u32 over the block's number as u64 and its bytes, the bytes; the
//! last has length 0 and the checksum of its number alone. The blocks' bytes, one after the other,
//! are for each ledger its tenant's name, books and series. All numbers are little-endian.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use countersign_core::settle::{Books, Snapshot};
use countersign_core::tally::Tally;
use postcard::ser_flavors::Flavor;

use super::ledgers::{Ledger, Ledgers};
use crate::journal::{DataDirectory, Disk, DiskFile, read_full_at, write_all_at};
use crate::limits::SNAPSHOT_BLOCK_BYTES;

const MAGIC: [u8; 8] = *b"CSIGNSNP";
/// The version that this program writes. It reads this one.
const VERSION: u16 = 1;
const HEADER_BYTES: usize = 92;
const PROGRAM_BYTES: usize = 32;
/// The version of this program.
pub(super) const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// What a snapshot says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The last entry of the journal that is in it.
    pub sequence: u64,
    /// The epoch of the data directory when it was taken.
    pub epoch: u64,
    /// The data directory's instance.
    pub instance: u128,
    /// The entry after which all was booked by this version of the program under the settings
    /// that are in it: from there on it can be recounted.
    pub rules_from: u64,
    /// The version of the program that wrote it.
    pub program: String,
}

/// The ledgers at one moment, ready to be written by another thread.
#[derive(Debug)]
pub struct Capture {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    about: About,
    ledgers: Vec<(String, Snapshot, Tally)>,
}

impl Capture {
    /// Takes the ledgers as they stand after an entry.
    #[must_use]
    pub fn of(
        ledgers: &Ledgers,
        directory: &DataDirectory,
        sequence: u64,
        rules_from: u64,
    ) -> Capture {
        let of = |(tenant, ledger): (&str, &Ledger)| {
            (tenant.to_owned(), ledger.books.snapshot(), ledger.tally.clone())
        };
        Capture {
            disk: directory.disk(),
            directory: directory.snapshots(),
            about: About {
                sequence,
                epoch: directory.epoch(),
                instance: directory.instance(),
                rules_from,
                program: PROGRAM.to_owned(),
            },
            ledgers: ledgers.iter().map(of).collect(),
        }
    }

    /// Writes the file; after a crash it is there whole or not at all. Its sequence.
    ///
    /// # Errors
    /// If the disk fails or is full. What was written is removed.
    pub fn write(self) -> Result<u64, SnapshotError> {
        let disk = self.disk.as_ref();
        disk.create_directory(&self.directory)
            .map_err(SnapshotError::io("make", &self.directory))?;
        let fresh = self.directory.join(format!("{:020}.new", self.about.sequence));
        remove_if_there(disk, &fresh).map_err(SnapshotError::io("remove", &fresh))?;
        let written = self.write_to(&fresh).and_then(|()| {
            let path = self.directory.join(name_of(self.about.sequence));
            disk.rename(&fresh, &path)?;
            disk.sync_directory(&self.directory)
        });
        if let Err(error) = written {
            if remove_if_there(disk, &fresh).is_err() {
                tracing::warn!(path = %fresh.display(), "half a snapshot could not be removed");
            }
            return Err(SnapshotError::io("write", &fresh)(error));
        }
        Ok(self.about.sequence)
    }

    fn write_to(&self, path: &Path) -> io::Result<()> {
        let file = self.disk.create(path)?;
        write_all_at(file.as_ref(), &header(&self.about, self.ledgers.len()), 0)?;
        let mut blocks = Blocks { file: file.as_ref(), buffer: Vec::new(), number: 0, end: 0 };
        blocks.end = HEADER_BYTES as u64;
        for ledger in &self.ledgers {
            let mut failure = None;
            let sink = Sink { blocks: &mut blocks, failure: &mut failure };
            let written = postcard::serialize_with_flavor(ledger, sink);
            if let Some(error) = failure {
                return Err(error);
            }
            written.map_err(io::Error::other)?;
        }
        if !blocks.buffer.is_empty() {
            blocks.flush()?;
        }
        blocks.flush()?;
        file.sync()
    }
}

/// Writes blocks one after the other.
struct Blocks<'a> {
    file: &'a dyn DiskFile,
    buffer: Vec<u8>,
    number: u64,
    end: u64,
}

impl Blocks<'_> {
    fn flush(&mut self) -> io::Result<()> {
        let length = u32::try_from(self.buffer.len()).expect("a block is small");
        let crc = block_crc(self.number, &self.buffer);
        let head = [length.to_le_bytes(), crc.to_le_bytes()].concat();
        write_all_at(self.file, &head, self.end)?;
        write_all_at(self.file, &self.buffer, self.end + head.len() as u64)?;
        self.end += (head.len() + self.buffer.len()) as u64;
        self.number += 1;
        self.buffer.clear();
        Ok(())
    }
}

/// Where the serialised bytes go; a failure of the disk is kept aside.
struct Sink<'a, 'b> {
    blocks: &'a mut Blocks<'b>,
    failure: &'a mut Option<io::Error>,
}

impl Flavor for Sink<'_, '_> {
    type Output = ();

    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.try_extend(&[data])
    }

    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.blocks.buffer.extend_from_slice(data);
        if self.blocks.buffer.len() >= SNAPSHOT_BLOCK_BYTES
            && let Err(error) = self.blocks.flush()
        {
            *self.failure = Some(error);
            return Err(postcard::Error::SerializeBufferFull);
        }
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// The sequences of the snapshots of a directory, rising.
///
/// # Errors
/// If the directory cannot be read.
pub fn snapshots(disk: &dyn Disk, directory: &Path) -> Result<Vec<u64>, SnapshotError> {
    let names = disk.list(directory).map_err(SnapshotError::io("list", directory))?;
    let sequence = |name: &String| name.strip_suffix(".snapshot")?.parse().ok();
    let mut sequences: Vec<u64> = names.iter().filter_map(sequence).collect();
    sequences.sort_unstable();
    Ok(sequences)
}

/// Reads a snapshot of a directory.
///
/// # Errors
/// [`SnapshotError::Damaged`] if it is not as it was written; see [`SnapshotError`].
pub fn read_snapshot(
    disk: &dyn Disk,
    directory: &Path,
    sequence: u64,
) -> Result<(About, Ledgers), SnapshotError> {
    let path = directory.join(name_of(sequence));
    let damaged = |why| SnapshotError::Damaged { path: path.clone(), why };
    let file = disk.open_to_read(&path).map_err(SnapshotError::io("open", &path))?;
    let bytes = file.length().and_then(|length| {
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        let count = read_full_at(file.as_ref(), &mut bytes, 0)?;
        bytes.truncate(count);
        Ok(bytes)
    });
    let bytes = bytes.map_err(SnapshotError::io("read", &path))?;
    let (header, blocks) = bytes.split_at_checked(HEADER_BYTES).ok_or(damaged("it is short"))?;
    let (about, count) = read_header(header, &path)?;
    if about.sequence != sequence {
        return Err(damaged("its name is another one's"));
    }
    let content = content(blocks).ok_or(damaged("a block's checksum is wrong"))?;
    drop(bytes);
    let mut rest = content.as_slice();
    let mut ledgers = Vec::new();
    for _ in 0..count {
        let read = postcard::take_from_bytes::<(String, Snapshot, Tally)>(rest);
        let ((tenant, snapshot, tally), left) =
            read.map_err(|_| damaged("its ledgers cannot be read"))?;
        ledgers.push((tenant, Ledger { books: Books::restore(snapshot), tally }));
        rest = left;
    }
    let ledgers = Ledgers::of(ledgers).ok_or(damaged("it has no ledger of the default tenant"))?;
    if rest.is_empty() { Ok((about, ledgers)) } else { Err(damaged("it is long")) }
}

/// A snapshot's file name.
pub(super) fn name_of(sequence: u64) -> String {
    format!("{sequence:020}.snapshot")
}

fn header(about: &About, ledgers: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    let count = u16::try_from(ledgers).expect("TENANTS_MAX is below 65,536");
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&count.to_le_bytes());
    bytes.extend_from_slice(&0_u32.to_le_bytes());
    bytes.extend_from_slice(&about.sequence.to_le_bytes());
    bytes.extend_from_slice(&about.epoch.to_le_bytes());
    bytes.extend_from_slice(&about.instance.to_le_bytes());
    bytes.extend_from_slice(&about.rules_from.to_le_bytes());
    let mut program = [0; PROGRAM_BYTES];
    program.iter_mut().zip(about.program.bytes()).for_each(|(to, from)| *to = from);
    bytes.extend_from_slice(&program);
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    bytes
}

fn read_header(bytes: &[u8], path: &Path) -> Result<(About, u16), SnapshotError> {
    let parsed = || {
        let (body, crc) = bytes.split_last_chunk::<4>()?;
        let whole = body.starts_with(&MAGIC) && crc32c::crc32c(body) == u32::from_le_bytes(*crc);
        let version = u16::from_le_bytes(body.get(8..10)?.try_into().ok()?);
        let count = u16::from_le_bytes(body.get(10..12)?.try_into().ok()?);
        let program = String::from_utf8_lossy(body.get(56..)?);
        let about = About {
            sequence: u64::from_le_bytes(body.get(16..24)?.try_into().ok()?),
            epoch: u64::from_le_bytes(body.get(24..32)?.try_into().ok()?),
            instance: u128::from_le_bytes(body.get(32..48)?.try_into().ok()?),
            rules_from: u64::from_le_bytes(body.get(48..56)?.try_into().ok()?),
            program: program.trim_end_matches('\0').to_owned(),
        };
        whole.then_some((version, about, count))
    };
    let path = || path.to_path_buf();
    match parsed() {
        Some((version, about, _)) if version > VERSION => {
            Err(SnapshotError::Newer { path: path(), version, program: about.program })
        }
        Some((_, about, count)) => Ok((about, count)),
        None => Err(SnapshotError::Damaged { path: path(), why: "its header is wrong" }),
    }
}

/// The bytes of all blocks, if each is as it was written and the last one is there.
fn content(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::with_capacity(rest.len());
    for number in 0.. {
        let (length, after) = rest.split_first_chunk()?;
        let (crc, after) = after.split_first_chunk()?;
        let length = u32::from_le_bytes(*length) as usize;
        let (bytes, after) = after.split_at_checked(length)?;
        if block_crc(number, bytes) != u32::from_le_bytes(*crc) {
            return None;
        }
        if length == 0 {
            return after.is_empty().then_some(content);
        }
        content.extend_from_slice(bytes);
        rest = after;
    }
    None
}

fn block_crc(number: u64, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&number.to_le_bytes()), bytes)
}

pub(super) fn remove_if_there(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    match disk.remove(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Why there is no snapshot.
#[derive(Debug)]
#[non_exhaustive]
pub enum SnapshotError {
    /// A newer program wrote it.
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u16,
        /// The version of the program.
        program: String,
    },
    /// It is not as it was written.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
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

impl SnapshotError {
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SnapshotError {
        let path = path.to_path_buf();
        move |source| SnapshotError::Io { action, path, source }
    }
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SnapshotError::Newer { path, version, program } => write!(
                f,
                "{} has version {version}, written by countersign {program}: run that one; \
                 nothing was changed",
                path.display()
            ),
            SnapshotError::Damaged { path, why } => {
                write!(f, "{} is damaged: {why}", path.display())
            }
            SnapshotError::Io { action, path, .. } => {
                write!(f, "cannot {action} {}", path.display())
            }
        }
    }
}

impl std::error::Error for SnapshotError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if let SnapshotError::Io { source, .. } = self { Some(source) } else { None }
    }
}
