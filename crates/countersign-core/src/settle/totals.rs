//! The sums over everything that was booked: exact, and equal to the counters.

use serde::{Deserialize, Serialize};

use crate::fact::{ReviewState, Usage};
use crate::money::Money;

/// Sums over all tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Calls that worked.
    pub calls_ok: u64,
    /// Calls that failed.
    pub calls_failed: u64,
    /// Tokens; input includes cached, output includes reasoning.
    pub usage: Usage,
    /// Model and tool cost: always settled + pending + unattributed.
    pub incurred: Money,
    /// Cost of judged and expired tasks.
    pub settled: Money,
    /// Cost of tasks without verdict.
    pub pending: Money,
    /// Cost that belongs to no task.
    pub unattributed: Money,
    /// The reviewers' time at the workflows' rates.
    pub review: Money,
    /// Calls whose model has no price.
    pub unpriced_calls: u64,
    /// Calls with unknown usage.
    pub unknown_usage_calls: u64,
    /// Tasks by state, in the order of [`ReviewState::ALL`].
    pub tasks: [u64; 8],
}

impl Totals {
    /// How many tasks are in a state.
    #[must_use]
    pub fn tasks_in(&self, state: ReviewState) -> u64 {
        self.tasks.get(state as usize).copied().unwrap_or(0)
    }
}
