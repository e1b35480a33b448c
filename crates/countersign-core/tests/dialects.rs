//! Captured requests through the reader: what each dialect's records become.

use std::fmt::Write as _;
use std::path::PathBuf;

use countersign_core::dialect::{Reader, Settings, Signal};
use countersign_core::fact::Fact;
use countersign_core::price::Catalog;
use expect_test::{Expect, expect};

/// The times of the captures, and a little later.
const RECEIVED: u64 = 1_795_320_000_000_000_000;

fn captures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/captures")
}

fn signal(file: &str) -> Signal {
    match file.split('-').next() {
        Some("traces") => Signal::Traces,
        Some("logs") => Signal::Logs,
        _ => Signal::Metrics,
    }
}

/// The protobuf requests of a run, by name.
fn requests(run: &str) -> Vec<(Signal, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(captures().join(run))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "pb"))
        .collect();
    files.sort();
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    files.iter().map(|path| (signal(&name(path)), std::fs::read(path).unwrap())).collect()
}

/// One line per fact, without what differs between equal runs.
fn facts(run: &str) -> String {
    let mut out = String::new();
    let mut reader = Reader::new(Settings::default());
    for (signal, bytes) in requests(run) {
        let mut show = |fact: Fact<'_>| {
            let line = line(&fact);
            if !line.is_empty() {
                writeln!(out, "{line}").unwrap();
            }
        };
        let catalog = Catalog::default();
        reader.read(signal, &bytes, RECEIVED, &catalog, &mut show, None).unwrap();
    }
    out
}

fn line(fact: &Fact<'_>) -> String {
    match fact {
        Fact::Call(call) => {
            let usage = call.usage.map_or_else(
                || "unknown".into(),
                |u| {
                    format!(
                        "in {} (read {} write {}) out {} (reasoning {})",
                        u.input, u.cache_read, u.cache_write, u.output, u.reasoning
                    )
                },
            );
            format!(
                "{:?} {} {} {} {} {}{}",
                call.role,
                call.rank.0,
                call.provider,
                call.model,
                call.identity.workflow,
                usage,
                if call.error.is_empty() { String::new() } else { format!(" {}", call.error) },
            )
        }
        Fact::Step(step) => format!("{:?} {} {}", step.kind, step.name, step.error),
        Fact::Point(point) => format!("Point {} {} {:?}", point.rank.0, point.model, point.measure),
        Fact::Evaluation(evaluation) => {
            format!(
                "Evaluation {} {} {:?}",
                evaluation.name, evaluation.label, evaluation.score_ppm
            )
        }
        Fact::Verdict(verdict) => format!("Verdict {} {:?}", verdict.task, verdict.judgement),
        Fact::Noticed(noticed) => format!("Noticed {:?} {}", noticed.what, noticed.count),
        Fact::Links(links) => format!("Links {}", links.links.len()),
        Fact::Tick => String::new(),
    }
}

fn check(run: &str, expected: Expect) {
    expected.assert_eq(&facts(run));
}

#[test]
fn otel_in_new_names() {
    check(
        "otel-genai-openai-latest-chat-tools",
        expect![[r#"
        Call 2 openai gpt-4o-mini-2024-07-18 capture-otel-genai-openai-latest in 1100 (read 512 write 0) out 51 (reasoning 16)
        Call 2 openai gpt-4o-mini-2024-07-18 capture-otel-genai-openai-latest in 1200 (read 512 write 0) out 52 (reasoning 16)
        Point 14 gpt-4o-mini-2024-07-18 Calls(2)
        Point 14 gpt-4o-mini-2024-07-18 Input(2300)
        Point 14 gpt-4o-mini-2024-07-18 Output(103)
        Point 14 gpt-4o-mini-2024-07-18 Calls(2)
        Point 14 gpt-4o-mini-2024-07-18 Input(2300)
        Point 14 gpt-4o-mini-2024-07-18 Output(103)
        Links 1
        Call 0 openai gpt-4o-mini-2024-07-18 capture-otel-genai-openai-latest in 1100 (read 512 write 0) out 51 (reasoning 16)
        Call 0 openai gpt-4o-mini-2024-07-18 capture-otel-genai-openai-latest in 1200 (read 512 write 0) out 52 (reasoning 16)
    "#]],
    );
    check(
        "otel-genai-openai-latest-chat-error",
        expect![[r#"
        Call 2 openai gpt-4o-mini capture-otel-genai-openai-latest unknown openai.InternalServerError
        Point 14 gpt-4o-mini Calls(1)
        Point 14 gpt-4o-mini Calls(1)
        Call 0 openai gpt-4o-mini capture-otel-genai-openai-latest unknown openai.InternalServerError
    "#]],
    );
    check(
        "synthetic-spec-evaluation",
        expect![[r#"
            Evaluation Relevance relevant Some(870000)
            Evaluation user_feedback thumbs_down None
            Links 1
            Call 0 openai gpt-4o-mini-2024-07-18 capture-synthetic-spec in 1100 (read 512 write 64) out 51 (reasoning 16)
            Evaluation Groundedness  Some(4000000)
            Other  
        "#]],
    );
}

#[test]
fn otel_in_old_names() {
    check(
        "otel-openai-v2-chat-stream",
        expect![[r#"
        Point 14 gpt-4o-mini Calls(2)
        Point 14 gpt-4o-mini Calls(2)
        Call 0 openai gpt-4o-mini-2024-07-18 capture-otel-openai-v2 in 1100 (read 0 write 0) out 51 (reasoning 0)
        Call 0 openai gpt-4o-mini-2024-07-18 capture-otel-openai-v2 unknown
    "#]],
    );
}
