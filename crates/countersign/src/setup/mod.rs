//! Set-up: from the standard `OTEL_*` variables to a pipeline that is flushed when its guard
//! goes.

mod error;
mod exporters;
mod telemetry;

use std::env;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::propagation::TextMapCompositePropagator;
use opentelemetry::{KeyValue, StringValue, global};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{
    BatchConfigBuilder as LogBatchConfig, BatchLogProcessor, SdkLoggerProvider,
};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider};

use crate::ledger::{Counted, Ledger};
use crate::pipeline::TaskProcessor;
use crate::task::random_id;

pub use error::SetupError;
pub use exporters::Protocol;
use exporters::exporters;
pub use telemetry::Telemetry;

/// Sets telemetry up as the standard `OTEL_*` variables say. Keep the guard until the end of
/// `main`: what it has not sent by then it sends when it is dropped.
///
/// The variables: `OTEL_EXPORTER_OTLP_ENDPOINT`, `_PROTOCOL` (`http/protobuf`, the default, or
/// `grpc`), `_HEADERS`, `_TIMEOUT` and their `_TRACES_`, `_LOGS_` forms; `OTEL_SERVICE_NAME`,
/// `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER`, `OTEL_BSP_*`, `OTEL_BLRP_*`, and
/// `OTEL_SDK_DISABLED=true`, with which nothing is set up and everything else costs next to
/// nothing.
///
/// # Errors
/// [`SetupError`] if a variable has a value that cannot be used.
pub fn init() -> Result<Telemetry, SetupError> {
    builder().init()
}

/// A set-up that says more than the variables do; what it says goes before them.
pub fn builder() -> Builder {
    Builder::default()
}

/// See [`builder`].
#[derive(Debug, Default)]
#[must_use]
pub struct Builder {
    protocol: Option<Protocol>,
    endpoint: Option<String>,
    service_name: Option<StringValue>,
    attributes: Vec<KeyValue>,
    export_interval: Option<Duration>,
    providers: Option<(SdkTracerProvider, SdkLoggerProvider)>,
    keep_globals: bool,
}

impl Builder {
    /// How to send; else `OTEL_EXPORTER_OTLP_PROTOCOL` says, else HTTP is used.
    pub fn protocol(mut self, protocol: Protocol) -> Builder {
        self.protocol = Some(protocol);
        self
    }

    /// Where to send, e.g. `http://127.0.0.1:4318`, without a path; else
    /// `OTEL_EXPORTER_OTLP_ENDPOINT` says.
    pub fn endpoint(mut self, base_url: impl Into<String>) -> Builder {
        self.endpoint = Some(base_url.into());
        self
    }

    /// The service's name; else `OTEL_SERVICE_NAME` says.
    pub fn service_name(mut self, name: impl Into<StringValue>) -> Builder {
        self.service_name = Some(name.into());
        self
    }

    /// One more attribute of the resource.
    pub fn resource_attribute(
        mut self,
        key: &'static str,
        value: impl Into<StringValue>,
    ) -> Builder {
        self.attributes.push(KeyValue::new(key, value.into()));
        self
    }

    /// How long spans and verdicts wait for others to be sent with; else `OTEL_BSP_SCHEDULE_DELAY`
    /// and `OTEL_BLRP_SCHEDULE_DELAY` say.
    pub fn export_interval(mut self, interval: Duration) -> Builder {
        self.export_interval = Some(interval);
        self
    }

    /// Providers that exist already, instead of new ones. Their exporting span processor should
    /// stand behind a [`TaskProcessor`]. Nothing else of this builder is used.
    pub fn providers(mut self, traces: SdkTracerProvider, logs: SdkLoggerProvider) -> Builder {
        self.providers = Some((traces, logs));
        self
    }

    /// Leaves OpenTelemetry's global tracer provider and propagator alone. Spans that other
    /// libraries make then go wherever they went before.
    pub fn keep_globals(mut self) -> Builder {
        self.keep_globals = true;
        self
    }

    /// Builds the pipeline and makes it that of the process.
    ///
    /// # Errors
    /// [`SetupError`] if an endpoint or a variable cannot be used.
    pub fn init(self) -> Result<Telemetry, SetupError> {
        let take_globals = !self.keep_globals && self.providers.is_none();
        let telemetry = self.build()?;
        if let Some(traces) = telemetry.install().filter(|_| take_globals) {
            global::set_tracer_provider(traces);
            global::set_text_map_propagator(TextMapCompositePropagator::new(vec![
                Box::new(TraceContextPropagator::new()),
                Box::new(BaggagePropagator::new()),
            ]));
        }
        Ok(telemetry)
    }

    /// Builds the pipeline and leaves the process as it is: [`Telemetry::context`] says where it
    /// is used.
    ///
    /// # Errors
    /// [`SetupError`] if an endpoint or a variable cannot be used.
    pub fn build(mut self) -> Result<Telemetry, SetupError> {
        if is_disabled() {
            return Ok(Telemetry::off());
        }
        match self.providers.take() {
            Some((traces, logs)) => Ok(Telemetry::on(traces, logs, None)),
            None => self.pipeline(),
        }
    }

    fn pipeline(self) -> Result<Telemetry, SetupError> {
        let ends = exporters(self.protocol, self.endpoint.as_deref())?;
        let mut span_batches = BatchConfigBuilder::default();
        let mut log_batches = LogBatchConfig::default();
        if let Some(interval) = self.export_interval {
            span_batches = span_batches.with_scheduled_delay(interval);
            log_batches = log_batches.with_scheduled_delay(interval);
        }
        let ledger = Arc::new(Ledger::default());
        let spans = BatchSpanProcessor::builder(Counted::new(ends.spans, &ledger))
            .with_batch_config(span_batches.build())
            .build();
        let verdicts = BatchLogProcessor::builder(Counted::new(ends.verdicts, &ledger))
            .with_batch_config(log_batches.build())
            .build();
        let resource = self.resource();
        let traces = SdkTracerProvider::builder()
            .with_resource(resource.clone())
            .with_span_processor(TaskProcessor::new(Counted::new(spans, &ledger)))
            .build();
        let logs = SdkLoggerProvider::builder()
            .with_resource(resource)
            .with_log_processor(Counted::new(verdicts, &ledger))
            .build();
        Ok(Telemetry::on(traces, logs, Some((ledger, ends.runtime))))
    }

    fn resource(self) -> Resource {
        // Tells this process from others of the same service; the environment's own goes first.
        let instance = KeyValue::new("service.instance.id", random_id());
        let from_environment = Resource::builder().build();
        let mut resource = Resource::builder_empty()
            .with_attribute(instance)
            .with_attributes(
                from_environment
                    .iter()
                    .map(|(key, value)| KeyValue::new(key.clone(), value.clone())),
            )
            .with_attributes(self.attributes);
        if let Some(name) = self.service_name {
            resource = resource.with_service_name(name);
        }
        resource.build()
    }
}

fn is_disabled() -> bool {
    env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value.eq_ignore_ascii_case("true"))
}
