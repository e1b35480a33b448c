//! Judgement: verdicts find their task and move it, and its cost, from state to state.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::delta::{Delta, OutcomeReached, VerdictBooked};
use crate::diagnostic::Diagnostic;
use crate::fact::{Component, Judgement, ReviewState, UnixNanos, Verdict};
use crate::key::Key;
use crate::limits;
use crate::planted::{self, Bug};
use crate::settle::aliases::{text_key, trace_key};
use crate::settle::books::{Books, MS};
use crate::settle::retain::Fate;
use crate::settle::subject::Labels;
use crate::settle::{KeptVerdict, Standing, TaskIndex, verdicts};

/// Keeps verdict ids apart from other remembered keys.
const VERDICT_SALT: u128 = 0x7665_7264_6963_7400_0000_0000_0000_0001;

impl Books {
    pub(super) fn verdict_arrives(
        &mut self,
        now: UnixNanos,
        verdict: &Verdict<'_>,
        deltas: &mut Vec<Delta>,
    ) {
        let key =
            if verdict.task.is_empty() { trace_key(verdict.trace) } else { text_key(verdict.task) };
        if !self.is_new(Key(verdict.id.0 ^ VERDICT_SALT), deltas) {
            return;
        }
        let kept = Box::new(self.kept(now, verdict));
        match self.alias(&key) {
            None if self.aliases.get(&key).is_some() => Self::notice(Diagnostic::TooLate, deltas),
            Some(alias) if !alias.ambiguous => self.adopted.push((alias.task, kept)),
            found => {
                let why = match found {
                    Some(_) => Diagnostic::AmbiguousAlias,
                    None => Diagnostic::VerdictWaits,
                };
                Self::notice(why, deltas);
                if planted::on(Bug::EarlyVerdictLost) {
                    return;
                }
                self.wait(key, kept, deltas);
            }
        }
    }

    fn kept(&mut self, now: UnixNanos, verdict: &Verdict<'_>) -> KeptVerdict {
        let edited = verdict.edit_ppm.map(|ppm| ppm >= self.settings.edited_ppm);
        let edited = edited.filter(|_| !planted::on(Bug::EditThresholdIgnored));
        let judgement = match (verdict.judgement, edited) {
            (Judgement::Accepted, Some(true)) => Judgement::Edited,
            (Judgement::Edited, Some(false)) => Judgement::Accepted,
            (judgement, _) => judgement,
        };
        KeptVerdict {
            id: verdict.id,
            judgement,
            source: verdict.source,
            basis: verdict.basis,
            system: self.names.intern(verdict.system),
            reason: self.names.intern(verdict.reason),
            policy_version: self.names.intern(verdict.policy_version),
            effective: verdict.effective,
            observed: now,
            round: verdict.round,
            edit_ppm: verdict.edit_ppm,
            review_ms: verdict.review_ms,
            supersedes: verdict.supersedes,
            superseded: false,
        }
    }

    /// Books the verdicts whose task is there now.
    pub(super) fn book_adopted(&mut self, at: UnixNanos, deltas: &mut Vec<Delta>) {
        self.tie_adopted(at, deltas);
        while let Some((task, verdict)) = self.adopted.pop() {
            let task = self.whole(task);
            self.book_verdict(at, task, *verdict, deltas);
        }
    }

    fn book_verdict(
        &mut self,
        at: UnixNanos,
        index: TaskIndex,
        verdict: KeptVerdict,
        deltas: &mut Vec<Delta>,
    ) {
        self.leave_cohort(index);
        let task = self.task_at(index);
        task.active = task.active.max(at);
        task.started = if task.started == 0 { verdict.effective } else { task.started };
        let (labels, trace) = (task.labels, task.traces.first().copied().unwrap_or_default());
        deltas.push(Delta::Verdict(VerdictBooked {
            id: verdict.id,
            task: index,
            workflow: labels.workflow,
            route: labels.route,
            judgement: verdict.judgement,
            effective: verdict.effective,
            source: verdict.source,
            system: verdict.system,
            basis: verdict.basis,
            round: verdict.round,
            reason: verdict.reason,
            edit_ppm: verdict.edit_ppm,
            review_ms: verdict.review_ms,
            trace,
        }));
        let review_ms = verdict.review_ms.unwrap_or(0);
        self.keep_verdict(index, verdict, deltas);
        self.rejudge(at, index, deltas);
        self.book_review(index, review_ms, deltas);
        self.join_cohort(index);
    }

