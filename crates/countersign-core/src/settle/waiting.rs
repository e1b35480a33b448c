//! Waiting: verdicts whose task has not appeared, bounded in number and in age.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::delta::Delta;
use crate::diagnostic::Diagnostic;
use crate::fact::UnixNanos;
use crate::key::{Key, KeyMap};
use crate::limits;
use crate::settle::KeptVerdict;
use crate::settle::aliases::text_key;
use crate::settle::books::{Books, MS};

/// A verdict that waits for its task.
pub(super) type HeldVerdict = Box<KeptVerdict>;

/// Verdicts by the name of the task that they wait for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Waiting {
    by_name: KeyMap<Vec<HeldVerdict>>,
    count: usize,
    /// When the verdicts of a name are given up.
    forgettings: BTreeSet<(UnixNanos, Key)>,
}

impl Waiting {
    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn next_due(&self) -> Option<UnixNanos> {
        self.forgettings.first().map(|(due, _)| *due)
    }

    /// Takes the verdicts that wait for a name.
    pub(super) fn take(&mut self, name: Key) -> Vec<HeldVerdict> {
        if self.count == 0 {
            return Vec::new();
        }
        let verdicts = self.by_name.remove(&name).unwrap_or_default();
        self.count -= verdicts.len();
        for verdict in &verdicts {
            self.forgettings.remove(&(due(verdict), name));
        }
        verdicts
    }

    fn keep(&mut self, name: Key, verdict: HeldVerdict) {
        self.count += 1;
        self.forgettings.insert((due(&verdict), name));
        self.by_name.entry(name).or_default().push(verdict);
    }

    /// Gives up the verdicts of the first name that is due; how many those are.
    fn forget_first(&mut self) -> u64 {
        let Some((at, name)) = self.forgettings.pop_first() else { return 0 };
        let Some(verdicts) = self.by_name.get_mut(&name) else { return 0 };
        let before = verdicts.len();
        verdicts.retain(|verdict| due(verdict) > at);
        let forgotten = before - verdicts.len();
        if verdicts.is_empty() {
            self.by_name.remove(&name);
        }
        self.count -= forgotten;
        forgotten as u64
    }
}

fn due(verdict: &KeptVerdict) -> UnixNanos {
    verdict.observed.saturating_add(limits::WAITING_VERDICT_MS * MS)
}

impl Books {
    /// Verdicts that wait for a task of this name; none if a task has it.
    pub fn waiting(&self, alias: &str) -> impl Iterator<Item = &KeptVerdict> {
        let verdicts = self.waiting.by_name.get(&text_key(alias));
        verdicts.into_iter().flatten().map(AsRef::as_ref)
    }

    pub(super) fn wait(&mut self, name: Key, verdict: HeldVerdict, deltas: &mut Vec<Delta>) {
        if self.waiting.count >= limits::WAITING_VERDICTS_MAX {
            return Self::notice(Diagnostic::WaitingVerdictsFull, deltas);
        }
        self.waiting.keep(name, verdict);
    }

    /// The task of some verdicts did not come.
    pub(super) fn waiting_due(&mut self, deltas: &mut Vec<Delta>) {
        let count = self.waiting.forget_first();
        if count > 0 {
            deltas.push(Delta::Noticed { what: Diagnostic::VerdictForgotten, count });
        }
    }
}
