//! Disk: the one seam between the journal and the file system, so that tests can plant faults.

use std::fmt::Debug;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{FlockOperation, flock};

/// A file system as the journal needs it. Blocking: callers have a thread of their own.
pub trait Disk: Debug + Send + Sync {
    /// Makes a directory and its parents, durably, readable by the owner only. It may exist.
    fn create_directory(&self, path: &Path) -> io::Result<()>;
    /// The names in a directory, in no order. A directory that does not exist has none.
    fn list(&self, directory: &Path) -> io::Result<Vec<String>>;
    /// Makes a new file to read and write; it must not exist.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Opens an existing file to read and write.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Opens an existing file to read.
    fn open_to_read(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Gives a file another name, replacing what had that name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names of a directory durable.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;
    /// Locks a file, which is made if it does not exist, for as long as the answer lives.
    /// [`io::ErrorKind::WouldBlock`] if another has it.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>>;
    /// Bytes that can still be written on the file system of a directory.
    fn free_bytes(&self, directory: &Path) -> io::Result<u64>;
}

/// A lock that is held.
pub trait Lock: Debug + Send + Sync {}

impl Lock for File {}

/// An open file.
pub trait DiskFile: Debug + Send {
    /// Reads at an offset; may read less than asked, 0 at the end.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes at an offset; may write less than asked.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;
    /// Makes the content and the length durable. After an error the file must not be synced again.
    fn sync(&self) -> io::Result<()>;
    /// Cuts the file to a length.
    fn truncate(&self, length: u64) -> io::Result<()>;
    /// The length in bytes.
    fn length(&self) -> io::Result<u64>;
    /// Asks the system to forget cached content, so that the next read comes from the device.
    fn drop_cached(&self) -> io::Result<()>;
    /// What tells it from copies of it.
    fn mark(&self) -> io::Result<FileMark>;
}

/// What a file keeps when it gets another name, and its copies do not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileMark {
    /// Its number in the file system.
    pub inode: u64,
    /// When it was made, in nanoseconds since 1970; 0 where that is not known. Numbers of
    /// removed files are given again, times are not.
    pub born: u64,
}

impl FileMark {
    /// Whether both may be of one file.
    #[must_use]
    pub fn is_same(self, other: FileMark) -> bool {
        let born = self.born == other.born || self.born == 0 || other.born == 0;
        self.inode == other.inode && born
    }
}

/// The operating system's file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsDisk;

impl Disk for OsDisk {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        let missing: Vec<&Path> = path
            .ancestors()
            .filter(|ancestor| !ancestor.as_os_str().is_empty())
            .take_while(|ancestor| !ancestor.exists())
            .collect();
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        // A directory whose name is not durable takes all that is in it away.
        for made in missing {
            let parent = made.parent().filter(|parent| !parent.as_os_str().is_empty());
            self.sync_directory(parent.unwrap_or_else(|| Path::new(".")))?;
        }
        Ok(())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let entries = match std::fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names = Vec::new();
        for entry in entries {
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        Ok(Box::new(options.open(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(OpenOptions::new().read(true).write(true).open(path)?))
    }

    fn open_to_read(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(File::open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(path)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Box::new(file))
    }

    fn free_bytes(&self, directory: &Path) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(directory)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

impl DiskFile for File {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, bytes, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(self, bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn drop_cached(&self) -> io::Result<()> {
        rustix::fs::fadvise(self, 0, None, rustix::fs::Advice::DontNeed)?;
        Ok(())
    }

    fn mark(&self) -> io::Result<FileMark> {
        let metadata = self.metadata()?;
        let since = |at: SystemTime| at.duration_since(UNIX_EPOCH).ok();
        let born = metadata.created().ok().and_then(since);
        let born = born.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(0));
        Ok(FileMark { inode: metadata.ino(), born })
    }
}

/// Makes a directory, and those above it that are missing, so that their names are there after a
/// power failure too. It may exist.
pub(super) fn make_directory(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    match disk.list(parent) {
        Ok(names) if names.iter().any(|other| name == other.as_str()) => {}
        // Whoever may not look into it did not make it.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
        Ok(_) => make_directory(disk, parent)?,
        Err(error) => return Err(error),
    }
    disk.create_directory(path)?;
    // Also if it is there: it may have been made just before a crash.
    match disk.sync_directory(parent) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        synced => synced,
    }
}

/// Writes all the bytes at an offset, however the system splits them.
pub(crate) fn write_all_at(file: &dyn DiskFile, bytes: &[u8], offset: u64) -> io::Result<()> {
    let mut rest = bytes;
    let mut at = offset;
    while !rest.is_empty() {
        match file.write_at(rest, at) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                rest = rest.get(count..).unwrap_or_default();
                at += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Fills the buffer from an offset as far as the file goes; the count of bytes read.
pub(crate) fn read_full_at(
    file: &dyn DiskFile,
    bytes: &mut [u8],
    offset: u64,
) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Writes a small file so that after a crash the old or the new content is there, whole.
pub(super) fn replace_file(disk: &dyn Disk, path: &Path, content: &[u8]) -> io::Result<()> {
    replace_marked(disk, path, |_| content.to_vec())
}

/// The same for content that says which file it is in.
pub(super) fn replace_marked(
    disk: &dyn Disk,
    path: &Path,
    content: impl FnOnce(FileMark) -> Vec<u8>,
) -> io::Result<()> {
    let directory = path.parent().unwrap_or_else(|| Path::new("."));
    let fresh = path.with_extension("new");
    match disk.remove(&fresh) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let file = disk.create(&fresh)?;
    write_all_at(file.as_ref(), &content(file.mark()?), 0)?;
    file.sync()?;
    disk.rename(&fresh, path)?;
    disk.sync_directory(directory)
}

/// Reads a small file, at most `most` bytes of it; `None` if it does not exist.
pub(super) fn read_small(disk: &dyn Disk, path: &Path, most: usize) -> io::Result<Option<Vec<u8>>> {
    let file = match disk.open_to_read(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut content = vec![0; most];
    let count = read_full_at(file.as_ref(), &mut content, 0)?;
    content.truncate(count);
    Ok(Some(content))
}
