//! The naive answer: keep every fact, compute at the end.
//!
//! Written from the definitions (which spans are calls, to which task they belong, which
//! verdict holds), in the plainest way, without looking at how the books do it.

mod facts;
mod subjects;
mod verdicts;

use std::collections::{BTreeMap, BTreeSet};

use countersign_core::fact::{ReviewState, Usage};
use countersign_core::money::Money;
use countersign_core::settle::{Settings, Totals};

use self::facts::{Facts, makes_task};
use self::subjects::Subjects;
use self::verdicts::judged_state;
use crate::script::{CallLine, Counts, Line, PointLine, VerdictLine};

/// A verdict waits for its task for so long: ninety days.
const PATIENT_MS: u64 = 90 * 24 * 3_600_000;

/// What is true after a script.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The sums.
    pub totals: Totals,
    /// The tasks, each with one of its names.
    pub tasks: Vec<TaskAnswer>,
    /// When tasks without a verdict expire.
    pub deadlines_ms: Vec<u64>,
}

/// A task.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskAnswer {
    /// Every name it can be found by.
    pub names: BTreeSet<String>,
    /// Where it stands.
    pub state: ReviewState,
    /// Model and tool cost.
    pub cost: Money,
    /// The reviewers' time.
    pub review_ms: u64,
    /// How many verdicts it got.
    pub verdicts: usize,
    /// How often tools were run again.
    pub retries: u32,
    /// When something last came in.
    pub last_ms: u64,
}

/// Computes the answer at a time.
#[must_use]
pub fn answer(script: &[Line], settings: &Settings, end_ms: u64) -> Answer {
    let facts = Facts::of(script);
    let calls = facts.calls_that_count();
    let subjects = Subjects::of(&facts, &calls);
    let mut tasks: BTreeMap<String, Draft<'_>> = BTreeMap::new();
    let mut totals = Totals::default();
    for call in &calls {
        count_call(&mut totals, call);
        if facts.tells_only_usage(call) {
            totals.calls_ok -= 1;
        }
        let cost = pico(call.cost);
        totals.incurred += cost;
        match subjects.of_call(call) {
            Some(subject) => tasks.entry(subject).or_default().cost += cost,
            None => totals.unattributed += cost,
        }
    }
    for (_, step) in &facts.steps {
        let cost = pico(step.cost);
        totals.incurred += cost;
        if !makes_task(step) {
            continue;
        }
        match subjects.of_work(step.place.0, &step.work) {
            Some(subject) => {
                let task = tasks.entry(subject).or_default();
                task.cost += cost;
                task.retries += step.retries;
            }
            None => totals.unattributed += cost,
        }
    }
    for (at, point, increment) in facts.increments() {
        let cost = count_point(&mut totals, point, increment);
        totals.incurred += cost;
        match subjects.of_work(0, &point.work) {
            Some(subject) => {
                let task = tasks.entry(subject).or_default();
                task.active(at);
                task.cost += cost;
            }
            None => totals.unattributed += cost,
        }
    }
    // A span that names a task says that there is one, also if it only sums up others' cost.
    for (_, call) in facts.calls.iter().filter(|(_, c)| c.rank == 0 && !c.work.task.is_empty()) {
        tasks.entry(subjects.of_call(call).unwrap_or_default()).or_default();
    }
    for (at, call) in facts.active_calls() {
        let subject = subjects.of_call(call).unwrap_or_default();
        tasks.entry(subject).and_modify(|task| task.active(*at));
    }
    for (at, step) in facts.steps.iter().filter(|(_, step)| makes_task(step)) {
        let subject = subjects.of_work(step.place.0, &step.work).unwrap_or_default();
        tasks.entry(subject).and_modify(|task| task.active(*at));
    }
    for (at, verdict) in &facts.verdicts {
        if let Some(task) = tasks.get_mut(&subjects.of_verdict(verdict)) {
            task.judged_ms.insert(*at);
            task.verdicts.push((*at, verdict));
        }
    }
    finish(tasks, &subjects, totals, settings, end_ms)
}

