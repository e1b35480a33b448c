//! Closing: a trace's calls are decided, its tasks found, its cost booked.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::delta::Delta;
use crate::diagnostic::Diagnostic;
use crate::fact::UnixNanos;
use crate::key::{Key, Map, SpanId, TraceId};
use crate::names::Name;
use crate::planted::{self, Bug};
use crate::settle::TaskIndex;
use crate::settle::aliases::trace_key;
use crate::settle::assembly::{Assembled, Decision, ancestors, assemble};
use crate::settle::books::Books;
use crate::settle::subject::Subject;
use crate::settle::trace::{HeldCall, HeldStep, OpenTrace};

impl Books {
    /// A deadline of the queue has come: the trace closes, unless spans came since.
    pub(super) fn closing_due(&mut self, at: UnixNanos, id: TraceId, deltas: &mut Vec<Delta>) {
        let Some(trace) = self.open.get_mut(&id).map(Arc::make_mut) else { return };
        let deadline = trace.deadline();
        if deadline > at {
            trace.scheduled = deadline;
            self.closings.insert((deadline, id));
            return;
        }
        self.close(at, id, deltas);
    }

    pub(super) fn close(&mut self, at: UnixNanos, id: TraceId, deltas: &mut Vec<Delta>) {
        let Some(mut trace) = self.open.remove(&id).map(Arc::unwrap_or_clone) else { return };
        if self.closed.forget(at) {
            Self::notice(Diagnostic::MemoryFull, deltas);
        }
        let mut prior = self.closed.remove(id);
        if let (Some(said), Some(rest)) =
            (prior.as_mut().and_then(|prior| prior.subject.take()), trace.subjects.first_mut())
        {
            rest.join(&said, &self.names);
        }
        let prior = prior.filter(|_| !planted::on(Bug::ClosedTraceForgotten));
        let Assembled { decisions, mut closed, parents } = assemble(&trace, prior);
        let calls = core::mem::take(&mut trace.calls);
        let steps = core::mem::take(&mut trace.steps);
        let mut subjects = Subjects::of(trace, &steps, &parents, self);

        for (call, decision) in calls.iter().zip(decisions) {
            let subject = subjects.of_span(call.place.span, call.subject);
            let decision = self.check(call, decision, id);
            if decision == Decision::Drop(Some(Diagnostic::SameCall)) && !call.response.is_none() {
                // The trace that reports the same response belongs to the same task.
                self.subject_task(at, &mut subjects, subject, id, call.response, deltas);
            }
            match decision {
                Decision::Book(count) => {
                    let task =
                        self.subject_task(at, &mut subjects, subject, id, call.response, deltas);
                    let workflow = subjects.workflow(subject);
                    self.book_call(at, task, workflow, call, count, deltas);
                    self.response_booked(call.response);
                }
                Decision::Drop(Some(what)) => Self::notice(what, deltas),
                Decision::Drop(None) => {}
            }
            if self.responses.get(&call.response).is_some_and(|best| best.is_of(id)) {
                self.responses.remove(&call.response);
            }
        }
        for step in &steps {
            let subject = subjects.of_span(step.place.span, step.subject);
            self.step_closes(at, &mut subjects, subject, id, step, deltas);
        }
        for subject in 0..subjects.len() {
            if subjects.is_declared(subject) {
                self.subject_task(at, &mut subjects, subject, id, Key::NONE, deltas);
            }
        }
        closed.subject = self.unclaimed(at, &mut subjects, id, deltas);
        self.closed.insert(at, id, closed);
    }

    /// What a trace without work says of the task is kept for work that comes late, or is a
    /// log record; if that came before, the task takes it now.
    fn unclaimed(
        &mut self,
        at: UnixNanos,
        subjects: &mut Subjects,
        trace: TraceId,
        deltas: &mut Vec<Delta>,
    ) -> Option<Box<Subject>> {
        let alone = subjects.len() == 1;
        let (subject, known) = subjects.entry(0)?;
        if known.is_some() || !subject.says_whose() || !alone {
            return None;
        }
        let subject = Box::new(subject.clone());
        if self.leads_to(trace_key(trace)).is_none() {
            return Some(subject);
        }
        if let Some(task) = self.claim(at, &subject, trace, Key::NONE, deltas) {
            self.describe(task, &subject, deltas);
        }
        None
    }

