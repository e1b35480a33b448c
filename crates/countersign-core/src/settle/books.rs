//! The books: the whole interface of the core.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::delta::Delta;
use crate::diagnostic::Diagnostic;
use crate::fact::{Fact, ReviewState, UnixNanos};
use crate::key::{KeyMap, Map, TraceId};
use crate::limits;
use crate::money::Money;
use crate::names::{Name, Names};
use crate::planted::{self, Bug};
use crate::settle::aliases::{Aliases, text_key};
use crate::settle::closed::Closed;
use crate::settle::cohort::Cohorts;
use crate::settle::naming::{AdoptedName, UnclaimedNames};
use crate::settle::remembered::Remembered;
use crate::settle::reported::Reported;
use crate::settle::retain::{Discounts, Removed};
use crate::settle::signals::{Held, Response, SeriesState, Service};
use crate::settle::store::{Deadlines, Due, Packed};
use crate::settle::task::Task;
use crate::settle::task_bytes::Head;
use crate::settle::trace::OpenTrace;
use crate::settle::waiting::{HeldVerdict, Waiting};
use crate::settle::{TaskIndex, TaskView, Totals};

pub(super) const MS: u64 = 1_000_000;

/// Tasks that are unpacked at a time.
const HOT_TASKS_MAX: usize = 1_024;

/// What an operator can set about the books. The same facts under other settings are other
/// books.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// A task without verdict expires so long after its last activity.
    pub patience_ms: u64,
    /// The same for single workflows.
    pub patience_ms_by_workflow: Vec<(String, u64)>,
    /// Served work stays provisional so long; without it, as long as the systems that judge it
    /// give reason to: 14 days for changes, 72 hours for tickets, 24 hours for incidents.
    pub confirm_ms: Option<u64>,
    /// The same for single workflows.
    pub confirm_ms_by_workflow: Vec<(String, u64)>,
    /// What an hour of review costs.
    pub review_rate_per_hour: Money,
    /// The same for single workflows.
    pub review_rate_by_workflow: Vec<(String, Money)>,
    /// From this changed share on, an acceptance is an edit; in millionths.
    pub edited_ppm: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            patience_ms: limits::PATIENCE_MS,
            patience_ms_by_workflow: Vec::new(),
            confirm_ms: None,
            confirm_ms_by_workflow: Vec::new(),
            review_rate_per_hour: Money::DOLLAR.times(90),
            review_rate_by_workflow: Vec::new(),
            edited_ppm: 50_000,
        }
    }
}

impl Settings {
    pub(super) fn patience_ms(&self, workflow: &str) -> u64 {
        let own = self.patience_ms_by_workflow.iter().find(|(name, _)| name == workflow);
        own.map_or(self.patience_ms, |(_, patience)| *patience)
    }

    /// What so much review of this workflow costs, rounded down to a picodollar.
    pub(super) fn review_cost(&self, workflow: &str, review_ms: u64) -> Money {
        let own = self.review_rate_by_workflow.iter().find(|(name, _)| name == workflow);
        let rate = own.map_or(self.review_rate_per_hour, |(_, rate)| *rate);
        Money::from_pico(rate.times(review_ms).pico() / 3_600_000)
    }
}

/// Open and settled tasks, and what waits to join them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Books {
    pub(super) settings: Settings,
    pub(super) position: u64,
    pub(super) now: UnixNanos,
    /// The time of what is being done: `now`, or that of the deadline that is met.
    #[serde(skip)]
    pub(super) at: UnixNanos,
    pub(super) names: Names,
    pub(super) totals: Totals,
    pub(super) removed: Removed,
    pub(super) reported: BTreeMap<Name, Reported>,

    pub(super) tasks: Packed<Task>,
    pub(super) aliases: Aliases,
    pub(super) expiries: Deadlines,
    /// When the windows of provisional tasks end.
    pub(super) confirmations: Deadlines,
    pub(super) cohorts: Cohorts,
    pub(super) waiting: Waiting,
    /// Verdicts whose task has just appeared: booked once its calls are.
    pub(super) adopted: Vec<(TaskIndex, HeldVerdict)>,
    pub(super) unclaimed: UnclaimedNames,
    /// Names whose task has just appeared.
    pub(super) adopted_names: Vec<AdoptedName>,

    pub(super) open: Map<TraceId, Arc<OpenTrace>>,
    pub(super) closings: BTreeSet<(UnixNanos, TraceId)>,
    pub(super) closed: Closed,

    pub(super) services: KeyMap<Service>,
    pub(super) responses: KeyMap<Response>,
    pub(super) series: KeyMap<SeriesState>,
    pub(super) discounts: Discounts,
    pub(super) held: VecDeque<(UnixNanos, u64, Held)>,
    pub(super) remembered: Remembered,
}