fn finish(
    tasks: BTreeMap<String, Draft<'_>>,
    subjects: &Subjects,
    mut totals: Totals,
    settings: &Settings,
    end_ms: u64,
) -> Answer {
    let mut answers = Vec::new();
    let mut deadlines_ms = Vec::new();
    for (subject, draft) in tasks {
        let deadline = draft.deadline_ms(settings.patience_ms);
        let verdicts = draft.verdicts_that_found_it();
        let judged = judged_state(&verdicts, settings.edited_ppm);
        let waits = if deadline <= end_ms { ReviewState::Expired } else { ReviewState::Pending };
        if judged.is_none() {
            deadlines_ms.push(deadline);
        }
        let state = judged.unwrap_or(waits);
        if state == ReviewState::Pending {
            totals.pending += draft.cost;
        } else {
            totals.settled += draft.cost;
        }
        if let Some(count) = totals.tasks.get_mut(state as usize) {
            *count += 1;
        }
        let review_ms: u64 = verdicts.iter().filter_map(|v| v.review_ms).sum();
        // The rates of the simulator are whole per millisecond.
        let rate = settings.review_rate_per_hour.pico() / 3_600_000;
        totals.review += Money::from_pico(rate * i128::from(review_ms));
        answers.push(TaskAnswer {
            names: subjects.names(&subject),
            state,
            cost: draft.cost,
            review_ms,
            verdicts: verdicts.len(),
            retries: draft.retries,
            last_ms: draft.worked_ms.iter().chain(&draft.judged_ms).max().copied().unwrap_or(0),
        });
    }
    Answer { totals, tasks: answers, deadlines_ms }
}

/// What is known of a task while facts are added up.
#[derive(Debug, Default)]
struct Draft<'a> {
    cost: Money,
    /// When work of it came in.
    worked_ms: BTreeSet<u64>,
    /// When verdicts came in.
    judged_ms: BTreeSet<u64>,
    verdicts: Vec<(u64, &'a VerdictLine)>,
    retries: u32,
}

impl<'a> Draft<'a> {
    fn active(&mut self, at: u64) {
        self.worked_ms.insert(at);
    }

    /// A verdict that waits for its task longer than work may be late is given up.
    fn verdicts_that_found_it(&self) -> Vec<&'a VerdictLine> {
        let began = self.worked_ms.first().copied().unwrap_or(0);
        let found = self.verdicts.iter().filter(|(at, _)| began < at + PATIENT_MS);
        found.map(|(_, verdict)| *verdict).collect()
    }

    /// When it expires if it is never judged: after the first silence of this length. What
    /// comes later finds it expired.
    fn deadline_ms(&self, patience_ms: u64) -> u64 {
        // A verdict that came before its task waits for it, and is booked with its first work.
        let began = self.worked_ms.first().copied().unwrap_or(0);
        let judged = self.judged_ms.iter().map(|at| *at.max(&began));
        let active: BTreeSet<u64> = judged.chain(self.worked_ms.iter().copied()).collect();
        let mut deadline = began + patience_ms;
        for at in active {
            if at < deadline {
                deadline = at + patience_ms;
            }
        }
        deadline
    }
}

fn pico(cost: Option<u64>) -> Money {
    Money::from_pico(i128::from(cost.unwrap_or(0)))
}

fn count_call(totals: &mut Totals, call: &CallLine) {
    if call.error.is_empty() {
        totals.calls_ok += 1;
    } else {
        totals.calls_failed += 1;
    }
    match call.usage {
        None => totals.unknown_usage_calls += 1,
        Some([input, cache_read, cache_write, output, reasoning]) => {
            totals.usage += Usage { input, cache_read, cache_write, output, reasoning };
            totals.unpriced_calls += u64::from(call.cost.is_none());
        }
    }
}

/// Counts what a point adds; its cost.
fn count_point(totals: &mut Totals, point: &PointLine, increment: u64) -> Money {
    match point.counts {
        Counts::Calls => {
            totals.calls_ok += increment;
            return Money::ZERO;
        }
        Counts::Cost => return pico(Some(increment)),
        Counts::Input => totals.usage.input += increment,
        Counts::Output => totals.usage.output += increment,
    }
    pico(point.rate).times(increment)
}
