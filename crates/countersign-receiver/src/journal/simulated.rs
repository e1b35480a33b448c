//! A disk in memory that loses, tears and refuses what it is told to, for tests.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use super::disk::{Disk, DiskFile};

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
    Rename(PathBuf, PathBuf),
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

    /// Changes what goes wrong from now on; the counts go on.
    pub(crate) fn plan(&self, faults: Faults) {
        self.state().faults = faults;
    }

    /// What could be on the disk after the power failed now: synced bytes, the first `renamings`
    /// changes of names, and the unsynced sectors for which `survives` says so.
    pub(crate) fn image(&self, renamings: usize, mut survives: impl FnMut() -> bool) -> SimDisk {
        let mut state = self.state().clone();
        state.faults = Faults::default();
        for renaming in state.renamings.iter().take(renamings) {
            apply_renaming(&mut state.durable_names, renaming);
        }
        state.renamings.clear();
        state.names = state.durable_names.clone();
        for inode in &mut state.inodes {
            for change in std::mem::take(&mut inode.pending) {
                match change {
                    Change::Write(at, bytes) => {
                        for (index, sector) in bytes.chunks(SECTOR_BYTES).enumerate() {
                            if survives() {
                                write(&mut inode.durable, at + index * SECTOR_BYTES, sector);
                            }
                        }
                    }
                    Change::Truncate(length) => {
                        if survives() {
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
        Renaming::Rename(from, to) => {
            if let Some(inode) = names.remove(from) {
                names.insert(to.clone(), inode);
            }
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

impl State {
    fn change_name(&mut self, renaming: Renaming) {
        apply_renaming(&mut self.names, &renaming);
        self.renamings.push(renaming);
    }

    fn free(&self) -> usize {
        let used: usize = self.names.values().map(|inode| self.inodes[*inode].content.len()).sum();
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
        let mut state = self.operate()?;
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
        let mut state = self.operate()?;
        state.change_name(Renaming::Rename(from.to_path_buf(), to.to_path_buf()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.operate()?;
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

    fn free_bytes(&self, _directory: &Path) -> io::Result<u64> {
        Ok(self.operate()?.free() as u64)
    }
}

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
        let mut state = self.disk.operate()?;
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
        let mut failed = self.failed.lock().unwrap();
        assert!(!*failed, "a file whose sync failed must not be synced again");
        let mut state = self.disk.operate()?;
        state.syncs += 1;
        let fails = state.faults.sync == Some(state.syncs);
        let inode = &mut state.inodes[self.inode];
        inode.pending.clear();
        if fails {
            *failed = true;
            return Err(io::Error::other("sync failed"));
        }
        inode.durable = inode.content.clone();
        Ok(())
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        let mut state = self.disk.operate()?;
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
}
