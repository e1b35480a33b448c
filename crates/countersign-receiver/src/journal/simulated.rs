//! A disk in memory that loses, tears and refuses what it is told to, for tests, and that knows
//! every state in which a power cut could leave it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::disk::{Disk, DiskFile, FileMark, Lock};

/// What goes wrong, counted from 1 over the life of the disk.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// This write fails with EIO after half of it was written.
    pub(crate) write: Option<u64>,
    /// This sync of a file fails, and the system forgets that the pages were dirty.
    pub(crate) sync: Option<u64>,
    /// So many bytes fit on the disk.
    pub(crate) capacity: Option<u64>,
    /// From this operation on nothing answers any more.
    pub(crate) crash: Option<u64>,
    /// No write takes more bytes than this.
    pub(crate) write_bytes_max: Option<usize>,
    /// Every so many calls of a write are interrupted by a signal before they did anything.
    pub(crate) interrupted_every: Option<u64>,
    /// Nothing can be written or named any more.
    pub(crate) read_only: bool,
    /// Every sync of a file takes so long.
    pub(crate) sync_takes: Duration,
}

/// What became of an unsynced sector when the power was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was never written.
    Lost,
    /// It was written.
    Written,
    /// The first half of it was.
    Torn,
    /// The file grew, and what it grew by is zeros.
    Zeroed,
}

/// The disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct SimDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Debug, Default)]
struct State {
    faults: Faults,
    operations: u64,
    /// Calls of write, also those that were interrupted.
    calls: u64,
    writes: u64,
    syncs: u64,
    names: BTreeMap<PathBuf, usize>,
    /// Changes of names since the directory was synced, in order.
    renamings: Vec<Renaming>,
    durable_names: BTreeMap<PathBuf, usize>,
    inodes: Vec<Inode>,
}

#[derive(Clone, Debug)]
enum Renaming {
    Create(PathBuf, usize),
    Rename(PathBuf, PathBuf, usize),
    Remove(PathBuf),
}

#[derive(Clone, Debug, Default)]
struct Inode {
    content: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

/// A device writes so much whole or not at all.
const SECTOR_BYTES: usize = 16;

impl SimDisk {
    pub(crate) fn new(faults: Faults) -> SimDisk {
        let disk = SimDisk::default();
        disk.state().faults = faults;
        disk
    }

    /// How many operations were asked for.
    pub(crate) fn operations(&self) -> u64 {
        self.state().operations
    }

    /// How many writes were asked for.
    pub(crate) fn writes(&self) -> u64 {
        self.state().writes
    }

    /// How many syncs of files were asked for.
    pub(crate) fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// Whether the planned crash has come.
    pub(crate) fn is_off(&self) -> bool {
        let state = self.state();
        state.faults.crash.is_some_and(|crash| state.operations >= crash)
    }

    /// Bytes in all files.
    pub(crate) fn used(&self) -> u64 {
        self.state().used() as u64
    }

    /// Changes what goes wrong from now on; the counts go on.
    pub(crate) fn plan(&self, faults: Faults) {
        self.state().faults = faults;
    }

    /// What could be on the disk after the power failed now: synced bytes, the unsynced changes
    /// of names whose bits are set, and of the unsynced sectors what `fate` says.
    pub(crate) fn image(&self, names: u64, mut fate: impl FnMut() -> Fate) -> SimDisk {
        let mut state = self.state().clone();
        state.faults = Faults::default();
        for (index, renaming) in state.renamings.iter().enumerate() {
            if names >> index & 1 == 1 {
                apply_renaming(&mut state.durable_names, renaming);
            }
        }
        state.renamings.clear();
        state.names = state.durable_names.clone();
        for inode in &mut state.inodes {
            for change in std::mem::take(&mut inode.pending) {
                match change {
                    Change::Write(at, bytes) => {
                        for (index, sector) in bytes.chunks(SECTOR_BYTES).enumerate() {
                            let at = at + index * SECTOR_BYTES;
                            keep_sector(&mut inode.durable, at, sector, fate());
                        }
                    }
                    Change::Truncate(length) => {
                        if fate() != Fate::Lost {
                            inode.durable.truncate(length);
                        }
                    }
                }
            }
            inode.content = inode.durable.clone();
        }
        SimDisk { state: Arc::new(Mutex::new(state)) }
    }

    /// Changes of names that are not synced.
    pub(crate) fn renamings(&self) -> usize {
        self.state().renamings.len()
    }

    /// Sectors that are not synced, of files that have or had a name.
    pub(crate) fn unsynced(&self) -> usize {
        let sectors = |change: &Change| match change {
            Change::Write(_, bytes) => bytes.chunks(SECTOR_BYTES).len(),
            Change::Truncate(_) => 1,
        };
        self.state().inodes.iter().flat_map(|inode| &inode.pending).map(sectors).sum()
    }

    /// Flips bits of a byte, as a device that forgets.
    pub(crate) fn flip(&self, path: &Path, at: usize, bits: u8) {
        let mut state = self.state();
        let inode = state.names[path];
        state.inodes[inode].content[at] ^= bits;
        state.inodes[inode].durable[at] ^= bits;
    }

    /// Every file with its content.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let state = self.state();
        let content = |inode: &usize| state.inodes[*inode].content.clone();
        state.names.iter().map(|(path, inode)| (path.clone(), content(inode))).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn operate(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        state.operations += 1;
        if state.faults.crash.is_some_and(|crash| state.operations >= crash) {
            return Err(io::Error::other("the machine is off"));
        }
        Ok(state)
    }

