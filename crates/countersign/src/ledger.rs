//! Ledger: what was given to the pipeline, what got through, and one log line when it stops
//! getting through.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::logs::Severity;
use opentelemetry::{Context, InstrumentationScope};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogBatch, LogExporter, LogProcessor, SdkLogRecord};
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter, SpanProcessor};

/// What did not get through: the receiver was away for too long, refused it, or the queue was
/// full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Spans.
    pub spans: u64,
    /// Verdicts.
    pub verdicts: u64,
}

impl Lost {
    /// What was lost after `before`.
    pub(crate) fn since(self, before: Lost) -> Lost {
        Lost {
            spans: self.spans.saturating_sub(before.spans),
            verdicts: self.verdicts.saturating_sub(before.verdicts),
        }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} spans and {} verdicts", self.spans, self.verdicts)
    }
}

/// The counts of one pipeline.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    spans: Flow,
    verdicts: Flow,
    failing: AtomicBool,
}

#[derive(Debug, Default)]
struct Flow {
    given: AtomicU64,
    sent: AtomicU64,
    refused: AtomicU64,
}

impl Flow {
    /// What is neither sent nor waiting, once nothing waits any more.
    fn missing(&self) -> u64 {
        let given = self.given.load(Ordering::Relaxed);
        given.saturating_sub(self.sent.load(Ordering::Relaxed))
    }

    fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

impl Ledger {
    /// What is known to be lost so far.
    pub(crate) fn lost(&self) -> Lost {
        Lost { spans: self.spans.refused(), verdicts: self.verdicts.refused() }
    }

    /// What is lost when the pipeline has ended; drops of a full queue included.
    pub(crate) fn lost_in_the_end(&self) -> Lost {
        Lost { spans: self.spans.missing(), verdicts: self.verdicts.missing() }
    }

    fn settle(&self, flow: &Flow, count: u64, result: &OTelSdkResult) {
        match result {
            Ok(()) => {
                flow.sent.fetch_add(count, Ordering::Relaxed);
                if self.failing.swap(false, Ordering::Relaxed) {
                    let lost = self.lost();
                    tracing::info!(%lost, "telemetry gets through again");
                }
            }
            Err(error) => {
                flow.refused.fetch_add(count, Ordering::Relaxed);
                if !self.failing.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        %error,
                        "telemetry does not get through; is the receiver there? what is lost \
                         until it does is counted"
                    );
                }
            }
        }
    }
}

/// A processor or an exporter whose traffic is entered into a ledger.
#[derive(Debug)]
pub(crate) struct Counted<T> {
    inner: T,
    ledger: Arc<Ledger>,
}

impl<T> Counted<T> {
    pub(crate) fn new(inner: T, ledger: &Arc<Ledger>) -> Counted<T> {
        Counted { inner, ledger: Arc::clone(ledger) }
    }
}

impl<T: SpanProcessor> SpanProcessor for Counted<T> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        // Spans that are recorded and not sampled are not exported.
        if span.span_context.is_sampled() {
            self.ledger.spans.given.fetch_add(1, Ordering::Relaxed);
        }
        self.inner.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl<T: SpanExporter> SpanExporter for Counted<T> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len() as u64;
        let result = self.inner.export(batch).await;
        self.ledger.settle(&self.ledger.spans, count, &result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl<T: LogProcessor> LogProcessor for Counted<T> {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        self.ledger.verdicts.given.fetch_add(1, Ordering::Relaxed);
        self.inner.emit(record, scope);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn event_enabled(&self, level: Severity, target: &str, name: Option<&str>) -> bool {
        self.inner.event_enabled(level, target, name)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl<T: LogExporter> LogExporter for Counted<T> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let count = batch.iter().count() as u64;
        let result = self.inner.export(batch).await;
        self.ledger.settle(&self.ledger.verdicts, count, &result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn event_enabled(&self, level: Severity, target: &str, name: Option<&str>) -> bool {
        self.inner.event_enabled(level, target, name)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