    /// What the books know beyond the trace may speak against a call.
    fn check(&mut self, call: &HeldCall, decision: Decision, trace: TraceId) -> Decision {
        if !matches!(decision, Decision::Book(_)) {
            return decision;
        }
        let unknown = call.usage.is_none() && call.error == Name::EMPTY;
        if unknown && self.is_better_reported(call.service, call.rank) {
            return Decision::Drop(Some(Diagnostic::RepeatedSignal));
        }
        if !self.take_response(call.response, trace) {
            return Decision::Drop(Some(Diagnostic::SameCall));
        }
        decision
    }

    fn step_closes(
        &mut self,
        at: UnixNanos,
        subjects: &mut Subjects,
        subject: usize,
        trace: TraceId,
        step: &HeldStep,
        deltas: &mut Vec<Delta>,
    ) {
        let has_effect = step.cost.is_some() || step.retries != Default::default();
        if !has_effect && !subjects.is_declared(subject) {
            return;
        }
        let Some(task) = self.subject_task(at, subjects, subject, trace, Key::NONE, deltas) else {
            return;
        };
        self.book_step(at, task, step, deltas);
    }

    fn subject_task(
        &mut self,
        at: UnixNanos,
        subjects: &mut Subjects,
        subject: usize,
        trace: TraceId,
        response: Key,
        deltas: &mut Vec<Delta>,
    ) -> Option<TaskIndex> {
        let (subject, known) = subjects.entry(subject)?;
        if let (Some(task), true) = (*known, response.is_none()) {
            return Some(self.whole(task));
        }
        let task = self.task_of(at, subject, trace, response, deltas)?;
        *known = Some(task);
        Some(task)
    }
}

/// The subjects of a closing trace, each with its task once that is known.
struct Subjects {
    subjects: Vec<(Subject, Option<TaskIndex>)>,
    /// The subject that a span without a task id belongs to.
    unnamed: usize,
    /// Subjects of spans that name one, and the parents to find the nearest of them.
    of_spans: Map<SpanId, u16>,
    parents: Map<SpanId, SpanId>,
}

impl Subjects {
    fn of(
        trace: OpenTrace,
        steps: &[HeldStep],
        parents: &Map<SpanId, SpanId>,
        books: &Books,
    ) -> Subjects {
        let mut subjects = trace.subjects;
        let mut unnamed = 0;
        if let [rest, only] = subjects.as_mut_slice() {
            // One task in the trace: what names none belongs to it.
            only.join(rest, &books.names);
            unnamed = 1;
        }
        let several = subjects.len() > 2;
        let named = steps.iter().filter(|step| several && step.subject > 0);
        let of_spans = named.map(|step| (step.place.span, step.subject)).collect();
        let parents = if several { parents.clone() } else { Map::default() };
        let subjects = subjects.into_iter().map(|subject| (subject, None)).collect();
        Subjects { subjects, unnamed, of_spans, parents }
    }

    fn len(&self) -> usize {
        self.subjects.len()
    }

    /// The subject of a span: its own, the nearest above it, or the unnamed one.
    fn of_span(&self, span: SpanId, own: u16) -> usize {
        if own > 0 {
            return usize::from(own);
        }
        let above = ancestors(span, &self.parents).find_map(|above| self.of_spans.get(&above));
        above.map_or(self.unnamed, |subject| usize::from(*subject))
    }

    fn is_declared(&self, subject: usize) -> bool {
        self.subjects.get(subject).is_some_and(|(subject, _)| subject.declared)
    }

    fn workflow(&self, subject: usize) -> Name {
        self.subjects.get(subject).map_or(Name::EMPTY, |(subject, _)| subject.labels.workflow)
    }

    fn entry(&mut self, subject: usize) -> Option<(&Subject, &mut Option<TaskIndex>)> {
        self.subjects.get_mut(subject).map(|(subject, task)| (&*subject, task))
    }
}
