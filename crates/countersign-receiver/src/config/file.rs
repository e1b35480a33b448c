//! The shape of `countersign.yaml`: which keys there are and what each one sets.

use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::ports::listener;
use super::section::Section;
use super::{Config, Destination, Protocol, Retry, Signals, credentials, units};

/// Reads the whole file into `config`.
pub(super) fn read(mut root: Section<'_>, config: &mut Config) {
    if let Some(section) = root.section("countersign") {
        own(section, config);
    }
    if let Some(mut receivers) = root.section("receivers") {
        if let Some(mut otlp) = receivers.section("otlp") {
            if let Some(mut protocols) = otlp.section("protocols") {
                let (listen, doors) = (&mut config.listen, &mut config.doors);
                doors.grpc = listener(protocols.section("grpc"), &mut listen.grpc);
                doors.http = listener(protocols.section("http"), &mut listen.http);
                protocols.end();
            }
            otlp.end();
        }
        receivers.end();
    }
    if let Some(section) = root.section("exporters") {
        exporters(section, config);
    }
    if let Some(section) = root.section("hooks") {
        super::hooks::read(section, &mut config.hooks);
    }
    root.end();
}

fn own(mut section: Section<'_>, config: &mut Config) {
    let text = |text: &str| Some(text.to_owned());
    let rate = "dollars an hour, e.g. 90";
    let books = &mut config.books;

    set(&mut config.data, section.read("data", "a directory", units::path));
    let operator = section.section("operator");
    config.doors.operator = listener(operator, &mut config.listen.operator);
    set(&mut config.credentials, section.section("credentials").map(credentials::credentials));
    set(&mut config.tenants, section.section("tenants").map(credentials::tenants));
    set(&mut config.connections, section.section("connections").map(credentials::connections));
    set(&mut config.purpose, section.read("purpose", "a sentence", text));
    let patience = section.read("patience", units::DURATION, units::patience_ms);
    set(&mut books.patience_ms, patience);
    books.confirm_ms = section.read("confirm", units::DURATION, units::confirm_ms);
    let per_hour = section.read("review_rate_usd_per_hour", rate, units::dollars);
    set(&mut books.review_rate_per_hour, per_hour);
    let edited = section.read("edited_threshold", "a share from 0 to 1", units::share_ppm);
    set(&mut books.edited_ppm, edited);
    if let Some(workflows) = section.section("workflows") {
        for (name, mut workflow) in workflows.named() {
            let patience = workflow.read("patience", units::DURATION, units::patience_ms);
            books.patience_ms_by_workflow.extend(patience.map(|ms| (name.to_owned(), ms)));
            let confirm = workflow.read("confirm", units::DURATION, units::confirm_ms);
            books.confirm_ms_by_workflow.extend(confirm.map(|ms| (name.to_owned(), ms)));
            let per_hour = workflow.read("review_rate_usd_per_hour", rate, units::dollars);
            books.review_rate_by_workflow.extend(per_hour.map(|rate| (name.to_owned(), rate)));
            workflow.end();
        }
    }
    set(&mut config.dialect.task_keys, section.list("task_keys", "an attribute key", text));
    set(&mut config.prices, section.list("prices", "a file", units::path));
    set(&mut config.scrub, section.read("scrub", SCRUB, units::scrub));
    if let Some(mut metrics) = section.section("metrics") {
        let interval = metrics.read("interval", units::DURATION, units::some_duration);
        set(&mut config.metrics_interval, interval);
        metrics.end();
    }
    let reread = section.read("reread_interval", units::DURATION, units::some_duration);
    set(&mut config.reread_interval, reread);
    let kept = section.read("journal_kept", "bytes such as 512MiB or 4GiB", units::bytes);
    set(&mut config.journal_kept_bytes, kept);
    let url = "a URL with {trace_id} in it";
    let trace_url = section.read("trace_url", url, |text| {
        let usable = is_web(text) && text.contains("{trace_id}");
        usable.then(|| text.to_owned())
    });
    config.trace_url = trace_url;
    section.end();
}

const SCRUB: &str = "standard, strict or off";

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn is_web(url: &str) -> bool {
    url.starts_with("http://") || url.starts_with("https://")
}

