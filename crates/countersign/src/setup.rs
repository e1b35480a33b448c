//! Set-up: from the standard `OTEL_*` variables to a pipeline that is flushed when its guard
//! goes.

use std::env;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::propagation::TextMapCompositePropagator;
use opentelemetry::{Context, KeyValue, StringValue, global};
use opentelemetry_otlp::{
    ExporterBuildError, LogExporter, Protocol as OtlpProtocol, SpanExporter, WithExportConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::logs::{BatchConfigBuilder as LogBatchConfig, BatchLogProcessor};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider};
use tokio::runtime::{Builder as RuntimeBuilder, Runtime};
use tracing::Subscriber;
use tracing_subscriber::registry::LookupSpan;

use crate::emitter::Emitter;
use crate::layer::TaskLayer;
use crate::pipeline::TaskProcessor;
use crate::task::random_id;

/// How long a flush may take when the guard goes.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

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

/// How spans and verdicts travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// OTLP over HTTP, protobuf; port 4318 by default.
    Http,
    /// OTLP over gRPC; port 4317 by default.
    Grpc,
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
        if let Some(on) = &telemetry.on {
            on.emitter.install();
            if take_globals {
                global::set_tracer_provider(on.traces.clone());
                global::set_text_map_propagator(TextMapCompositePropagator::new(vec![
                    Box::new(TraceContextPropagator::new()),
                    Box::new(BaggagePropagator::new()),
                ]));
            }
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
            return Ok(Telemetry { on: None });
        }
        let (traces, logs, runtime) = match self.providers.take() {
            Some((traces, logs)) => (traces, logs, None),
            None => self.pipeline()?,
        };
        Ok(Telemetry::on(traces, logs, runtime))
    }

    fn pipeline(
        self,
    ) -> Result<(SdkTracerProvider, SdkLoggerProvider, Option<Runtime>), SetupError> {
        let spans_over = self.protocol_of("TRACES")?;
        let logs_over = self.protocol_of("LOGS")?;
        let runtime = match (spans_over, logs_over) {
            (Protocol::Http, Protocol::Http) => None,
            _ => Some(runtime()?),
        };
        let entered = runtime.as_ref().map(Runtime::enter);
        let span_exporter = self.span_exporter(spans_over)?;
        let log_exporter = self.log_exporter(logs_over)?;
        drop(entered);

        let mut span_batches = BatchConfigBuilder::default();
        let mut log_batches = LogBatchConfig::default();
        if let Some(interval) = self.export_interval {
            span_batches = span_batches.with_scheduled_delay(interval);
            log_batches = log_batches.with_scheduled_delay(interval);
        }
        let spans = BatchSpanProcessor::builder(span_exporter)
            .with_batch_config(span_batches.build())
            .build();
        let records =
            BatchLogProcessor::builder(log_exporter).with_batch_config(log_batches.build()).build();
        let resource = self.resource();
        let traces = SdkTracerProvider::builder()
            .with_resource(resource.clone())
            .with_span_processor(TaskProcessor::new(spans))
            .build();
        let logs = SdkLoggerProvider::builder()
            .with_resource(resource)
            .with_log_processor(records)
            .build();
        Ok((traces, logs, runtime))
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

    fn protocol_of(&self, signal: &str) -> Result<Protocol, SetupError> {
        if let Some(protocol) = self.protocol {
            return Ok(protocol);
        }
        let of_signal = format!("OTEL_EXPORTER_OTLP_{signal}_PROTOCOL");
        for variable in [of_signal.as_str(), "OTEL_EXPORTER_OTLP_PROTOCOL"] {
            match env::var(variable).as_deref() {
                Ok("") | Err(_) => {}
                Ok("http/protobuf") => return Ok(Protocol::Http),
                Ok("grpc") => return Ok(Protocol::Grpc),
                Ok(other) => {
                    return Err(SetupError::Variable {
                        variable: variable.to_owned(),
                        value: other.to_owned(),
                        expected: "`http/protobuf` or `grpc`",
                    });
                }
            }
        }
        Ok(Protocol::Http)
    }

    fn span_exporter(&self, protocol: Protocol) -> Result<SpanExporter, SetupError> {
        let exporter = match protocol {
            Protocol::Http => {
                let mut exporter =
                    SpanExporter::builder().with_http().with_protocol(OtlpProtocol::HttpBinary);
                if let Some(base) = &self.endpoint {
                    exporter = exporter.with_endpoint(below(base, "/v1/traces"));
                }
                exporter.build()
            }
            Protocol::Grpc => {
                let mut exporter = SpanExporter::builder().with_tonic();
                if let Some(base) = &self.endpoint {
                    exporter = exporter.with_endpoint(base);
                }
                exporter.build()
            }
        };
        exporter.map_err(SetupError::Exporter)
    }

    fn log_exporter(&self, protocol: Protocol) -> Result<LogExporter, SetupError> {
        let exporter = match protocol {
            Protocol::Http => {
                let mut exporter =
                    LogExporter::builder().with_http().with_protocol(OtlpProtocol::HttpBinary);
                if let Some(base) = &self.endpoint {
                    exporter = exporter.with_endpoint(below(base, "/v1/logs"));
                }
                exporter.build()
            }
            Protocol::Grpc => {
                let mut exporter = LogExporter::builder().with_tonic();
                if let Some(base) = &self.endpoint {
                    exporter = exporter.with_endpoint(base);
                }
                exporter.build()
            }
        };
        exporter.map_err(SetupError::Exporter)
    }
}

