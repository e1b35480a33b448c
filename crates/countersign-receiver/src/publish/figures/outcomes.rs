//! Outcomes by workflow, route or model: counts, cost per accepted outcome, rates.

use std::collections::BTreeMap;

use countersign_core::fact::{Component, ReviewState};
use countersign_core::limits::OVERFLOW_NAME;
use countersign_core::money::Money;
use countersign_core::settle::{Confidence, Standing};
use serde::{Serialize, Serializer};

use super::work::{By, Window, Work};
use super::{Calls, Dollars, Tokens, seconds};
use crate::limits::OUTCOME_ROWS_MAX;
use crate::publish::calendar;

/// Parts of a task: a model that caused a share of a task's cost gets that share of its outcome.
const WHOLE: u64 = 1_000_000;

/// A count of tasks in millionths: whole in rows by workflow or route, fractional by model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Credit(u128);

impl Credit {
    /// The count as a number; exact when it is whole.
    #[must_use]
    pub fn number(self) -> f64 {
        seconds(self.0, 1_000_000)
    }

    /// The nearest whole count.
    #[must_use]
    pub fn rounded(self) -> u64 {
        u64::try_from((self.0 + u128::from(WHOLE) / 2) / u128::from(WHOLE)).unwrap_or(u64::MAX)
    }

    /// Whether there is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    fn plus(self, other: Credit) -> Credit {
        Credit(self.0 + other.0)
    }

    fn minus(self, other: Credit) -> Credit {
        Credit(self.0.saturating_sub(other.0))
    }
}

/// As an integer when it is whole.
impl Serialize for Credit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(u128::from(WHOLE)) {
            serializer.serialize_u64(self.rounded())
        } else {
            serializer.serialize_f64(self.number())
        }
    }
}

/// Tasks by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts<N> {
    /// Without verdict.
    pub pending: N,
    /// Used as they were.
    pub accepted: N,
    /// Used after people changed them.
    pub edited: N,
    /// Not used.
    pub rejected: N,
    /// Handed on.
    pub escalated: N,
    /// Given up.
    pub withdrawn: N,
    /// Nobody judged them in time.
    pub expired: N,
    /// Came back after acceptance.
    pub defect: N,
}

impl<N> Counts<N> {
    fn of(&mut self, state: ReviewState) -> &mut N {
        match state {
            ReviewState::Pending => &mut self.pending,
            ReviewState::Accepted => &mut self.accepted,
            ReviewState::Edited => &mut self.edited,
            ReviewState::Rejected => &mut self.rejected,
            ReviewState::Escalated => &mut self.escalated,
            ReviewState::Withdrawn => &mut self.withdrawn,
            ReviewState::Expired => &mut self.expired,
            ReviewState::Defect => &mut self.defect,
        }
    }
}

/// Everything that was asked for: one row for each name, and all of them together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcomes {
    /// `workflow`, `route` or `model`.
    pub by: &'static str,
    /// `flow` if a task belongs to the time of its verdict, `cohort` if to that of its start.
    pub basis: &'static str,
    /// Start of the window, or null for the beginning.
    pub from: Option<String>,
    /// End of the window, or null for now.
    pub to: Option<String>,
    /// Rows, the most expensive first.
    pub rows: Vec<OutcomeRow>,
    /// All tasks of the window in one row.
    pub total: OutcomeRow,
}

/// One workflow, route or model.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct OutcomeRow {
    /// The workflow, route or model; empty if it has no name.
    pub name: String,
    /// Whether outcomes were credited by share of the cost: rows by model.
    pub allocated: bool,
    /// Tasks by state.
    pub tasks: Counts<Credit>,
    /// Ever an accepted outcome: net served + defect.
    pub served: Credit,
    /// Accepted outcomes: accepted or edited, not come back, and not unconfirmed.
    pub net_served: Credit,
    /// How firmly the accepted and edited tasks stand.
    pub standing: Standings,
    /// What was found to belong together only for want of anything better.
    pub fallback: Fallback,
    /// Money.
    pub cost_usd: RowCost,
    /// Ratios of the counts, each with null where its denominator is zero.
    pub rates: Rates,
    /// The reviewers' time in seconds.
    pub review_seconds: f64,
    /// From the end of the work to the verdict, in seconds.
    pub time_to_verdict_seconds: Spread,
    /// Repetitions by layer; never added together.
    pub retries: RetryCounts,
    /// Model calls.
    pub calls: Calls,
    /// Tokens.
    pub tokens: Tokens,
}

