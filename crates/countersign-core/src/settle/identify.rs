//! Identity: finds the task of a subject, makes it if there is none, and joins tasks that turn
//! out to be one.

use alloc::vec::Vec;

use crate::delta::Delta;
use crate::diagnostic::Diagnostic;
use crate::fact::{ReviewState, Tie, UnixNanos};
use crate::key::{Key, TraceId};
use crate::limits;
use crate::planted::{self, Bug};
use crate::settle::aliases::{Alias, text_key, trace_key};
use crate::settle::books::{Books, MS};
use crate::settle::retain::is_nameless;
use crate::settle::subject::Subject;
use crate::settle::task::Task;
use crate::settle::task_bytes::Head;
use crate::settle::{Confidence, TaskIndex};

impl Books {
    /// The task that this index leads to after all merges.
    pub(super) fn whole(&self, mut index: TaskIndex) -> TaskIndex {
        let into = |index: TaskIndex| {
            self.tasks.peek(index.0, |task| task.merged_into, Head::read_merged_into).flatten()
        };
        while let Some(into) = into(index) {
            index = into;
        }
        index
    }

    pub(super) fn task_at(&mut self, index: TaskIndex) -> &mut Task {
        self.tasks.get_mut(index.0).expect("indices come from the books")
    }

    /// Finds the task of a subject to which work came.
    pub(super) fn identify(
        &mut self,
        at: UnixNanos,
        subject: &Subject,
        trace: TraceId,
        response: Key,
        deltas: &mut Vec<Delta>,
    ) -> Option<TaskIndex> {
        let task = self.claim(at, subject, trace, response, deltas)?;
        self.touch(task, at);
        Some(task)
    }

    /// Finds the task of a subject. A linked trace that has no work of its own has its say too.
    pub(super) fn claim(
        &mut self,
        at: UnixNanos,
        subject: &Subject,
        trace: TraceId,
        response: Key,
        deltas: &mut Vec<Delta>,
    ) -> Option<TaskIndex> {
        let mut task = self.claim_one(at, subject, trace, response, deltas)?;
        let mut linked = subject.linked;
        while let Some(said) = self.closed.take_subject(linked) {
            task = self.claim_one(at, &said, linked, Key::NONE, deltas)?;
            self.describe(task, &said, deltas);
            linked = said.linked;
        }
        Some(self.whole(task))
    }

    /// Finds the task of a subject, in the order: its own id, what it will be reviewed as, the
    /// linked trace, its trace, its conversation, its response. `None` if there is none and no
    /// room for another.
    fn claim_one(
        &mut self,
        at: UnixNanos,
        subject: &Subject,
        trace: TraceId,
        response: Key,
        deltas: &mut Vec<Delta>,
    ) -> Option<TaskIndex> {
        let identities = [&subject.id, &subject.artifact, &subject.change];
        let keys_of_trace = |id: TraceId| if id.is_none() { Key::NONE } else { trace_key(id) };
        let containers = [
            keys_of_trace(subject.linked),
            keys_of_trace(trace),
            text_key(&subject.conversation),
            Key::of(&subject.revision),
            Key::of(&subject.branch),
            response,
        ];
        let named = identities.iter().any(|text| !text.is_empty());
        let by_identity = identities.iter().find_map(|text| self.leads_to(text_key(text)));
        let by_container = || containers.iter().find_map(|key| self.leads_to(*key));
        let found = by_identity.or_else(|| if named { None } else { by_container() });
        let task = match found {
            Some(task) => task,
            None => self.make_task(at, deltas)?,
        };
        let confidence = if named {
            Confidence::Explicit
        } else if !subject.conversation.is_empty() || !subject.linked.is_none() {
            Confidence::Derived
        } else if !subject.revision.is_empty() || !subject.branch.is_empty() {
            Confidence::Heuristic
        } else {
            Confidence::Fallback
        };
        self.note_names(task, subject, trace, confidence);
        let mut task = task;
        for text in identities.into_iter().filter(|text| !text.is_empty()) {
            task = self.tie(at, task, text_key(text), Tie::Identity, deltas);
        }
        for key in containers.into_iter().filter(|key| !key.is_none()) {
            task = self.tie(at, task, key, Tie::Container, deltas);
        }
        Some(task)
    }

