//! Recounting: the books and the series, built anew from the journal, with progress shown.

use std::path::Path;

use anyhow::Context;
use countersign_core::settle::Settings;
use indicatif::{ProgressBar, ProgressStyle};

use crate::journal::DataDirectory;
use crate::keeper::{Rebuilt, rebuild};

/// Reads the whole journal of a data directory. Nothing is written and no lock is needed: a
/// server may be running on it.
///
/// # Errors
/// If the directory is none of ours, cannot be read, or holds what this program cannot read.
pub(super) fn recount(data: &Path, settings: Settings) -> anyhow::Result<Rebuilt> {
    let directory = DataDirectory::open_read_only(data)?;
    let progress = ProgressBar::no_length();
    progress.set_style(
        ProgressStyle::with_template("{spinner} {pos} records of the journal, {per_sec}")
            .context("the template is right")?,
    );
    let rebuilt = rebuild(&directory, settings, &mut |sequence, _, _| {
        progress.set_position(sequence);
    })
    .with_context(|| format!("cannot recount {}", data.display()))?;
    progress.finish_and_clear();
    Ok(rebuilt)
}
