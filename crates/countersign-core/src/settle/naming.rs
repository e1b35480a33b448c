//! Naming: a system outside says that two names are one task's, perhaps before anybody has seen
//! that task.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::delta::Delta;
use crate::diagnostic::Diagnostic;
use crate::fact::{Alias, Tie, UnixNanos};
use crate::key::{Key, KeyMap};
use crate::limits;
use crate::names::cut;
use crate::settle::TaskIndex;
use crate::settle::aliases::text_key;
use crate::settle::books::{Books, MS};
use crate::settle::identify::show_alias;

/// Another name of the task that a name will turn out to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OtherName {
    key: Key,
    tie: Tie,
    /// What is shown of it; empty if nothing is.
    shown: Box<str>,
}

/// A name whose task has appeared under another name.
pub(super) type AdoptedName = (TaskIndex, OtherName);

/// Names of tasks that nobody has seen yet, each with the other names of its task. Most of them
/// are changes and tickets that no agent worked on; they are forgotten after a while.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct UnclaimedNames {
    by_name: KeyMap<Vec<OtherName>>,
    forgettings: VecDeque<(UnixNanos, Key)>,
}

impl UnclaimedNames {
    fn add(&mut self, due: UnixNanos, name: Key, other: OtherName) {
        let others = self.by_name.entry(name).or_default();
        if others.is_empty() {
            self.forgettings.push_back((due, name));
        }
        if others.len() < limits::UNCLAIMED_NAMES_PER_NAME_MAX && !others.contains(&other) {
            others.push(other);
        }
    }

    /// Forgets what is due, and what is too much; how many names that was too much.
    fn forget(&mut self, now: UnixNanos, names_max: usize) -> u64 {
        let mut too_much = 0;
        while let Some((due, name)) = self.forgettings.front().copied() {
            let full = self.forgettings.len() > names_max;
            if due > now && !full {
                break;
            }
            self.forgettings.pop_front();
            let forgotten = self.by_name.remove(&name).is_some();
            too_much += u64::from(forgotten && due > now);
        }
        too_much
    }
}

impl Books {
    pub(super) fn alias_arrives(
        &mut self,
        now: UnixNanos,
        alias: &Alias<'_>,
        deltas: &mut Vec<Delta>,
    ) {
        let (task, name) = (text_key(alias.task), text_key(alias.name));
        if task.is_none() || name.is_none() || task == name {
            return;
        }
        let shown = cut(alias.task, limits::ALIAS_BYTES_MAX).into();
        let as_task = OtherName { key: task, tie: Tie::Identity, shown };
        let as_name = OtherName { key: name, tie: alias.tie, shown: Box::default() };
        match (self.leads_to(task), self.leads_to(name)) {
            (Some(index), _) => self.adopted_names.push((index, as_name)),
            (None, Some(index)) => self.adopted_names.push((index, as_task)),
            (None, None) => {
                let due = now.saturating_add(limits::UNCLAIMED_NAMES_MS * MS);
                self.unclaimed.add(due, task, as_name);
                self.unclaimed.add(due, name, as_task);
                let count = self.unclaimed.forget(now, limits::UNCLAIMED_NAMES_MAX);
                if count > 0 {
                    deltas.push(Delta::Noticed { what: Diagnostic::UnclaimedNamesFull, count });
                }
            }
        }
    }

    /// A name got its task: so did the names that are said to be the same.
    pub(super) fn adopt_names(&mut self, task: TaskIndex, name: Key) {
        if let Some(others) = self.unclaimed.by_name.remove(&name) {
            self.adopted_names.extend(others.into_iter().map(|other| (task, other)));
        }
    }

    /// Ties the names whose task is there now. A name that is tied may bring others with it.
    pub(super) fn tie_adopted(&mut self, at: UnixNanos, deltas: &mut Vec<Delta>) {
        while let Some((task, other)) = self.adopted_names.pop() {
            let task = self.tie(at, task, other.key, other.tie, deltas);
            show_alias(self.task_at(task), &other.shown);
        }
    }
}