    /// Keeps a verdict with a task. Each pair of verdicts that contradict each other counts once,
    /// whichever comes first.
    pub(super) fn keep_verdict(
        &mut self,
        index: TaskIndex,
        verdict: KeptVerdict,
        deltas: &mut Vec<Delta>,
    ) {
        let task = self.task_at(index);
        let full = task.verdicts.len() >= limits::TASK_VERDICTS_MAX;
        let against = task.verdicts.iter().filter(|kept| kept.contradicts(&verdict)).count();
        task.keep_verdict(verdict);
        if against > 0 {
            let count = against as u64;
            deltas.push(Delta::Noticed { what: Diagnostic::VerdictConflict, count });
        }
        if full {
            Self::notice(Diagnostic::OverBudget, deltas);
        }
    }

    fn book_review(&mut self, index: TaskIndex, review_ms: u64, deltas: &mut Vec<Delta>) {
        let labels = self.task_at(index).labels;
        let amount = self.settings.review_cost(self.names.text(labels.workflow), review_ms);
        if amount.is_zero() {
            return;
        }
        let task = self.task_at(index);
        task.review += amount;
        let state = task.state;
        self.totals.review += amount;
        deltas.push(Delta::Settled {
            workflow: labels.workflow,
            route: labels.route,
            model: crate::names::Name::EMPTY,
            state,
            component: Component::Review,
            amount,
        });
    }

    /// Puts a task into the state that its verdicts say.
    pub(super) fn rejudge(&mut self, at: UnixNanos, index: TaskIndex, deltas: &mut Vec<Delta>) {
        let task = self.task_at(index);
        task.rounds = task.rounds.max(verdicts::rounds(&task.verdicts));
        if let Some((state, effective)) = verdicts::in_force(&task.verdicts) {
            self.enter(index, state, effective, deltas);
        }
        self.reconsider(at, index, deltas);
    }

    /// A minute begins in which something is due with tasks: each is put down at its own time.
    pub(super) fn expiries_near(&mut self, tasks: &[TaskIndex]) {
        for index in tasks {
            let Some(due) = self.tasks.get(index.0).map(|task| self.fate(&task).0) else {
                continue;
            };
            self.expiries.insert(due, *index);
        }
    }

    /// Something is due with the task, unless something happened since.
    pub(super) fn expiry_due(&mut self, at: UnixNanos, index: TaskIndex, deltas: &mut Vec<Delta>) {
        let Some((due, fate)) = self.tasks.get(index.0).map(|task| self.fate(&task)) else {
            return;
        };
        if due > at {
            return self.expiries.insert(due, index);
        }
        match fate {
            Fate::Expires => self.expire(due, index, deltas),
            Fate::LosesNames => self.lose_names(index),
            Fate::Goes => return self.remove_task(index),
        }
        let next = self.tasks.get(index.0).map(|task| self.fate(&task).0);
        next.into_iter().for_each(|due| self.expiries.insert(due, index));
    }

    /// Nobody judged the task in time.
    fn expire(&mut self, due: UnixNanos, index: TaskIndex, deltas: &mut Vec<Delta>) {
        Self::notice(Diagnostic::TaskExpired, deltas);
        self.leave_cohort(index);
        self.enter(index, ReviewState::Expired, due, deltas);
        self.join_cohort(index);
        if planted::on(Bug::ExpiryCountedTwice) {
            deltas.extend_from_within(deltas.len() - 1..);
        }
    }

    /// Moves a task, and its cost, to a final state.
    fn enter(
        &mut self,
        index: TaskIndex,
        state: ReviewState,
        decided: UnixNanos,
        deltas: &mut Vec<Delta>,
    ) {
        let task = self.task_at(index);
        let from = task.state;
        task.decided = decided;
        if from == state {
            return;
        }
        task.state = state;
        let (cost, labels) = (task.cost, task.labels);
        if let Some(due) = self.tasks.get(index.0).map(|task| self.fate(&task).0) {
            self.expiries.insert(due, index);
        }
        self.count_task(from, -1);
        self.count_task(state, 1);
        let (workflow, route) = (labels.workflow, labels.route);
        if from == ReviewState::Pending {
            deltas.push(Delta::Pending { workflow, tasks: -1, cost: -cost });
            self.totals.pending -= cost;
            self.totals.settled += cost;
            self.settle_lines(index, labels, state, deltas);
        } else {
            if !planted::on(Bug::ReclassifiedWithoutFrom) {
                deltas.push(Delta::Reclassified { workflow, from, to: state });
            }
            if !cost.is_zero() {
                let amount = cost;
                deltas.push(Delta::CostReclassified { workflow, from, to: state, amount });
            }
        }
        if state == ReviewState::Defect {
            deltas.push(Delta::Defect { workflow, route });
        }
        let task = self.task_at(index);
        deltas.push(Delta::Outcome(OutcomeReached {
            workflow,
            route,
            state,
            cost,
            duration: task.ended.saturating_sub(task.started),
            time_to_verdict: if task.ended == 0 { 0 } else { decided.saturating_sub(task.ended) },
            rounds: task.rounds.max(1),
            trace: task.traces.first().copied().unwrap_or_default(),
        }));
    }

