//! Every recorded run, through reader and books: what was served is what is counted.
//!
//! The same requests in order, in another order, sent twice, merged into one, and as JSON must
//! give the same totals.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use countersign_core::dialect::{Reader, Settings, Signal};
use countersign_core::price::Catalog;
use countersign_core::settle::{Books, Totals};
use countersign_receiver::ingest::json::transcode;
use serde_json::Value;

use crate::as_json::as_json;

/// A little after the runs were recorded.
const RECEIVED: u64 = 1_795_320_000_000_000_000;

pub(crate) struct Request {
    pub(crate) signal: Signal,
    pub(crate) bytes: Vec<u8>,
}

/// Figures that the emitter of a run does not send, or not as they were: with its usage unknown
/// or two requests reported as one, nobody can tell them from the wire.
const NOT_ON_THE_WIRE: &[(&str, &[&str])] = &[
    ("dspy-openinference-predict", &["cache read", "reasoning"]),
    ("litellm-anthropic", &["cache read", "cache write"]),
    ("llamaindex-traceloop-agent", &["calls", "cache read", "reasoning"]),
    ("mlflow-chat", &["reasoning"]),
    ("ms-agent-framework-agent", &["cache read", "reasoning"]),
    ("ms-agent-framework-responses", &["cache read", "reasoning"]),
    ("opencode-retry", &["calls", "cache read", "reasoning"]),
    ("openlit-chat-retry", &["reasoning"]),
    ("openlit-evaluation", &["reasoning"]),
    ("otel-genai-agents-latest-chatapi", &["calls", "cache read", "reasoning"]),
    ("otel-genai-agents-latest-handoff", &["calls", "cache read", "reasoning"]),
    ("otel-genai-agents-latest-stream", &["calls", "cache read", "reasoning"]),
    ("otel-google-genai-g-tools", &["calls", "cache read", "reasoning"]),
    ("otel-openai-v2-chat-stream", &["cache read", "reasoning"]),
    ("strands-multiturn", &["reasoning"]),
    ("synthetic-spec-evaluation", &["calls", "cache read", "cache write", "reasoning"]),
    ("traceloop-google-g-tools", &["calls", "cache read", "reasoning"]),
    ("traceloop-langchain+openai-agent", &["reasoning"]),
    ("traceloop-langchain-agent", &["reasoning"]),
    ("traceloop-langchain-chat", &["reasoning"]),
    ("traceloop-langchain-graph", &["reasoning"]),
    ("traceloop-langchain-multiturn", &["reasoning"]),
    ("traceloop-langchain-retry", &["reasoning"]),
    ("traceloop-langchain-stream", &["reasoning"]),
    ("traceloop-openai-chat-stream", &["reasoning"]),
];

/// What a run may come to.
struct Truth {
    calls_ok: u64,
    input: u64,
    output: Vec<u64>,
    cache_read: u64,
    cache_write: u64,
    reasoning: u64,
}

fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")
}

pub(crate) fn runs() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(captures()).unwrap().map(|entry| entry.unwrap().path());
    let mut runs: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    runs.sort();
    runs
}

pub(crate) fn requests(run: &Path) -> Vec<Request> {
    let entries = std::fs::read_dir(run).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| !path.ends_with("truth.json")).collect();
    files.sort();
    files.iter().map(|path| request(path)).collect()
}

fn request(path: &Path) -> Request {
    let name = path.file_name().unwrap().to_str().unwrap();
    let signal = match name.split('-').next() {
        Some("traces") => Signal::Traces,
        Some("logs") => Signal::Logs,
        Some("metrics") => Signal::Metrics,
        _ => panic!("{name} is no request"),
    };
    let body = std::fs::read(path).unwrap();
    let mut bytes = Vec::new();
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("json") => {
            transcode(signal, &body, &mut bytes).unwrap();
        }
        _ => bytes = body,
    }
    Request { signal, bytes }
}

fn truth(run: &Path) -> Truth {
    let text = std::fs::read_to_string(run.join("truth.json")).unwrap();
    let truth: Value = serde_json::from_str(&text).unwrap();
    let number = |value: &Value| value.as_u64().unwrap();
    let expected = &truth["expected"];
    let output: Vec<u64> =
        expected["output_tokens"].as_array().unwrap().iter().map(number).collect();
    // The provider sends no usage unless it is asked to.
    let sent = |key: &str| {
        let calls = truth["calls"].as_array().unwrap().iter();
        calls.filter(|call| call["usage_sent"] == true).map(|call| number(&call[key])).sum()
    };
    Truth {
        calls_ok: number(&truth["calls_ok"]),
        input: number(&expected["input_tokens"]),
        output,
        cache_read: sent("cache_read_tokens"),
        cache_write: sent("cache_write_tokens"),
        reasoning: sent("reasoning_tokens"),
    }
}

