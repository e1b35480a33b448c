//! Recounting: the books and the series from a data directory, with progress shown. Nothing is
//! written and no lock is needed: a server may be running on it.

use std::path::Path;

use anyhow::Context;
use countersign_core::settle::Settings;
use indicatif::{ProgressBar, ProgressStyle};

use crate::journal::DataDirectory;
use crate::keeper::{self, Rebuilt, Recount, rebuild};

/// The newest books: from the newest snapshot and what the journal has after it.
///
/// # Errors
/// If the directory is none of ours, cannot be read, or holds what this program cannot read.
pub(super) fn latest(data: &Path, settings: Settings) -> anyhow::Result<Rebuilt> {
    let directory = DataDirectory::open_read_only(data)?;
    let progress = progress()?;
    let rebuilt = rebuild(&directory, settings, &mut |sequence, _, _| {
        progress.set_position(sequence);
    });
    progress.finish_and_clear();
    rebuilt.with_context(|| format!("cannot read {}", data.display()))
}

/// Reads as much of the journal as there is, and compares it with the snapshots.
///
/// # Errors
/// If the directory is none of ours, cannot be read, or holds what this program cannot read.
pub(super) fn recount(data: &Path, settings: Settings) -> anyhow::Result<Recount> {
    let directory = DataDirectory::open_read_only(data)?;
    let progress = progress()?;
    let recount = keeper::recount(&directory, settings, &mut |sequence| {
        progress.set_position(sequence);
    });
    progress.finish_and_clear();
    recount.with_context(|| format!("cannot recount {}", data.display()))
}

fn progress() -> anyhow::Result<ProgressBar> {
    let progress = ProgressBar::no_length();
    progress.set_style(
        ProgressStyle::with_template("{spinner} {pos} records of the journal, {per_sec}")
            .context("the template is right")?,
    );
    Ok(progress)
}
