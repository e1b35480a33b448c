//! A span that is open: held by value, until somebody needs a context to put spans below it.

use std::thread;

use opentelemetry::trace::{Span as _, Status, TraceContextExt};
use opentelemetry::{Context, KeyValue, StringValue};
use opentelemetry_sdk::trace::Span;

use crate::names;

/// What was given up by dropping it: the work did not come to its end.
pub(crate) const CANCELLED: &str = "cancelled";
/// What was dropped by a panic on its way up.
pub(crate) const PANIC: &str = "panic";

/// An open span in one of its states.
#[allow(clippy::large_enum_variant, reason = "boxing it would cost each call an allocation")]
pub(crate) enum Held {
    /// Telemetry is off.
    Off,
    /// The span and the context it was started in: neither an allocation nor a lock.
    Own {
        /// The span.
        span: Span,
        /// Its parent's context.
        parent: Context,
    },
    /// A context that holds the span.
    Shared(Context),
}

impl Held {
    /// Sets an attribute; the caller sets each name once.
    pub(crate) fn set(&mut self, attribute: KeyValue) {
        match self {
            Held::Off => {}
            Held::Own { span, .. } => span.set_attribute(attribute),
            Held::Shared(context) => context.span().set_attribute(attribute),
        }
    }

    /// Says that the work failed. There is no description: it could carry content.
    pub(crate) fn fail(&mut self, error_type: StringValue) {
        self.set(KeyValue::new(names::ERROR_TYPE, error_type));
        match self {
            Held::Off => {}
            Held::Own { span, .. } => span.set_status(Status::error("")),
            Held::Shared(context) => context.span().set_status(Status::error("")),
        }
    }

    /// Ends the span now, even if somebody still holds its context. Once more does nothing.
    pub(crate) fn end(&mut self) {
        match self {
            Held::Off => {}
            Held::Own { span, .. } => span.end(),
            Held::Shared(context) => context.span().end(),
        }
    }

    /// The context inside the span.
    pub(crate) fn context(&mut self) -> Context {
        match std::mem::replace(self, Held::Off) {
            Held::Off => Context::current(),
            Held::Own { span, parent } => {
                let context = parent.with_span(span);
                *self = Held::Shared(context.clone());
                context
            }
            Held::Shared(context) => {
                *self = Held::Shared(context.clone());
                context
            }
        }
    }
}

/// Why something is dropped that was not ended.
pub(crate) fn reason_of_drop() -> StringValue {
    if thread::panicking() { PANIC.into() } else { CANCELLED.into() }
}
