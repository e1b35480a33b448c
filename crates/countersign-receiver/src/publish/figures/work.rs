//! A task's numbers as the figures take them, and how tasks are grouped and chosen.

use std::borrow::Cow;

use countersign_core::fact::{Retries, ReviewState, UnixNanos};
use countersign_core::money::Money;
use countersign_core::names::Names;
use countersign_core::settle::{Books, Confidence, Line, Standing, TaskView};

/// What the figures need to know of a task.
#[derive(Clone, Debug)]
pub struct Work<'a> {
    /// Its workflow, or empty.
    pub workflow: &'a str,
    /// Its route, or empty.
    pub route: &'a str,
    /// Where it stands.
    pub state: ReviewState,
    /// How firmly, if it is served.
    pub standing: Standing,
    /// How its work was found to be its work.
    pub confidence: Confidence,
    /// Start of its first span.
    pub started: UnixNanos,
    /// End of its last span.
    pub ended: UnixNanos,
    /// When its verdict took effect or it expired; 0 while pending.
    pub decided: UnixNanos,
    /// Model and tool cost.
    pub cost: Money,
    /// The reviewers' time at the workflow's rate.
    pub review_cost: Money,
    /// The reviewers' time.
    pub review_ms: u64,
    /// Review rounds, at least 1.
    pub rounds: u32,
    /// Repetitions without review.
    pub retries: Retries,
    /// What models and tools did.
    pub lines: Cow<'a, [Line]>,
    /// The texts of the names in the lines.
    pub names: &'a Names,
}

impl<'a> Work<'a> {
    /// A task's numbers.
    #[must_use]
    pub fn of(view: &TaskView<'a>, names: &'a Names) -> Work<'a> {
        Work {
            workflow: view.workflow(),
            route: view.route(),
            state: view.state(),
            standing: view.standing(),
            confidence: view.confidence(),
            started: view.started(),
            ended: view.ended(),
            decided: view.decided(),
            cost: view.cost(),
            review_cost: view.review_cost(),
            review_ms: view.review_ms(),
            rounds: view.rounds(),
            retries: view.retries(),
            lines: view.lines().to_vec().into(),
            names,
        }
    }

    /// The numbers of all tasks.
    pub fn all(books: &'a Books) -> impl Iterator<Item = Work<'a>> {
        books.tasks().map(|view| Work::of(&view, books.names()))
    }

    /// From the end of the work to the verdict, in nanoseconds; `None` without either.
    #[must_use]
    pub fn time_to_verdict(&self) -> Option<u64> {
        let judged = !matches!(self.state, ReviewState::Pending | ReviewState::Expired);
        // Work that goes on after the verdict did not wait for it.
        (judged && self.ended > 0 && self.decided > 0)
            .then(|| self.decided.saturating_sub(self.ended))
    }
}

/// What the rows of the outcomes stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// One row for each workflow.
    #[default]
    Workflow,
    /// One row for each route.
    Route,
    /// One row for each model: cost exact, outcomes credited by share of the cost.
    Model,
}

impl By {
    /// Every grouping.
    pub const ALL: [By; 3] = [By::Workflow, By::Route, By::Model];

    /// The word for it: `workflow`, `route`, `model`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            By::Workflow => "workflow",
            By::Route => "route",
            By::Model => "model",
        }
    }

    /// Reads the word for it.
    #[must_use]
    pub fn parse(word: &str) -> Option<By> {
        By::ALL.into_iter().find(|by| by.as_str() == word)
    }
}

/// By which of its times a task belongs to a span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeBasis {
    /// By its verdict: what was settled in that time. Right for trends.
    #[default]
    Flow,
    /// By its start: what became of the work that began in that time. Right for comparisons.
    Cohort,
}

impl TimeBasis {
    /// Every basis.
    pub const ALL: [TimeBasis; 2] = [TimeBasis::Flow, TimeBasis::Cohort];

    /// The word for it: `flow`, `cohort`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            TimeBasis::Flow => "flow",
            TimeBasis::Cohort => "cohort",
        }
    }

    /// Reads the word for it.
    #[must_use]
    pub fn parse(word: &str) -> Option<TimeBasis> {
        TimeBasis::ALL.into_iter().find(|basis| basis.as_str() == word)
    }
}

/// A span of time.
///
/// On the flow basis pending tasks have no time to go by. They are those that wait now and
/// began before the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Which time of a task counts.
    pub basis: TimeBasis,
    /// The first nanosecond in it.
    pub from: UnixNanos,
    /// The first nanosecond after it.
    pub to: UnixNanos,
}

impl Window {
    /// All time.
    pub const ALL: Window = Window { basis: TimeBasis::Flow, from: 0, to: u64::MAX };

    /// Whether the task is counted in it.
    #[must_use]
    pub fn holds(&self, work: &Work<'_>) -> bool {
        match (self.basis, work.state) {
            (TimeBasis::Cohort, _) => (self.from..self.to).contains(&work.started),
            (TimeBasis::Flow, ReviewState::Pending) => work.started < self.to,
            (TimeBasis::Flow, _) => (self.from..self.to).contains(&work.decided),
        }
    }
}
