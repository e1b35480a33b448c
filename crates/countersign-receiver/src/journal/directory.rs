//! The data directory: its lock, its format, who it is and how often it was opened.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cursor::Cursor;
use super::disk::{Disk, Lock, OsDisk, make_directory, read_small, write_all_at};
use super::error::LogError;
use super::identity::{Identity, begin_epoch, read_identity, write_identity};
use super::soundness::Soundness;

/// The format this program writes. It reads this and older ones.
pub(super) const FORMAT: u32 = 2;
/// The oldest format that it reads.
const FORMAT_OLDEST: u32 = 2;
/// Longest of the small files.
const SMALL_BYTES: usize = 256;

/// A data directory, locked while this lives unless opened to read only.
#[derive(Debug)]
pub struct DataDirectory {
    disk: Arc<dyn Disk>,
    soundness: Soundness,
    path: PathBuf,
    identity: Identity,
    lock: Option<Box<dyn Lock>>,
}

impl DataDirectory {
    /// Opens a data directory to write, making it (0700) if it does not exist, and raises its
    /// epoch. At most one program has it open so.
    ///
    /// A directory whose files are others than those it was made of is a copy, or a backup that
    /// was restored: it gets an instance of its own, see [`DataDirectory::is_copy`]. A copy of
    /// the whole file system or its device, and one of hard links, cannot be told from the
    /// original.
    ///
    /// # Errors
    /// [`DirectoryError::InUse`] at once if another has it; see [`DirectoryError`] for the rest.
    pub fn open(path: &Path) -> Result<DataDirectory, DirectoryError> {
        DataDirectory::open_with(Arc::new(OsDisk), path, random_id()?)
    }

    /// The same on another disk; `fresh` becomes the instance of a directory that is new or a
    /// copy.
    ///
    /// # Errors
    /// See [`DataDirectory::open`].
    pub fn open_with(
        disk: Arc<dyn Disk>,
        path: &Path,
        fresh: u128,
    ) -> Result<DataDirectory, DirectoryError> {
        make_directory(disk.as_ref(), path).map_err(DirectoryError::io("make", path))?;
        let lock = lock(disk.as_ref(), path)?;
        let identity = begin_epoch(disk.as_ref(), path, fresh)?;
        let (path, soundness) = (path.to_path_buf(), Soundness::default());
        Ok(DataDirectory { disk, soundness, path, identity, lock: Some(lock) })
    }

    /// Opens an existing data directory to look at it, also while another writes it.
    ///
    /// # Errors
    /// See [`DirectoryError`].
    pub fn open_read_only(path: &Path) -> Result<DataDirectory, DirectoryError> {
        let disk = Arc::new(OsDisk);
        if read_format(disk.as_ref(), path)?.is_none() {
            return Err(DirectoryError::Missing { path: path.to_path_buf() });
        }
        let Some(identity) = read_identity(disk.as_ref(), path)? else {
            return Err(DirectoryError::Damaged { path: path.join("identity") });
        };
        let (path, soundness) = (path.to_path_buf(), Soundness::default());
        Ok(DataDirectory { disk, soundness, path, identity, lock: None })
    }

    /// What is known to be damaged in it.
    #[must_use]
    pub fn soundness(&self) -> Soundness {
        self.soundness.clone()
    }

    /// The disk that it is on.
    #[must_use]
    pub fn disk(&self) -> Arc<dyn Disk> {
        Arc::clone(&self.disk)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The random id it got when it was made, or copied.
    #[must_use]
    pub fn instance(&self) -> u128 {
        self.identity.instance
    }

    /// Whether it is a copy whose journal does not say yet that its counters begin again: until
    /// [`DataDirectory::has_begun_again`], also after a restart.
    #[must_use]
    pub fn is_copy(&self) -> bool {
        self.identity.is_copy
    }

    /// Remembers that a copy's journal says that its counters begin again.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn has_begun_again(&mut self) -> Result<(), DirectoryError> {
        let identity = Identity { is_copy: false, ..self.identity };
        write_identity(self.disk.as_ref(), &self.path, identity)?;
        self.identity = identity;
        Ok(())
    }

