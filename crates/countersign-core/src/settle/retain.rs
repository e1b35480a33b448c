//! Retention: a settled task loses its names after a while, and later goes altogether. The
//! totals, the series and the cohorts keep what it was.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::fact::{ReviewState, UnixNanos};
use crate::key::Key;
use crate::limits;
use crate::money::Money;
use crate::names::Name;
use crate::settle::books::{Books, MS};
use crate::settle::task::Task;
use crate::settle::{Standing, TaskIndex};

/// What a task without names begins with: no id that anybody gives looks like that.
const NAMELESS: char = '~';

/// The tasks that are gone: with those that are there they make up the totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// Tasks by state, in the order of [`ReviewState::ALL`].
    pub tasks: [u64; 8],
    /// Their model and tool cost by state.
    pub cost: [Money; 8],
    /// The reviewers' time at the workflows' rates.
    pub review: Money,
}

/// What happens to a task next, if nothing comes before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nobody has judged it.
    Expires,
    /// Its names are forgotten.
    LosesNames,
    /// It is forgotten.
    Goes,
}

impl Books {
    /// The tasks that are gone.
    #[must_use]
    pub fn removed(&self) -> &Removed {
        &self.removed
    }

    /// What happens to a task, and when.
    pub(super) fn fate(&self, task: &Task) -> (UnixNanos, Fate) {
        let after = |time: UnixNanos, wait_ms: u64| time.saturating_add(wait_ms * MS);
        if task.merged_into.is_some() {
            // Names that lead here are forgotten before, or lead to the whole task then.
            return (after(task.active, limits::HORIZON_MS + limits::DAYS_2_MS), Fate::Goes);
        }
        if task.state == ReviewState::Pending {
            let patience = self.settings.patience_ms(self.names.text(task.labels.workflow));
            return (after(task.active, patience), Fate::Expires);
        }
        let unjudged = task.state == ReviewState::Expired;
        let last = if unjudged { task.active.max(task.decided) } else { task.active };
        if has_names(task) {
            let kept = if unjudged { limits::UNJUDGED_NAMES_MS } else { limits::JUDGED_NAMES_MS };
            return (after(task.active, kept).max(last), Fate::LosesNames);
        }
        let goes = after(last, limits::HORIZON_MS);
        match task.standing {
            Standing::Provisional { until, .. } => (goes.max(until), Fate::Goes),
            Standing::Unserved | Standing::Confirmed => (goes, Fate::Goes),
        }
    }

    /// Drops the texts and traces of a task. Its names still lead to it, as keys, and its figures
    /// stay.
    pub(super) fn lose_names(&mut self, index: TaskIndex) {
        let task = self.task_at(index);
        if !task.id.is_empty() {
            let Key(key) = Key::of(&task.id);
            task.id = alloc::format!("{NAMELESS}{:016x}", key >> 64).into();
        }
        task.aliases = Vec::new();
        task.traces = Vec::new();
    }

    /// Forgets the names whose time has come, unless their task is still there: those of a merged
    /// task lead to the whole one from then on.
    pub(super) fn forget_aliases(&mut self) {
        let at = self.at;
        let old = |oldest: UnixNanos| oldest.saturating_add(limits::HORIZON_MS * MS) <= at;
        while self.aliases.oldest().is_some_and(old) {
            let mut aliases = core::mem::take(&mut self.aliases);
            aliases.forget_oldest(at, |task| {
                Some(self.whole(task)).filter(|task| self.has_task(*task))
            });
            self.aliases = aliases;
        }
    }

    /// Takes a task out of the books. What it came to stays in the totals.
    pub(super) fn remove_task(&mut self, index: TaskIndex) {
        self.forget_aliases();
        let Some(task) = self.tasks.remove(index.0) else { return };
        let gone: Vec<_> = discounts_of(index, &self.discounts).collect();
        for discount in gone {
            self.discounts.remove(&discount);
        }
        if task.merged_into.is_some() {
            return;
        }
        let state = task.state as usize;
        if let (Some(count), Some(cost)) =
            (self.removed.tasks.get_mut(state), self.removed.cost.get_mut(state))
        {
            *count += 1;
            *cost += task.cost;
        }
        self.removed.review += task.review;
    }

    /// What a task has to come off later cost is the whole task's from now on.
    pub(super) fn merge_discounts(&mut self, goes: TaskIndex, stays: TaskIndex) {
        let moved: Vec<_> = discounts_of(goes, &self.discounts).collect();
        for discount in moved {
            if let Some(amount) = self.discounts.remove(&discount) {
                *self.discounts.entry((Some(stays), discount.1)).or_default() += amount;
            }
        }
    }
}

/// Discounts that wait for cost, by task and model.
pub(super) type Discounts = alloc::collections::BTreeMap<(Option<TaskIndex>, Name), Money>;

fn discounts_of(
    index: TaskIndex,
    discounts: &Discounts,
) -> impl Iterator<Item = (Option<TaskIndex>, Name)> {
    let of_task = discounts.range((Some(index), Name::EMPTY)..);
    of_task.map(|(key, _)| *key).take_while(move |(task, _)| *task == Some(index))
}

/// Whether a task has an id, aliases or traces that it can lose.
fn has_names(task: &Task) -> bool {
    let named = !task.id.is_empty() && !is_nameless(&task.id);
    named || !task.aliases.is_empty() || !task.traces.is_empty()
}

/// Whether this stands in the place of an id that was forgotten.
pub(super) fn is_nameless(id: &str) -> bool {
    id.starts_with(NAMELESS)
}
