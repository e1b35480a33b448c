//! The naive answer: keep every fact, compute at the end.
//!
//! Written from the definitions (which spans are calls, to which task they belong, which
//! verdict holds), in the plainest way, without looking at how the books do it.

use std::collections::{BTreeMap, BTreeSet};

use countersign_core::fact::{Judgement, ReviewState, SourceKind, StepKind, Usage};
use countersign_core::money::Money;
use countersign_core::settle::{Settings, Totals};

use crate::script::{CallLine, Counts, Line, PointLine, Says, StepLine, VerdictLine, trace_id};

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
    for (at, call) in &facts.calls {
        let subject = subjects.of_call(call).unwrap_or_default();
        tasks.entry(subject).and_modify(|task| task.active(*at));
    }
    for (at, step) in facts.steps.iter().filter(|(_, step)| makes_task(step)) {
        let subject = subjects.of_work(step.place.0, &step.work).unwrap_or_default();
        tasks.entry(subject).and_modify(|task| task.active(*at));
    }
    for (at, verdict) in &facts.verdicts {
        if let Some(task) = tasks.get_mut(&subjects.of_verdict(verdict)) {
            task.active(*at);
            task.verdicts.push(verdict);
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
        let judged = judged_state(&draft.verdicts, settings.edited_ppm);
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
        let review_ms: u64 = draft.verdicts.iter().filter_map(|v| v.review_ms).sum();
        // The rates of the simulator are whole per millisecond.
        let rate = settings.review_rate_per_hour.pico() / 3_600_000;
        totals.review += Money::from_pico(rate * i128::from(review_ms));
        answers.push(TaskAnswer {
            names: subjects.names(&subject),
            state,
            cost: draft.cost,
            review_ms,
            verdicts: draft.verdicts.len(),
            retries: draft.retries,
        });
    }
    Answer { totals, tasks: answers, deadlines_ms }
}

/// What is known of a task while facts are added up.
#[derive(Debug, Default)]
struct Draft<'a> {
    cost: Money,
    /// When something of it came in.
    active_ms: BTreeSet<u64>,
    verdicts: Vec<&'a VerdictLine>,
    retries: u32,
}

impl Draft<'_> {
    fn active(&mut self, at: u64) {
        self.active_ms.insert(at);
    }

    /// When it expires if it is never judged: after the first silence of this length. What
    /// comes later finds it expired.
    fn deadline_ms(&self, patience_ms: u64) -> u64 {
        let mut deadline = self.active_ms.first().map_or(0, |at| at + patience_ms);
        for at in &self.active_ms {
            if *at < deadline {
                deadline = at + patience_ms;
            }
        }
        deadline
    }
}

