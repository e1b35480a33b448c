//! Disk: one in memory that loses, tears, refuses and delays what it is told to.
//!
//! Only what was synced is sure to be there after a crash. Of the rest any sectors may be, and of
//! the names of each directory any first changes.

mod image;
mod state;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use countersign_receiver::journal::{Disk, DiskFile, FileMark, Lock};

pub use self::image::Survival;
use self::state::{Change, Name, Renaming, State};

/// What goes wrong. Counts begin at 1, with the next operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// From this operation on nothing answers any more.
    pub crash: Option<u64>,
    /// This write fails after half of it was written.
    pub write: Option<u64>,
    /// This sync fails, and the system forgets that the pages were dirty.
    pub sync: Option<u64>,
    /// This reading fails.
    pub read: Option<u64>,
    /// So many bytes fit on the disk, beyond what is there now.
    pub room: Option<u64>,
    /// No write takes more bytes than this.
    pub short: Option<u64>,
    /// A sync takes so many milliseconds.
    pub slow_ms: Option<u64>,
}

/// How often something happened to a disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Operations that found the machine off.
    pub off: u64,
    /// Writes that failed.
    pub writes_failed: u64,
    /// Syncs that failed.
    pub syncs_failed: u64,
    /// Readings that failed.
    pub reads_failed: u64,
    /// Writes that found no room.
    pub full: u64,
    /// Writes that took less than they were given.
    pub short: u64,
    /// Syncs that took long.
    pub slow: u64,
    /// Cuts of a log's segment.
    pub cuts: u64,
    /// Segments of a log that were made.
    pub segments: u64,
    /// Files of a log that were removed.
    pub removed: u64,
    /// Damaged or torn bytes that were put aside.
    pub quarantined: u64,
    /// Files that were replaced.
    pub replaced: u64,
    /// Locks that another held.
    pub locked: u64,
}

/// The disk. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

impl SimDisk {
    /// Plans what goes wrong from now on; what was planned before no longer does.
    pub fn plan(&self, faults: Faults) {
        let mut state = self.state();
        state.room = faults.room.map(|room| state.used() as u64 + room);
        state.faults = faults;
    }

