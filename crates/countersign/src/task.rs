//! Tasks: what somebody asked for and somebody can accept or reject.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::context::{FutureExt as _, WithContext};
use opentelemetry::trace::{SpanKind, Status, TraceContextExt, Tracer as _};
use opentelemetry::{Context, KeyValue, StringValue};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

use crate::call::{Call, Operation};
use crate::emitter::Emitter;
use crate::held::reason_of_drop;
use crate::identity::{self, Identity, Progress, Route, Scope, shared};
use crate::names;
use crate::step::Step;
use crate::verdict::{State, Verdict};

/// What a task's review state is until a verdict says otherwise.
const PENDING: &str = "pending";

/// Whether the work is meant to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It is.
    Production,
    /// It is tried out.
    Exploration,
}

/// A task that is about to begin: say who it is for, then [`Task::start`].
///
/// The id should be one that the reviewing side knows too, such as a ticket's key; verdicts
/// name it. It must not carry personal data.
#[must_use = "a task that is not started is not reported"]
pub struct Task {
    identity: Identity,
    route: Option<Route>,
    attempt: u32,
    round: u32,
    attributes: Vec<KeyValue>,
}

impl Task {
    /// A task by its id. To go on with a task that has been submitted before, in this process
    /// or another, use the same id again and say which [`Task::attempt`] this is.
    pub fn new(id: impl Into<StringValue>) -> Task {
        let identity = Identity { task: Some(shared(id)), ..Identity::default() };
        Task { identity, route: None, attempt: 1, round: 1, attributes: Vec::new() }
    }

    /// A task that has no id of its own gets a random one; [`OpenTask::id`] tells it.
    pub fn with_random_id() -> Task {
        Task::new(random_id())
    }

    /// The workflow, e.g. `pr-review`: tasks of one workflow are compared with each other.
    pub fn workflow(mut self, name: impl Into<StringValue>) -> Task {
        self.identity.workflow = Some(shared(name));
        self
    }

    /// The team that the work is for.
    pub fn team(mut self, name: impl Into<StringValue>) -> Task {
        self.identity.team = Some(shared(name));
        self
    }

    /// The project that the work is for.
    pub fn project(mut self, name: impl Into<StringValue>) -> Task {
        self.identity.project = Some(shared(name));
        self
    }

    /// Whether the work is meant to be used.
    pub fn purpose(mut self, purpose: Purpose) -> Task {
        self.identity.purpose = Some(match purpose {
            Purpose::Production => "production".into(),
            Purpose::Exploration => "exploration".into(),
        });
        self
    }

    /// The declared way the task is done and why it was chosen: short names of low cardinality.
    pub fn route(mut self, name: impl Into<StringValue>, reason: impl Into<StringValue>) -> Task {
        self.route = Some(Route { name: shared(name), reason: shared(reason) });
        self
    }

    /// URL of what will be reviewed.
    pub fn artifact(mut self, url: impl Into<StringValue>) -> Task {
        self.attributes.push(KeyValue::new(names::ARTIFACT_URL, url.into()));
        self
    }

    /// The pull request that will be reviewed: the repository's URL and the number.
    pub fn change(
        mut self,
        repository_url: impl Into<StringValue>,
        id: impl Into<StringValue>,
    ) -> Task {
        self.attributes.push(KeyValue::new(names::VCS_REPOSITORY_URL, repository_url.into()));
        self.attributes.push(KeyValue::new(names::VCS_CHANGE_ID, id.into()));
        self
    }

    /// The conversation or session that the task is part of.
    pub fn conversation(mut self, id: impl Into<StringValue>) -> Task {
        self.attributes.push(KeyValue::new(names::CONVERSATION_ID, id.into()));
        self
    }

    /// Which attempt this is, from 1.
    pub fn attempt(mut self, attempt: u32) -> Task {
        self.attempt = attempt.max(1);
        self
    }

    /// Which review round this is, from 1.
    pub fn round(mut self, round: u32) -> Task {
        self.round = round.max(1);
        self
    }

    /// Begins the task, inside the current context.
    pub fn start(self) -> OpenTask {
        let outside = Context::current();
        let emitter = Emitter::of(&outside);
        let identity = Arc::new(self.identity);
        let progress = Arc::new(Progress::new(self.route, self.attempt, self.round));
        let scope = Scope { identity, progress };
        let mut context = identity::enter(&outside, scope.clone());
        if let Some(emitter) = &emitter {
            let span = task_span(emitter, &scope, self.attributes, &context);
            context = context.with_span(span);
        }
        OpenTask { emitter, context, scope, review: Mutex::new(None), ended: false }
    }
}

fn task_span(
    emitter: &Emitter,
    scope: &Scope,
    mut attributes: Vec<KeyValue>,
    context: &Context,
) -> opentelemetry_sdk::trace::Span {
    let operation = "invoke_workflow";
    let name = match &scope.identity.workflow {
        Some(workflow) => [operation, " ", workflow.as_str()].concat(),
        None => operation.to_owned(),
    };
    attributes.push(KeyValue::new(names::OPERATION_NAME, operation));
    attributes.extend(scope.identity.attributes());
    if let Some(route) = &scope.progress.route {
        attributes.push(KeyValue::new(names::ROUTE_NAME, route.name.clone()));
        attributes.push(KeyValue::new(names::ROUTE_REASON, route.reason.clone()));
    }
    let builder =
        emitter.tracer.span_builder(name).with_kind(SpanKind::Internal).with_attributes(attributes);
    emitter.tracer.build_with_context(builder, context)
}

