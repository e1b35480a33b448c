//! Verdicts: someone's or something's judgement of a task, sent whenever it comes, from anywhere.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, Severity};
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, StringValue};

use crate::emitter::Emitter;
use crate::task::random_id;
use crate::{clock, identity, names};

/// Longest reason, in bytes. A reason is a code such as `tests_failed`, not a text.
const REASON_BYTES_MAX: usize = 64;

/// What a verdict says of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Used as it was.
    Accepted,
    /// Used after people changed it.
    Edited,
    /// Not used.
    Rejected,
    /// Handed to a person or another tier to finish.
    Escalated,
    /// Given up by those who asked for it.
    Withdrawn,
    /// It came back after acceptance.
    Defect,
}

/// Who or what judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A reviewer.
    Human,
    /// The person the work was for.
    EndUser,
    /// A system in which people act: a merge, a closed ticket.
    System,
    /// A program: tests, checks.
    Code,
    /// A model.
    Model,
}

/// What a verdict rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Somebody said it.
    Explicit,
    /// It follows from what somebody did.
    Implicit,
    /// Nobody objected.
    Assumed,
}

impl State {
    /// Every state.
    pub const ALL: [State; 6] = [
        State::Accepted,
        State::Edited,
        State::Rejected,
        State::Escalated,
        State::Withdrawn,
        State::Defect,
    ];

    /// The word for it, as on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Accepted => "accepted",
            State::Edited => "edited",
            State::Rejected => "rejected",
            State::Escalated => "escalated",
            State::Withdrawn => "withdrawn",
            State::Defect => "defect",
        }
    }

    /// Reads the word for it.
    #[must_use]
    pub fn parse(word: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

impl Source {
    /// The word for it, as on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Source::Human => "human",
            Source::EndUser => "end_user",
            Source::System => "system",
            Source::Code => "code",
            Source::Model => "model",
        }
    }
}

impl Basis {
    /// The word for it, as on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Basis::Explicit => "explicit",
            Basis::Implicit => "implicit",
            Basis::Assumed => "assumed",
        }
    }
}

/// A verdict. [`crate::OpenTask::verdict`] sends it from inside the task; [`Verdict::of_task`]
/// addresses it to a task anywhere, whose id or alias is known.
///
/// ```
/// use countersign::{Source, Verdict};
/// let id = Verdict::accepted()
///     .by(Source::Human, "github")
///     .minutes(5.0)
///     .of_task("https://github.com/acme/shop/pull/7")
///     .send();
/// ```
#[derive(Clone, Debug)]
#[must_use = "a verdict that is not sent is not heard"]
pub struct Verdict {
    state: State,
    id: Option<String>,
    source: Source,
    system: StringValue,
    basis: Basis,
    effective_at: Option<SystemTime>,
    round: Option<u32>,
    supersedes: Option<String>,
    reason: Option<StringValue>,
    edit_ratio: Option<f64>,
    review: Option<Duration>,
    policy_version: Option<StringValue>,
}

impl Verdict {
    /// A reviewer's explicit verdict, until more is said about it.
    pub fn new(state: State) -> Verdict {
        Verdict {
            state,
            id: None,
            source: Source::Human,
            system: "".into(),
            basis: Basis::Explicit,
            effective_at: None,
            round: None,
            supersedes: None,
            reason: None,
            edit_ratio: None,
            review: None,
            policy_version: None,
        }
    }

    /// The work is used as it is.
    pub fn accepted() -> Verdict {
        Verdict::new(State::Accepted)
    }

    /// The work is used after people changed this share of it, 0 to 1.
    pub fn edited(edit_ratio: f64) -> Verdict {
        Verdict::new(State::Edited).edit_ratio(edit_ratio)
    }

    /// The work is not used.
    pub fn rejected() -> Verdict {
        Verdict::new(State::Rejected)
    }

    /// The work goes to a person or another tier to finish.
    pub fn escalated() -> Verdict {
        Verdict::new(State::Escalated)
    }

    /// Those who asked for the work gave it up.
    pub fn withdrawn() -> Verdict {
        Verdict::new(State::Withdrawn)
    }

    /// The work came back after it had been accepted.
    pub fn defect() -> Verdict {
        Verdict::new(State::Defect)
    }

    /// Who or what judged, and in which system, e.g. `github`. Never a person's name.
    pub fn by(mut self, source: Source, system: impl Into<StringValue>) -> Verdict {
        self.source = source;
        self.system = system.into();
        self
    }

    /// What it rests on; [`Basis::Explicit`] if nothing is said.
    pub fn basis(mut self, basis: Basis) -> Verdict {
        self.basis = basis;
        self
    }

    /// An id of its own: the same id is the same verdict, however often it is sent.
    pub fn id(mut self, id: impl Into<String>) -> Verdict {
        self.id = Some(id.into());
        self
    }

    /// From when on it holds; from now on if nothing is said.
    pub fn effective_at(mut self, time: SystemTime) -> Verdict {
        self.effective_at = Some(time);
        self
    }

    /// The review round, from 1.
    pub fn round(mut self, round: u32) -> Verdict {
        self.round = Some(round);
        self
    }

    /// The reviewer's time in minutes. What is no time is not taken.
    pub fn minutes(mut self, minutes: f64) -> Verdict {
        self.review = Duration::try_from_secs_f64(minutes * 60.0).ok();
        self
    }

