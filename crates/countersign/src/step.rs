//! Steps: tools and agents at work. They cost nothing of their own; calls can be made inside.

use std::sync::Arc;

use opentelemetry::trace::{SpanKind, TraceContextExt, Tracer as _};
use opentelemetry::{Context, KeyValue, StringValue};

use crate::call::{Call, Operation};
use crate::emitter::Emitter;
use crate::held::{Held, reason_of_drop};
use crate::{identity, names};

/// A step that is about to be taken.
#[must_use = "a step that is not started is not reported"]
pub struct Step {
    emitter: Option<Arc<Emitter>>,
    parent: Context,
    operation: &'static str,
    key: &'static str,
    name: StringValue,
    retry: u32,
}

impl Step {
    /// A tool's run inside the current context. The name is the tool's, never its arguments.
    pub fn tool(name: impl Into<StringValue>) -> Step {
        let parent = Context::current();
        Step::tool_inside(Emitter::of(&parent), parent, name.into())
    }

    /// An agent's run inside the current context.
    pub fn agent(name: impl Into<StringValue>) -> Step {
        let parent = Context::current();
        Step::agent_inside(Emitter::of(&parent), parent, name.into())
    }

    pub(crate) fn tool_inside(
        emitter: Option<Arc<Emitter>>,
        parent: Context,
        name: StringValue,
    ) -> Step {
        let (operation, key) = ("execute_tool", names::TOOL_NAME);
        Step { emitter, parent, operation, key, name, retry: 0 }
    }

    pub(crate) fn agent_inside(
        emitter: Option<Arc<Emitter>>,
        parent: Context,
        name: StringValue,
    ) -> Step {
        let (operation, key) = ("invoke_agent", names::AGENT_NAME);
        Step { emitter, parent, operation, key, name, retry: 0 }
    }

    /// The same step with the same arguments is run again, for the `repetition`th time (from
    /// 1), because it failed.
    pub fn retry(mut self, repetition: u32) -> Step {
        self.retry = repetition;
        self
    }

    /// Starts the step: its time runs from now.
    pub fn start(self) -> OpenStep {
        let Some(emitter) = self.emitter else {
            return OpenStep { emitter: None, held: Held::Off, context: self.parent, ended: false };
        };
        let mut attributes = Vec::with_capacity(8);
        attributes.push(KeyValue::new(names::OPERATION_NAME, self.operation));
        let span_name = [self.operation, " ", self.name.as_str()].concat();
        attributes.push(KeyValue::new(self.key, self.name));
        identity::describe(&self.parent, &mut attributes);
        if self.retry > 0 {
            attributes.push(KeyValue::new(names::RETRY_STEP, i64::from(self.retry)));
        }
        let builder = emitter
            .tracer
            .span_builder(span_name)
            .with_kind(SpanKind::Internal)
            .with_attributes(attributes);
        let span = emitter.tracer.build_with_context(builder, &self.parent);
        let context = self.parent.with_span(span);
        let held = Held::Shared(context.clone());
        OpenStep { emitter: Some(emitter), held, context, ended: false }
    }
}

/// A step that is being taken.
///
/// [`OpenStep::end`] or [`OpenStep::fail`] closes it. One that is dropped instead is closed as
/// failed, with the error type `panic` in a panicking thread and `cancelled` anywhere else.
#[must_use = "a step that is dropped counts as cancelled"]
pub struct OpenStep {
    emitter: Option<Arc<Emitter>>,
    held: Held,
    context: Context,
    ended: bool,
}

impl OpenStep {
    /// A call inside this step.
    pub fn call(
        &self,
        operation: Operation,
        provider: impl Into<StringValue>,
        model: impl Into<StringValue>,
    ) -> Call {
        let (emitter, parent) = (self.emitter.clone(), self.context.clone());
        Call::inside(emitter, parent, operation, provider.into(), model.into())
    }

    /// A tool's run inside this step.
    pub fn tool(&self, name: impl Into<StringValue>) -> Step {
        Step::tool_inside(self.emitter.clone(), self.context.clone(), name.into())
    }

    /// An agent's run inside this step.
    pub fn agent(&self, name: impl Into<StringValue>) -> Step {
        Step::agent_inside(self.emitter.clone(), self.context.clone(), name.into())
    }

    /// The context inside the step: attach it, or give it to a future, and all spans made there
    /// are below the step.
    #[must_use]
    pub fn context(&self) -> Context {
        self.context.clone()
    }

    /// The step came to its end.
    pub fn end(mut self) {
        self.close(None);
    }

    /// The step failed. The error's type is a short code of low cardinality, never a message.
    pub fn fail(mut self, error_type: impl Into<StringValue>) {
        self.close(Some(error_type.into()));
    }

    fn close(&mut self, error_type: Option<StringValue>) {
        if self.ended {
            return;
        }
        self.ended = true;
        if let Some(error_type) = error_type {
            self.held.fail(error_type);
        }
        self.held.end();
    }
}

impl Drop for OpenStep {
    fn drop(&mut self) {
        self.close(Some(reason_of_drop()));
    }
}