/// A task that is being worked on. It can be shared: every method but the last takes `&self`.
///
/// [`OpenTask::end`] says that the work was submitted; the review may come much later, from
/// anywhere. A task that is dropped instead is closed as failed, with the error type `panic` in
/// a panicking thread and `cancelled` anywhere else; what it cost is pending all the same.
#[must_use = "a task that is dropped counts as cancelled"]
pub struct OpenTask {
    emitter: Option<Arc<Emitter>>,
    context: Context,
    scope: Scope,
    review: Mutex<Option<State>>,
    ended: bool,
}

impl OpenTask {
    /// The id, for the verdict.
    #[must_use]
    pub fn id(&self) -> &str {
        self.scope.identity.task.as_ref().map_or("", StringValue::as_str)
    }

    /// A call of this task.
    pub fn call(
        &self,
        operation: Operation,
        provider: impl Into<StringValue>,
        model: impl Into<StringValue>,
    ) -> Call {
        let (emitter, parent) = (self.emitter.clone(), self.context.clone());
        Call::inside(emitter, parent, operation, provider.into(), model.into())
    }

    /// A tool's run in this task. The name is the tool's, never its arguments.
    pub fn tool(&self, name: impl Into<StringValue>) -> Step {
        Step::tool_inside(self.emitter.clone(), self.context.clone(), name.into())
    }

    /// An agent's run in this task.
    pub fn agent(&self, name: impl Into<StringValue>) -> Step {
        Step::agent_inside(self.emitter.clone(), self.context.clone(), name.into())
    }

    /// The context inside the task. Attach it on a thread, give it to a future, or send it with
    /// a message: every span made in it carries the task's id.
    #[must_use]
    pub fn context(&self) -> Context {
        self.context.clone()
    }

    /// Runs something inside the task.
    pub fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
        let _inside = self.context.clone().attach();
        work()
    }

    /// A future that runs inside the task, on whatever thread it is polled.
    pub fn run<F: Future>(&self, work: F) -> WithContext<F> {
        work.with_context(self.context.clone())
    }

    /// URL of what will be reviewed, once it is known.
    pub fn artifact(&self, url: impl Into<StringValue>) {
        self.set(KeyValue::new(names::ARTIFACT_URL, url.into()));
    }

    /// The pull request that will be reviewed, once it is known.
    pub fn change(&self, repository_url: impl Into<StringValue>, id: impl Into<StringValue>) {
        self.set(KeyValue::new(names::VCS_REPOSITORY_URL, repository_url.into()));
        self.set(KeyValue::new(names::VCS_CHANGE_ID, id.into()));
    }

    /// The work is begun anew without anybody having reviewed it. Returns the new attempt.
    pub fn next_attempt(&self) -> u32 {
        self.scope.progress.next_attempt()
    }

    /// A reviewer sent the work back: the next round begins, and with it the next attempt.
    /// Returns the new round.
    pub fn next_round(&self) -> u32 {
        self.scope.progress.next_attempt();
        self.scope.progress.next_round()
    }

    /// Sends a verdict on this task, as seen from inside. The task's span carries its state.
    /// Returns the verdict's id.
    pub fn verdict(&self, verdict: Verdict) -> String {
        *self.review.lock().unwrap_or_else(PoisonError::into_inner) = Some(verdict.state());
        verdict.emit(self.emitter.as_deref(), self.id().to_owned().into(), &self.context)
    }

    /// The work was submitted. If no verdict was given, the task is pending.
    pub fn end(mut self) {
        self.close(None);
    }

    /// The work failed and nothing was submitted. The error's type is a short code of low
    /// cardinality, never a message.
    pub fn fail(mut self, error_type: impl Into<StringValue>) {
        self.close(Some(error_type.into()));
    }

    fn set(&self, attribute: KeyValue) {
        if self.emitter.is_some() {
            self.context.span().set_attribute(attribute);
        }
    }

    fn close(&mut self, error_type: Option<StringValue>) {
        if self.ended {
            return;
        }
        self.ended = true;
        if self.emitter.is_none() {
            return;
        }
        let review = *self.review.lock().unwrap_or_else(PoisonError::into_inner);
        let progress = &self.scope.progress;
        let span = self.context.span();
        span.set_attribute(KeyValue::new(names::ATTEMPT, i64::from(progress.attempt())));
        span.set_attribute(KeyValue::new(names::ROUND, i64::from(progress.round())));
        let state = review.map_or(PENDING, State::as_str);
        span.set_attribute(KeyValue::new(names::REVIEW_STATE, state));
        if let Some(error_type) = error_type {
            span.set_attribute(KeyValue::new(names::ERROR_TYPE, error_type));
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

impl Drop for OpenTask {
    fn drop(&mut self) {
        self.close(Some(reason_of_drop()));
    }
}

/// An id that nobody else has: 32 hexadecimal digits.
pub(crate) fn random_id() -> String {
    RandomIdGenerator::default().new_trace_id().to_string()
}