impl Books {
    /// Empty books.
    #[must_use]
    pub fn new(settings: Settings) -> Books {
        Books {
            settings,
            position: 0,
            now: 0,
            at: 0,
            names: Names::default(),
            totals: Totals::default(),
            removed: Removed::default(),
            reported: BTreeMap::new(),
            tasks: Packed::new(HOT_TASKS_MAX),
            aliases: Aliases::default(),
            expiries: Deadlines::default(),
            confirmations: Deadlines::default(),
            cohorts: Cohorts::default(),
            waiting: Waiting::default(),
            adopted: Vec::new(),
            unclaimed: UnclaimedNames::default(),
            adopted_names: Vec::new(),
            open: Map::default(),
            closings: BTreeSet::new(),
            closed: Closed::default(),
            services: KeyMap::default(),
            responses: KeyMap::default(),
            series: KeyMap::default(),
            discounts: Discounts::default(),
            held: VecDeque::new(),
            remembered: Remembered::default(),
        }
    }

    /// Books one fact; deadlines that have passed by then are met first. Time never goes back:
    /// an earlier `now` counts as the latest one so far.
    pub fn apply(&mut self, now: UnixNanos, fact: &Fact<'_>, deltas: &mut Vec<Delta>) {
        if planted::on(Bug::DedupePerRequest) && now > self.now {
            self.remembered = Remembered::default();
        }
        self.tick(now, deltas);
        let now = self.now;
        self.at = now;
        self.cohorts.advance(now);
        let overflowed = self.names.overflowed();
        match fact {
            Fact::Links(links) => self.links_arrive(now, links, deltas),
            Fact::Call(call) => self.call_arrives(now, call, deltas),
            Fact::Step(step) => self.step_arrives(now, step, deltas),
            Fact::Point(point) => self.point_arrives(now, point, deltas),
            Fact::Verdict(verdict) => self.verdict_arrives(now, verdict, deltas),
            Fact::Evaluation(evaluation) => self.evaluation_arrives(evaluation, deltas),
            Fact::Noticed(noticed) => {
                deltas.push(Delta::Noticed { what: noticed.what, count: noticed.count });
            }
            Fact::Tick => {}
            Fact::Alias(alias) => self.alias_arrives(now, alias, deltas),
            Fact::BeginAgain => deltas.push(Delta::BegunAgain),
        }
        let count = self.names.overflowed() - overflowed;
        if count > 0 {
            deltas.push(Delta::Noticed { what: Diagnostic::NamesFull, count });
        }
        self.position += 1;
        self.book_adopted(now, deltas);
        self.assert_conservation();
    }

    /// Meets the deadlines that have passed, each at its own time and in the order of time.
    pub fn tick(&mut self, now: UnixNanos, deltas: &mut Vec<Delta>) {
        self.now = self.now.max(now);
        while let Some(due) = self.next_deadline().filter(|due| *due <= self.now) {
            self.meet(due, deltas);
        }
        self.assert_conservation();
    }

    /// When [`Books::tick`] has something to do next. Waking up early does no harm.
    #[must_use]
    pub fn next_deadline(&self) -> Option<UnixNanos> {
        let closing = self.closings.first().map(|(due, _)| *due);
        let hold = self.held.front().map(|(due, ..)| *due);
        let expiry = self.expiries.first();
        let confirmation = self.confirmations.first();
        let waiting = self.waiting.next_due();
        [closing, hold, expiry, confirmation, waiting].into_iter().flatten().min()
    }

