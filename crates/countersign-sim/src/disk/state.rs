//! What a disk holds: as the system sees it, and as the device has it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Counts, Faults};

/// A disk.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) faults: Faults,
    /// How many bytes fit, if that is bounded.
    pub(super) room: Option<u64>,
    pub(super) off: bool,
    pub(super) locked: bool,
    pub(super) operations: u64,
    pub(super) delay_ms: u64,
    pub(super) counts: Counts,
    pub(super) names: BTreeMap<PathBuf, Name>,
    pub(super) durable_names: BTreeMap<PathBuf, Name>,
    /// Changes of names that are not synced, in order.
    pub(super) renamings: Vec<Renaming>,
    pub(super) files: Vec<File>,
}

/// What a name means.
#[derive(Clone, Copy, Debug)]
pub(super) enum Name {
    Directory,
    File(usize),
}

/// A change of names.
#[derive(Clone, Debug)]
pub(super) enum Renaming {
    Create(PathBuf, Name),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

/// A file's content.
#[derive(Clone, Debug, Default)]
pub(super) struct File {
    /// Whether it is a segment of a log.
    pub(super) is_segment: bool,
    /// As the system shows it.
    pub(super) content: Vec<u8>,
    /// As the device has it.
    pub(super) durable: Vec<u8>,
    /// What the system means to write, in order.
    pub(super) pending: Vec<Change>,
}

/// A change of a file.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

impl Renaming {
    /// The directory whose names change.
    pub(super) fn directory(&self) -> Option<&Path> {
        match self {
            Renaming::Create(path, _) | Renaming::Rename(_, path) | Renaming::Remove(path) => {
                path.parent()
            }
        }
    }

    pub(super) fn apply(&self, names: &mut BTreeMap<PathBuf, Name>) {
        match self {
            Renaming::Create(path, name) => {
                names.insert(path.clone(), *name);
            }
            Renaming::Rename(from, to) => {
                if let Some(name) = names.remove(from) {
                    names.insert(to.clone(), name);
                }
            }
            Renaming::Remove(path) => {
                names.remove(path);
            }
        }
    }
}

impl State {
    pub(super) fn change_name(&mut self, renaming: Renaming) {
        renaming.apply(&mut self.names);
        self.renamings.push(renaming);
    }

    /// Makes the names of one directory durable.
    pub(super) fn sync_names(&mut self, directory: &Path) {
        let (durable, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.renamings)
            .into_iter()
            .partition(|renaming| renaming.directory() == Some(directory));
        durable.iter().for_each(|renaming| renaming.apply(&mut self.durable_names));
        self.renamings = rest;
    }

    pub(super) fn file(&mut self, file: usize) -> &mut File {
        self.files.get_mut(file).expect("handles are of files that were made")
    }

    pub(super) fn used(&self) -> usize {
        let files = self.names.values().filter_map(|name| match name {
            Name::File(file) => self.files.get(*file),
            Name::Directory => None,
        });
        files.map(|file| file.content.len()).sum()
    }

    pub(super) fn free(&self) -> usize {
        let most = self.room.map_or(usize::MAX, super::index);
        most.saturating_sub(self.used())
    }
}

impl File {
    pub(super) fn change(&mut self, change: Change) {
        change.apply(&mut self.content);
        self.pending.push(change);
    }

    pub(super) fn sync(&mut self) {
        for change in std::mem::take(&mut self.pending) {
            change.apply(&mut self.durable);
        }
    }
}

impl Change {
    pub(super) fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Change::Write(at, bytes) => write(content, *at, bytes),
            Change::Truncate(length) => content.truncate(*length),
        }
    }
}

pub(super) fn write(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if content.len() < at + bytes.len() {
        content.resize(at + bytes.len(), 0);
    }
    content.iter_mut().skip(at).zip(bytes).for_each(|(to, from)| *to = *from);
}

pub(super) fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "segment")
}

pub(super) fn is_quarantined(path: &Path) -> bool {
    path.parent().is_some_and(|directory| directory.ends_with("quarantine"))
}
