//! Across processes: the W3C trace context and baggage, as HTTP headers, message attributes or
//! environment variables, so that the spans of a helper in any language carry the task.

use std::collections::HashMap;
use std::env;

use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};

/// What carries a context: lower-case header names with their values.
pub type Headers = HashMap<String, String>;

const HEADERS: [&str; 3] = ["traceparent", "tracestate", "baggage"];

/// The headers that carry a context: `traceparent`, `tracestate` and `baggage`, as far as there
/// is anything to say.
///
/// ```
/// let task = countersign::Task::new("ticket-7").start();
/// let headers = countersign::propagation::headers(&task.context());
/// assert_eq!(headers["baggage"], "countersign.task.id=ticket-7");
/// ```
#[must_use]
pub fn headers(context: &Context) -> Headers {
    let mut headers = Headers::new();
    TraceContextPropagator::new().inject_context(context, &mut headers);
    BaggagePropagator::new().inject_context(context, &mut headers);
    headers.retain(|_, value| !value.is_empty());
    headers
}

/// The environment variables that carry a context to a child process: `TRACEPARENT`,
/// `TRACESTATE` and `BAGGAGE`.
///
/// ```
/// use std::process::Command;
/// let task = countersign::Task::new("ticket-7").start();
/// let mut child = Command::new("helper");
/// child.envs(countersign::propagation::environment(&task.context()));
/// ```
#[must_use]
pub fn environment(context: &Context) -> Headers {
    headers(context).into_iter().map(|(name, value)| (name.to_ascii_uppercase(), value)).collect()
}

/// The current context, with what another process sent in headers. Names may be of any case.
#[must_use]
pub fn from_headers<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Context {
    let headers: Headers = headers
        .into_iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .filter(|(name, _)| HEADERS.contains(&name.as_str()))
        .collect();
    let context = TraceContextPropagator::new().extract_with_context(&Context::current(), &headers);
    BaggagePropagator::new().extract_with_context(&context, &headers)
}

/// The current context, with what the parent process gave in the environment.
#[must_use]
pub fn from_environment() -> Context {
    let variables: Vec<(&str, String)> = HEADERS
        .into_iter()
        .filter_map(|name| Some((name, env::var(name.to_ascii_uppercase()).ok()?)))
        .collect();
    from_headers(variables.iter().map(|(name, value)| (*name, value.as_str())))
}
