//! Figures: the books as the API, the report and the pages show them. Pure shaping: nothing
//! here asks a clock or a socket.
//!
//! Two words that are easily mixed up: *served* are the tasks that were ever accepted or
//! edited, *net served* are those of them that did not come back as a defect. Cost per accepted
//! outcome divides by the net figure, and its numerator is the settled cost of **all** tasks:
//! what rejections and retries cost is part of what an accepted outcome costs.

mod cohorts;
mod compare;
mod inbox;
mod outcomes;
mod overview;
mod reported;
mod task;
mod totals;
mod unpriced;
mod waiting;
mod work;

pub use cohorts::{CohortCost, CohortRow, CohortWeek, Cohorts, cohorts};
pub use compare::{Comparison, Side, Stratum, compare};
pub use inbox::{Inbox, InboxOrder, InboxTask, inbox};
pub use outcomes::{
    Counts, Credit, Fallback, OutcomeRow, Outcomes, Rates, RetryCounts, RowCost, Spread, Standings,
    outcomes,
};
pub use overview::{Latency, Overview, TaskBrief, Trend, TrendBucket, Waiting, overview};
pub use reported::{Reported, ReportedModel, reported};
pub use task::{LineShown, TaskShown, VerdictShown, page_path, task};
pub use totals::{TaskCounts, TotalCost, TotalsShown, totals};
pub use unpriced::{Unpriced, UnpricedModel, unpriced};
pub use waiting::{WaitingShown, waiting};
pub use work::{By, TimeBasis, Window, Work};

use countersign_core::money::Money;
use serde::{Serialize, Serializer};

/// Money that is written as a decimal string of dollars, so that no reader rounds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dollars(pub Money);

impl Serialize for Dollars {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl From<Money> for Dollars {
    fn from(money: Money) -> Dollars {
        Dollars(money)
    }
}

/// Tokens in the convention of the books: input includes cached, output includes reasoning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tokens {
    /// All input tokens.
    pub input: u64,
    /// Of the input, read from a cache.
    pub cache_read: u64,
    /// Of the input, written to a cache.
    pub cache_write: u64,
    /// All output tokens.
    pub output: u64,
    /// Of the output, reasoning.
    pub reasoning: u64,
}

impl Tokens {
    fn add(&mut self, usage: &countersign_core::fact::Usage) {
        self.input = self.input.saturating_add(usage.input);
        self.cache_read = self.cache_read.saturating_add(usage.cache_read);
        self.cache_write = self.cache_write.saturating_add(usage.cache_write);
        self.output = self.output.saturating_add(usage.output);
        self.reasoning = self.reasoning.saturating_add(usage.reasoning);
    }
}

impl From<countersign_core::fact::Usage> for Tokens {
    fn from(usage: countersign_core::fact::Usage) -> Tokens {
        let mut tokens = Tokens::default();
        tokens.add(&usage);
        tokens
    }
}

/// Calls by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// Calls that worked.
    pub ok: u64,
    /// Calls that failed.
    pub failed: u64,
}

/// Nanoseconds or milliseconds as seconds, where a reader wants a number.
#[allow(clippy::cast_precision_loss, reason = "durations are shown, not summed")]
fn seconds(count: u128, per_second: u32) -> f64 {
    count as f64 / f64::from(per_second)
}