fn is_disabled() -> bool {
    env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value.eq_ignore_ascii_case("true"))
}

fn below(base: &str, path: &str) -> String {
    [base.trim_end_matches('/'), path].concat()
}

/// gRPC needs a runtime that lives as long as the exporter and is never blocked by a flush, so
/// it gets one of its own.
fn runtime() -> Result<Runtime, SetupError> {
    RuntimeBuilder::new_multi_thread()
        .worker_threads(1)
        .thread_name("countersign-export")
        .enable_all()
        .build()
        .map_err(SetupError::Runtime)
}

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
    runtime: Option<Runtime>,
}

impl Telemetry {
    pub(crate) fn on(
        traces: SdkTracerProvider,
        logs: SdkLoggerProvider,
        runtime: Option<Runtime>,
    ) -> Telemetry {
        let emitter = Arc::new(Emitter::new(&traces, &logs));
        Telemetry { on: Some(On { traces, logs, emitter, runtime }) }
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

    /// Sends what has not been sent, and waits for it.
    ///
    /// # Errors
    /// [`SetupError::Flush`] if it could not be sent.
    pub fn flush(&self) -> Result<(), SetupError> {
        let Some(on) = &self.on else { return Ok(()) };
        let (spans, records) = (on.traces.force_flush(), on.logs.force_flush());
        spans.and(records).map_err(|error| SetupError::Flush(error.to_string()))
    }

    /// Sends what has not been sent and ends the pipeline, as dropping it does, but says how it
    /// went.
    ///
    /// # Errors
    /// [`SetupError::Flush`] if something could not be sent.
    pub fn shutdown(mut self) -> Result<(), SetupError> {
        self.close()
    }

    fn close(&mut self) -> Result<(), SetupError> {
        let Some(on) = self.on.take() else { return Ok(()) };
        on.emitter.uninstall();
        let spans = on.traces.shutdown_with_timeout(SHUTDOWN_TIMEOUT);
        let records = on.logs.shutdown_with_timeout(SHUTDOWN_TIMEOUT);
        if let Some(runtime) = on.runtime {
            runtime.shutdown_background();
        }
        spans.and(records).map_err(|error| SetupError::Flush(error.to_string()))
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::warn!(%error, "telemetry was lost at the end");
        }
    }
}

/// Why telemetry could not be set up or sent.
#[derive(Debug)]
#[non_exhaustive]
pub enum SetupError {
    /// A variable has a value that cannot be used.
    Variable {
        /// The variable.
        variable: String,
        /// Its value.
        value: String,
        /// What can be used.
        expected: &'static str,
    },
    /// The exporter cannot be built, most often because of its endpoint.
    Exporter(ExporterBuildError),
    /// The runtime for gRPC could not be started.
    Runtime(std::io::Error),
    /// Not everything could be sent.
    Flush(String),
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SetupError::Variable { variable, value, expected } => {
                write!(f, "{variable} is `{value}`: set it to {expected}, or unset it")
            }
            SetupError::Exporter(error) => {
                write!(f, "the exporter cannot be built, check its endpoint: {error}")
            }
            SetupError::Runtime(error) => {
                write!(f, "no thread for gRPC, use http/protobuf instead: {error}")
            }
            SetupError::Flush(error) => {
                write!(f, "not everything was sent, is the receiver reachable? {error}")
            }
        }
    }
}

impl std::error::Error for SetupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            SetupError::Exporter(error) => Some(error),
            SetupError::Runtime(error) => Some(error),
            SetupError::Variable { .. } | SetupError::Flush(_) => None,
        }
    }
}
