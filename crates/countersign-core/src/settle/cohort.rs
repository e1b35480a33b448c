//! Cohorts: what became of the work that began in a week, by workflow.
//!
//! The counters tell what was settled in a span of time (the flow); a cohort tells what happened
//! to the work of one week, and is restated until the last of it is judged. It is kept beside
//! the tasks, so that it stays when a settled task is forgotten.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::fact::{ReviewState, UnixNanos};
use crate::limits;
use crate::money::Money;
use crate::names::Name;
use crate::settle::books::{Books, MS};
use crate::settle::{TaskIndex, TaskView};
use crate::week::Week;

/// What became of the tasks of one workflow that began in one week.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cohort {
    /// The workflow; [`Name::OVERFLOW`] for all beyond
    /// [`limits::COHORT_WORKFLOWS_MAX`].
    pub workflow: Name,
    /// Tasks by state, in the order of [`ReviewState::ALL`].
    pub tasks: [u64; 8],
    /// Their model and tool cost by state.
    pub cost: [Money; 8],
    /// Of the tasks, those whose acceptance is implied or assumed and not confirmed.
    pub unconfirmed: u64,
    /// Of the cost, theirs.
    pub unconfirmed_cost: Money,
    /// The reviewers' time on judged tasks at the workflows' rates, unconfirmed ones left out.
    pub review: Money,
    /// From the start of the work to the verdict: judged tasks by bucket.
    times: BTreeMap<u16, u64>,
    /// Served tasks by the length of their confirm window in milliseconds.
    windows: BTreeMap<u64, u64>,
}

/// How much of a cohort is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Maturity {
    /// Share of the tasks that have a final state, in millionths; `None` without a task.
    pub decided_ppm: Option<u32>,
    /// Whether its youngest task is older than 95 % of the verdicts take, and the confirm window
    /// on top: what is undecided by now is the exception.
    pub mature: bool,
}

/// What a task contributes to its cohort.
#[derive(Clone, Copy)]
struct Part {
    workflow: Name,
    state: ReviewState,
    unconfirmed: bool,
    cost: Money,
    review: Money,
    time_ms: Option<u64>,
    window_ms: Option<u64>,
}

/// Whether a contribution comes or goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

impl Way {
    fn count(self, count: &mut u64) {
        *count = match self {
            Way::In => *count + 1,
            Way::Out => count.checked_sub(1).expect("what goes has come"),
        };
    }

    fn in_map<K: Ord + Copy>(self, counts: &mut BTreeMap<K, u64>, key: K) {
        let count = counts.entry(key).or_default();
        self.count(count);
        if *count == 0 {
            counts.remove(&key);
        }
    }

    fn money(self, sum: &mut Money, amount: Money) {
        *sum += if self == Way::In { amount } else { -amount };
    }
}

impl Cohort {
    /// No task of a workflow.
    #[must_use]
    pub fn of(workflow: Name) -> Cohort {
        Cohort { workflow, ..Cohort::default() }
    }

    /// Tasks that began in the week.
    #[must_use]
    pub fn started(&self) -> u64 {
        self.tasks.iter().sum()
    }

    /// Tasks in a state.
    #[must_use]
    pub fn tasks_in(&self, state: ReviewState) -> u64 {
        self.tasks.get(state as usize).copied().unwrap_or(0)
    }

    /// Cost of the tasks in a state.
    #[must_use]
    pub fn cost_in(&self, state: ReviewState) -> Money {
        self.cost.get(state as usize).copied().unwrap_or(Money::ZERO)
    }

    /// Tasks without a final state: pending ones, and those whose acceptance is not confirmed.
    #[must_use]
    pub fn undecided(&self) -> u64 {
        self.tasks_in(ReviewState::Pending) + self.unconfirmed
    }

    /// Tasks with a final state.
    #[must_use]
    pub fn decided(&self) -> u64 {
        self.started() - self.undecided()
    }

    /// Accepted outcomes: accepted or edited, not come back, and not unconfirmed.
    #[must_use]
    pub fn net_served(&self) -> u64 {
        let [_, accepted, edited, ..] = self.tasks;
        accepted + edited - self.unconfirmed
    }

    /// Ever accepted or edited: accepted outcomes, and those that came back.
    #[must_use]
    pub fn served(&self) -> u64 {
        self.net_served() + self.tasks_in(ReviewState::Defect)
    }

    /// Settled cost of the decided tasks.
    #[must_use]
    pub fn settled(&self) -> Money {
        let [_, settled @ ..] = self.cost;
        settled.into_iter().sum::<Money>() - self.unconfirmed_cost
    }