    /// The cost of a pending task's lines settles under a state.
    fn settle_lines(
        &mut self,
        index: TaskIndex,
        labels: Labels,
        state: ReviewState,
        deltas: &mut Vec<Delta>,
    ) {
        let lines = self.task_at(index).lines.iter().filter(|line| !line.cost.is_zero());
        deltas.extend(lines.map(|line| Delta::Settled {
            workflow: labels.workflow,
            route: labels.route,
            model: line.model,
            state,
            component: line.component,
            amount: line.cost,
        }));
    }

    pub(super) fn count_task(&mut self, state: ReviewState, change: i64) {
        if let Some(count) = self.totals.tasks.get_mut(state as usize) {
            *count = count.saturating_add_signed(change);
        }
    }

    /// Moves the accounts of a task that is about to be merged into another one, which has the
    /// verdicts of both already.
    pub(super) fn leave(&mut self, goes: TaskIndex, stays: TaskIndex, deltas: &mut Vec<Delta>) {
        self.unsettle(goes, deltas);
        self.unsettle(stays, deltas);
        let gone = self.task_at(goes);
        let (from, cost, workflow) = (gone.state, gone.cost, gone.labels.workflow);
        let (decided, review, standing) = (gone.decided, gone.review, gone.standing);
        let kept = self.task_at(stays);
        let (to, kept_cost, labels) = (kept.state, kept.cost, kept.labels);
        let state = verdicts::in_force(&kept.verdicts).map_or(to, |(state, _)| state);
        kept.review += review;
        if standing == Standing::Confirmed {
            kept.standing = standing;
        }
        self.count_task(from, -1);
        match (from == ReviewState::Pending, to == ReviewState::Pending) {
            (true, true) => {
                deltas.push(Delta::Pending { workflow, tasks: -1, cost: -cost });
                deltas.push(Delta::Pending { workflow: labels.workflow, tasks: 0, cost });
            }
            (true, false) => {
                deltas.push(Delta::Pending { workflow, tasks: -1, cost: -cost });
                self.totals.pending -= cost;
                self.totals.settled += cost;
                self.settle_lines(goes, labels, to, deltas);
            }
            (false, true) => {
                // The outcome that was counted is now the whole task's.
                let workflow = labels.workflow;
                deltas.push(Delta::Pending { workflow, tasks: -1, cost: -kept_cost });
                self.totals.pending -= kept_cost;
                self.totals.settled += kept_cost;
                self.settle_lines(stays, labels, from, deltas);
                self.count_task(to, -1);
                self.count_task(from, 1);
                let kept = self.task_at(stays);
                kept.state = from;
                kept.decided = decided;
            }
            (false, false) if from == state && to != state => {
                // Two outcomes were counted; the one that is right remains.
                let workflow = labels.workflow;
                deltas.push(Delta::Reclassified { workflow, from: to, to: from });
                if !kept_cost.is_zero() {
                    let amount = kept_cost;
                    deltas.push(Delta::CostReclassified { workflow, from: to, to: from, amount });
                }
                self.count_task(to, -1);
                self.count_task(from, 1);
                let kept = self.task_at(stays);
                kept.state = from;
                kept.decided = decided;
            }
            (false, false) => {
                // Two outcomes were counted, one remains.
                deltas.push(Delta::Reclassified { workflow, from, to });
                if from != to && !cost.is_zero() {
                    let amount = cost;
                    deltas.push(Delta::CostReclassified { workflow, from, to, amount });
                }
            }
        }
        self.task_at(stays).cost += cost;
    }

    /// Gives a task other labels; what is pending moves to its new workflow's gauge.
    pub(super) fn set_labels(&mut self, index: TaskIndex, labels: Labels, deltas: &mut Vec<Delta>) {
        if self.task_at(index).labels.workflow == labels.workflow {
            return self.relabel(index, labels, deltas);
        }
        self.leave_cohort(index);
        self.unsettle_while(index, deltas, |books, deltas| books.relabel(index, labels, deltas));
        self.join_cohort(index);
    }

    fn relabel(&mut self, index: TaskIndex, labels: Labels, deltas: &mut Vec<Delta>) {
        let task = self.task_at(index);
        let before = core::mem::replace(&mut task.labels, labels);
        task.rounds = task.rounds.max(labels.round);
        if before.workflow == labels.workflow || task.state != ReviewState::Pending {
            return;
        }
        let (cost, active) = (task.cost, task.active);
        let workflow = before.workflow;
        deltas.push(Delta::Pending { workflow, tasks: -1, cost: -cost });
        deltas.push(Delta::Pending { workflow: labels.workflow, tasks: 1, cost });
        let patience = self.settings.patience_ms(self.names.text(labels.workflow));
        if patience < self.settings.patience_ms(self.names.text(before.workflow)) {
            self.expiries.insert(active.saturating_add(patience * MS), index);
        }
    }
}
