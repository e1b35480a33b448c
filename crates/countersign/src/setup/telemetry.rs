//! The guard of a pipeline.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Runtime;
use tracing::Subscriber;
use tracing_subscriber::registry::LookupSpan;

use super::error::SetupError;
use crate::emitter::Emitter;
use crate::layer::TaskLayer;
use crate::ledger::{Ledger, Lost};

/// How long a flush may take when the guard goes.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// The guard of a pipeline. Dropping it sends what has not been sent, for up to five seconds.
#[derive(Debug)]
#[must_use = "telemetry stops when its guard is dropped"]
pub struct Telemetry {
    on: Option<On>,
}

#[derive(Debug)]
struct On {
    traces: SdkTracerProvider,
    logs: SdkLoggerProvider,
    emitter: Arc<Emitter>,
    /// Of a pipeline that was built here.
    ledger: Option<Arc<Ledger>>,
    runtime: Option<Runtime>,
}

impl Telemetry {
    /// Nothing.
    pub(crate) fn off() -> Telemetry {
        Telemetry { on: None }
    }

    /// A pipeline; with its ledger and runtime if it was built here.
    pub(crate) fn on(
        traces: SdkTracerProvider,
        logs: SdkLoggerProvider,
        built: Option<(Arc<Ledger>, Option<Runtime>)>,
    ) -> Telemetry {
        let emitter = Arc::new(Emitter::new(&traces, &logs));
        let (ledger, runtime) =
            built.map_or((None, None), |(ledger, runtime)| (Some(ledger), runtime));
        Telemetry { on: Some(On { traces, logs, emitter, ledger, runtime }) }
    }

    /// Makes this the pipeline of the process, and gives its tracer provider if it is on.
    pub(super) fn install(&self) -> Option<SdkTracerProvider> {
        let on = self.on.as_ref()?;
        on.emitter.install();
        Some(on.traces.clone())
    }

    /// The current context, with this pipeline in it: tasks, calls and verdicts inside of it go
    /// here and not to the process's pipeline.
    #[must_use]
    pub fn context(&self) -> Context {
        let context = Context::current();
        match &self.on {
            Some(on) => on.emitter.context(&context),
            None => context,
        }
    }

    /// The layer for agents that use `tracing`, on this pipeline.
    /// See [`tracing_layer`](crate::tracing_layer).
    pub fn tracing_layer<S>(&self) -> Option<TaskLayer<S>>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        self.on.as_ref().map(|on| crate::layer::on(&on.emitter))
    }

    /// What is known to be lost so far, because the receiver did not take it.
    #[must_use]
    pub fn lost(&self) -> Lost {
        let ledger = self.on.as_ref().and_then(|on| on.ledger.as_ref());
        ledger.map_or_else(Lost::default, |ledger| ledger.lost())
    }

    /// Sends what has not been sent, and waits for it.
    ///
    /// # Errors
    /// [`SetupError::Lost`] if the receiver did not take it, [`SetupError::Flush`] if it could
    /// not be given to the exporter in time.
    pub fn flush(&self) -> Result<(), SetupError> {
        let Some(on) = &self.on else { return Ok(()) };
        let before = self.lost();
        let (spans, verdicts) = (on.traces.force_flush(), on.logs.force_flush());
        let lost = self.lost().since(before);
        if lost != Lost::default() {
            return Err(SetupError::Lost(lost));
        }
        spans.and(verdicts).map_err(|error| SetupError::Flush(error.to_string()))
    }

    /// Sends what has not been sent and ends the pipeline, as dropping it does, but says how it
    /// went.
    ///
    /// # Errors
    /// [`SetupError::Lost`] with all that was lost since the pipeline was set up,
    /// [`SetupError::Flush`] if the end could not be waited for.
    pub fn shutdown(mut self) -> Result<(), SetupError> {
        self.close()
    }

    fn close(&mut self) -> Result<(), SetupError> {
        let Some(on) = self.on.take() else { return Ok(()) };
        on.emitter.uninstall();
        let spans = on.traces.shutdown_with_timeout(SHUTDOWN_TIMEOUT);
        let verdicts = on.logs.shutdown_with_timeout(SHUTDOWN_TIMEOUT);
        if let Some(runtime) = on.runtime {
            runtime.shutdown_background();
        }
        let lost = on.ledger.map_or_else(Lost::default, |ledger| ledger.lost_in_the_end());
        if lost != Lost::default() {
            return Err(SetupError::Lost(lost));
        }
        spans.and(verdicts).map_err(|error| SetupError::Flush(error.to_string()))
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::warn!(%error, "telemetry was lost at the end");
        }
    }
}
