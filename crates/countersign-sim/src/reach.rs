//! Reach: which faults, refusals and ways of recovery the worlds came upon. What none of them
//! reaches is not tested, so the run fails that leaves one out.

use std::collections::BTreeMap;

use crate::disk::Counts;

/// Everything that must be reached.
pub const POINTS: &[&str] = &[
    "clock: jumped ahead",
    "clock: jumped back",
    "clock: mended",
    "crash: between two groups",
    "crash: everything survived",
    "crash: in the middle of a group",
    "crash: nothing survived that was not synced",
    "crash: some of what was not synced survived",
    "disk: a cut of a torn tail or a failed group",
    "disk: a failing read",
    "disk: a failing sync",
    "disk: a failing write",
    "disk: a full disk",
    "disk: a new segment",
    "disk: a replaced file",
    "disk: a segment that is no longer needed",
    "disk: a short write",
    "disk: a slow sync",
    "disk: bytes put aside",
    "keeper: groups of several requests",
    "keeper: refused, the disk failed",
    "keeper: refused, the disk is full",
    "network: a request was lost",
    "network: an acknowledged request came again",
    "network: an answer was lost",
    "network: requests with several parcels",
    "relay: a request was lost",
    "relay: a request was sent again",
    "relay: an answer was lost",
    "start: a faulty disk kept the program from starting",
    "start: a second program was refused",
    "stop: as it should be",
    "books: ambiguous_alias",
    "books: duplicate",
    "books: late_span",
    "books: repeated_signal",
    "books: same_call",
    "books: sum_of_calls",
    "books: task_expired",
    "books: tasks_merged",
    "books: usage_unknown",
    "books: verdict_waits",
];

/// How often each was reached.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    counts: BTreeMap<String, u64>,
}

impl Reach {
    /// Counts something that happened so often.
    pub fn add(&mut self, point: &str, count: u64) {
        if count > 0 {
            *self.counts.entry(point.to_owned()).or_default() += count;
        }
    }

    /// Counts what happened to a disk.
    pub fn add_disk(&mut self, counts: &Counts) {
        let Counts { cuts, reads_failed, syncs_failed, writes_failed, full, segments, .. } =
            *counts;
        let Counts { replaced, removed, short, slow, quarantined, .. } = *counts;
        for (point, count) in [
            ("disk: a cut of a torn tail or a failed group", cuts),
            ("disk: a failing read", reads_failed),
            ("disk: a failing sync", syncs_failed),
            ("disk: a failing write", writes_failed),
            ("disk: a full disk", full),
            ("disk: a new segment", segments),
            ("disk: a replaced file", replaced),
            ("disk: a segment that is no longer needed", removed),
            ("disk: a short write", short),
            ("disk: a slow sync", slow),
            ("disk: bytes put aside", quarantined),
        ] {
            self.add(point, count);
        }
    }

    /// Counts what the books noticed, from their series' sums.
    pub fn add_diagnostics(&mut self, sums: &BTreeMap<String, i128>) {
        for (name, count) in sums {
            if let Some(kind) = name.strip_prefix("countersign.diagnostics ") {
                self.add(&format!("books: {kind}"), u64::try_from(*count).unwrap_or(0));
            }
        }
    }

    /// Adds what another run reached.
    pub fn join(&mut self, other: &Reach) {
        other.counts.iter().for_each(|(point, count)| self.add(point, *count));
    }

    /// Those of [`POINTS`] that were not reached.
    #[must_use]
    pub fn missed(&self) -> Vec<&'static str> {
        let missed = POINTS.iter().filter(|point| !self.counts.contains_key(**point));
        missed.copied().collect()
    }

    /// The list with its counts.
    #[must_use]
    pub fn print(&self) -> String {
        let mut counts = self.counts.clone();
        for point in POINTS {
            counts.entry((*point).to_owned()).or_default();
        }
        counts.iter().map(|(point, count)| format!("{count:>9}  {point}\n")).collect()
    }
}