/// Accepted and edited tasks by how firmly they stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Standings {
    /// Nobody reopened them within their confirm window.
    pub confirmed: Credit,
    /// Somebody said so, and their confirm window is not over: accepted outcomes that may come
    /// back.
    pub provisional: Credit,
    /// It was implied or assumed, and their confirm window is not over: no accepted outcomes
    /// yet. In every ratio they stand with the pending ones.
    pub unconfirmed: Credit,
}

/// Tasks that are a single trace because nothing names a task, a conversation or a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Fallback {
    /// Such tasks.
    pub tasks: Credit,
    /// Their cost.
    pub cost_usd: Dollars,
    /// Of all tasks.
    pub tasks_share: Option<f64>,
    /// Of all cost.
    pub cost_share: Option<f64>,
}

/// A row's money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RowCost {
    /// Settled cost of all judged and expired tasks.
    pub settled: Dollars,
    /// Of it, cost of the net served tasks.
    pub served: Dollars,
    /// Of it, cost of the unconfirmed tasks.
    pub unconfirmed: Dollars,
    /// Cost of tasks without verdict.
    pub pending: Dollars,
    /// The reviewers' time on judged tasks at the workflow's rate.
    pub review: Dollars,
    /// Settled cost of all but the unconfirmed / net served; null without a served task.
    pub per_accepted: Option<Dollars>,
    /// The same with the reviewers' time.
    pub per_accepted_with_review: Option<Dollars>,
    /// Cost of the net served tasks / net served: what is above it is avoidable.
    pub direct_per_accepted: Option<Dollars>,
    /// Settled and pending cost by the state of the task; adds up to both.
    pub by_state: Counts<Dollars>,
}

/// A row's ratios.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Rates {
    /// Served / all settled tasks, withdrawn and expired ones included, unconfirmed ones not.
    pub acceptance: Option<f64>,
    /// Acceptance if no pending or unconfirmed task were accepted.
    pub acceptance_low: Option<f64>,
    /// Acceptance if all of them were.
    pub acceptance_high: Option<f64>,
    /// Accepted as it was in round 1 / judged on its quality.
    pub first_pass_yield: Option<f64>,
    /// Sent back, edited or come back / judged on its quality.
    pub rework: Option<f64>,
    /// Come back / served.
    pub defect: Option<f64>,
    /// Settled cost / (settled + pending cost).
    pub settled_share: Option<f64>,
}

/// Median and 95th percentile, or null without a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    /// Median.
    pub p50: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
}

/// Repetitions by layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RetryCounts {
    /// The same HTTP request.
    pub transport: Credit,
    /// The same tool with the same arguments.
    pub step: Credit,
    /// The same prompt.
    pub regeneration: Credit,
    /// Sent back by a reviewer.
    pub round: Credit,
}

/// The outcomes of tasks within a window.
#[must_use]
pub fn outcomes<'a>(tasks: impl Iterator<Item = Work<'a>>, by: By, window: Window) -> Outcomes {
    let mut gathered = Gathered::new(by, window);
    tasks.for_each(|work| gathered.add(&work));
    gathered.finish()
}

/// Outcomes in the making: several of them can be gathered in one pass over the tasks.
pub(super) struct Gathered<'a> {
    by: By,
    window: Window,
    rows: BTreeMap<&'a str, Sum>,
    total: Sum,
}

impl<'a> Gathered<'a> {
    pub(super) fn new(by: By, window: Window) -> Gathered<'a> {
        Gathered { by, window, rows: BTreeMap::new(), total: Sum::default() }
    }

    pub(super) fn add(&mut self, work: &Work<'a>) {
        if !self.window.holds(work) {
            return;
        }
        self.total.add_whole(work);
        match self.by {
            By::Workflow => row(&mut self.rows, work.workflow).add_whole(work),
            By::Route => row(&mut self.rows, work.route).add_whole(work),
            By::Model => add_by_model(&mut self.rows, work),
        }
    }

    pub(super) fn finish(self) -> Outcomes {
        let allocated = self.by == By::Model;
        let mut rows: Vec<OutcomeRow> =
            self.rows.into_iter().map(|(name, sum)| sum.into_row(name, allocated)).collect();
        let spent = |row: &OutcomeRow| row.cost_usd.settled.0 + row.cost_usd.pending.0;
        rows.sort_by(|a, b| spent(b).cmp(&spent(a)).then_with(|| a.name.cmp(&b.name)));
        Outcomes {
            by: self.by.as_str(),
            basis: self.window.basis.as_str(),
            from: (self.window.from > 0).then(|| calendar::show(self.window.from)),
            to: (self.window.to < u64::MAX).then(|| calendar::show(self.window.to)),
            rows,
            total: self.total.into_row("all", false),
        }
    }
}

