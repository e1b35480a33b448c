//! Deadlines: when something is due with a task. Those that are far off are kept by the minute,
//! in four bytes each; those of the current minutes to the nanosecond. A deadline that holds no
//! more stays: whoever meets it asks the task.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::fact::UnixNanos;
use crate::settle::TaskIndex;

const MINUTE: u64 = 60_000_000_000;

/// Deadlines of tasks. The exact time is the task's to say: what stands here is the minute.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Deadlines {
    /// Everything before this minute is in `near`.
    reached: u64,
    near: BTreeSet<(UnixNanos, TaskIndex)>,
    far: BTreeMap<u64, Arc<Vec<TaskIndex>>>,
}

/// What [`Deadlines::take`] has come upon.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Due {
    /// A task's time has come.
    Task(TaskIndex),
    /// A minute begins: its tasks are to be inserted again, with their exact times.
    Minute(Arc<Vec<TaskIndex>>),
}

impl Deadlines {
    /// Something is due with the task at this time.
    pub(crate) fn insert(&mut self, due: UnixNanos, task: TaskIndex) {
        let minute = due / MINUTE;
        if minute < self.reached {
            self.near.insert((due, task));
            return;
        }
        let tasks = Arc::make_mut(self.far.entry(minute).or_default());
        tasks.push(task);
    }

    /// When [`Deadlines::take`] has something to give.
    pub(crate) fn first(&self) -> Option<UnixNanos> {
        // What is near comes before every minute that is not.
        let near = self.near.first().map(|(due, _)| *due);
        near.or_else(|| self.far.first_key_value().map(|(minute, _)| minute * MINUTE))
    }

    /// Takes out what is due first.
    pub(crate) fn take(&mut self) -> Option<Due> {
        if let Some((_, task)) = self.near.pop_first() {
            return Some(Due::Task(task));
        }
        let (minute, tasks) = self.far.pop_first()?;
        self.reached = minute + 1;
        Some(Due::Minute(tasks))
    }
}
