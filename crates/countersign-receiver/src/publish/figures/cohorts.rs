//! Cohorts: what became of the work that began in a week, for the last thirteen weeks.

use std::collections::BTreeMap;

use countersign_core::fact::{ReviewState, UnixNanos};
use countersign_core::names::Name;
use countersign_core::settle::{Books, Cohort, Maturity};
use countersign_core::week::Week;
use serde::Serialize;

use super::{Counts, Dollars, TaskCounts};
use crate::publish::calendar;

/// The cohorts of the last weeks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cohorts {
    /// Always `cohort`: a task belongs to the week in which its work began.
    pub basis: &'static str,
    /// The weeks in which work began, the oldest first.
    pub weeks: Vec<CohortWeek>,
}

/// One week.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CohortWeek {
    /// The ISO week, e.g. `2026-W48`.
    pub cohort: String,
    /// Its first moment.
    pub from: String,
    /// The first moment after it.
    pub to: String,
    /// Its work by workflow, the largest first.
    pub rows: Vec<CohortRow>,
    /// All of its work.
    pub total: CohortRow,
}

/// The work of one workflow that began in one week.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CohortRow {
    /// The workflow, or `all`.
    pub name: String,
    /// Tasks that began.
    pub started: u64,
    /// By the state they are in now.
    pub tasks: TaskCounts,
    /// Ever an accepted outcome: net served + defect.
    pub served: u64,
    /// Accepted outcomes.
    pub net_served: u64,
    /// Accepted or edited, but only implied or assumed, and not confirmed yet.
    pub unconfirmed: u64,
    /// Share of the tasks that have a final state.
    pub decided_share: Option<f64>,
    /// Whether what is undecided by now is the exception.
    pub mature: bool,
    /// Served / decided.
    pub acceptance: Option<f64>,
    /// Served / started: if nothing that is undecided were accepted.
    pub acceptance_low: Option<f64>,
    /// (Served + undecided) / started: if all of it were.
    pub acceptance_high: Option<f64>,
    /// Come back / served.
    pub defect: Option<f64>,
    /// Money.
    pub cost_usd: CohortCost,
}

/// A cohort's money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CohortCost {
    /// Settled cost of all decided tasks.
    pub settled: Dollars,
    /// Cost of the unconfirmed tasks.
    pub unconfirmed: Dollars,
    /// Cost of tasks without verdict.
    pub pending: Dollars,
    /// The reviewers' time on decided tasks.
    pub review: Dollars,
    /// Settled / net served; null without an accepted outcome.
    pub per_accepted: Option<Dollars>,
    /// The same with the reviewers' time.
    pub per_accepted_with_review: Option<Dollars>,
}

/// Shapes the cohorts of the last weeks.
#[must_use]
pub fn cohorts(books: &Books, now: UnixNanos) -> Cohorts {
    let workflows = books.cohorts_by_workflow(now);
    let mut everything = Cohort::of(Name::EMPTY);
    workflows.values().for_each(|cohort| everything.join(cohort));
    let mut weeks: BTreeMap<Week, Vec<&Cohort>> = BTreeMap::new();
    for (week, cohort) in books.cohorts(now).filter(|(_, cohort)| cohort.started() > 0) {
        weeks.entry(week).or_default().push(cohort);
    }
    let shape = |(week, cohorts): (Week, Vec<&Cohort>)| {
        let mut total = Cohort::of(Name::EMPTY);
        cohorts.iter().for_each(|cohort| total.join(cohort));
        let shown = |cohort: &&Cohort| {
            let all = workflows.get(&cohort.workflow).unwrap_or(cohort);
            let name = books.names().text(cohort.workflow);
            row(name, cohort, cohort.maturity(week, all, now))
        };
        let mut rows: Vec<CohortRow> = cohorts.iter().map(shown).collect();
        rows.sort_by(|a, b| b.started.cmp(&a.started).then_with(|| a.name.cmp(&b.name)));
        CohortWeek {
            cohort: week.to_string(),
            from: calendar::show(week.start()),
            to: calendar::show(week.end()),
            rows,
            total: row("all", &total, total.maturity(week, &everything, now)),
        }
    };
    Cohorts { basis: "cohort", weeks: weeks.into_iter().map(shape).collect() }
}

fn row(name: &str, cohort: &Cohort, maturity: Maturity) -> CohortRow {
    let bounds = cohort.acceptance_bounds_ppm();
    let tasks = |state| cohort.tasks_in(state);
    let share = |ppm: u32| f64::from(ppm) / 1e6;
    let net_served = cohort.net_served();
    let settled = cohort.settled();
    let served = cohort.served();
    CohortRow {
        name: name.to_owned(),
        started: cohort.started(),
        tasks: Counts {
            pending: tasks(ReviewState::Pending),
            accepted: tasks(ReviewState::Accepted),
            edited: tasks(ReviewState::Edited),
            rejected: tasks(ReviewState::Rejected),
            escalated: tasks(ReviewState::Escalated),
            withdrawn: tasks(ReviewState::Withdrawn),
            expired: tasks(ReviewState::Expired),
            defect: tasks(ReviewState::Defect),
        },
        served,
        net_served,
        unconfirmed: cohort.unconfirmed,
        decided_share: maturity.decided_ppm.map(share),
        mature: maturity.mature,
        acceptance: cohort.acceptance_ppm().map(share),
        acceptance_low: bounds.map(|(low, _)| share(low)),
        acceptance_high: bounds.map(|(_, high)| share(high)),
        #[allow(clippy::cast_precision_loss, reason = "a ratio is shown, not summed")]
        defect: (served > 0).then(|| tasks(ReviewState::Defect) as f64 / served as f64),
        cost_usd: CohortCost {
            settled: settled.into(),
            unconfirmed: cohort.unconfirmed_cost.into(),
            pending: cohort.cost_in(ReviewState::Pending).into(),
            review: cohort.review.into(),
            per_accepted: settled.per(net_served).map(Dollars),
            per_accepted_with_review: (settled + cohort.review).per(net_served).map(Dollars),
        },
    }
}
