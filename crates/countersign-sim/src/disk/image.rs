//! What is on a disk after the power failed: what was synced, and any part of the rest.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::state::{Change, State, write};
use super::{Counts, Faults};
use crate::dice::Dice;

/// A device writes so much whole or not at all. Small, so that small records are torn too.
const SECTOR_BYTES: usize = 16;

/// Which part of what was not synced survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survival {
    /// Nothing.
    Nothing,
    /// All of it: the program was killed, the machine went on.
    Everything,
    /// Sectors and names as these dice say.
    Some(u64),
}

/// The disk after the power failed.
pub(super) fn after_power_failure(state: &State, survival: Survival) -> State {
    let mut state = state.clone();
    state.faults = Faults::default();
    state.room = None;
    state.off = false;
    state.locked = false;
    state.delay_ms = 0;
    state.operations = 0;
    state.counts = Counts::default();
    let mut dice = Dice::new(if let Survival::Some(seed) = survival { seed } else { 0 });
    if survival == Survival::Everything {
        return state;
    }
    let none = survival == Survival::Nothing;
    keep_names(&mut state, |count| if none { 0 } else { dice.below(count + 1) });
    // The first sectors of all, or each by itself.
    let percent = dice.pick(&[15, 50, 85]);
    for file in &mut state.files {
        for change in std::mem::take(&mut file.pending) {
            match change {
                Change::Write(at, bytes) => {
                    for (index, sector) in bytes.chunks(SECTOR_BYTES).enumerate() {
                        if !none && dice.percent(percent) {
                            write(&mut file.durable, at + index * SECTOR_BYTES, sector);
                        }
                    }
                }
                Change::Truncate(length) => {
                    if !none && dice.percent(percent) {
                        file.durable.truncate(length);
                    }
                }
            }
        }
        file.content.clone_from(&file.durable);
    }
    state
}

/// Of the changes of each directory the first ones happened; what is in a directory that was
/// never there is gone.
fn keep_names(state: &mut State, mut how_many: impl FnMut(u64) -> u64) {
    let mut by_directory: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
    for (index, renaming) in state.renamings.iter().enumerate() {
        let directory = renaming.directory().map(PathBuf::from).unwrap_or_default();
        by_directory.entry(directory).or_default().push(index);
    }
    for changes in by_directory.values() {
        let kept = how_many(changes.len() as u64);
        for index in changes.iter().take(super::index(kept)) {
            if let Some(renaming) = state.renamings.get(*index) {
                renaming.apply(&mut state.durable_names);
            }
        }
    }
    state.renamings.clear();
    state.names.clone_from(&state.durable_names);
    let known = state.names.clone();
    let reached = |path: &PathBuf| {
        path.ancestors().skip(1).filter(|p| p.parent().is_some()).all(|p| known.contains_key(p))
    };
    state.names.retain(|path, _| reached(path));
    state.durable_names.clone_from(&state.names);
}
