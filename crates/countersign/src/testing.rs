//! A testing kit: a pipeline that ends in memory, for tests of what an agent reports.
//!
//! ```
//! use countersign::{Operation, Task, Usage, testing::Kit};
//!
//! let kit = Kit::new();
//! let _here = kit.attach();
//! let task = Task::new("t-1").workflow("answer").start();
//! task.call(Operation::Chat, "openai", "gpt-4o-mini").start().usage(Usage::new(10, 2)).end();
//! task.end();
//!
//! let call = kit.span("chat gpt-4o-mini");
//! assert_eq!(call.text("countersign.task.id"), "t-1");
//! assert_eq!(call.integer("gen_ai.usage.input_tokens"), Some(10));
//! ```

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::logs::AnyValue;
use opentelemetry::trace::{Status, TracerProvider as _};
use opentelemetry::{Context, ContextGuard, Value};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogBatch, LogExporter, SdkLoggerProvider};
use opentelemetry_sdk::trace::{
    SdkTracer, SdkTracerProvider, SimpleSpanProcessor, SpanData, SpanExporter,
};

use crate::pipeline::TaskProcessor;
use crate::setup::Telemetry;

/// A pipeline that ends in memory.
#[derive(Debug)]
pub struct Kit {
    telemetry: Telemetry,
    traces: SdkTracerProvider,
    memory: Memory,
}

/// A finished span or a log record, as it would have been sent.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Name of the span or of the log record.
    pub name: String,
    /// The trace, in hexadecimal; zeros if there is none.
    pub trace: String,
    /// The span, in hexadecimal; zeros if there is none.
    pub span: String,
    /// Its parent, in hexadecimal; zeros if there is none.
    pub parent: String,
    /// Whether its status is an error.
    pub failed: bool,
    /// Attributes in the order they were set.
    pub attributes: Vec<(String, Value)>,
    /// Name and attribute keys of each span event.
    pub events: Vec<String>,
}

#[derive(Clone, Debug, Default)]
struct Memory {
    spans: Arc<Mutex<Vec<Seen>>>,
    records: Arc<Mutex<Vec<Seen>>>,
}

impl Default for Kit {
    fn default() -> Kit {
        Kit::new()
    }
}

impl Kit {
    /// An empty one.
    #[must_use]
    pub fn new() -> Kit {
        let memory = Memory::default();
        let exporter = SimpleSpanProcessor::new(memory.clone());
        let traces =
            SdkTracerProvider::builder().with_span_processor(TaskProcessor::new(exporter)).build();
        let logs = SdkLoggerProvider::builder().with_simple_exporter(memory.clone()).build();
        Kit { telemetry: Telemetry::on(traces.clone(), logs, None), traces, memory }
    }

    /// The pipeline.
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// The current context, with the kit in it: for futures.
    #[must_use]
    pub fn context(&self) -> Context {
        self.telemetry.context()
    }

    /// Makes this thread report to the kit until the guard is dropped. Tasks that are begun
    /// meanwhile go on reporting to it, on whatever thread they are continued.
    pub fn attach(&self) -> ContextGuard {
        self.context().attach()
    }

    /// A tracer of another library on the kit's pipeline.
    #[must_use]
    pub fn tracer(&self, name: &'static str) -> SdkTracer {
        self.traces.tracer(name)
    }

