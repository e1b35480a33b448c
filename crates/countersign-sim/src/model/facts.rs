//! Which facts count: no repetitions, no sums, one signal of each service.

use std::collections::{BTreeMap, BTreeSet};

use countersign_core::fact::StepKind;

use crate::script::{CallLine, Line, PointLine, Says, StepLine, VerdictLine};

/// The facts without their repetitions, each with the time of its first arrival.
#[derive(Default)]
pub(super) struct Facts<'a> {
    pub(super) calls: Vec<(u64, &'a CallLine)>,
    pub(super) steps: Vec<(u64, &'a StepLine)>,
    pub(super) points: Vec<(u64, &'a PointLine)>,
    pub(super) verdicts: Vec<(u64, &'a VerdictLine)>,
    /// Parents by trace and span.
    parents: BTreeMap<(u64, u64), u64>,
}

impl<'a> Facts<'a> {
    pub(super) fn of(script: &'a [Line]) -> Facts<'a> {
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

    /// Spans that have usage below them: they only sum it up.
    fn above_usage(&self) -> BTreeSet<(u64, u64)> {
        let mut above = BTreeSet::new();
        for (_, call) in self.calls.iter().filter(|(_, c)| c.rank == 0 && c.usage.is_some()) {
            let mut at = (call.place.0, call.place.2);
            while at.1 != 0 && above.insert(at) {
                at.1 = self.parents.get(&at).copied().unwrap_or(0);
            }
        }
        above
    }

    /// Calls whose arrival is activity of their task: all but sums, unless these name it.
    pub(super) fn active_calls(&self) -> impl Iterator<Item = &(u64, &'a CallLine)> {
        let above = self.above_usage();
        self.calls.iter().filter(move |(_, call)| {
            !call.work.task.is_empty() || !above.contains(&(call.place.0, call.place.1))
        })
    }

    /// Requests: no sums, no repetitions of another signal, each response once.
    pub(super) fn calls_that_count(&self) -> Vec<&'a CallLine> {
        let ranks = self.ranks();
        let above_usage = self.above_usage();
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
    pub(super) fn tells_only_usage(&self, call: &CallLine) -> bool {
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
    pub(super) fn increments(&self) -> Vec<(u64, &'a PointLine, u64)> {
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

/// Whether a step alone is work that somebody can judge: it names the task, is the task's own
/// span, repeats something or cost something. Any other agent or tool span needs a call beside it.
pub(super) fn makes_task(step: &StepLine) -> bool {
    step.kind == StepKind::Task
        || !step.work.task.is_empty()
        || step.cost.is_some()
        || step.retries > 0
}
