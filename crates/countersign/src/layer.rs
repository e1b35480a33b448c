//! The adapter for agents that use `tracing`: their spans come out as OpenTelemetry spans of
//! the task they are inside of.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::Arc;

use opentelemetry::{Context, ContextGuard, StringValue};
use opentelemetry_sdk::trace::SdkTracer;
use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context as LayerContext, Layered};
use tracing_subscriber::registry::LookupSpan;

use crate::emitter::Emitter;
use crate::identity::{self, Identity, Progress, Scope, shared};
use crate::names;

/// The layer that [`tracing_layer`] makes.
pub type TaskLayer<S> =
    Layered<Leave<S>, Layered<OpenTelemetryLayer<S, SdkTracer>, Enter<S>, S>, S>;

/// A layer for `tracing_subscriber`'s registry, on the pipeline that [`crate::init`] has set up
/// before; nothing if it has not, or is disabled.
///
/// - A span made inside a task, whether it was entered with [`crate::OpenTask::in_scope`] or
///   [`crate::OpenTask::run`] or came from another process, is part of the task's trace
///   and carries its id.
/// - A span that is made with the field `countersign.task.id` begins a task: all spans inside
///   carry the id. (Recorded later, the field is an attribute of its own span and no more.)
///   `gen_ai.workflow.name`, `countersign.team`, `.project` and `.purpose` go with it.
/// - Fields are attributes: one named `gen_ai.usage.input_tokens` makes its span a call like any
///   other. Numbers stay numbers.
/// - Log lines (`info!` and the like) are not sent, and content is dropped.
///
/// It stands beside any other layer and leaves the choice of the global subscriber to you.
///
/// ```
/// use tracing_subscriber::prelude::*;
/// let subscriber = tracing_subscriber::registry().with(countersign::tracing_layer());
/// ```
pub fn tracing_layer<S>() -> Option<TaskLayer<S>>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    Emitter::of(&Context::current()).map(|emitter| on(&emitter))
}

/// The layer on this emitter.
pub(crate) fn on<S>(emitter: &Arc<Emitter>) -> TaskLayer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let spans = tracing_opentelemetry::layer()
        .with_tracer(emitter.tracing_tracer.clone())
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_error_fields_to_exceptions(false)
        .with_error_records_to_exceptions(false)
        .with_error_events_to_exceptions(false);
    Enter(PhantomData).and_then(spans).and_then(Leave(PhantomData))
}

thread_local! {
    /// The context that a span with the field `countersign.task.id` is made in. It is attached
    /// before the span is made and detached right after, on the same thread.
    static ENTERED: RefCell<Option<ContextGuard>> = const { RefCell::new(None) };
}

/// The first part of [`TaskLayer`]: it sees a new span before it is made, and puts the task
/// that the span's fields name into the context.
pub struct Enter<S>(PhantomData<fn(S)>);

/// The last part of [`TaskLayer`]: it sees a new span after it was made.
pub struct Leave<S>(PhantomData<fn(S)>);

impl<S: Subscriber> Layer<S> for Enter<S> {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: LayerContext<'_, S>) {
        if attributes.metadata().fields().field(names::TASK_ID).is_none() {
            return;
        }
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let Some(identity) = fields.identity() else { return };
        let progress = Arc::new(Progress::new(None, 1, 1));
        let scope = Scope { identity: Arc::new(identity), progress };
        let guard = identity::enter(&Context::current(), scope).attach();
        ENTERED.with_borrow_mut(|entered| *entered = Some(guard));
    }
}

impl<S: Subscriber> Layer<S> for Leave<S> {
    fn on_new_span(&self, _: &Attributes<'_>, _: &Id, _: LayerContext<'_, S>) {
        let entered = ENTERED.with_borrow_mut(Option::take);
        drop(entered);
    }
}

/// What a span's fields say about its task.
#[derive(Default)]
struct Fields(Identity);

impl Fields {
    fn identity(self) -> Option<Identity> {
        self.0.task.as_ref().is_some_and(|task| !task.as_str().is_empty()).then_some(self.0)
    }

    fn slot(&mut self, field: &Field) -> Option<&mut Option<StringValue>> {
        let identity = &mut self.0;
        match field.name() {
            names::TASK_ID => Some(&mut identity.task),
            names::WORKFLOW_NAME => Some(&mut identity.workflow),
            names::TEAM => Some(&mut identity.team),
            names::PROJECT => Some(&mut identity.project),
            names::PURPOSE => Some(&mut identity.purpose),
            _ => None,
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        if let Some(slot) = self.slot(field) {
            *slot = Some(shared(value.to_owned()));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if let Some(slot) = self.slot(field) {
            *slot = Some(shared(format!("{value:?}")));
        }
    }
}
