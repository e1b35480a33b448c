//! Booking: a call's tokens and cost on its task, or on nobody's if there is none.

use alloc::vec::Vec;

use crate::delta::{CallBooked, Delta};
use crate::diagnostic::Diagnostic;
use crate::fact::UnixNanos;
use crate::fact::{Component, Cost, Rank, Retries, ReviewState, Usage};
use crate::limits;
use crate::money::Money;
use crate::names::Name;
use crate::planted::{self, Bug};
use crate::settle::books::Books;
use crate::settle::identify::earliest;
use crate::settle::task::Task;
use crate::settle::trace::{HeldCall, HeldStep};
use crate::settle::{Line, Stage, Standing, TaskIndex};

/// Who caused a cost.
#[derive(Clone, Copy)]
struct Cause {
    model: Name,
    provider: Name,
    component: Component,
}

impl Books {
    /// Books a call, `count` times (a metric counts several, a sum none).
    pub(super) fn book_call(
        &mut self,
        at: UnixNanos,
        task: Option<TaskIndex>,
        workflow: Name,
        call: &HeldCall,
        count: u64,
        deltas: &mut Vec<Delta>,
    ) {
        let workflow = match task {
            Some(index) => self.task_at(index).labels.workflow,
            None => workflow,
        };
        let measured = call.rank < Rank::METRIC;
        let place = call.place;
        deltas.push(Delta::Call(CallBooked {
            workflow,
            model: call.model,
            provider: call.provider,
            operation: call.operation,
            error: call.error,
            usage: call.usage,
            duration: measured.then_some(call.end - call.start),
            first_token: call.first_token,
            retries: call.retries,
            count,
            trace: place.trace,
            span: place.span,
        }));
        let failed = call.error != Name::EMPTY;
        let totals = &mut self.totals;
        if failed {
            totals.calls_failed = totals.calls_failed.saturating_add(count)
        } else {
            totals.calls_ok = totals.calls_ok.saturating_add(count)
        }
        match call.usage {
            Some(usage) => totals.usage += usage,
            None => {
                totals.unknown_usage_calls = totals.unknown_usage_calls.saturating_add(count);
                Self::notice(Diagnostic::UsageUnknown, deltas);
            }
        }
        if call.cost == Cost::Unpriced {
            self.totals.unpriced_calls += 1;
            deltas.push(Delta::Unpriced { model: call.model });
        }
        self.note_reported(call, count);
        let amount = if let Cost::Priced(amount, _) = call.cost { amount } else { Money::ZERO };
        let cause =
            Cause { model: call.model, provider: call.provider, component: Component::Model };
        if let Some(index) = task {
            self.leave_cohort(index);
            let task = self.task_at(index);
            task.worked(at, call.start, call.end, call.retries);
            let round = task.rounds_of(call.round);
            let tokens = call.usage.unwrap_or_default();
            let times = u32::try_from(count).unwrap_or(u32::MAX);
            task.add_line(Line {
                model: cause.model,
                provider: cause.provider,
                component: cause.component,
                stage: stage(round, call.retries),
                calls_ok: if failed { 0 } else { times },
                calls_failed: if failed { times } else { 0 },
                calls_unpriced: u32::from(call.cost == Cost::Unpriced),
                usage: tokens,
                cost: amount,
            });
        }
        self.incur(task, workflow, cause, amount, deltas);
        if let Some(index) = task {
            self.join_cohort(index);
        }
    }

    /// Books a step's repetitions and its own cost, if it says one.
    pub(super) fn book_step(
        &mut self,
        at: UnixNanos,
        index: TaskIndex,
        step: &HeldStep,
        deltas: &mut Vec<Delta>,
    ) {
        self.leave_cohort(index);
        let task = self.task_at(index);
        task.worked(at, step.start, step.end, step.retries);
        let round = task.rounds_of(step.round);
        let workflow = task.labels.workflow;
        if step.retries != Retries::default() {
            let retries = step.retries;
            deltas.push(Delta::Retried { workflow, retries });
        }
        let Some(amount) = step.cost else { return self.join_cohort(index) };
        let cause = Cause { model: step.name, provider: Name::EMPTY, component: Component::Tool };
        self.task_at(index).add_line(Line {
            model: cause.model,
            provider: cause.provider,
            component: cause.component,
            stage: stage(round, step.retries),
            calls_ok: 0,
            calls_failed: 0,
            calls_unpriced: 0,
            usage: Usage::default(),
            cost: amount,
        });
        self.incur(Some(index), workflow, cause, amount, deltas);
        self.join_cohort(index);
    }

    /// Cost comes into being: pending with its task, settled if that is judged, or nobody's.
    fn incur(
        &mut self,
        task: Option<TaskIndex>,
        workflow: Name,
        cause: Cause,
        amount: Money,
        deltas: &mut Vec<Delta>,
    ) {
        if amount.is_zero() {
            return;
        }
        let judged = |books: &mut Books, index| books.task_at(index).state != ReviewState::Pending;
        if planted::on(Bug::LateCostLost) && task.is_some_and(|index| judged(self, index)) {
            return;
        }
        let Cause { model, provider, component } = cause;
        deltas.push(Delta::Incurred { workflow, model, provider, component, amount });
        self.totals.incurred += amount;
        let Some(index) = task else {
            self.totals.unattributed += amount;
            deltas.push(Delta::Unattributed { workflow, cost: amount });
            return;
        };
        let task = self.task_at(index);
        task.cost += amount;
        let (state, route) = (task.state, task.labels.route);
        if let Standing::Provisional { basis, .. } = task.standing {
            deltas.push(Delta::Provisional { workflow, basis, tasks: 0, cost: amount });
        }
        if state == ReviewState::Pending {
            self.totals.pending += amount;
            deltas.push(Delta::Pending { workflow, tasks: 0, cost: amount });
        } else {
            self.totals.settled += amount;
            deltas.push(Delta::Settled { workflow, route, model, state, component, amount });
        }
    }
}

fn stage(round: u32, retries: Retries) -> Stage {
    if round > 1 {
        Stage::Rework
    } else if retries.regeneration > 0 || retries.step > 0 {
        Stage::Retry
    } else {
        Stage::First
    }
}

impl Task {
    /// Notes that work was done for the task between these times.
    fn worked(&mut self, at: UnixNanos, start: UnixNanos, end: UnixNanos, retries: Retries) {
        self.active = self.active.max(at);
        self.started = earliest(self.started, start);
        self.ended = self.ended.max(end);
        self.retries += retries;
    }

    /// The round that a span works in: its own, or 1.
    fn rounds_of(&mut self, round: u32) -> u32 {
        self.rounds = self.rounds.max(round);
        round.max(1)
    }

    /// Adds to the line of the same model, component and stage.
    pub(super) fn add_line(&mut self, line: Line) {
        let key = |line: &Line| (line.model, line.provider, line.component, line.stage);
        let full = self.lines.len() >= limits::TASK_LINES_MAX;
        let found = self
            .lines
            .iter_mut()
            .find(|kept| key(kept) == key(&line) || full && kept.model == Name::OVERFLOW);
        let Some(kept) = found else {
            let model = if full { Name::OVERFLOW } else { line.model };
            self.lines.push(Line { model, ..line });
            return;
        };
        kept.calls_ok = kept.calls_ok.saturating_add(line.calls_ok);
        kept.calls_failed = kept.calls_failed.saturating_add(line.calls_failed);
        kept.calls_unpriced = kept.calls_unpriced.saturating_add(line.calls_unpriced);
        kept.usage += line.usage;
        kept.cost += line.cost;
    }
}
