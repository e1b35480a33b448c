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
        .expect("the captures are there")
        .map(|entry| entry.expect("the captures are there").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "pb"))
        .collect();
    files.sort();
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    files.iter().map(|path| (signal(&name(path)), std::fs::read(path).expect("a file"))).collect()
}

/// One line per fact, without what differs between equal runs.
fn facts(run: &str) -> String {
    let mut out = String::new();
    let mut reader = Reader::new(Settings::default());
    for (signal, bytes) in requests(run) {
        let mut show = |fact: Fact<'_>| {
            let line = line(&fact);
            if !line.is_empty() {
                writeln!(out, "{line}").expect("a String takes anything");
            }
        };
        let catalog = Catalog::default();
        reader
            .read(signal, &bytes, RECEIVED, &catalog, &mut show, None)
            .expect("a recorded request");
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
                "{:?} {} {}{} {} {} {} {}{}",
                call.role,
                call.rank.0,
                call.distance,
                if call.response.is_none() { "" } else { " id" },
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
        Fact::Tick | Fact::Alias(_) | Fact::BeginAgain => String::new(),
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
        Call 2 1 id openai gpt-4o-mini-2024-07-18 capture-otel-genai-openai-latest in 1100 (read 512 write 0) out 51 (reasoning 16)
        Call 2 1 id openai gpt-4o-mini-2024-07-18 capture-otel-genai-openai-latest in 1200 (read 512 write 0) out 52 (reasoning 16)
        Point 14 gpt-4o-mini-2024-07-18 Calls(2)
        Point 14 gpt-4o-mini-2024-07-18 Input(2300)
        Point 14 gpt-4o-mini-2024-07-18 Output(103)
        Point 14 gpt-4o-mini-2024-07-18 Calls(2)
        Point 14 gpt-4o-mini-2024-07-18 Input(2300)
        Point 14 gpt-4o-mini-2024-07-18 Output(103)
        Links 1
        Call 0 1 id openai gpt-4o-mini-2024-07-18 capture-otel-genai-openai-latest in 1100 (read 512 write 0) out 51 (reasoning 16)
        Call 0 1 id openai gpt-4o-mini-2024-07-18 capture-otel-genai-openai-latest in 1200 (read 512 write 0) out 52 (reasoning 16)
    "#]],
    );
    check(
        "otel-genai-openai-latest-chat-error",
        expect![[r#"
        Call 2 1 openai gpt-4o-mini capture-otel-genai-openai-latest unknown openai.InternalServerError
        Point 14 gpt-4o-mini Calls(1)
        Point 14 gpt-4o-mini Calls(1)
        Call 0 1 openai gpt-4o-mini capture-otel-genai-openai-latest unknown openai.InternalServerError
    "#]],
    );
    check(
        "synthetic-spec-evaluation",
        expect![[r#"
        Evaluation Relevance relevant Some(870000)
        Evaluation user_feedback thumbs_down None
        Links 1
        Call 0 1 id openai gpt-4o-mini-2024-07-18 capture-synthetic-spec in 1100 (read 512 write 64) out 51 (reasoning 16)
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
        Call 0 1 id openai gpt-4o-mini-2024-07-18 capture-otel-openai-v2 in 1100 (read 0 write 0) out 51 (reasoning 0)
        Call 0 1 id openai gpt-4o-mini-2024-07-18 capture-otel-openai-v2 unknown
    "#]],
    );
}

#[test]
fn openinference() {
    check(
        "openinference-langchain-agent",
        expect![[r#"
        Call 0 2 id openai gpt-4o-mini-2024-07-18 capture-openinference-langchain in 1100 (read 512 write 0) out 51 (reasoning 16)
        Agent  
        Tool get_weather 
        Agent  
        Call 0 2 id openai gpt-4o-mini-2024-07-18 capture-openinference-langchain in 1200 (read 512 write 0) out 52 (reasoning 16)
        Agent  
        Agent  
    "#]],
    );
    check(
        "openinference-openai-chat-stream",
        expect![[r#"
        Call 0 1 id openai gpt-4o-mini-2024-07-18 capture-openinference-openai in 1100 (read 512 write 0) out 51 (reasoning 16)
        Call 0 1 id openai gpt-4o-mini-2024-07-18 capture-openinference-openai unknown
    "#]],
    );
    check(
        "openinference-anthropic-a-basic",
        expect![[r#"
        Call 0 0 id anthropic claude-sonnet-4-5-20250929 capture-openinference-anthropic in 3601 (read 3000 write 400) out 61 (reasoning 0)
        Call 0 1 id anthropic claude-sonnet-4-5-20250929 capture-openinference-anthropic in 3601 (read 3000 write 400) out 61 (reasoning 0)
    "#]],
    );
    check(
        "llamaindex-openinference-agent",
        expect![[r#"
        Agent  
        Agent  
        Other  
        Call 0 2 openai gpt-4o-mini capture-llamaindex-openinference in 1100 (read 512 write 0) out 51 (reasoning 16)
        Agent  
        Agent  
        Tool get_weather 
        Agent  
        Agent  
        Agent  
        Other  
        Call 0 2 openai gpt-4o-mini capture-llamaindex-openinference in 1200 (read 512 write 0) out 52 (reasoning 16)
        Agent  
        Agent  
        Agent  
    "#]],
    );
    check(
        "openinference-google-g-error",
        expect![[r#"
        Call 0 1 google gemini-2.5-flash capture-openinference-google unknown _OTHER
    "#]],
    );
}

#[test]
fn traceloop() {
    check(
        "traceloop-agents-handoff",
        expect![[r#"
        Call 0 2 id openai gpt-4o-mini-2024-07-18 capture-traceloop-agents in 1100 (read 512 write 0) out 51 (reasoning 16)
        Agent Triage 
        Agent Triage 
        Call 0 2 id openai gpt-4o-mini-2024-07-18 capture-traceloop-agents in 1200 (read 512 write 0) out 52 (reasoning 16)
        Agent weather 
        Agent  
    "#]],
    );
    check(
        "traceloop-google-g-stream",
        expect![[r#"
        Point 14 gemini-2.5-flash Calls(1)
        Point 14 gemini-2.5-flash Input(901)
        Point 14 gemini-2.5-flash Output(71)
        Point 14 gemini-2.5-flash Calls(1)
        Point 14 gemini-2.5-flash Input(901)
        Point 14 gemini-2.5-flash Output(71)
        Call 0 1 id gcp.gen_ai gemini-2.5-flash capture-traceloop-google in 901 (read 256 write 0) out 95 (reasoning 24)
    "#]],
    );
    check(
        "crewai-traceloop-crew",
        expect![[r#"
        Point 14 gpt-4o-mini-2024-07-18 Output(103)
        Point 14 gpt-4o-mini-2024-07-18 Input(2300)
        Point 14 gpt-4o-mini-2024-07-18 Calls(2)
        Point 14 gpt-4o-mini Input(0)
        Point 14 gpt-4o-mini Output(0)
        Point 14 gpt-4o-mini-2024-07-18 Output(103)
        Point 14 gpt-4o-mini-2024-07-18 Input(2300)
        Point 14 gpt-4o-mini-2024-07-18 Calls(2)
        Point 14 gpt-4o-mini Input(0)
        Point 14 gpt-4o-mini Output(0)
        Call 0 1 id openai gpt-4o-mini-2024-07-18 capture-crewai-traceloop in 1100 (read 512 write 0) out 51 (reasoning 16)
        Call 0 1 id openai gpt-4o-mini-2024-07-18 capture-crewai-traceloop in 1200 (read 512 write 0) out 52 (reasoning 16)
        Agent Weather Reporter 
        Agent  
        Agent  
    "#]],
    );
}

#[test]
fn vercel_ai_sdk() {
    check(
        "vercel-ai6-agent",
        expect![[r#"
        Call 0 2 id openai gpt-4o-mini-2024-07-18 travel-planner in 1100 (read 512 write 0) out 51 (reasoning 16)
        Tool get_weather 
        Call 0 2 id openai gpt-4o-mini-2024-07-18 travel-planner in 1200 (read 512 write 0) out 52 (reasoning 16)
        Sum 0 2 openai gpt-4o-mini travel-planner in 2300 (read 1024 write 0) out 103 (reasoning 32)
    "#]],
    );
    check(
        "vercel-ai6-error",
        expect![[r#"
        Call 0 2 openai gpt-4o-mini travel-planner unknown _OTHER
        Call 0 2 openai gpt-4o-mini travel-planner unknown _OTHER
        Agent travel-planner _OTHER
    "#]],
    );
    check(
        "vercel-ai7-modern-anthropic",
        expect![[r#"
        Call 0 2 id anthropic claude-sonnet-4-5-20250929 capture-vercel-ai7 in 3601 (read 3000 write 400) out 61 (reasoning 0)
        Tool get_weather 
        Agent  
        Call 0 2 id anthropic claude-sonnet-4-5-20250929 capture-vercel-ai7 in 3602 (read 3000 write 400) out 62 (reasoning 0)
        Agent  
        Sum 0 2 anthropic claude-sonnet-4-5 travel-planner in 7203 (read 6000 write 800) out 123 (reasoning 0)
    "#]],
    );
}

#[test]
fn frameworks() {
    check(
        "pydantic-ai-noagg-agent",
        expect![[r#"
        Point 14 gpt-4o-mini-2024-07-18 Input(2300)
        Point 14 gpt-4o-mini-2024-07-18 Output(103)
        Point 14 gpt-4o-mini-2024-07-18 Cost(Money(330000000))
        Point 14 gpt-4o-mini-2024-07-18 Input(2300)
        Point 14 gpt-4o-mini-2024-07-18 Output(103)
        Point 14 gpt-4o-mini-2024-07-18 Cost(Money(330000000))
        Call 0 2 id openai gpt-4o-mini-2024-07-18 weather_agent in 1100 (read 512 write 0) out 51 (reasoning 16)
        Tool get_weather 
        Call 0 2 id openai gpt-4o-mini-2024-07-18 weather_agent in 1200 (read 512 write 0) out 52 (reasoning 16)
        Sum 0 2   weather_agent in 2300 (read 1024 write 0) out 103 (reasoning 32)
    "#]],
    );
    check(
        "strands-multiturn",
        expect![[r#"
        Point 10  FreshInput(3600)
        Point 10  Output(156)
        Point 10  CacheReadApart(1536)
        Point 10  FreshInput(3600)
        Point 10  Output(156)
        Point 10  CacheReadApart(1536)
        Call 0 2  gpt-4o-mini capture-strands in 1100 (read 512 write 0) out 51 (reasoning 0)
        Tool get_weather 
        Agent  
        Call 0 2  gpt-4o-mini capture-strands in 1200 (read 512 write 0) out 52 (reasoning 0)
        Agent  
        Agent weather_agent 
        Call 0 2  gpt-4o-mini capture-strands in 1300 (read 512 write 0) out 53 (reasoning 0)
        Agent  
        Agent weather_agent 
    "#]],
    );
    check(
        "google-adk-litellm",
        expect![[r#"
        Call 2 2 openai  weather_agent in 1300 (read 512 write 0) out 53 (reasoning 16)
        Call 2 2 openai  weather_agent in 1400 (read 512 write 0) out 54 (reasoning 16)
        Point 14 gpt-4o-mini-2024-07-18 Calls(2)
        Point 14 gpt-4o-mini-2024-07-18 Input(2700)
        Point 14 gpt-4o-mini-2024-07-18 Output(139)
        Point 14 gpt-4o-mini-2024-07-18 Calls(2)
        Point 14 gpt-4o-mini-2024-07-18 Input(2700)
        Point 14 gpt-4o-mini-2024-07-18 Output(139)
        Call 0 2 openai openai/gpt-4o-mini weather_agent in 1300 (read 512 write 0) out 53 (reasoning 16)
        Tool get_weather 
        Call 0 2 openai openai/gpt-4o-mini weather_agent in 1400 (read 512 write 0) out 54 (reasoning 16)
        Agent weather_agent 
        Agent  
    "#]],
    );
    check(
        "ms-agent-framework-agent",
        expect![[r#"
        Point 14 gpt-4o-mini-2024-07-18 Input(2300)
        Point 14 gpt-4o-mini-2024-07-18 Output(103)
        Point 14 gpt-4o-mini-2024-07-18 Calls(2)
        Point 14 gpt-4o-mini-2024-07-18 Input(2300)
        Point 14 gpt-4o-mini-2024-07-18 Output(103)
        Point 14 gpt-4o-mini-2024-07-18 Calls(2)
        Call 0 2 id openai gpt-4o-mini-2024-07-18 capture-ms-agent-framework in 1100 (read 0 write 0) out 51 (reasoning 0)
        Tool get_weather 
        Call 0 2 id openai gpt-4o-mini-2024-07-18 capture-ms-agent-framework in 1200 (read 0 write 0) out 52 (reasoning 0)
        Sum 0 2  gpt-4o-mini weather_agent in 2300 (read 0 write 0) out 103 (reasoning 0)
    "#]],
    );
    check(
        "mastra-agent",
        expect![[r#"
        Other  
        Tool get_weather 
        Other  
        Call 0 2 openai gpt-4o-mini-2024-07-18 weather_agent in 1100 (read 512 write 0) out 51 (reasoning 16)
        Agent  
        Other  
        Call 0 2 openai gpt-4o-mini-2024-07-18 weather_agent in 1200 (read 512 write 0) out 52 (reasoning 16)
        Agent  
        Agent  
        Agent weather_agent 
    "#]],
    );
    check(
        "langsmith-otel-agent",
        expect![[r#"
        Agent weather_agent 
        Agent weather_agent 
        Call 0 2 id openai gpt-4o-mini weather_agent in 1100 (read 512 write 0) out 51 (reasoning 16)
        Agent weather_agent 
        Tool get_weather 
        Agent weather_agent 
        Call 0 2 id openai gpt-4o-mini weather_agent in 1200 (read 512 write 0) out 52 (reasoning 16)
    "#]],
    );
}

#[test]
fn wrappers() {
    check(
        "litellm-tools",
        expect![[r#"
            Point 14 gpt-4o-mini Calls(1)
            Point 14 gpt-4o-mini Input(1200)
            Point 14 gpt-4o-mini Output(52)
            Point 14 gpt-4o-mini Calls(1)
            Point 14 gpt-4o-mini Input(1200)
            Point 14 gpt-4o-mini Output(52)
            Point 14 gpt-4o-mini Calls(1)
            Point 14 gpt-4o-mini Input(1200)
            Point 14 gpt-4o-mini Output(52)
            Point 14 gpt-4o-mini Calls(1)
            Point 14 gpt-4o-mini Input(1200)
            Point 14 gpt-4o-mini Output(52)
            Call 0 1 id openai gpt-4o-mini-2024-07-18 capture-litellm in 1200 (read 512 write 0) out 52 (reasoning 16)
        "#]],
    );
    check(
        "langfuse-openai",
        expect![[r#"
        Call 0 2  gpt-4o-mini-2024-07-18 capture-langfuse in 1100 (read 512 write 0) out 51 (reasoning 16)
    "#]],
    );
    check(
        "logfire-anthropic",
        expect![[r#"
        Call 0 2 id anthropic claude-sonnet-4-5-20250929 capture-logfire in 3601 (read 3000 write 400) out 61 (reasoning 0)
    "#]],
    );
    check(
        "mlflow-chat",
        expect![[r#"
        Call 0 1 id  gpt-4o-mini-2024-07-18 capture-mlflow in 1400 (read 512 write 0) out 54 (reasoning 0)
        Tool  
        Agent  
    "#]],
    );
    check(
        "openlit-a-basic",
        expect![[r#"
            Call 2 1 id  claude-sonnet-4-5-20250929 capture-openlit in 3601 (read 3000 write 400) out 61 (reasoning 0)
            Point 14 claude-sonnet-4-5-20250929 Input(201)
            Point 14 claude-sonnet-4-5-20250929 Output(61)
            Point 14 claude-sonnet-4-5-20250929 Calls(1)
            Point 14 claude-sonnet-4-5-20250929 Input(201)
            Point 14 claude-sonnet-4-5-20250929 Output(61)
            Point 14 claude-sonnet-4-5-20250929 Calls(1)
            Links 1
            Call 0 1 id anthropic claude-sonnet-4-5-20250929 capture-openlit in 3601 (read 3000 write 400) out 61 (reasoning 0)
        "#]],
    );
}

#[test]
fn coding_agents() {
    check(
        "claude-code-retry",
        expect![[r#"
            Call 1 0 anthropic claude-sonnet-4-5-20250929 claude-code in 3601 (read 3000 write 400) out 61 (reasoning 0)
            Point 10 claude-sonnet-4-5 Cost(Money(3918000000))
            Point 10 claude-sonnet-4-5 FreshInput(201)
            Point 10 claude-sonnet-4-5 Output(61)
            Point 10 claude-sonnet-4-5 CacheReadApart(3000)
            Point 10 claude-sonnet-4-5 CacheWriteApart(400)
            Call 0 0 anthropic claude-sonnet-4-5 claude-code in 3601 (read 3000 write 400) out 61 (reasoning 0)
            Agent  
        "#]],
    );
    check(
        "copilot-cli-prompt",
        expect![[r#"
        Point 12 gpt-4o-mini Calls(1)
        Point 16 gpt-4o-mini Input(1100)
        Point 16 gpt-4o-mini Output(51)
        Point 12 gpt-4o-mini Input(1100)
        Point 12 gpt-4o-mini Output(51)
        Point 12 gpt-4o-mini CacheRead(512)
        Point 12 gpt-4o-mini CacheWrite(0)
        Point 12 gpt-4o-mini Reasoning(16)
        Call 0 1 id openai gpt-4o-mini github-copilot in 1100 (read 512 write 0) out 51 (reasoning 16)
        Sum 0 1 openai  github-copilot in 1100 (read 0 write 0) out 51 (reasoning 0)
    "#]],
    );
}

#[test]
fn rust_crates() {
    check(
        "rust-genai-error",
        expect![[r#"
        Call 0 1 openai gpt-4o-mini capture-rust-genai unknown 500
        Agent weather_agent 
        Agent  
    "#]],
    );
    check(
        "rust-rig-error",
        expect![[r#"
        Call 0 1 openai gpt-4o-mini capture-rust-rig unknown _OTHER
    "#]],
    );
}

#[test]
fn permissions_of_coding_agents_are_signals_and_no_verdicts() {
    let (mut signals, mut verdicts) = (Vec::new(), 0);
    let mut reader = Reader::new(Settings::default());
    for (signal, bytes) in requests("claude-code-agent") {
        let mut see = |fact: Fact<'_>| {
            if let Fact::Evaluation(evaluation) = &fact {
                signals.push(format!("{} {}", evaluation.name, evaluation.label));
            }
            verdicts += usize::from(matches!(fact, Fact::Verdict(_)));
        };
        reader
            .read(signal, &bytes, RECEIVED, &Catalog::default(), &mut see, None)
            .expect("a recorded request");
    }
    assert_eq!((signals, verdicts), (vec!["edit_gate accept".to_owned()], 0));
}