    /// How many times it was opened to write.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.identity.epoch
    }

    /// Whether nobody has opened it to write since. The lock sees to that, unless somebody
    /// removed it, or it is on a network file system that has none.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn is_current(&self) -> Result<bool, DirectoryError> {
        let identity = read_identity(self.disk.as_ref(), &self.path)?;
        Ok(identity.is_some_and(|now| now.is_of(self.identity)))
    }

    /// Whether it is only looked at.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.lock.is_none()
    }

    /// Where the fact log is.
    #[must_use]
    pub fn facts(&self) -> PathBuf {
        self.path.join("facts")
    }

    /// Where the snapshots are.
    #[must_use]
    pub fn snapshots(&self) -> PathBuf {
        self.path.join("snapshots")
    }

    /// Where the log of what is to be relayed is.
    #[must_use]
    pub fn relay(&self) -> PathBuf {
        self.path.join("relay")
    }

    /// Opens the cursor of a destination.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn open_cursor(&self, destination: &str) -> Result<Cursor, LogError> {
        Cursor::open_with(self.disk(), &self.cursor(destination))
    }

    /// Where the cursor of a destination is. The name is made safe for a file.
    #[must_use]
    pub fn cursor(&self, destination: &str) -> PathBuf {
        let safe: String = destination
            .chars()
            .take(64)
            .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' })
            .collect();
        // Two names that look the same when made safe get different files.
        let digest = crc32c::crc32c(destination.as_bytes());
        self.path.join("cursors").join(format!("{safe}-{digest:08x}.cursor"))
    }

    /// Holds back space, so that there is some to go on with when the disk is full.
    ///
    /// # Errors
    /// If the disk fails or has not so much space.
    pub fn reserve(&self, bytes: u64) -> Result<(), DirectoryError> {
        let path = self.path.join("reserve");
        let held = self.disk.open_to_read(&path).and_then(|file| file.length()).unwrap_or(0);
        if held == bytes {
            return Ok(());
        }
        self.release_reserve()?;
        let free = self.disk.free_bytes(&self.path).map_err(DirectoryError::io("read", &path))?;
        if free < bytes {
            return Err(DirectoryError::io("write", &path)(io::ErrorKind::StorageFull.into()));
        }
        let file = self.disk.create(&path).map_err(DirectoryError::io("make", &path))?;
        let zeros = vec![0; 1 << 20];
        let mut at = 0;
        let mut filled = Ok(());
        while at < bytes && filled.is_ok() {
            let count = zeros.len().min(usize::try_from(bytes - at).unwrap_or(zeros.len()));
            filled = write_all_at(file.as_ref(), zeros.get(..count).unwrap_or_default(), at);
            at += count as u64;
        }
        if let Err(error) = filled.and_then(|()| file.sync()) {
            self.release_reserve()?;
            return Err(DirectoryError::io("write", &path)(error));
        }
        Ok(())
    }

    /// Gives the reserved space free; whether there was some.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn release_reserve(&self) -> Result<bool, DirectoryError> {
        let path = self.path.join("reserve");
        match self.disk.remove(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(DirectoryError::io("remove", &path)(error)),
        }
    }
}

/// Why a data directory cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum DirectoryError {
    /// Another program has it open.
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// A newer program wrote it.
    Newer {
        /// The directory.
        path: PathBuf,
        /// Its format.
        format: u32,
    },
    /// A program wrote it whose data is not read any more.
    Older {
        /// The directory.
        path: PathBuf,
        /// Its format.
        format: u32,
    },
    /// There is none.
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A file that says what the directory is does not read.
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The system refused.
    Io {
        /// What was done.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

impl DirectoryError {
    /// What the program exits with, of `sysexits.h`: 75 (try again) if the directory is in use,
    /// 74 if the disk fails, otherwise 78 (configuration).
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            DirectoryError::InUse { .. } => 75,
            DirectoryError::Io { source, .. } if is_configuration(source) => 78,
            DirectoryError::Io { .. } => 74,
            DirectoryError::Newer { .. }
            | DirectoryError::Older { .. }
            | DirectoryError::Missing { .. }
            | DirectoryError::Damaged { .. } => 78,
        }
    }

    pub(super) fn io(
        action: &'static str,
        path: &Path,
    ) -> impl FnOnce(io::Error) -> DirectoryError {
        let path = path.to_path_buf();
        move |source| DirectoryError::Io { action, path, source }
    }
}

impl fmt::Display for DirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DirectoryError::InUse { path } => write!(
                f,
                "the data directory {} is in use by another countersign: stop that one, or give \
                 this one its own with --data DIR",
                path.display()
            ),
            DirectoryError::Newer { path, format } => write!(
                f,
                "the data directory {} has format {format}, this program knows formats up to \
                 {FORMAT}: run the newer program; nothing was changed",
                path.display()
            ),
            DirectoryError::Older { path, format } => write!(
                f,
                "the data directory {} has format {format} of before the first release, which is \
                 not read any more: begin a new one with --data DIR; nothing was changed",
                path.display()
            ),
            DirectoryError::Missing { path } => {
                write!(f, "{} is no countersign data directory", path.display())
            }
            DirectoryError::Damaged { path } => write!(
                f,
                "{} is missing or damaged beside data that exists: restore it from a backup",
                path.display()
            ),
            DirectoryError::Io { action, path, source } if is_configuration(source) => write!(
                f,
                "cannot {action} {}: choose a directory that this user may write, with --data DIR",
                path.display()
            ),
            // The system's answer is the source: whoever shows the chain shows it.
            DirectoryError::Io { action, path, .. } => {
                write!(f, "cannot {action} {}", path.display())
            }
        }
    }
}