    fn meet(&mut self, due: UnixNanos, deltas: &mut Vec<Delta>) {
        self.at = due;
        self.cohorts.advance(due);
        if let Some((at, trace)) = self.closings.first().copied().filter(|(at, _)| *at == due) {
            self.closings.remove(&(at, trace));
            self.closing_due(at, trace, deltas);
        } else if self.held.front().is_some_and(|(at, ..)| *at == due) {
            let (at, _, held) = self.held.pop_front().expect("just seen");
            self.hold_ends(at, held, deltas);
        } else if self.expiries.first() == Some(due) {
            match self.expiries.take() {
                Some(Due::Task(task)) if self.has_task(task) => {
                    self.expiry_due(due, task, deltas);
                }
                Some(Due::Minute(tasks)) => self.expiries_near(&tasks),
                Some(Due::Task(_)) | None => {}
            }
        } else if self.confirmations.first() == Some(due) {
            match self.confirmations.take() {
                Some(Due::Task(task)) if self.has_task(task) => {
                    self.leave_cohort(task);
                    self.reconsider(due, task, deltas);
                    self.join_cohort(task);
                }
                Some(Due::Minute(tasks)) => self.confirmations_near(&tasks),
                Some(Due::Task(_)) | None => {}
            }
        } else {
            self.waiting_due(deltas);
        }
        self.book_adopted(due, deltas);
    }

    /// How many facts were applied.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Every fact up to this position is booked for good: no open trace or held record
    /// remembers one of them. At most [`Books::position`].
    #[must_use]
    pub fn booked_to(&self) -> u64 {
        let open = self.open.values().map(|trace| trace.position).min();
        let held = self.held.front().map(|(_, position, _)| *position);
        [open, held].into_iter().flatten().min().unwrap_or(self.position)
    }

    /// The books' time: the latest that was applied.
    #[must_use]
    pub fn now(&self) -> UnixNanos {
        self.now
    }

    /// Traces that are open.
    #[must_use]
    pub fn open_traces(&self) -> usize {
        self.open.len()
    }

    /// Verdicts that wait for their task.
    #[must_use]
    pub fn waiting_verdicts(&self) -> usize {
        self.waiting.count()
    }

    /// The names in use.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The sums over everything.
    #[must_use]
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Puts other settings in force, for what happens from now on.
    pub fn put_in_force(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The task that an id or alias (URL, change, conversation, trace id, response id) names;
    /// none if several tasks claim it.
    #[must_use]
    pub fn find(&self, alias: &str) -> Option<TaskView<'_>> {
        let found = self.alias(&text_key(alias)).filter(|alias| !alias.ambiguous)?;
        self.task(found.task)
    }

    /// A task by its index; a task that was merged gives the one it was merged into.
    #[must_use]
    pub fn task(&self, index: TaskIndex) -> Option<TaskView<'_>> {
        let index = self.whole(index);
        let task = self.tasks.get(index.0)?;
        Some(TaskView { index, task, names: &self.names })
    }

    /// All tasks, merged ones left out, in the order of their first fact.
    pub fn tasks(&self) -> impl Iterator<Item = TaskView<'_>> {
        self.tasks.numbers().filter_map(|index| {
            let task = self.tasks.get(index).filter(|task| task.merged_into.is_none())?;
            Some(TaskView { index: TaskIndex(index), task, names: &self.names })
        })
    }

    /// The workflows of the pending tasks and the starts of their work, without the rest of
    /// them: this is asked for often.
    pub(crate) fn pending(&self) -> impl Iterator<Item = (&str, UnixNanos)> {
        let heads = self.tasks.numbers().filter_map(|index| {
            self.tasks.peek(index, Head::of, |mut bytes| Head::read(&mut bytes))
        });
        heads
            .filter(|head| head.state == ReviewState::Pending && head.merged_into.is_none())
            .map(|head| (self.names.text(head.workflow), head.started))
    }

    pub(super) fn notice(what: Diagnostic, deltas: &mut Vec<Delta>) {
        deltas.push(Delta::Noticed { what, count: 1 });
    }

    /// Invariant 1: no picodollar comes from nowhere, and none is lost.
    fn assert_conservation(&self) {
        let totals = &self.totals;
        assert_eq!(
            totals.incurred,
            totals.settled + totals.pending + totals.unattributed,
            "money is conserved"
        );
    }
}
