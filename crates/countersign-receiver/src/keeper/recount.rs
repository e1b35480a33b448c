//! Recounting: the ledgers once more from the journal, compared with every snapshot on the way.

use anyhow::Context;
use countersign_core::settle::Settings;

use super::compaction::journal_begin;
use super::compare::{Difference, compare};
use super::ledgers::Ledgers;
use super::rebuild::Rebuilt;
use super::snapshot::{SnapshotError, read_snapshot, snapshots};
use crate::journal::DataDirectory;

/// What a recount found.
#[derive(Debug)]
pub struct Recount {
    /// The ledgers at the end of the journal, as the journal gives them.
    pub rebuilt: Rebuilt,
    /// What became of each snapshot, in order.
    pub snapshots: Vec<(u64, Recounted)>,
}

/// What became of one snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recounted {
    /// So many numbers were compared; these differ. The recounted number is the first of each.
    Compared(u64, Vec<Difference>),
    /// It is where the recount begins, since what came before was removed, or booked by other
    /// rules.
    Begun,
    /// The rules of booking changed at this entry, so it cannot be recounted from before.
    OtherRules(u64),
    /// It is not as it was written.
    Damaged(String),
}

/// Recounts a data directory, which a server may be writing: from its first entry if it is still
/// there and was booked by the rules in force, otherwise from the oldest snapshot. The settings
/// are for a journal without snapshots. `progress` is told each entry.
///
/// # Errors
/// If something cannot be read, or a newer program wrote it.
pub fn recount(
    directory: &DataDirectory,
    settings: Settings,
    progress: &mut dyn FnMut(u64),
) -> anyhow::Result<Recount> {
    let (disk, folder) = (directory.disk(), directory.snapshots());
    let whole = journal_begin(directory)?.is_some_and(|begin| begin <= 1);
    let mut at: Option<Rebuilt> = None;
    let mut found = Vec::new();
    for sequence in snapshots(disk.as_ref(), &folder)? {
        let (about, ledgers) = match read_snapshot(disk.as_ref(), &folder, sequence) {
            Ok(read) => read,
            Err(error @ SnapshotError::Damaged { .. }) => {
                found.push((sequence, Recounted::Damaged(error.to_string())));
                continue;
            }
            // A running server removes old ones.
            Err(SnapshotError::Io { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        if at.is_none() && whole && about.rules_from == 0 {
            let settings = ledgers.default_ledger().books.settings().clone();
            at = Some(Rebuilt::from(0, Ledgers::new(settings)));
        }
        let what = match &mut at {
            None => Recounted::Begun,
            Some(at) if about.rules_from > at.base => Recounted::OtherRules(about.rules_from),
            Some(at) => {
                at.replay(directory, sequence, &mut |sequence, _, _| progress(sequence))?;
                let mut differences = Vec::new();
                let see = &mut |difference| differences.push(difference);
                let compared = compare(&at.ledgers, &ledgers, see);
                Recounted::Compared(compared, differences)
            }
        };
        // What was recounted goes on, so that one mistake is not hidden by the next snapshot.
        if !matches!(what, Recounted::Compared(..)) {
            let damaged_bytes = at.map_or(0, |at| at.damaged_bytes);
            at = Some(Rebuilt { damaged_bytes, ..Rebuilt::from(sequence, ledgers) });
        }
        found.push((sequence, what));
    }
    let lost = found.iter().any(|(_, what)| matches!(what, Recounted::Damaged(_)));
    let mut rebuilt = match at {
        Some(at) => at,
        None if whole || !lost => Rebuilt::from(0, Ledgers::new(settings)),
        None => anyhow::bail!("no snapshot is whole, and the journal does not begin at entry 1"),
    };
    rebuilt
        .replay(directory, u64::MAX, &mut |sequence, _, _| progress(sequence))
        .context("the end of the journal")?;
    Ok(Recount { rebuilt, snapshots: found })
}