    /// Whether the machine is off.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.state().off
    }

    /// Whether something goes wrong, or is about to.
    #[must_use]
    pub fn is_faulty(&self) -> bool {
        let state = self.state();
        state.off || state.room.is_some() || state.faults != Faults::default()
    }

    /// What happened so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.state().counts
    }

    /// Operations that were asked for so far.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Milliseconds that operations took since this was asked last.
    pub fn take_delay_ms(&self) -> u64 {
        std::mem::take(&mut self.state().delay_ms)
    }

    /// What could be on the disk after the power failed now. No fault is planned on it.
    #[must_use]
    pub fn image(&self, survival: Survival) -> SimDisk {
        let state = image::after_power_failure(&self.state(), survival);
        SimDisk { state: Arc::new(Mutex::new(state)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no operation panics")
    }

    fn operate(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        state.operations += 1;
        if state.off || due(&mut state.faults.crash) {
            state.off = true;
            state.counts.off += 1;
            return Err(io::Error::other("the machine is off"));
        }
        Ok(state)
    }

    fn handle(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let state = self.operate()?;
        match state.names.get(path) {
            Some(Name::File(file)) => Ok(Box::new(SimFile { disk: self.clone(), file: *file })),
            Some(Name::Directory) | None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// Counts down to a fault; true once, when it is there.
fn due(count: &mut Option<u64>) -> bool {
    match count {
        Some(1) => {
            *count = None;
            true
        }
        Some(left) => {
            *left -= 1;
            false
        }
        None => false,
    }
}

impl Disk for SimDisk {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        let mut state = self.operate()?;
        let missing: Vec<_> = path.ancestors().filter(|p| !state.names.contains_key(*p)).collect();
        for path in missing.into_iter().rev().filter(|path| path.parent().is_some()) {
            state.change_name(Renaming::Create(path.to_path_buf(), Name::Directory));
        }
        Ok(())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let state = self.operate()?;
        let inside = state.names.keys().filter(|path| path.parent() == Some(directory));
        let names = inside.filter_map(|path| path.file_name()?.to_str().map(str::to_owned));
        Ok(names.collect())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.operate()?;
        if state.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.counts.quarantined += u64::from(state::is_quarantined(path));
        state.counts.segments += u64::from(state::is_segment(path));
        let file = state.files.len();
        state.files.push(state::File { is_segment: state::is_segment(path), ..Default::default() });
        state.change_name(Renaming::Create(path.to_path_buf(), Name::File(file)));
        drop(state);
        self.handle(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.handle(path)
    }

    fn open_to_read(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.handle(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.operate()?;
        if !state.names.contains_key(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.counts.replaced += u64::from(state.names.contains_key(to));
        state.change_name(Renaming::Rename(from.to_path_buf(), to.to_path_buf()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.operate()?;
        if !state.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.counts.removed += u64::from(state::is_segment(path));
        state.change_name(Renaming::Remove(path.to_path_buf()));
        Ok(())
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        let mut state = self.operate()?;
        state.sync_names(path);
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>> {
        let mut state = self.operate()?;
        if state.locked {
            state.counts.locked += 1;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        state.locked = true;
        if !state.names.contains_key(path) {
            let file = state.files.len();
            state.files.push(state::File::default());
            state.change_name(Renaming::Create(path.to_path_buf(), Name::File(file)));
        }
        Ok(Box::new(SimLock { disk: self.clone() }))
    }

    fn free_bytes(&self, _directory: &Path) -> io::Result<u64> {
        Ok(self.operate()?.free() as u64)
    }
}

#[derive(Debug)]
struct SimLock {
    disk: SimDisk,
}

impl Lock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.disk.state().locked = false;
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    file: usize,
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

impl DiskFile for SimFile {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.operate()?;
        if due(&mut state.faults.read) {
            state.counts.reads_failed += 1;
            return Err(io::Error::other("reading failed"));
        }
        let content = &state.file(self.file).content;
        let rest = content.get(index(offset)..).unwrap_or_default();
        let count = rest.len().min(bytes.len());
        bytes.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.operate()?;
        let fails = due(&mut state.faults.write);
        let mut count = bytes.len().min(state.free());
        if count == 0 && !bytes.is_empty() {
            state.counts.full += 1;
            return Err(io::ErrorKind::StorageFull.into());
        }
        let most = state.faults.short.map_or(count, index);
        if fails {
            count = count.min(bytes.len() / 2);
            state.counts.writes_failed += 1;
        } else if most < count {
            count = most;
            state.counts.short += 1;
        }
        let written = bytes.get(..count).unwrap_or_default();
        state.file(self.file).change(Change::Write(index(offset), written.to_vec()));
        if fails { Err(io::Error::other("writing failed")) } else { Ok(count) }
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.operate()?;
        let delay_ms = state.faults.slow_ms.unwrap_or(0);
        state.delay_ms += delay_ms;
        state.counts.slow += u64::from(delay_ms > 0);
        if due(&mut state.faults.sync) {
            state.counts.syncs_failed += 1;
            // What the device did not take is clean for the system all the same.
            state.file(self.file).pending.clear();
            return Err(io::Error::other("syncing failed"));
        }
        state.file(self.file).sync();
        Ok(())
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        let mut state = self.disk.operate()?;
        let file = state.file(self.file);
        let cuts = u64::from(file.is_segment && index(length) < file.content.len());
        file.change(Change::Truncate(index(length)));
        state.counts.cuts += cuts;
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.operate()?.file(self.file).content.len() as u64)
    }

    fn drop_cached(&self) -> io::Result<()> {
        let mut state = self.disk.operate()?;
        let file = state.file(self.file);
        if file.pending.is_empty() {
            file.content = file.durable.clone();
        }
        Ok(())
    }

    fn mark(&self) -> io::Result<FileMark> {
        self.disk.operate().map(|_| FileMark { inode: self.file as u64, born: 0 })
    }
}