    /// An exporter into the kit, for a provider of one's own.
    pub fn exporter(&self) -> impl SpanExporter + 'static {
        self.memory.clone()
    }

    /// The spans that have ended, in the order in which they did.
    #[must_use]
    pub fn spans(&self) -> Vec<Seen> {
        self.memory.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The span of this name.
    ///
    /// # Panics
    /// If there is none, or more than one.
    #[must_use]
    pub fn span(&self, name: &str) -> Seen {
        let mut found = self.spans().into_iter().filter(|span| span.name == name);
        match (found.next(), found.next()) {
            (Some(span), None) => span,
            (None, _) => panic!("no span is named `{name}`; there are:\n{}", self.tree()),
            (Some(_), Some(_)) => panic!("several spans are named `{name}`:\n{}", self.tree()),
        }
    }

    /// The verdicts that were sent, in the order in which they were.
    #[must_use]
    pub fn verdicts(&self) -> Vec<Seen> {
        self.memory.records.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All spans as an indented tree with their attributes, without ids and times: for
    /// comparing with what is expected.
    #[must_use]
    pub fn tree(&self) -> String {
        let mut spans = self.spans();
        // In the order of their beginning: parents end after their children.
        spans.reverse();
        let mut text = String::new();
        let is_known = |id: &str| spans.iter().any(|span| span.span == id);
        for root in spans.iter().filter(|span| !is_known(&span.parent)) {
            draw(root, &spans, 0, &mut text);
        }
        text
    }
}

fn draw(span: &Seen, spans: &[Seen], depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    let failed = if span.failed { " (failed)" } else { "" };
    text.push_str(&format!("{indent}{}{failed}\n", span.name));
    let mut lines = span.lines();
    lines.sort();
    for line in lines {
        text.push_str(&format!("{indent}    {line}\n"));
    }
    for child in spans.iter().rev().filter(|child| child.parent == span.span) {
        draw(child, spans, depth + 1, text);
    }
}

impl Seen {
    /// The attribute of this name. Times and random ids included.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The attribute of this name as a text; empty if there is none.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        self.get(name).map_or_else(String::new, |value| value.as_str().into_owned())
    }

    /// The attribute of this name as an integer, if it is one.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Some(Value::I64(number)) => Some(*number),
            Some(_) | None => None,
        }
    }

    /// One line for each attribute: `key = value`.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.attributes.iter().map(|(key, value)| format!("{key} = {}", Shown(value))).collect()
    }
}

/// A value in which texts and numbers can be told apart.
struct Shown<'a>(&'a Value);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::String(text) => write!(f, "{:?}", text.as_str()),
            Value::F64(number) => write!(f, "{number:?}"),
            Value::Bool(_) | Value::I64(_) | Value::Array(_) | _ => write!(f, "{}", self.0),
        }
    }
}

impl SpanExporter for Memory {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        spans.extend(batch.into_iter().map(|span| {
            Seen {
                name: span.name.into_owned(),
                trace: span.span_context.trace_id().to_string(),
                span: span.span_context.span_id().to_string(),
                parent: span.parent_span_id.to_string(),
                failed: matches!(span.status, Status::Error { .. }),
                attributes: span
                    .attributes
                    .into_iter()
                    .map(|attribute| (attribute.key.to_string(), attribute.value))
                    .collect(),
                events: span.events.iter().map(|event| event.name.to_string()).collect(),
            }
        }));
        Ok(())
    }
}

impl LogExporter for Memory {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.extend(batch.iter().map(|(record, _)| {
            let place = record.trace_context();
            Seen {
                name: record.event_name().unwrap_or_default().to_owned(),
                trace: place.map_or_else(|| "0".repeat(32), |place| place.trace_id.to_string()),
                span: place.map_or_else(|| "0".repeat(16), |place| place.span_id.to_string()),
                parent: "0".repeat(16),
                failed: false,
                attributes: record
                    .attributes_iter()
                    .map(|(key, value)| (key.to_string(), plain(value)))
                    .collect(),
                events: Vec::new(),
            }
        }));
        Ok(())
    }
}

fn plain(value: &AnyValue) -> Value {
    match value {
        AnyValue::Int(number) => Value::I64(*number),
        AnyValue::Double(number) => Value::F64(*number),
        AnyValue::Boolean(truth) => Value::Bool(*truth),
        AnyValue::String(text) => Value::String(text.clone()),
        AnyValue::Bytes(_) | AnyValue::ListAny(_) | AnyValue::Map(_) | _ => {
            Value::String(format!("{value:?}").into())
        }
    }
}
