//! The books: the whole interface of the core.

use alloc::vec::Vec;

use crate::delta::Delta;
use crate::fact::{Fact, UnixNanos};
use crate::money::Money;
use crate::names::Names;
use crate::settle::task::Task;
use crate::settle::{TaskIndex, TaskView, Totals};

/// What an operator can set about the books. The same facts under other settings are other
/// books.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// A task without verdict expires so long after its last activity.
    pub patience_ms: u64,
    /// The same for single workflows.
    pub patience_ms_by_workflow: Vec<(alloc::string::String, u64)>,
    /// What an hour of review costs.
    pub review_rate_per_hour: Money,
    /// The same for single workflows.
    pub review_rate_by_workflow: Vec<(alloc::string::String, Money)>,
    /// From this changed share on, an acceptance is an edit; in millionths.
    pub edited_ppm: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            patience_ms: crate::limits::PATIENCE_MS,
            patience_ms_by_workflow: Vec::new(),
            review_rate_per_hour: Money::DOLLAR.times(90),
            review_rate_by_workflow: Vec::new(),
            edited_ppm: 50_000,
        }
    }
}

/// Open and settled tasks.
pub struct Books {
    names: Names,
    tasks: Vec<Task>,
    totals: Totals,
    settings: Settings,
}

impl Books {
    /// Empty books.
    #[must_use]
    pub fn new(settings: Settings) -> Books {
        Books { names: Names::default(), tasks: Vec::new(), totals: Totals::default(), settings }
    }

    /// Books one fact at a time; deadlines that have passed by then are met first.
    pub fn apply(&mut self, now: UnixNanos, fact: &Fact<'_>, deltas: &mut Vec<Delta>) {
        let _ = (now, fact, deltas);
    }

    /// Meets the deadlines that have passed.
    pub fn tick(&mut self, now: UnixNanos, deltas: &mut Vec<Delta>) {
        let _ = (now, deltas);
    }

    /// When [`Books::tick`] has something to do next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<UnixNanos> {
        None
    }

    /// How many facts were applied.
    #[must_use]
    pub fn position(&self) -> u64 {
        0
    }

    /// Every fact up to this position is booked for good: no open trace or held record
    /// remembers one of them. At most [`Books::position`].
    #[must_use]
    pub fn booked_to(&self) -> u64 {
        0
    }

    /// The names in use.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The sums over everything.
    #[must_use]
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The task that an id or alias (URL, conversation, trace id, response id) names.
    #[must_use]
    pub fn find(&self, alias: &str) -> Option<TaskView<'_>> {
        let _ = alias;
        None
    }

    /// A task by its index; a task that was merged gives the one it was merged into.
    #[must_use]
    pub fn task(&self, index: TaskIndex) -> Option<TaskView<'_>> {
        let task = self.tasks.get(index.0 as usize)?;
        Some(TaskView { index, task, names: &self.names, review_cost: Money::ZERO })
    }

    /// All tasks, merged ones left out, in the order of their first fact.
    pub fn tasks(&self) -> impl Iterator<Item = TaskView<'_>> {
        (0..self.tasks.len()).filter_map(|index| {
            let index = TaskIndex(u32::try_from(index).ok()?);
            self.task(index).filter(|view| view.task.merged_into.is_none())
        })
    }
}