    pub(super) fn leads_to(&self, key: Key) -> Option<TaskIndex> {
        let alias = self.alias(&key).filter(|alias| !alias.ambiguous)?;
        Some(self.whole(alias.task))
    }

    /// What a name leads to, if that is still there.
    pub(super) fn alias(&self, key: &Key) -> Option<Alias> {
        let alias = self.aliases.get(key)?;
        let task = self.whole(alias.task);
        self.has_task(task).then_some(Alias { task, ..alias })
    }

    pub(super) fn has_task(&self, index: TaskIndex) -> bool {
        self.tasks.peek(index.0, |_| (), |_| Some(())).is_some()
    }

    /// Adds an alias, or another use of one whose task is gone.
    fn add_alias(&mut self, key: Key, alias: Alias, deltas: &mut Vec<Delta>) {
        self.forget_aliases();
        if self.aliases.len() >= limits::ALIASES_MAX {
            return Self::notice(Diagnostic::AliasesFull, deltas);
        }
        let taken = self.aliases.get(&key).is_some_and(|known| known.taken);
        self.aliases.insert(self.at, key, Alias { taken, ..alias });
    }

    fn make_task(&mut self, at: UnixNanos, deltas: &mut Vec<Delta>) -> Option<TaskIndex> {
        if self.tasks.len() >= limits::TASKS_MAX {
            Self::notice(Diagnostic::TasksFull, deltas);
            return None;
        }
        let index = TaskIndex(self.tasks.push(Task { active: at, ..Task::default() }));
        self.expiries.insert(at + self.settings.patience_ms("") * MS, index);
        self.count_task(ReviewState::Pending, 1);
        let workflow = crate::names::Name::EMPTY;
        deltas.push(Delta::Pending { workflow, tasks: 1, cost: crate::money::Money::ZERO });
        Some(index)
    }

    /// Work came in: patience starts anew.
    fn touch(&mut self, task: TaskIndex, at: UnixNanos) {
        if planted::on(Bug::PatienceFromStart) {
            return;
        }
        let active = &mut self.task_at(task).active;
        *active = (*active).max(at);
    }

    fn note_names(
        &mut self,
        index: TaskIndex,
        subject: &Subject,
        trace: TraceId,
        confidence: Confidence,
    ) {
        let task = self.task_at(index);
        if !subject.id.is_empty() && (task.id.is_empty() || subject.id < task.id) {
            let other = core::mem::replace(&mut task.id, subject.id.clone());
            if !is_nameless(&other) {
                show_alias(task, &other);
            }
        }
        for text in [&subject.artifact, &subject.change, &subject.conversation] {
            show_alias(task, text);
        }
        show_trace(task, trace);
        task.confidence = task.confidence.max(confidence);
    }

    /// Ties an alias to a task. If it is tied to another one already, the two may turn out to
    /// be one task; the answer is the task that then holds both.
    pub(super) fn tie(
        &mut self,
        at: UnixNanos,
        task: TaskIndex,
        key: Key,
        tie: Tie,
        deltas: &mut Vec<Delta>,
    ) -> TaskIndex {
        let task = self.whole(task);
        let Some(alias) = self.alias(&key) else {
            self.add_alias(key, Alias::new(task, tie), deltas);
            self.adopt_waiting(task, key);
            return task;
        };
        let other = self.whole(alias.task);
        if other == task {
            if tie == Tie::Identity && alias.tie == Tie::Container {
                self.aliases.insert(self.at, key, Alias { tie, ..alias });
            }
            return task;
        }
        let is_named = |books: &Books, index: TaskIndex| {
            books.tasks.get(index.0).is_some_and(|task| !task.id.is_empty())
        };
        let one = tie == Tie::Identity && alias.tie == Tie::Identity
            || !is_named(self, task)
            || !is_named(self, other)
            || planted::on(Bug::ConversationJoinsTasks);
        if one && !alias.ambiguous {
            let whole = self.merge(at, task, other, deltas);
            if tie == Tie::Identity {
                let alias = Alias { task: whole, tie, ambiguous: false, ..alias };
                self.aliases.insert(self.at, key, alias);
            }
            return whole;
        }
        if tie == Tie::Identity {
            // A container with the name of a task gives way to the task.
            self.aliases.insert(self.at, key, Alias { task, tie, ambiguous: false, ..alias });
            self.adopt_waiting(task, key);
        } else if alias.tie == Tie::Container && !alias.ambiguous {
            self.aliases.insert(self.at, key, Alias { ambiguous: true, ..alias });
            Self::notice(Diagnostic::AmbiguousAlias, deltas);
        }
        task
    }