    /// Served / decided in millionths; `None` while nothing is decided.
    #[must_use]
    pub fn acceptance_ppm(&self) -> Option<u32> {
        ppm(self.served(), self.decided())
    }

    /// Acceptance if nothing that is undecided were served, and if all of it were.
    #[must_use]
    pub fn acceptance_bounds_ppm(&self) -> Option<(u32, u32)> {
        let started = self.started();
        Some((ppm(self.served(), started)?, ppm(self.served() + self.undecided(), started)?))
    }

    /// Adds another workflow's cohort of the same week.
    pub fn join(&mut self, other: &Cohort) {
        for (sum, count) in self.tasks.iter_mut().zip(other.tasks) {
            *sum += count;
        }
        for (sum, cost) in self.cost.iter_mut().zip(other.cost) {
            *sum += cost;
        }
        self.unconfirmed += other.unconfirmed;
        self.unconfirmed_cost += other.unconfirmed_cost;
        self.review += other.review;
        for (bucket, count) in &other.times {
            *self.times.entry(*bucket).or_default() += count;
        }
        for (window, count) in &other.windows {
            *self.windows.entry(*window).or_default() += count;
        }
    }

    /// How much of the cohort of `week` is known at `now`. `all` is the same workflow's work of
    /// all weeks, from which the usual time to a verdict and the confirm window are taken.
    #[must_use]
    pub fn maturity(&self, week: Week, all: &Cohort, now: UnixNanos) -> Maturity {
        let window_ms = all.windows.keys().max().copied().unwrap_or(0);
        let mature = all.time_to_verdict_p95_ms().is_some_and(|p95_ms| {
            let age_ms = now.saturating_sub(week.end()) / MS;
            age_ms >= p95_ms.saturating_add(window_ms)
        });
        Maturity { decided_ppm: ppm(self.decided(), self.started()), mature }
    }

    /// 95 % of the verdicts come within so long after the start of the work: the upper border of
    /// a bucket, at most an eighth above the true figure.
    #[must_use]
    pub fn time_to_verdict_p95_ms(&self) -> Option<u64> {
        let count: u64 = self.times.values().sum();
        let rank = (count * 95).div_ceil(100);
        let mut seen = 0;
        let found = self.times.iter().find(|(_, count)| {
            seen += **count;
            seen >= rank
        });
        found.map(|(bucket, _)| border_ms(*bucket))
    }

    fn take(&mut self, way: Way, part: &Part) {
        if let Some(count) = self.tasks.get_mut(part.state as usize) {
            way.count(count);
        }
        if let Some(cost) = self.cost.get_mut(part.state as usize) {
            way.money(cost, part.cost);
        }
        if part.unconfirmed {
            way.count(&mut self.unconfirmed);
            way.money(&mut self.unconfirmed_cost, part.cost);
        } else if part.state != ReviewState::Pending {
            way.money(&mut self.review, part.review);
        }
        if let Some(time_ms) = part.time_ms {
            way.in_map(&mut self.times, bucket_of(time_ms));
        }
        if let Some(window_ms) = part.window_ms {
            way.in_map(&mut self.windows, window_ms);
        }
    }
}

fn ppm(part: u64, whole: u64) -> Option<u32> {
    let share = (u128::from(part) * 1_000_000).checked_div(u128::from(whole))?;
    u32::try_from(share).ok()
}

/// Buckets of which each doubling has eight.
fn bucket_of(value: u64) -> u16 {
    let Some(exponent) = value.checked_ilog2().filter(|exponent| *exponent >= 3) else {
        return u16::try_from(value).expect("below 8");
    };
    let step = value >> (exponent - 3) & 7;
    u16::try_from(u64::from(exponent - 2) * 8 + step).expect("at most 62 * 8 + 7")
}

/// The greatest value in a bucket.
fn border_ms(bucket: u16) -> u64 {
    let (doubling, step) = (u32::from(bucket / 8), u64::from(bucket % 8));
    if doubling == 0 {
        return step;
    }
    let next = u128::from(8 + step + 1) << (doubling - 1);
    u64::try_from(next - 1).expect("the last bucket ends with the last value")
}

/// The cohorts of the last weeks.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Cohorts {
    /// The week of the books' time: work that claims to begin later counts here.
    current: Week,
    /// By week; each one's cohorts sorted by workflow.
    weeks: BTreeMap<Week, Vec<Cohort>>,
}

impl Cohorts {
    /// Forgets the weeks that are too long ago.
    pub(super) fn advance(&mut self, now: UnixNanos) {
        let week = Week::of(now);
        if week > self.current {
            self.current = week;
            let first = week.before(limits::COHORT_WEEKS_MAX - 1);
            self.weeks.retain(|week, _| *week >= first);
        }
    }

