//! Arrival: spans go into their open trace, log records with usage are held.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::delta::Delta;
use crate::diagnostic::Diagnostic;
use crate::fact::{Call, Evaluation, Link, Links, Place, Rank, Step, StepKind, UnixNanos, Usage};
use crate::key::{Key, TraceId};
use crate::limits;
use crate::planted::{self, Bug};
use crate::settle::Books;
use crate::settle::books::MS;
use crate::settle::signals::Held;
use crate::settle::subject::Subject;
use crate::settle::trace::{HeldCall, HeldStep, OpenTrace};

impl Books {
    /// Whether a record is new. A known one is counted as a duplicate.
    pub(super) fn is_new(&mut self, record: Key, deltas: &mut Vec<Delta>) -> bool {
        if record.is_none() {
            return true;
        }
        let mut forgot = false;
        let new = self.remembered.insert(self.at, record, limits::REMEMBERED_MAX, &mut forgot);
        if forgot {
            Self::notice(Diagnostic::MemoryFull, deltas);
        }
        if !new {
            Self::notice(Diagnostic::Duplicate, deltas);
        }
        new
    }

    pub(super) fn links_arrive(&mut self, now: UnixNanos, links: &Links, deltas: &mut Vec<Delta>) {
        if links.trace.is_none() {
            return;
        }
        self.with_open(now, links.trace, deltas, |trace, _| {
            trace.root_ended |= links.links.iter().any(|link| link.parent.is_none());
            trace.links.extend_from_slice(&links.links);
        });
    }

    pub(super) fn call_arrives(
        &mut self,
        now: UnixNanos,
        call: &Call<'_>,
        deltas: &mut Vec<Delta>,
    ) {
        if !self.is_new(call.record, deltas) {
            return self.call_repeated(call, deltas);
        }
        self.service_reports(call.service, call.rank, call.usage.is_some(), deltas);
        let held = self.hold_call(call);
        let in_trace = call.rank == Rank::SPAN && !call.place.trace.is_none();
        if !in_trace {
            let mut subject = Subject::named(call.identity.task);
            subject.add(&call.identity, &mut self.names);
            let due = now + limits::SIGNAL_HOLD_MS * MS;
            self.held.push_back((due, self.position, Held::Call(held.into(), subject.into())));
            return;
        }
        self.response_seen(call);
        self.with_open(now, call.place.trace, deltas, |trace, names| {
            trace.root_ended |= call.place.parent.is_none();
            let (index, subject) = trace.subject(call.identity.task);
            subject.add(&call.identity, names);
            trace.calls.push(HeldCall { subject: index, ..held });
        });
    }

    pub(super) fn hold_call(&mut self, call: &Call<'_>) -> HeldCall {
        let start = if call.start == 0 { call.end } else { call.start };
        let mut usage = call.usage;
        if planted::on(Bug::CachedCountedTwice) {
            usage = usage.map(|usage| Usage { input: usage.input + usage.cache_read, ..usage });
        }
        HeldCall {
            rank: call.rank,
            role: call.role,
            place: call.place,
            service: call.service,
            response: call.response,
            distance: call.distance,
            start,
            end: call.end.max(start),
            model: self.names.intern(call.model),
            provider: self.names.intern(call.provider),
            operation: self.names.intern(call.operation),
            error: self.names.intern(call.error),
            usage,
            cost: call.cost,
            listed: call.listed,
            first_token: call.first_token,
            retries: call.retries,
            round: call.identity.round,
            subject: 0,
        }
    }

    pub(super) fn step_arrives(
        &mut self,
        now: UnixNanos,
        step: &Step<'_>,
        deltas: &mut Vec<Delta>,
    ) {
        let Place { trace, span, parent } = step.place;
        if trace.is_none() {
            return;
        }
        let repeated = step.retries.step > 0 || step.retries.transport > 0;
        let has_effect = repeated || step.cost.is_some();
        let kept = has_effect || !step.identity.task.is_empty() || step.kind == StepKind::Task;
        if kept && !self.is_new(Key::of_span(trace, span), deltas) {
            return;
        }
        let name = self.names.intern(step.name);
        self.with_open(now, trace, deltas, |open, names| {
            open.root_ended |= parent.is_none();
            let (index, subject) = open.subject(step.identity.task);
            subject.add(&step.identity, names);
            subject.declared |= step.kind == StepKind::Task;
            if !kept {
                open.links.push(Link { span, parent });
                return;
            }
            let start = if step.start == 0 { step.end } else { step.start };
            open.steps.push(HeldStep {
                place: step.place,
                start,
                end: step.end.max(start),
                name,
                retries: step.retries,
                cost: step.cost,
                round: step.identity.round,
                subject: index,
            });
        });
    }

    pub(super) fn evaluation_arrives(
        &mut self,
        evaluation: &Evaluation<'_>,
        deltas: &mut Vec<Delta>,
    ) {
        if !self.is_new(evaluation.record, deltas) {
            return;
        }
        deltas.push(Delta::Evaluated {
            workflow: self.names.intern(evaluation.identity.workflow),
            name: self.names.intern(evaluation.name),
            label: self.names.intern(evaluation.label),
        });
    }

    /// Lets something be added to an open trace, opening it if need be.
    fn with_open(
        &mut self,
        now: UnixNanos,
        id: TraceId,
        deltas: &mut Vec<Delta>,
        add: impl FnOnce(&mut OpenTrace, &mut crate::names::Names),
    ) {
        if self.open.len() >= limits::OPEN_TRACES_MAX && !self.open.contains_key(&id) {
            Self::notice(Diagnostic::OpenTracesFull, deltas);
            if let Some((at, first)) = self.closings.pop_first() {
                self.close(at.min(now), first, deltas);
            }
        }
        let (position, closed) = (self.position, &self.closed);
        let trace = self.open.entry(id).or_insert_with(|| {
            let reopened = closed.contains(id);
            if reopened {
                Self::notice(Diagnostic::LateSpan, deltas);
            }
            Arc::new(OpenTrace::new(position, now, reopened))
        });
        let trace = Arc::make_mut(trace);
        trace.last = now;
        add(trace, &mut self.names);
        let deadline = trace.deadline();
        if deadline < trace.scheduled {
            self.closings.remove(&(trace.scheduled, id));
            trace.scheduled = deadline;
            self.closings.insert((deadline, id));
        }
        if trace.spans() >= limits::OPEN_TRACE_SPANS_MAX {
            Self::notice(Diagnostic::OpenTraceSpansFull, deltas);
            self.closings.remove(&(trace.scheduled, id));
            self.close(now, id, deltas);
        }
    }
}
