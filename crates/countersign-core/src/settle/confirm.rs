//! Confirmation: served work stands provisionally until its confirm window is over without a
//! reopen.
//!
//! The window changes neither a task's state nor where its cost settled: those are what the
//! verdicts say. It says how firmly a served task stands, and whether it is an accepted outcome
//! of the headline: at once if somebody said so, after the window if it was only implied.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::delta::Delta;
use crate::fact::{Basis, UnixNanos};
use crate::limits;
use crate::names::Name;
use crate::settle::books::{Books, MS};
use crate::settle::verdicts::{self, Spell};
use crate::settle::{Settings, TaskIndex};

/// How firmly a task stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// It is not served.
    #[default]
    Unserved,
    /// It is served, and its confirm window is not over.
    Provisional {
        /// The best basis of the verdicts that serve it.
        basis: Basis,
        /// When the window ends.
        until: UnixNanos,
    },
    /// It is served, and nobody reopened it within the window.
    Confirmed,
}

impl Standing {
    /// Whether the task is an accepted outcome: confirmed, or served in so many words.
    #[must_use]
    pub const fn counts(self) -> bool {
        matches!(self, Standing::Confirmed | Standing::Provisional { basis: Basis::Explicit, .. })
    }

    /// Whether the task is served on implication or silence, and its window is not over: the
    /// headline treats it like a pending one.
    #[must_use]
    pub const fn is_unconfirmed(self) -> bool {
        matches!(self, Standing::Provisional { .. }) && !self.counts()
    }

    /// The word for it: `unserved`, `provisional`, `confirmed`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Standing::Unserved => "unserved",
            Standing::Provisional { .. } => "provisional",
            Standing::Confirmed => "confirmed",
        }
    }
}

/// What a system's verdicts are about: changes are reverted within days, tickets reopened within
/// three, incidents within one.
const TICKET_SYSTEMS: [&str; 8] =
    ["freshdesk", "freshservice", "intercom", "jira", "linear", "servicenow", "zendesk", "zoho"];
const INCIDENT_SYSTEMS: [&str; 5] = ["datadog", "opsgenie", "pagerduty", "sentry", "victorops"];

/// The confirm window of a system that judges changes, tickets or incidents; `None` if the
/// system says nothing about that.
fn window_of_system(system: &str) -> Option<u64> {
    if TICKET_SYSTEMS.contains(&system) {
        Some(limits::CONFIRM_TICKET_MS)
    } else if INCIDENT_SYSTEMS.contains(&system) {
        Some(limits::CONFIRM_INCIDENT_MS)
    } else {
        None
    }
}

impl Settings {
    /// How long served work of a workflow stays provisional: as configured, or the longest of
    /// what the systems that served it are about.
    pub(super) fn confirm_ms<'a>(
        &self,
        workflow: &str,
        systems: impl Iterator<Item = &'a str>,
    ) -> u64 {
        let own = self.confirm_ms_by_workflow.iter().find(|(name, _)| name == workflow);
        let set = own.map(|(_, window)| *window).or(self.confirm_ms);
        set.or_else(|| systems.filter_map(window_of_system).max())
            .unwrap_or(limits::CONFIRM_CHANGE_MS)
    }
}

impl Books {
    /// Lets a task stand as its verdicts and the time say.
    pub(super) fn reconsider(&mut self, at: UnixNanos, index: TaskIndex, deltas: &mut Vec<Delta>) {
        let wanted = self.wanted_standing(at, index);
        let task = self.task_at(index);
        let (before, labels, state, cost) = (task.standing, task.labels, task.state, task.cost);
        if before == wanted {
            return;
        }
        self.unsettle(index, deltas);
        self.task_at(index).standing = wanted;
        let workflow = labels.workflow;
        match (before, wanted) {
            (_, Standing::Provisional { basis, until }) => {
                self.confirmations.insert(until, index);
                deltas.push(Delta::Provisional { workflow, basis, tasks: 1, cost });
            }
            (Standing::Unserved | Standing::Provisional { .. }, Standing::Confirmed) => {
                deltas.push(Delta::Confirmed { workflow, route: labels.route, state });
            }
            (_, Standing::Unserved | Standing::Confirmed) => {}
        }
    }

    /// Takes a task out of the provisional ones, before its labels or its cost change hands.
    pub(super) fn unsettle(&mut self, index: TaskIndex, deltas: &mut Vec<Delta>) {
        let task = self.task_at(index);
        let Standing::Provisional { basis, .. } = task.standing else { return };
        task.standing = Standing::Unserved;
        let (workflow, cost) = (task.labels.workflow, -task.cost);
        deltas.push(Delta::Provisional { workflow, basis, tasks: -1, cost });
    }

    /// Lets a task's workflow change: with it may its window.
    pub(super) fn unsettle_while(
        &mut self,
        index: TaskIndex,
        deltas: &mut Vec<Delta>,
        relabel: impl FnOnce(&mut Books, &mut Vec<Delta>),
    ) {
        let Standing::Provisional { basis, .. } = self.task_at(index).standing else {
            return relabel(self, deltas);
        };
        self.unsettle(index, deltas);
        relabel(self, deltas);
        let Some((spell, window)) = self.spell(index) else { return };
        let until = spell.since.saturating_add(window);
        // If the new window is over already, its deadline is the next one to be met.
        let task = self.task_at(index);
        task.standing = Standing::Provisional { basis, until };
        let (workflow, cost) = (task.labels.workflow, task.cost);
        self.confirmations.insert(until, index);
        deltas.push(Delta::Provisional { workflow, basis, tasks: 1, cost });
    }

    /// The confirm window of a served task.
    pub(super) fn confirm_window_ms(&self, index: TaskIndex) -> Option<u64> {
        self.spell(index).map(|(_, window)| window / MS)
    }

    /// A minute begins in which windows may end: each task is put down at its own time.
    pub(super) fn confirmations_near(&mut self, tasks: &[TaskIndex]) {
        for index in tasks {
            let standing = self.tasks.get(index.0).map(|task| task.standing);
            if let Some(Standing::Provisional { until, .. }) = standing {
                self.confirmations.insert(until, *index);
            }
        }
    }

    fn wanted_standing(&self, at: UnixNanos, index: TaskIndex) -> Standing {
        let Some((spell, window)) = self.spell(index) else { return Standing::Unserved };
        let until = spell.since.saturating_add(window);
        if until <= at {
            return Standing::Confirmed;
        }
        Standing::Provisional { basis: spell.basis, until }
    }

    /// Since when and on what basis a task is served without a break, and its window in
    /// nanoseconds.
    fn spell(&self, index: TaskIndex) -> Option<(Spell, u64)> {
        let task = self.tasks.get(index.0).filter(|task| task.state.is_served())?;
        let spell = verdicts::spell(&task.verdicts)?;
        let systems = verdicts::serving(&task.verdicts).map(|verdict| verdict.system);
        let systems = systems.filter(|system| *system != Name::EMPTY);
        let workflow = self.names.text(task.labels.workflow);
        let window =
            self.settings.confirm_ms(workflow, systems.map(|system| self.names.text(system)));
        Some((spell, window.saturating_mul(MS)))
    }
}