    /// An operation that changes something.
    fn change(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.operate()?;
        if state.faults.read_only {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        Ok(state)
    }

    fn handle(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let state = self.operate()?;
        let inode = *state.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(SimFile { disk: self.clone(), inode, failed: Mutex::new(false) }))
    }
}

fn apply_renaming(names: &mut BTreeMap<PathBuf, usize>, renaming: &Renaming) {
    match renaming {
        Renaming::Create(path, inode) => {
            names.insert(path.clone(), *inode);
        }
        Renaming::Rename(from, to, inode) => {
            if names.get(from) == Some(inode) {
                names.remove(from);
            }
            names.insert(to.clone(), *inode);
        }
        Renaming::Remove(path) => {
            names.remove(path);
        }
    }
}

fn write(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if content.len() < at + bytes.len() {
        content.resize(at + bytes.len(), 0);
    }
    content[at..at + bytes.len()].copy_from_slice(bytes);
}

fn keep_sector(durable: &mut Vec<u8>, at: usize, sector: &[u8], fate: Fate) {
    match fate {
        Fate::Lost => {}
        Fate::Written => write(durable, at, sector),
        Fate::Torn => write(durable, at, &sector[..sector.len() / 2]),
        Fate::Zeroed => {
            if durable.len() < at + sector.len() {
                durable.resize(at + sector.len(), 0);
            }
        }
    }
}

fn apply(content: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write(at, bytes) => write(content, *at, bytes),
        Change::Truncate(length) => content.truncate(*length),
    }
}

impl State {
    fn change_name(&mut self, renaming: Renaming) {
        apply_renaming(&mut self.names, &renaming);
        self.renamings.push(renaming);
    }

    fn used(&self) -> usize {
        self.names.values().map(|inode| self.inodes[*inode].content.len()).sum()
    }

    fn free(&self) -> usize {
        let used = self.used();
        let capacity = self.faults.capacity.map_or(usize::MAX, |bytes| bytes as usize);
        capacity.saturating_sub(used)
    }
}

impl Disk for SimDisk {
    fn create_directory(&self, _path: &Path) -> io::Result<()> {
        self.operate().map(drop)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let state = self.operate()?;
        let inside = state.names.keys().filter(|path| path.parent() == Some(directory));
        Ok(inside.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.change()?;
        if state.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = state.inodes.len();
        state.inodes.push(Inode::default());
        state.change_name(Renaming::Create(path.to_path_buf(), inode));
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
        let mut state = self.change()?;
        let inode = *state.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        state.change_name(Renaming::Rename(from.to_path_buf(), to.to_path_buf(), inode));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.change()?;
        if !state.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change_name(Renaming::Remove(path.to_path_buf()));
        Ok(())
    }

    fn sync_directory(&self, _path: &Path) -> io::Result<()> {
        let mut state = self.operate()?;
        state.renamings.clear();
        state.durable_names = state.names.clone();
        Ok(())
    }

    fn lock(&self, _path: &Path) -> io::Result<Box<dyn Lock>> {
        self.operate().map(|_| Box::new(SimLock) as Box<dyn Lock>)
    }

    fn free_bytes(&self, _directory: &Path) -> io::Result<u64> {
        Ok(self.operate()?.free() as u64)
    }
}

/// Nobody else is there to lock out.
#[derive(Debug)]
struct SimLock;

impl Lock for SimLock {}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    inode: usize,
    failed: Mutex<bool>,
}

impl DiskFile for SimFile {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.operate()?;
        let content = &state.inodes[self.inode].content;
        let rest = content.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(bytes.len());
        bytes[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.change()?;
        state.calls += 1;
        if state.faults.interrupted_every.is_some_and(|every| state.calls.is_multiple_of(every)) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        state.writes += 1;
        let fails = state.faults.write == Some(state.writes);
        let free = state.free();
        let most = state.faults.write_bytes_max.unwrap_or(bytes.len()).min(free);
        let count = if fails { bytes.len() / 2 } else { bytes.len().min(most) };
        if count == 0 && !fails && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let inode = &mut state.inodes[self.inode];
        write(&mut inode.content, offset as usize, &bytes[..count]);
        inode.pending.push(Change::Write(offset as usize, bytes[..count].to_vec()));
        if fails { Err(io::Error::other("write failed")) } else { Ok(count) }
    }

    fn sync(&self) -> io::Result<()> {
        let takes = self.disk.state().faults.sync_takes;
        std::thread::sleep(takes);
        let mut failed = self.failed.lock().unwrap();
        assert!(!*failed, "a file whose sync failed must not be synced again");
        let mut state = self.disk.operate()?;
        state.syncs += 1;
        let fails = state.faults.sync == Some(state.syncs);
        let inode = &mut state.inodes[self.inode];
        let pending = std::mem::take(&mut inode.pending);
        if fails {
            // As on ext4, XFS and Btrfs: the pages are clean now, and no later sync writes them.
            *failed = true;
            return Err(io::Error::other("sync failed"));
        }
        pending.iter().for_each(|change| apply(&mut inode.durable, change));
        Ok(())
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        let mut state = self.disk.change()?;
        let inode = &mut state.inodes[self.inode];
        inode.content.truncate(length as usize);
        inode.pending.push(Change::Truncate(length as usize));
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.operate()?.inodes[self.inode].content.len() as u64)
    }

    fn drop_cached(&self) -> io::Result<()> {
        let mut state = self.disk.operate()?;
        let inode = &mut state.inodes[self.inode];
        if inode.pending.is_empty() {
            inode.content = inode.durable.clone();
        }
        Ok(())
    }
    fn mark(&self) -> io::Result<FileMark> {
        self.disk.operate().map(|_| FileMark { inode: self.inode as u64, born: 0 })
    }
}
