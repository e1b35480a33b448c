//! One signal alone: a service that sends only spans, only logs or only metrics still counts.

use std::fmt::Write as _;
use std::path::Path;

use countersign_core::dialect::{Reader, Settings, Signal};
use countersign_core::fact::Usage;
use countersign_core::price::Catalog;
use countersign_core::settle::{Books, Totals};
use countersign_receiver::ingest::json::transcode;
use serde_json::Value;

use crate::program::captures;

const RECEIVED: u64 = 1_795_320_000_000_000_000;

const CONTENT: &str = "the records hold content and no usage";

/// What a signal of a run does not carry, or not as the provider counted it, and why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "google-adk-multiturn",
        "metrics",
        "the output counts reasoning twice, and no series has it alone",
    ),
    ("openlit-a-basic", "metrics", "no series has the cached tokens, which the input leaves out"),
    ("otel-openai-v2-chat-stream", "metrics", "a stream's usage is on its span only"),
    (
        "strands-multiturn",
        "metrics",
        "the input has cached tokens for this provider and not for others",
    ),
    ("traceloop-anthropic-a-stream", "metrics", "one token of output too many for each stream"),
    (
        "traceloop-langchain-anthropic",
        "metrics",
        "no series has the cached tokens, which the input leaves out",
    ),
    ("litellm-anthropic", "logs", CONTENT),
    ("litellm-chat", "logs", CONTENT),
    ("litellm-embed", "logs", CONTENT),
    ("litellm-retry", "logs", CONTENT),
    ("litellm-tools", "logs", CONTENT),
    ("mastra-agent", "logs", CONTENT),
    ("ms-agent-framework-agent", "logs", CONTENT),
    ("ms-agent-framework-responses", "logs", CONTENT),
    ("opencode-retry", "logs", CONTENT),
    ("opencode-run", "logs", CONTENT),
    ("otel-openai-v2-chat-stream", "logs", CONTENT),
    ("synthetic-spec-evaluation", "logs", CONTENT),
];

const SIGNALS: [(Signal, &str); 3] =
    [(Signal::Traces, "traces"), (Signal::Logs, "logs"), (Signal::Metrics, "metrics")];

/// The run's requests of one signal.
fn requests(run: &Path, signal: Signal, prefix: &str) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(run).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut files: Vec<_> = entries.filter(|path| name(path).starts_with(prefix)).collect();
    files.sort();
    let bytes = |path: &std::path::PathBuf| {
        let body = std::fs::read(path).unwrap();
        if path.extension().is_none_or(|extension| extension != "json") {
            return body;
        }
        let mut bytes = Vec::new();
        transcode(signal, &body, &mut bytes).unwrap();
        bytes
    };
    files.iter().map(bytes).collect()
}

fn totals(signal: Signal, requests: &[Vec<u8>]) -> Totals {
    let mut reader = Reader::new(Settings::default());
    let mut books = Books::new(countersign_core::settle::Settings::default());
    let (catalog, mut deltas) = (Catalog::default(), Vec::new());
    for bytes in requests {
        let mut apply = |fact: countersign_core::fact::Fact<'_>| {
            books.apply(RECEIVED, &fact, &mut deltas);
        };
        reader.read(signal, bytes, RECEIVED, &catalog, &mut apply, None).unwrap();
    }
    books.tick(RECEIVED + 600_000_000_000, &mut deltas);
    books.totals().clone()
}

#[test]
fn each_signal_alone_counts_the_tokens_it_carries() {
    let mut faults = String::new();
    for run in captures("") {
        let name = run.file_name().unwrap().to_str().unwrap().to_owned();
        let truth = std::fs::read_to_string(run.join("truth.json")).unwrap();
        let truth: Value = serde_json::from_str(&truth).unwrap();
        let expected = &truth["expected"];
        let sent: Vec<_> =
            SIGNALS.map(|(signal, prefix)| (signal, prefix, requests(&run, signal, prefix))).into();
        if sent.iter().filter(|(.., requests)| !requests.is_empty()).count() < 2 {
            continue;
        }
        for (signal, prefix, requests) in sent.iter().filter(|(.., sent)| !sent.is_empty()) {
            let usage = totals(*signal, requests).usage;
            let outputs = expected["output_tokens"].as_array().unwrap();
            let right = expected["input_tokens"] == usage.input
                && outputs.iter().any(|output| *output == usage.output);
            let found = EXCEPTIONS.iter().find(|(run, of, _)| *run == name && of == prefix);
            let (Usage { input, output, .. }, why) = (usage, found.map(|(.., why)| *why));
            match (right, why) {
                (true, None) | (false, Some(_)) => continue,
                (true, Some(why)) => writeln!(faults, "{name} {prefix}: not so: {why}"),
                (false, None) => writeln!(
                    faults,
                    "{name} {prefix}: input {input} and output {output} are not {expected}"
                ),
            }
            .unwrap();
        }
    }
    assert!(faults.is_empty(), "signals counted wrongly:\n{faults}");
}