impl std::error::Error for DirectoryError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if let DirectoryError::Io { source, .. } = self { Some(source) } else { None }
    }
}

/// Whether another path or other rights would help.
fn is_configuration(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::NotFound
            | io::ErrorKind::AlreadyExists
    )
}

fn lock(disk: &dyn Disk, path: &Path) -> Result<Box<dyn Lock>, DirectoryError> {
    let file = path.join("lock");
    disk.lock(&file).map_err(|error| {
        if error.kind() == io::ErrorKind::WouldBlock {
            return DirectoryError::InUse { path: path.to_path_buf() };
        }
        DirectoryError::io("lock", &file)(error)
    })
}

pub(super) fn read_format(disk: &dyn Disk, path: &Path) -> Result<Option<u32>, DirectoryError> {
    let file = path.join("format");
    let Some(text) = read_text(disk, &file)? else { return Ok(None) };
    let number = text.trim_end().strip_prefix("countersign-data ").and_then(|n| n.parse().ok());
    match number {
        None => Err(DirectoryError::Damaged { path: file }),
        Some(format) if format > FORMAT => {
            Err(DirectoryError::Newer { path: path.to_path_buf(), format })
        }
        Some(format) if format < FORMAT_OLDEST => {
            Err(DirectoryError::Older { path: path.to_path_buf(), format })
        }
        Some(format) => Ok(Some(format)),
    }
}

pub(super) fn read_text(disk: &dyn Disk, path: &Path) -> Result<Option<String>, DirectoryError> {
    let bytes = read_small(disk, path, SMALL_BYTES).map_err(DirectoryError::io("read", path))?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

fn random_id() -> Result<u128, DirectoryError> {
    let source = Path::new("/dev/urandom");
    let mut bytes = [0; 16];
    File::open(source)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(DirectoryError::io("read", source))?;
    Ok(u128::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn one_at_a_time_and_each_opening_is_an_epoch() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("data");
        let first = DataDirectory::open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        let error = DataDirectory::open(&path).unwrap_err();
        assert_eq!(error.exit_code(), 75);
        assert!(error.to_string().contains("in use"), "{error}");
        let look = DataDirectory::open_read_only(&path).unwrap();
        assert_eq!((look.instance(), look.epoch()), (first.instance(), 1));
        let instance = first.instance();
        drop(first);
        let second = DataDirectory::open(&path).unwrap();
        assert_eq!((second.instance(), second.epoch()), (instance, 2));
    }

    #[test]
    fn f26_a_newer_format_is_refused_and_left_alone() {
        let temporary = tempfile::tempdir().unwrap();
        drop(DataDirectory::open(temporary.path()).unwrap());
        let before = std::fs::read(temporary.path().join("identity")).unwrap();
        std::fs::write(temporary.path().join("format"), "countersign-data 3\n").unwrap();
        let error = DataDirectory::open(temporary.path()).unwrap_err();
        assert_eq!(error.exit_code(), 78);
        assert!(error.to_string().contains("format 3"), "{error}");
        assert_eq!(std::fs::read(temporary.path().join("identity")).unwrap(), before);
    }

    #[test]
    fn lost_identity_beside_data_is_no_fresh_start() {
        let temporary = tempfile::tempdir().unwrap();
        let directory = DataDirectory::open(temporary.path()).unwrap();
        std::fs::create_dir(directory.facts()).unwrap();
        std::fs::write(directory.facts().join("00000000000000000001.segment"), "x").unwrap();
        drop(directory);
        std::fs::remove_file(temporary.path().join("identity")).unwrap();
        std::fs::remove_file(temporary.path().join("format")).unwrap();
        let error = DataDirectory::open(temporary.path()).unwrap_err();
        assert!(matches!(error, DirectoryError::Damaged { .. }), "{error}");
    }

    #[test]
    fn the_reserve_is_held_and_released() {
        let temporary = tempfile::tempdir().unwrap();
        let directory = DataDirectory::open(temporary.path()).unwrap();
        directory.reserve(3_000_000).unwrap();
        directory.reserve(2_000_000).unwrap();
        let held = std::fs::metadata(temporary.path().join("reserve")).unwrap().len();
        assert_eq!(held, 2_000_000);
        assert!(directory.release_reserve().unwrap());
        assert!(!directory.release_reserve().unwrap());
    }

    #[test]
    fn cursor_files_are_safe_and_distinct() {
        let temporary = tempfile::tempdir().unwrap();
        let directory = DataDirectory::open(temporary.path()).unwrap();
        let (one, two) = (directory.cursor("../a/b"), directory.cursor("../a.b"));
        assert_ne!(one, two);
        assert_eq!(one.parent(), Some(temporary.path().join("cursors").as_path()));
    }
}