    /// Why, as a short code of low cardinality such as `tests_failed`. Anything over 64 bytes
    /// is cut off, because texts carry content.
    pub fn reason(mut self, code: impl Into<StringValue>) -> Verdict {
        let code = code.into();
        let end = code.as_str().floor_char_boundary(REASON_BYTES_MAX);
        self.reason = match code.as_str().get(..end) {
            Some(cut) if cut.len() < code.as_str().len() => Some(cut.to_owned().into()),
            Some(_) | None => Some(code),
        };
        self
    }

    /// The share of the work that people changed, 0 to 1. What is no number is not taken.
    pub fn edit_ratio(mut self, ratio: f64) -> Verdict {
        self.edit_ratio = (!ratio.is_nan()).then(|| ratio.clamp(0.0, 1.0));
        self
    }

    /// Takes an earlier verdict back, by its id.
    pub fn supersedes(mut self, id: impl Into<String>) -> Verdict {
        self.supersedes = Some(id.into());
        self
    }

    /// Version of the policy or rubric that was judged by.
    pub fn policy_version(mut self, version: impl Into<StringValue>) -> Verdict {
        self.policy_version = Some(version.into());
        self
    }

    /// Addresses the verdict to a task by its id, or by an alias: the URL of what was reviewed,
    /// a ticket's key, a conversation, a trace.
    pub fn of_task(self, id: impl Into<StringValue>) -> TaskVerdict {
        TaskVerdict { verdict: self, task: id.into() }
    }

    /// Addresses the verdict to the task that the current context is inside of.
    pub fn of_current_task(self) -> Option<TaskVerdict> {
        let task = identity::task_id(&Context::current())?.clone();
        Some(TaskVerdict { verdict: self, task })
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }

    /// Emits the log record. It belongs to the trace of the `inside` context's span, if any.
    pub(crate) fn emit(
        self,
        emitter: Option<&Emitter>,
        task: StringValue,
        inside: &Context,
    ) -> String {
        let id = self.id.clone().unwrap_or_else(random_id);
        let Some(emitter) = emitter else { return id };
        let now = clock::now();
        let effective_at = self.effective_at.unwrap_or(now);
        let mut record = emitter.logger.create_log_record();
        record.set_event_name(names::EVALUATION_RESULT);
        record.set_timestamp(effective_at);
        record.set_observed_timestamp(now);
        record.set_severity_number(Severity::Info);
        record.set_severity_text("INFO");
        record.add_attributes(self.attributes(&id, task, effective_at));
        let span = inside.span();
        let place = span.span_context();
        if place.is_valid() {
            record.set_trace_context(place.trace_id(), place.span_id(), Some(place.trace_flags()));
        }
        // A verdict that is sent from elsewhere must not fall into the trace of the sender.
        let _outside = Context::new().attach();
        emitter.logger.emit(record);
        id
    }

    fn attributes(
        self,
        id: &str,
        task: StringValue,
        effective_at: SystemTime,
    ) -> Vec<(&'static str, AnyValue)> {
        let since = effective_at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let nanos = i64::try_from(since.as_nanos()).unwrap_or(i64::MAX);
        let score = match self.state {
            State::Accepted => Some(1.0),
            State::Edited => self.edit_ratio.map(|ratio| 1.0 - ratio),
            State::Rejected | State::Escalated | State::Defect => Some(0.0),
            State::Withdrawn => None,
        };
        let text = |text: StringValue| Some(AnyValue::String(text));
        let system = (!self.system.as_str().is_empty()).then(|| self.system.into());
        [
            (names::EVALUATION_NAME, Some(names::REVIEW_VERDICT.into())),
            (names::EVALUATION_LABEL, Some(self.state.as_str().into())),
            (names::EVALUATION_VALUE, score.map(AnyValue::Double)),
            (names::TASK_ID, text(task)),
            (names::VERDICT_ID, Some(id.to_owned().into())),
            (names::VERDICT_STATE, Some(self.state.as_str().into())),
            (names::VERDICT_EFFECTIVE_AT, Some(nanos.into())),
            (names::VERDICT_SOURCE_KIND, Some(self.source.as_str().into())),
            (names::VERDICT_SOURCE_SYSTEM, system),
            (names::VERDICT_BASIS, Some(self.basis.as_str().into())),
            (names::VERDICT_ROUND, self.round.map(AnyValue::from)),
            (names::VERDICT_SUPERSEDES, self.supersedes.map(AnyValue::from)),
            (names::VERDICT_REASON, self.reason.and_then(text)),
            (names::VERDICT_EDIT_RATIO, self.edit_ratio.map(AnyValue::Double)),
            (names::VERDICT_REVIEW_SECONDS, self.review.map(|time| time.as_secs_f64().into())),
            (names::VERDICT_POLICY_VERSION, self.policy_version.and_then(text)),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)))
        .collect()
    }
}

/// A verdict with its address.
#[derive(Clone, Debug)]
#[must_use = "a verdict that is not sent is not heard"]
pub struct TaskVerdict {
    verdict: Verdict,
    task: StringValue,
}

impl TaskVerdict {
    /// Hands the verdict to the pipeline and returns its id, with which it can be superseded.
    pub fn send(self) -> String {
        let emitter = Emitter::of(&Context::current());
        self.verdict.emit(emitter.as_deref(), self.task, &Context::new())
    }
}
