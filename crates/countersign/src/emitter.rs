//! Where spans and verdicts go: one emitter for the process, another one for a context that
//! asks for it.

use std::sync::{Arc, PoisonError, RwLock};

use opentelemetry::logs::LoggerProvider as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{Context, InstrumentationScope};
use opentelemetry_sdk::logs::{SdkLogger, SdkLoggerProvider};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use crate::names;

/// A tracer and a logger of the same pipeline.
#[derive(Debug)]
pub(crate) struct Emitter {
    pub(crate) tracer: SdkTracer,
    pub(crate) tracing_tracer: SdkTracer,
    pub(crate) logger: SdkLogger,
}

/// The emitter of a context, instead of the process's.
struct OfContext(Arc<Emitter>);

static OF_PROCESS: RwLock<Option<Arc<Emitter>>> = RwLock::new(None);

impl Emitter {
    pub(crate) fn new(traces: &SdkTracerProvider, logs: &SdkLoggerProvider) -> Emitter {
        let scope = |name| {
            InstrumentationScope::builder(name).with_version(env!("CARGO_PKG_VERSION")).build()
        };
        Emitter {
            tracer: traces.tracer_with_scope(scope(names::SCOPE)),
            tracing_tracer: traces.tracer_with_scope(scope(names::TRACING_SCOPE)),
            logger: logs.logger_with_scope(scope(names::SCOPE)),
        }
    }

    /// The emitter for what happens in this context: its own, else the process's, else none.
    pub(crate) fn of(context: &Context) -> Option<Arc<Emitter>> {
        match context.get::<OfContext>() {
            Some(OfContext(emitter)) => Some(Arc::clone(emitter)),
            None => OF_PROCESS.read().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// The context with this emitter in it.
    pub(crate) fn context(self: &Arc<Emitter>, context: &Context) -> Context {
        context.with_value(OfContext(Arc::clone(self)))
    }

    /// Makes this the emitter of the process.
    pub(crate) fn install(self: &Arc<Emitter>) {
        let mut of_process = OF_PROCESS.write().unwrap_or_else(PoisonError::into_inner);
        *of_process = Some(Arc::clone(self));
    }

    /// Takes it back, if it still is.
    pub(crate) fn uninstall(self: &Arc<Emitter>) {
        let mut of_process = OF_PROCESS.write().unwrap_or_else(PoisonError::into_inner);
        if of_process.as_ref().is_some_and(|emitter| Arc::ptr_eq(emitter, self)) {
            *of_process = None;
        }
    }
}
