//! To which task work belongs: names that mean the same are joined, whatever the order.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Facts, makes_task};
use crate::script::{CallLine, VerdictLine, Work, trace_id};

/// Which names mean the same task.
pub(super) struct Subjects {
    parents: BTreeMap<String, String>,
}

impl Subjects {
    pub(super) fn of(facts: &Facts<'_>, counted: &[&CallLine]) -> Subjects {
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

    pub(super) fn of_call(&self, call: &CallLine) -> Option<String> {
        self.of_work(call.place.0, &call.work)
    }

    /// The task of a span: its own, the linked trace's, its trace's, its conversation's.
    pub(super) fn of_work(&self, trace: u64, work: &Work) -> Option<String> {
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

    pub(super) fn of_verdict(&self, verdict: &VerdictLine) -> String {
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

    pub(super) fn names(&self, subject: &str) -> BTreeSet<String> {
        let same = self.parents.keys().filter(|name| self.root(name) == subject);
        same.cloned().chain([subject.to_owned()]).collect()
    }
}