fn exporters(section: Section<'_>, config: &mut Config) {
    for (key, exporter) in section.named() {
        let (kind, name) = key.split_once('/').unwrap_or((key, key));
        let protocol = match kind {
            "otlp" | "otlp_grpc" => Protocol::Grpc,
            "otlphttp" | "otlp_http" => Protocol::HttpProtobuf,
            _ => {
                exporter.reject("no such exporter; there are otlp/NAME and otlphttp/NAME");
                continue;
            }
        };
        if !units::is_name(name) {
            exporter.reject(units::NAME_EXPECTED);
            continue;
        }
        if config.destinations.iter().any(|other| other.name == name) {
            exporter.reject("the name after the slash is taken by another exporter");
            continue;
        }
        if let Some(destination) = destination(exporter, name, protocol, config) {
            config.destinations.push(destination);
        }
    }
}

fn destination(
    mut section: Section<'_>,
    name: &str,
    default_protocol: Protocol,
    config: &Config,
) -> Option<Destination> {
    let protocol = section.read("protocol", "grpc or http/protobuf", |text| match text {
        "grpc" => Some(Protocol::Grpc),
        "http/protobuf" => Some(Protocol::HttpProtobuf),
        _ => None,
    });
    let protocol = protocol.unwrap_or(default_protocol);
    let (plaintext, ca_file) = tls(section.section("tls"));
    let endpoint =
        section.read("endpoint", "host:port or a URL", |text| with_scheme(text, plaintext));
    if endpoint.is_none() && !section.has("endpoint") {
        section.reject("`endpoint` is missing: where should it go?");
    }
    let headers = section.secrets("headers", "a header name and a text value", header);
    let gzip = section.read("compression", "gzip or none", |text| match text {
        "gzip" => Some(true),
        "none" | "" => Some(false),
        _ => None,
    });
    let signals = section.list("signals", "traces, logs or metrics", |text| {
        ["traces", "logs", "metrics"].into_iter().find(|known| *known == text)
    });
    let signals = signals.map_or(Signals::ALL, |named| Signals {
        traces: named.contains(&"traces"),
        logs: named.contains(&"logs"),
        metrics: named.contains(&"metrics"),
    });
    let scrub = section.read("scrub", SCRUB, units::scrub).unwrap_or(config.scrub);
    if config.destinations.iter().any(|to| to.scrub != scrub && to.signals.meets(signals)) {
        let text = "destinations of one signal share a queue: give them the same `scrub`";
        section.mistake("scrub", text);
    }
    let timeout = section.read("timeout", units::DURATION, units::some_duration);
    let queued = "every destination is served from a queue on disk, and nothing can be set about \
                  it yet: leave it out";
    section.refuse("sending_queue", queued);
    let retry = retry(section.section("retry_on_failure"));
    section.end();
    Some(Destination {
        name: name.to_owned(),
        endpoint: endpoint?,
        protocol,
        headers,
        gzip: gzip.unwrap_or(true),
        signals,
        scrub,
        timeout: timeout.unwrap_or(Duration::from_secs(10)),
        ca_file,
        retry,
    })
}

/// As in the Collector an endpoint without a scheme is spoken to over TLS, unless
/// `tls.insecure` says otherwise.
fn with_scheme(endpoint: &str, plaintext: bool) -> Option<String> {
    let endpoint = endpoint.trim_end_matches('/');
    let url = match (endpoint.contains("://"), plaintext) {
        (true, _) => endpoint.to_owned(),
        (false, true) => format!("http://{endpoint}"),
        (false, false) => format!("https://{endpoint}"),
    };
    let uri: http::Uri = url.parse().ok()?;
    let usable = is_web(&url) && uri.host().is_some_and(|host| !host.is_empty());
    usable.then_some(url)
}

fn tls(section: Option<Section<'_>>) -> (bool, Option<PathBuf>) {
    let Some(mut section) = section else { return (false, None) };
    let insecure = section.read("insecure", "true or false", units::truth).unwrap_or(false);
    let ca_file = section.read("ca_file", "a file", units::path);
    section.end();
    (insecure, ca_file)
}

fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let name = name.parse().ok()?;
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}

fn retry(section: Option<Section<'_>>) -> Retry {
    let mut retry = Retry::default();
    if let Some(mut section) = section {
        let first = section.read("initial_interval", units::DURATION, units::some_duration);
        let longest = section.read("max_interval", units::DURATION, units::some_duration);
        set(&mut retry.initial, first);
        set(&mut retry.max, longest);
        if retry.initial > retry.max {
            section.mistake("initial_interval", "longer than max_interval");
        }
        section.end();
    }
    retry
}