fn totals<'r>(requests: impl Iterator<Item = &'r Request>) -> Totals {
    booked(requests, &Catalog::default()).totals().clone()
}

/// Books in which the calls of these requests are booked, priced by this catalog.
pub(crate) fn booked<'r>(requests: impl Iterator<Item = &'r Request>, catalog: &Catalog) -> Books {
    let mut reader = Reader::new(Settings::default());
    let mut books = Books::new(countersign_core::settle::Settings::default());
    let mut deltas = Vec::new();
    let mut now = RECEIVED;
    for request in requests {
        now += 50_000_000;
        let mut apply = |fact: countersign_core::fact::Fact<'_>| {
            books.apply(now, &fact, &mut deltas);
        };
        reader.read(request.signal, &request.bytes, now, catalog, &mut apply, None).unwrap();
    }
    books.tick(now + 600_000_000_000, &mut deltas);
    books
}

/// The requests of each signal as one: protobuf messages merge when their bytes follow each
/// other.
fn merged(requests: &[Request]) -> Vec<Request> {
    let mut merged: Vec<Request> = Vec::new();
    for request in requests {
        match merged.iter_mut().find(|one| one.signal == request.signal) {
            Some(one) => one.bytes.extend_from_slice(&request.bytes),
            None => {
                merged.push(Request { signal: request.signal, bytes: request.bytes.clone() });
            }
        }
    }
    merged
}

/// The request as the receiver reads it when it is sent as JSON.
fn through_json(request: &Request) -> Request {
    let mut bytes = Vec::new();
    transcode(request.signal, &as_json(request.signal, &request.bytes), &mut bytes).unwrap();
    Request { signal: request.signal, bytes }
}

/// Another order, the same in every run of the test.
fn shuffled(requests: &[Request], mut seed: u64) -> Vec<&Request> {
    let mut order: Vec<_> = requests.iter().collect();
    for last in (1..order.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        order.swap(last, (seed >> 33) as usize % (last + 1));
    }
    order
}

fn faults(name: &str, totals: &Totals, truth: &Truth) -> String {
    let absent = NOT_ON_THE_WIRE.iter().find(|(run, _)| *run == name).map(|(_, absent)| *absent);
    let usage = &totals.usage;
    let figures = [
        ("calls", totals.calls_ok, vec![truth.calls_ok]),
        ("input", usage.input, vec![truth.input]),
        ("output", usage.output, truth.output.clone()),
        ("cache read", usage.cache_read, vec![truth.cache_read]),
        ("cache write", usage.cache_write, vec![truth.cache_write]),
        ("reasoning", usage.reasoning, vec![truth.reasoning]),
    ];
    let mut faults = String::new();
    for (what, is, should) in figures {
        match (should.contains(&is), absent.unwrap_or_default().contains(&what)) {
            (true, false) | (false, true) => {}
            (false, false) => write!(faults, " {what} {is} is not {should:?};").unwrap(),
            (true, true) => write!(faults, " {what} is on the wire;").unwrap(),
        }
    }
    faults
}

#[test]
fn every_run_counts_what_was_served() {
    let mut table = String::new();
    let mut wrong = 0;
    for run in runs() {
        let name = run.file_name().unwrap().to_str().unwrap();
        let (requests, truth) = (requests(&run), truth(&run));
        let in_order = totals(requests.iter());
        let mut line = faults(name, &in_order, &truth);
        let twice = totals(requests.iter().flat_map(|request| [request, request]));
        let again = totals(requests.iter().chain(requests.iter()));
        let one = totals(merged(&requests).iter());
        let json: Vec<_> = requests.iter().map(through_json).collect();
        let json = totals(json.iter());
        let others = [("each twice", twice), ("all twice", again), ("merged", one), ("JSON", json)];
        for (how, other) in others {
            if other != in_order {
                write!(line, " {how}: {};", shown(&other)).unwrap();
            }
        }
        for seed in 1..=5 {
            let other = totals(shuffled(&requests, seed).into_iter());
            if other != in_order {
                write!(line, " shuffled {seed}: {};", shown(&other)).unwrap();
            }
        }
        wrong += usize::from(!line.is_empty());
        writeln!(table, "{name:<45} {}{line}", shown(&in_order)).unwrap();
    }
    println!("{table}");
    assert_eq!(wrong, 0, "runs counted wrongly:\n{table}");
}

fn shown(totals: &Totals) -> String {
    let usage = &totals.usage;
    format!(
        "ok {} failed {} in {} read {} write {} out {} reasoning {} unknown {}",
        totals.calls_ok,
        totals.calls_failed,
        usage.input,
        usage.cache_read,
        usage.cache_write,
        usage.output,
        usage.reasoning,
        totals.unknown_usage_calls,
    )
}
