//! Identity: what a task is called and how it is done, carried by the OpenTelemetry context so
//! that every span inside the task can say whose work it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use opentelemetry::baggage::{Baggage, BaggageExt};
use opentelemetry::{Context, KeyValue, StringValue};

use crate::names;

/// What a task says about itself. Texts are shared, so that copying them to spans is cheap.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identity {
    pub(crate) task: Option<StringValue>,
    pub(crate) workflow: Option<StringValue>,
    pub(crate) team: Option<StringValue>,
    pub(crate) project: Option<StringValue>,
    pub(crate) purpose: Option<StringValue>,
}

/// How a task is being done.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) route: Option<Route>,
    attempt: AtomicU32,
    round: AtomicU32,
}

/// The declared way a task is done.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) name: StringValue,
    pub(crate) reason: StringValue,
}

/// The task that a context is inside of, when the task was started in this process.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) identity: Arc<Identity>,
    pub(crate) progress: Arc<Progress>,
}

/// A text that can be copied without copying its bytes.
pub(crate) fn shared(text: impl Into<StringValue>) -> StringValue {
    let text = text.into();
    StringValue::from(Arc::<str>::from(text.as_str()))
}

impl Identity {
    const NAMES: [&'static str; 5] =
        [names::TASK_ID, names::WORKFLOW_NAME, names::TEAM, names::PROJECT, names::PURPOSE];

    /// The entries, each with its name on the wire: attribute and baggage key are the same.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'static str, &StringValue)> {
        [
            (names::TASK_ID, &self.task),
            (names::WORKFLOW_NAME, &self.workflow),
            (names::TEAM, &self.team),
            (names::PROJECT, &self.project),
            (names::PURPOSE, &self.purpose),
        ]
        .into_iter()
        .filter_map(|(name, text)| text.as_ref().map(|text| (name, text)))
    }

    /// The identity as attributes, without the task's id: that is put on by the pipeline.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = KeyValue> {
        self.entries()
            .filter(|(name, _)| *name != names::TASK_ID)
            .map(|(name, text)| KeyValue::new(name, text.clone()))
    }

    /// The context's baggage with this identity in it; entries of others stay.
    fn baggage(&self, context: &Context) -> Baggage {
        let mut baggage: Baggage =
            context.baggage().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        for name in Identity::NAMES {
            // What an outer task said about itself is not true of this one.
            baggage.remove(name);
        }
        for (name, text) in self.entries() {
            baggage.insert(name, text.clone());
        }
        baggage
    }
}

impl Progress {
    /// The first attempt of the first round, unless said otherwise.
    pub(crate) fn new(route: Option<Route>, attempt: u32, round: u32) -> Progress {
        Progress { route, attempt: AtomicU32::new(attempt), round: AtomicU32::new(round) }
    }

    pub(crate) fn attempt(&self) -> u32 {
        self.attempt.load(Ordering::Relaxed)
    }

    pub(crate) fn round(&self) -> u32 {
        self.round.load(Ordering::Relaxed)
    }

    /// Counts an attempt and returns the new one.
    pub(crate) fn next_attempt(&self) -> u32 {
        self.attempt.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }

    /// Counts a round and returns the new one.
    pub(crate) fn next_round(&self) -> u32 {
        self.round.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }
}

/// The context inside a task.
pub(crate) fn enter(context: &Context, scope: Scope) -> Context {
    let baggage = scope.identity.baggage(context);
    context.with_baggage(baggage).with_value(scope)
}

/// The id of the task that a context is inside of, here or in the process that it came from.
pub(crate) fn task_id(context: &Context) -> Option<&StringValue> {
    match context.get::<Scope>() {
        Some(scope) => scope.identity.task.as_ref(),
        None => context.baggage().get(names::TASK_ID),
    }
}

/// What a call or step says about its task, beside the id. A task of this process has said who
/// it is on its own span; of a task of another process only the baggage is known here.
pub(crate) fn describe(context: &Context, attributes: &mut Vec<KeyValue>) {
    if let Some(scope) = context.get::<Scope>() {
        attributes.push(KeyValue::new(names::ATTEMPT, i64::from(scope.progress.attempt())));
        attributes.push(KeyValue::new(names::ROUND, i64::from(scope.progress.round())));
        return;
    }
    let baggage = context.baggage();
    if baggage.is_empty() {
        return;
    }
    for name in [names::WORKFLOW_NAME, names::TEAM, names::PROJECT, names::PURPOSE] {
        if let Some(text) = baggage.get(name) {
            attributes.push(KeyValue::new(name, text.clone()));
        }
    }
}

/// The declared route of the task that a context is inside of.
pub(crate) fn route(context: &Context) -> Option<Route> {
    context.get::<Scope>().and_then(|scope| scope.progress.route.clone())
}