    /// The week in whose cohort work counts that began at a time; none if that is too long ago
    /// or not known.
    fn week_of(&self, started: UnixNanos) -> Week {
        let week = Week::of(started).min(self.current);
        let kept = started > 0 && week >= self.current.before(limits::COHORT_WEEKS_MAX - 1);
        if kept { week } else { Week::NONE }
    }

    fn take(&mut self, way: Way, week: Week, part: &Part) {
        let cohorts = match way {
            Way::In => self.weeks.entry(week).or_default(),
            // The week may have been forgotten since.
            Way::Out => match self.weeks.get_mut(&week) {
                Some(cohorts) => cohorts,
                None => return,
            },
        };
        let find = |cohorts: &Vec<Cohort>, workflow| {
            cohorts.binary_search_by_key(&workflow, |cohort| cohort.workflow)
        };
        // No cohort leaves its week: a workflow that found no room once never finds any.
        let full = cohorts.len() >= limits::COHORT_WORKFLOWS_MAX;
        let mut workflow = part.workflow;
        if full && find(cohorts, workflow).is_err() {
            workflow = Name::OVERFLOW;
        }
        let place = find(cohorts, workflow).unwrap_or_else(|place| {
            cohorts.insert(place, Cohort::of(workflow));
            place
        });
        if let Some(cohort) = cohorts.get_mut(place) {
            cohort.take(way, part);
        }
    }
}

impl Books {
    /// The cohorts of the last [`limits::COHORT_WEEKS_MAX`] weeks, the oldest week first, and
    /// within a week by workflow.
    pub fn cohorts(&self, now: UnixNanos) -> impl Iterator<Item = (Week, &Cohort)> {
        let first = Week::of(now).before(limits::COHORT_WEEKS_MAX - 1);
        let weeks = self.cohorts.weeks.range(first..);
        weeks.flat_map(|(week, cohorts)| cohorts.iter().map(move |cohort| (*week, cohort)))
    }

    /// By workflow, the cohorts of all those weeks together.
    #[must_use]
    pub fn cohorts_by_workflow(&self, now: UnixNanos) -> BTreeMap<Name, Cohort> {
        let mut workflows: BTreeMap<Name, Cohort> = BTreeMap::new();
        for (_, cohort) in self.cohorts(now) {
            let of_workflow = || Cohort::of(cohort.workflow);
            workflows.entry(cohort.workflow).or_insert_with(of_workflow).join(cohort);
        }
        workflows
    }

    /// Takes a task out of its cohort before it changes; [`Books::join_cohort`] puts it back.
    pub(super) fn leave_cohort(&mut self, index: TaskIndex) {
        let week = self.task_at(index).cohort;
        if !week.is_none() {
            let part = self.part(index);
            self.cohorts.take(Way::Out, week, &part);
            self.task_at(index).cohort = Week::NONE;
        }
    }

    /// Puts a task into the cohort of the week in which it began.
    pub(super) fn join_cohort(&mut self, index: TaskIndex) {
        let started = self.task_at(index).started;
        let week = self.cohorts.week_of(started);
        if !week.is_none() {
            let part = self.part(index);
            self.cohorts.take(Way::In, week, &part);
            self.task_at(index).cohort = week;
        }
    }

    fn part(&self, index: TaskIndex) -> Part {
        let task = self.tasks.get(index.0).expect("indices come from the books");
        let judged = !matches!(task.state, ReviewState::Pending | ReviewState::Expired);
        Part {
            workflow: task.labels.workflow,
            state: task.state,
            unconfirmed: task.standing.is_unconfirmed(),
            cost: task.cost,
            review: task.review,
            time_ms: judged.then(|| task.decided.saturating_sub(task.started) / MS),
            window_ms: self.confirm_window_ms(index),
        }
    }
}

impl TaskView<'_> {
    /// The week in whose cohort it counts, or [`Week::NONE`].
    #[must_use]
    pub fn cohort(&self) -> Week {
        self.task.cohort
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_ends_where_the_next_one_begins() {
        let mut last = 0;
        for value in (0..100_000).chain([u64::MAX >> 1, u64::MAX - 1, u64::MAX]) {
            let bucket = bucket_of(value);
            assert!(bucket >= last, "{value}");
            last = bucket;
            let border = border_ms(bucket);
            assert!(border >= value && border <= value.saturating_add(value / 8), "{value}");
            assert!(border == u64::MAX || bucket_of(border + 1) == bucket + 1, "{value}");
        }
    }
}