/// The facts without their repetitions, each with the time of its first arrival.
#[derive(Default)]
struct Facts<'a> {
    calls: Vec<(u64, &'a CallLine)>,
    steps: Vec<(u64, &'a StepLine)>,
    points: Vec<(u64, &'a PointLine)>,
    verdicts: Vec<(u64, &'a VerdictLine)>,
    /// Parents by trace and span.
    parents: BTreeMap<(u64, u64), u64>,
}

impl<'a> Facts<'a> {
    fn of(script: &'a [Line]) -> Facts<'a> {
        let mut facts = Facts::default();
        let mut seen = BTreeSet::new();
        for line in script {
            let at = line.at_ms;
            match &line.says {
                Says::Call(call) => {
                    let key = format!("call {} {:?}", call.record, (call.place.0, call.place.1));
                    let key = if call.record.is_empty() { key } else { call.record.clone() };
                    if seen.insert(key) {
                        facts.calls.push((at, call));
                    }
                    if call.rank == 0 {
                        facts.parents.insert((call.place.0, call.place.1), call.place.2);
                    }
                }
                Says::Step(step) => {
                    let (trace, span, parent) = step.place;
                    if seen.insert(format!("step {trace} {span}")) {
                        facts.steps.push((at, step));
                    }
                    facts.parents.insert((trace, span), parent);
                }
                Says::Links(trace, links) => {
                    for (span, parent) in links {
                        facts.parents.insert((*trace, *span), *parent);
                    }
                }
                Says::Point(point) => facts.points.push((at, point)),
                Says::Verdict(verdict) => {
                    if seen.insert(format!("verdict {}", verdict.id)) {
                        facts.verdicts.push((at, verdict));
                    }
                }
                Says::Tick => {}
            }
        }
        facts
    }

    /// The lowest rank with usage, by service; without any usage, the lowest with calls.
    fn ranks(&self) -> BTreeMap<&str, u8> {
        let calls = self.calls.iter().filter(|(_, call)| call.usage.is_some());
        let calls = calls.map(|(_, call)| (call.service.as_str(), call.rank));
        let points = self.points.iter().map(|(_, point)| (point.service.as_str(), point.rank));
        let mut ranks = BTreeMap::new();
        for (service, rank) in calls.chain(points) {
            let lowest = ranks.entry(service).or_insert(rank);
            *lowest = rank.min(*lowest);
        }
        let mut without_usage = BTreeMap::new();
        for (_, call) in self.calls.iter().filter(|(_, c)| !ranks.contains_key(c.service.as_str()))
        {
            let lowest = without_usage.entry(call.service.as_str()).or_insert(call.rank);
            *lowest = call.rank.min(*lowest);
        }
        ranks.extend(without_usage);
        ranks
    }

    /// Requests: no sums, no repetitions of another signal, each response once.
    fn calls_that_count(&self) -> Vec<&'a CallLine> {
        let ranks = self.ranks();
        let mut above_usage = BTreeSet::new();
        for (_, call) in self.calls.iter().filter(|(_, c)| c.rank == 0 && c.usage.is_some()) {
            let mut at = (call.place.0, call.place.2);
            while at.1 != 0 && above_usage.insert(at) {
                at.1 = self.parents.get(&at).copied().unwrap_or(0);
            }
        }
        let mut calls: Vec<&CallLine> = self
            .calls
            .iter()
            .map(|(_, call)| *call)
            .filter(|c| ranks.get(c.service.as_str()).is_none_or(|rank| c.rank == *rank))
            .filter(|c| c.rank > 0 || !above_usage.contains(&(c.place.0, c.place.1)))
            .collect();
        // The sort is stable: of equally near reports the first stays.
        calls.sort_by_key(|call| call.distance);
        let mut responses = BTreeSet::new();
        calls.retain(|call| call.response.is_empty() || responses.insert(call.response.as_str()));
        calls
    }

    /// Whether a sum has calls below it, all without usage: they are the calls, it has the tokens.
    fn tells_only_usage(&self, call: &CallLine) -> bool {
        let below = |other: &CallLine| {
            let mut at = (other.place.0, other.place.2);
            while at.1 != 0 && at != (call.place.0, call.place.1) {
                at.1 = self.parents.get(&at).copied().unwrap_or(0);
            }
            at.1 != 0
        };
        call.sum && self.calls.iter().any(|(_, other)| other.rank == 0 && below(other))
    }

    /// What each series of the counting signal adds up to, by start.
    fn increments(&self) -> Vec<(u64, &'a PointLine, u64)> {
        let ranks = self.ranks();
        let mut sums: BTreeMap<(&str, u64), (u64, &PointLine)> = BTreeMap::new();
        let mut increments = Vec::new();
        let mut seen = BTreeSet::new();
        for (at, point) in &self.points {
            if ranks.get(point.service.as_str()) != Some(&point.rank) {
                continue;
            }
            if !point.cumulative {
                if seen.insert((point.series.as_str(), point.time_ms)) {
                    increments.push((*at, *point, point.value));
                }
                continue;
            }
            let entry =
                sums.entry((point.series.as_str(), point.time_ms.0)).or_insert((*at, point));
            if point.value > entry.1.value {
                *entry = (*at, point);
            }
        }
        increments.extend(sums.values().map(|(at, point)| (*at, *point, point.value)));
        increments
    }
}

/// Which names mean the same task.
struct Subjects {
    parents: BTreeMap<String, String>,
}

impl Subjects {
    fn of(facts: &Facts<'_>, counted: &[&CallLine]) -> Subjects {
        let mut subjects = Subjects { parents: BTreeMap::new() };
        let calls = facts.calls.iter().map(|(_, call)| (call.place.0, &call.work));
        let steps = facts.steps.iter().map(|(_, step)| (step.place.0, &step.work));
        let points = facts.points.iter().map(|(_, point)| (0, &point.work));
        // A trace without work says nothing, unless work links to it.
        let working = counted.iter().map(|call| call.place.0);
        let makers = facts.steps.iter().filter(|(_, step)| makes_task(step));
        let mut working: BTreeSet<u64> =
            working.chain(makers.map(|(_, step)| step.place.0)).chain([0]).collect();
        let works: Vec<_> = calls.chain(steps).chain(points).collect();
        loop {
            let linked = works.iter().filter(|(trace, _)| working.contains(trace));
            let linked: Vec<u64> = linked.map(|(_, work)| work.linked).collect();
            let before = working.len();
            working.extend(linked);
            if working.len() == before {
                break;
            }
        }
        let works: Vec<_> =
            works.into_iter().filter(|(trace, _)| working.contains(trace)).collect();
        let mut explicit: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
        for (trace, work) in works.iter().filter(|(trace, _)| *trace != 0) {
            let tasks = explicit.entry(*trace).or_default();
            if !work.task.is_empty() {
                tasks.insert(&work.task);
            }
        }
        for (trace, tasks) in &explicit {
            let own = trace_id(*trace).to_string();
            let in_trace = works.iter().filter(|(t, _)| t == trace);
            let linked = in_trace.clone().map(|(_, work)| work.linked).find(|linked| *linked != 0);
            let mut conversations = in_trace.map(|(_, work)| work.conversation.as_str());
            match (tasks.len(), linked) {
                (1, _) => tasks.iter().for_each(|task| subjects.join(&own, task)),
                (0, Some(linked)) => subjects.join(&own, &trace_id(linked).to_string()),
                (0, None) => {
                    if let Some(conversation) = conversations.find(|c| !c.is_empty()) {
                        subjects.join(&own, conversation);
                    }
                }
                _ => {}
            }
        }
        for (_, call) in facts.calls.iter().filter(|(_, call)| !call.response.is_empty()) {
            // Who reports the same response does the same work.
            if let Some(subject) = subjects.of_call(call) {
                subjects.join(&call.response, &subject);
            }
        }
        for (trace, work) in works {
            let Some(subject) = subjects.of_work(trace, work) else { continue };
            for alias in [&work.url, &work.conversation] {
                if !alias.is_empty() {
                    subjects.join(alias, &subject);
                }
            }
        }
        subjects
    }

    fn of_call(&self, call: &CallLine) -> Option<String> {
        self.of_work(call.place.0, &call.work)
    }

    /// The task of a span: its own, the linked trace's, its trace's, its conversation's.
    fn of_work(&self, trace: u64, work: &crate::script::Work) -> Option<String> {
        let name = if !work.task.is_empty() {
            work.task.clone()
        } else if work.linked != 0 {
            trace_id(work.linked).to_string()
        } else if trace != 0 {
            trace_id(trace).to_string()
        } else if !work.conversation.is_empty() {
            work.conversation.clone()
        } else if !work.url.is_empty() {
            work.url.clone()
        } else {
            return None;
        };
        Some(self.root(&name))
    }

    fn of_verdict(&self, verdict: &VerdictLine) -> String {
        if verdict.task.is_empty() {
            self.root(&trace_id(verdict.trace).to_string())
        } else {
            self.root(&verdict.task)
        }
    }

    fn root(&self, name: &str) -> String {
        let mut at = name;
        while let Some(parent) = self.parents.get(at) {
            at = parent;
        }
        at.to_owned()
    }

    fn join(&mut self, one: &str, other: &str) {
        let (one, other) = (self.root(one), self.root(other));
        if one != other {
            self.parents.insert(one, other);
        }
    }

    fn names(&self, subject: &str) -> BTreeSet<String> {
        let same = self.parents.keys().filter(|name| self.root(name) == subject);
        same.cloned().chain([subject.to_owned()]).collect()
    }
}

/// Whether a step alone is work that somebody can judge: it names the task, is the task's own
/// span, repeats something or cost something. Any other agent or tool span needs a call beside it.
fn makes_task(step: &StepLine) -> bool {
    step.kind == StepKind::Task
        || !step.work.task.is_empty()
        || step.cost.is_some()
        || step.retries > 0
}

/// The state that verdicts give a task; `None` if none of them is in force.
fn judged_state(verdicts: &[&VerdictLine], edited_ppm: u32) -> Option<ReviewState> {
    // A defect says that it came back, not that nobody took it; the weaker do not overrule.
    let takes_back = |v: &VerdictLine, other: &VerdictLine| {
        v.judgement != Judgement::Defect && v.supersedes == other.id && v.source >= other.source
    };
    let holds = |other: &&&VerdictLine| !verdicts.iter().any(|v| takes_back(v, other));
    let standing: Vec<&VerdictLine> = verdicts.iter().filter(holds).copied().collect();
    let (defects, others): (Vec<&VerdictLine>, Vec<&VerdictLine>) =
        standing.into_iter().partition(|v| v.judgement == Judgement::Defect);
    let in_force = others
        .iter()
        .max_by_key(|v| (v.source, v.effective_ms, countersign_core::key::Key::of(&v.id)))?;
    let state = state_of(in_force, edited_ppm);
    if !state.is_served() {
        return Some(state);
    }
    let enough = SourceKind::System.min(in_force.source);
    let came_back = defects.iter().filter(|defect| defect.source >= enough).any(|defect| {
        !others.iter().any(|other| {
            state_of(other, edited_ppm).is_served()
                && other.source >= defect.source
                && other.effective_ms > defect.effective_ms
        })
    });
    Some(if came_back { ReviewState::Defect } else { state })
}

fn state_of(verdict: &VerdictLine, edited_ppm: u32) -> ReviewState {
    match (verdict.judgement, verdict.edit_ppm) {
        (Judgement::Accepted, Some(ppm)) if ppm >= edited_ppm => ReviewState::Edited,
        (Judgement::Edited, Some(ppm)) if ppm < edited_ppm => ReviewState::Accepted,
        (judgement, _) => judgement.into(),
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