/// The row of a name; names over the limit share one.
fn row<'s, 'a>(sums: &'s mut BTreeMap<&'a str, Sum>, name: &'a str) -> &'s mut Sum {
    let full = sums.len() >= OUTCOME_ROWS_MAX && !sums.contains_key(name);
    sums.entry(if full { OVERFLOW_NAME } else { name }).or_default()
}

fn add_by_model<'a>(sums: &mut BTreeMap<&'a str, Sum>, work: &Work<'a>) {
    // Cost and calls by model. Tools that say what they cost are no model: they share a row
    // without a name with what no line explains.
    let mut parts: BTreeMap<&'a str, (Money, u128)> = BTreeMap::new();
    let mut explained = Money::ZERO;
    for line in work.lines.iter() {
        let name =
            if line.component == Component::Model { work.names.text(line.model) } else { "" };
        let (cost, calls) = parts.entry(name).or_default();
        *cost += line.cost;
        *calls += u128::from(line.calls_ok) + u128::from(line.calls_failed);
        explained += line.cost;
    }
    if explained != work.cost || parts.is_empty() {
        parts.entry("").or_default().0 += work.cost - explained;
    }
    let weight = |cost: Money, calls: u128| match work.cost.is_zero() {
        false => u128::try_from(cost.pico()).unwrap_or(0),
        true => calls,
    };
    let all: u128 = parts.values().map(|(cost, calls)| weight(*cost, *calls)).sum();
    let (mut left, mut review_left) = (WHOLE, work.review_cost);
    let last = parts.len() - 1;
    for (index, (name, (cost, calls))) in parts.into_iter().enumerate() {
        // The last part takes what rounding left over, so that the shares make one task.
        let exact = u128::from(WHOLE) * weight(cost, calls);
        let share = exact.checked_div(all).and_then(|share| u64::try_from(share).ok());
        let share = if index == last { left } else { share.unwrap_or(0).min(left) };
        let review = if index == last {
            review_left
        } else {
            Money::from_pico(work.review_cost.times(share).pico() / i128::from(WHOLE))
        };
        left -= share;
        review_left -= review;
        let sum = row(sums, name);
        sum.add_task(work, share, cost, review);
        sum.add_lines(work, Some(name));
    }
}

/// What a row adds up before it divides.
#[derive(Default)]
struct Sum {
    tasks: Counts<Credit>,
    by_state: Counts<Dollars>,
    settled: Money,
    review: Money,
    standing: Standings,
    unconfirmed_cost: Money,
    unconfirmed_review: Money,
    fallback: Credit,
    fallback_cost: Money,
    first_pass: Credit,
    rework: Credit,
    review_micros: u128,
    times_to_verdict: Vec<u64>,
    retries: RetryCounts,
    calls: Calls,
    tokens: Tokens,
}

impl Sum {
    fn add_whole(&mut self, work: &Work<'_>) {
        self.add_task(work, WHOLE, work.cost, work.review_cost);
        self.add_lines(work, None);
    }

    fn add_task(&mut self, work: &Work<'_>, share: u64, cost: Money, review: Money) {
        let credit = |count: u64| Credit(u128::from(count) * u128::from(share));
        let one = credit(1);
        let add = |sum: &mut Credit, credit: Credit| *sum = sum.plus(credit);
        add(self.tasks.of(work.state), one);
        self.by_state.of(work.state).0 += cost;
        if work.state != ReviewState::Pending {
            self.settled += cost;
            self.review += review;
            self.review_micros += u128::from(work.review_ms) * u128::from(share);
        }
        match work.standing {
            Standing::Confirmed => add(&mut self.standing.confirmed, one),
            Standing::Provisional { .. } if work.standing.is_unconfirmed() => {
                add(&mut self.standing.unconfirmed, one);
                self.unconfirmed_cost += cost;
                self.unconfirmed_review += review;
            }
            Standing::Provisional { .. } => add(&mut self.standing.provisional, one),
            Standing::Unserved => {}
        }
        if work.confidence == Confidence::Fallback {
            add(&mut self.fallback, one);
            self.fallback_cost += cost;
        }
        let sent_back = work.rounds > 1;
        match work.state {
            _ if work.standing.is_unconfirmed() => {}
            ReviewState::Accepted if !sent_back => add(&mut self.first_pass, one),
            ReviewState::Edited | ReviewState::Defect => add(&mut self.rework, one),
            ReviewState::Accepted | ReviewState::Rejected | ReviewState::Escalated => {
                if sent_back {
                    add(&mut self.rework, one);
                }
            }
            ReviewState::Pending | ReviewState::Withdrawn | ReviewState::Expired => {}
        }
        self.times_to_verdict.extend(work.time_to_verdict());
        add(&mut self.retries.transport, credit(work.retries.transport.into()));
        add(&mut self.retries.step, credit(work.retries.step.into()));
        add(&mut self.retries.regeneration, credit(work.retries.regeneration.into()));
        add(&mut self.retries.round, credit(u64::from(work.rounds.saturating_sub(1))));
    }