    /// Joins two tasks. The one with an id of its own stays; of two, the id that sorts first.
    fn merge(
        &mut self,
        at: UnixNanos,
        a: TaskIndex,
        b: TaskIndex,
        deltas: &mut Vec<Delta>,
    ) -> TaskIndex {
        let rank = |books: &mut Books, index: TaskIndex| {
            let id = books.task_at(index).id.clone();
            (id.is_empty(), id, index)
        };
        let (stays, goes) = if rank(self, a) <= rank(self, b) { (a, b) } else { (b, a) };
        Self::notice(Diagnostic::TasksMerged, deltas);
        self.leave_cohort(stays);
        self.leave_cohort(goes);
        let kept_too = !planted::on(Bug::MergeLosesVerdict);
        let verdicts = core::mem::take(&mut self.task_at(goes).verdicts);
        for verdict in verdicts.into_iter().filter(|_| kept_too) {
            self.keep_verdict(stays, verdict, deltas);
        }
        self.leave(goes, stays, deltas);
        let gone = core::mem::take(self.task_at(goes));
        *self.task_at(goes) = Task { merged_into: Some(stays), active: at, ..Task::default() };
        self.merge_discounts(goes, stays);
        let mut labels = self.task_at(stays).labels;
        labels.join(&gone.labels, &self.names);
        self.set_labels(stays, labels, deltas);
        self.leave_cohort(stays);
        let kept = self.task_at(stays);
        show_alias(kept, &gone.id);
        gone.aliases.iter().for_each(|alias| show_alias(kept, alias));
        gone.traces.iter().for_each(|trace| show_trace(kept, *trace));
        kept.confidence = kept.confidence.max(gone.confidence);
        kept.started = earliest(kept.started, gone.started);
        kept.ended = kept.ended.max(gone.ended);
        kept.active = kept.active.max(gone.active);
        kept.retries += gone.retries;
        for line in gone.lines {
            kept.add_line(line);
        }
        self.rejudge(at, stays, deltas);
        self.join_cohort(stays);
        stays
    }

    /// What waited for this alias is booked once the work at hand is.
    fn adopt_waiting(&mut self, task: TaskIndex, key: Key) {
        self.adopt_names(task, key);
        let verdicts = self.waiting.take(key);
        self.adopted.extend(verdicts.into_iter().map(|verdict| (task, verdict)));
    }

    /// Lets a task take what a subject says of it.
    pub(super) fn describe(
        &mut self,
        index: TaskIndex,
        subject: &Subject,
        deltas: &mut Vec<Delta>,
    ) {
        let mut labels = self.task_at(index).labels;
        labels.join(&subject.labels, &self.names);
        self.set_labels(index, labels, deltas);
    }
}

pub(super) fn earliest(a: UnixNanos, b: UnixNanos) -> UnixNanos {
    match (a, b) {
        (0, time) | (time, 0) => time,
        (a, b) => a.min(b),
    }
}

/// Aliases are kept for display in the order of their text, so that arrival does not show.
pub(super) fn show_alias(task: &mut Task, text: &str) {
    if text.is_empty() || *text == *task.id {
        return;
    }
    if let Err(place) = task.aliases.binary_search_by(|alias| (**alias).cmp(text)) {
        task.aliases.insert(place, text.into());
        task.aliases.truncate(limits::TASK_ALIASES_SHOWN_MAX);
    }
}

fn show_trace(task: &mut Task, trace: TraceId) {
    if trace.is_none() {
        return;
    }
    if let Err(place) = task.traces.binary_search(&trace) {
        task.traces.insert(place, trace);
        task.traces.truncate(limits::TASK_TRACES_MAX);
    }
}
