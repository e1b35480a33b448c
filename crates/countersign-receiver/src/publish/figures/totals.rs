//! The sums over everything, in the shape of `GET /api/v1/totals`.

use countersign_core::fact::ReviewState;
use countersign_core::settle::Totals;
use serde::Serialize;

use super::{Calls, Counts, Dollars, Tokens};

/// The totals as they are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TotalsShown {
    /// Calls by how they ended.
    pub calls: Calls,
    /// Tokens.
    pub tokens: Tokens,
    /// Money.
    pub cost_usd: TotalCost,
    /// Calls whose model has no price.
    pub unpriced_calls: u64,
    /// Tasks by state.
    pub tasks: TaskCounts,
}

/// The money of everything: incurred = settled + pending + unattributed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TotalCost {
    /// Model and tool cost.
    pub incurred: Dollars,
    /// Of it, cost of judged and expired tasks.
    pub settled: Dollars,
    /// Of it, cost of tasks without verdict.
    pub pending: Dollars,
    /// Of it, cost that belongs to no task.
    pub unattributed: Dollars,
    /// The reviewers' time at the workflows' rates; not part of what was incurred.
    pub review: Dollars,
}

/// Tasks by state, all of them whole.
pub type TaskCounts = Counts<u64>;

/// Shapes the sums over everything.
#[must_use]
pub fn totals(totals: &Totals) -> TotalsShown {
    TotalsShown {
        calls: Calls { ok: totals.calls_ok, failed: totals.calls_failed },
        tokens: totals.usage.into(),
        cost_usd: TotalCost {
            incurred: totals.incurred.into(),
            settled: totals.settled.into(),
            pending: totals.pending.into(),
            unattributed: totals.unattributed.into(),
            review: totals.review.into(),
        },
        unpriced_calls: totals.unpriced_calls,
        tasks: Counts {
            pending: totals.tasks_in(ReviewState::Pending),
            accepted: totals.tasks_in(ReviewState::Accepted),
            edited: totals.tasks_in(ReviewState::Edited),
            rejected: totals.tasks_in(ReviewState::Rejected),
            escalated: totals.tasks_in(ReviewState::Escalated),
            withdrawn: totals.tasks_in(ReviewState::Withdrawn),
            expired: totals.tasks_in(ReviewState::Expired),
            defect: totals.tasks_in(ReviewState::Defect),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::money::Money;
    use expect_test::expect;

    #[test]
    fn empty_totals_have_the_documented_shape() {
        let shown = serde_json::to_string(&totals(&Totals::default())).unwrap();
        assert_eq!(
            shown,
            concat!(
                r#"{"calls":{"ok":0,"failed":0},"#,
                r#""tokens":{"input":0,"cache_read":0,"cache_write":0,"output":0,"reasoning":0},"#,
                r#""cost_usd":{"incurred":"0","settled":"0","pending":"0","unattributed":"0","#,
                r#""review":"0"},"unpriced_calls":0,"#,
                r#""tasks":{"pending":0,"accepted":0,"edited":0,"rejected":0,"escalated":0,"#,
                r#""withdrawn":0,"expired":0,"defect":0}}"#,
            )
        );
    }

    #[test]
    fn money_keeps_every_digit() {
        let totals = totals(&Totals {
            incurred: Money::from_pico(13_000_000_000_001),
            tasks: [1, 2, 3, 4, 5, 6, 7, 8],
            ..Totals::default()
        });
        let shown = format!("{} {:?}", totals.cost_usd.incurred.0, totals.tasks);
        expect![[r#"13.000000000001 Counts { pending: 1, accepted: 2, edited: 3, rejected: 4, escalated: 5, withdrawn: 6, expired: 7, defect: 8 }"#]]
            .assert_eq(&shown);
    }
}