    /// Calls and tokens of a task's lines: of one model (or of no model for the empty name), or
    /// of all.
    fn add_lines(&mut self, work: &Work<'_>, only: Option<&str>) {
        for line in work.lines.iter().filter(|line| line.component == Component::Model) {
            if only.is_some_and(|model| model != work.names.text(line.model)) {
                continue;
            }
            self.calls.ok += u64::from(line.calls_ok);
            self.calls.failed += u64::from(line.calls_failed);
            self.tokens.add(&line.usage);
        }
    }

    fn into_row(mut self, name: &str, allocated: bool) -> OutcomeRow {
        let (tasks, by_state) = (self.tasks, self.by_state);
        let pending = by_state.pending.0;
        let served_cost = by_state.accepted.0 + by_state.edited.0 - self.unconfirmed_cost;
        let headline_cost = self.settled - self.unconfirmed_cost;
        let headline_review = self.review - self.unconfirmed_review;
        let unconfirmed = self.standing.unconfirmed;
        let undecided = tasks.pending.plus(unconfirmed);
        let net_served = tasks.accepted.plus(tasks.edited).minus(unconfirmed);
        let served = net_served.plus(tasks.defect);
        let judged = served.plus(tasks.rejected).plus(tasks.escalated);
        let settled = judged.plus(tasks.withdrawn).plus(tasks.expired);
        let all = settled.plus(undecided);
        let all_cost = self.settled + pending;
        OutcomeRow {
            name: name.to_owned(),
            allocated,
            tasks,
            served,
            net_served,
            standing: self.standing,
            fallback: Fallback {
                tasks: self.fallback,
                cost_usd: self.fallback_cost.into(),
                tasks_share: ratio(self.fallback, all),
                cost_share: share(self.fallback_cost, all_cost),
            },
            cost_usd: RowCost {
                settled: self.settled.into(),
                served: served_cost.into(),
                unconfirmed: self.unconfirmed_cost.into(),
                pending: pending.into(),
                review: self.review.into(),
                per_accepted: per(headline_cost, net_served),
                per_accepted_with_review: per(headline_cost + headline_review, net_served),
                direct_per_accepted: per(served_cost, net_served),
                by_state,
            },
            rates: Rates {
                acceptance: ratio(served, settled),
                acceptance_low: ratio(served, all),
                acceptance_high: ratio(served.plus(undecided), all),
                first_pass_yield: ratio(self.first_pass, judged),
                rework: ratio(self.rework, judged),
                defect: ratio(tasks.defect, served),
                settled_share: share(self.settled, all_cost),
            },
            review_seconds: seconds(self.review_micros / 1_000_000, 1_000),
            time_to_verdict_seconds: spread(&mut self.times_to_verdict),
            retries: self.retries,
            calls: self.calls,
            tokens: self.tokens,
        }
    }
}

/// Money for each task, to the nearest picodollar; `None` without a task.
fn per(money: Money, tasks: Credit) -> Option<Dollars> {
    let tasks = i128::try_from(tasks.0).ok().filter(|tasks| *tasks > 0)?;
    let parts = money.times(WHOLE).pico();
    Some(Dollars(Money::from_pico((parts + tasks / 2) / tasks)))
}

fn ratio(part: Credit, whole: Credit) -> Option<f64> {
    (!whole.is_zero()).then(|| part.number() / whole.number())
}

fn share(part: Money, whole: Money) -> Option<f64> {
    (!whole.is_zero()).then(|| part.dollars() / whole.dollars())
}

/// Nearest-rank percentiles of nanoseconds, in seconds.
pub(super) fn spread(values: &mut [u64]) -> Spread {
    values.sort_unstable();
    let rank = |percent: usize| {
        let index = (values.len() * percent).div_ceil(100).saturating_sub(1);
        values.get(index).map(|nanos| seconds(u128::from(*nanos), 1_000_000_000))
    };
    Spread { p50: rank(50), p95: rank(95) }
}

#[cfg(test)]
mod tests;
