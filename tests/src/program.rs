//! The program as people use it: it starts, takes, answers, reports and stops.

use std::path::{Path, PathBuf};

use expect_test::expect;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde_json::{Value, json};

use crate::otlp::{call, request};
use crate::server::{Server, run, wait_for};
use crate::sink::Sink;

/// The folders of recorded runs whose names begin so.
pub(crate) fn captures(prefix: &str) -> Vec<PathBuf> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let mut runs: Vec<_> = std::fs::read_dir(all)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(prefix))
        .collect();
    runs.sort();
    runs
}

#[test]
fn it_is_ready_when_it_says_so_and_stops_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data"));
    for path in ["/healthz", "/readyz", "/metrics", "/"] {
        server.get(path);
    }
    std::net::TcpStream::connect(&server.grpc).unwrap();
    let totals = serde_json::to_string(&server.totals()).unwrap();
    let documented = json!({
        "calls": {"ok": 0, "failed": 0},
        "tokens": {"input": 0, "cache_read": 0, "cache_write": 0, "output": 0, "reasoning": 0},
        "cost_usd": {"incurred": "0", "settled": "0", "pending": "0", "unattributed": "0",
            "review": "0"},
        "unpriced_calls": 0,
        "tasks": {"pending": 0, "accepted": 0, "edited": 0, "rejected": 0, "escalated": 0,
            "withdrawn": 0, "expired": 0, "defect": 0},
    });
    assert_eq!(totals, documented.to_string());
    server.stop();
}

#[test]
fn what_was_recorded_is_counted_as_it_was_served() {
    let runs = [captures("otel-openai-v2-"), captures("otel-genai-openai-")].concat();
    assert_eq!(runs.len(), 8);
    // Runs share response ids: each has books of its own.
    let counted: Vec<(Value, Value)> = std::thread::scope(|scope| {
        let counting: Vec<_> = runs.iter().map(|run| scope.spawn(|| count(run))).collect();
        counting.into_iter().map(|counting| counting.join().unwrap()).collect()
    });
    for (run, (truth, report)) in runs.iter().zip(counted) {
        let name = run.file_name().unwrap().to_str().unwrap();
        let (expected, tokens) = (&truth["expected"], &report["tokens"]);
        assert_eq!(report["calls"]["ok"], truth["calls_ok"], "{name}: {report}");
        assert_eq!(tokens["input"], expected["input_tokens"], "{name}: {report}");
        let outputs = expected["output_tokens"].as_array().unwrap();
        assert!(outputs.contains(&tokens["output"]), "{name}: {report}");
        if expected["input_tokens"] == truth["input_tokens"] {
            for (ours, theirs) in
                [("cache_read", "cache_read_tokens"), ("cache_write", "cache_write_tokens")]
            {
                assert_eq!(tokens[ours], truth[theirs], "{name}: {report}");
            }
        }
    }
}

fn count(run_folder: &Path) -> (Value, Value) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data"));
    server.send(&[run_folder.to_str().unwrap(), "--wait"]);
    let (code, out, err) = run(&["report", "--json", "--operator", &server.operator]);
    assert_eq!(code, 0, "{err}");
    server.stop();
    let truth = std::fs::read_to_string(run_folder.join("truth.json")).unwrap();
    (serde_json::from_str(&truth).unwrap(), serde_json::from_str(&out).unwrap())
}

#[test]
fn mistakes_end_with_their_own_codes() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("countersign.yaml");
    std::fs::write(&config, "countersign:\n  patience: soon\n  colour: red\n").unwrap();
    let config = config.to_str().unwrap();
    let (code, out, err) = run(&["check", "--config", config]);
    assert_eq!((code, out.as_str()), (78, ""), "{err}");
    assert_eq!(run(&["serve", "--config", config]), (code, out, err.clone()));
    let said = err.replace(config, "countersign.yaml");
    expect![[r#"
        countersign: countersign.yaml: 2 mistakes
          line 2: countersign.patience: expected a duration such as 15s, 1m30s, 12h or 14d, found `soon`
          line 3: countersign.colour: unknown key; known here: data, operator, credentials, tenants, connections, purpose, patience, confirm, review_rate_usd_per_hour, edited_threshold, workflows, task_keys, prices, scrub, metrics, reread_interval, journal_kept, trace_url
    "#]].assert_eq(&said);
    let (code, _, err) = run(&["serve", "--grpc", "0.0.0.0:0"]);
    assert_eq!(code, 78);
    assert!(err.contains("insecure: true"), "{err}");
    assert_eq!(run(&["serve", "--colour", "red"]).0, 64);
    assert_eq!(run(&["verdict", "task", "splendid"]).0, 64);
    assert_eq!(run(&["report", "--data", folder.path().to_str().unwrap()]).0, 78);
    let (code, _, err) = run(&["verdict", "task", "accepted", "--server", "http://127.0.0.1:1"]);
    assert_eq!(code, 1);
    assert!(err.contains("countersign serve"), "{err}");
}

#[test]
fn a_verdict_from_the_command_line_settles_a_task() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data"));
    server.export("/v1/traces", request(vec![call(7, 1, "ticket-7", 0.4, &[])]));
    let words = ["verdict", "ticket-7", "accepted", "--minutes", "5", "--reason", "fine"];
    let (code, out, err) = run(&[&words, ["--server", &server.http].as_slice()].concat());
    assert_eq!((code, out.as_str()), (0, "ticket-7: accepted\n"), "{err}");
    server.wait_until_booked();
    let totals = server.totals();
    assert_eq!(totals["tasks"]["accepted"], 1, "{totals}");
    assert_eq!(totals["cost_usd"]["settled"], "0.4");
    assert_eq!(totals["cost_usd"]["review"], "7.5");
    let task = server.json("/api/v1/tasks/ticket-7");
    assert_eq!(task["state"], "accepted", "{task}");
    server.stop();
}

#[test]
fn what_cannot_be_read_is_refused_and_costs_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data"));
    let refused = server.post("/v1/traces", "application/x-protobuf", vec![0xff; 9]);
    assert_eq!(refused.status(), 400);
    let refused = server.post("/v1/verdicts", "application/json", "{\"task\":");
    assert_eq!(refused.status(), 400);
    let refused =
        server.post("/v1/verdicts", "application/json", "{\"task\":\"a\",\"state\":\"b\"}");
    assert_eq!(refused.status(), 400);
    server.export("/v1/traces", request(vec![call(1, 1, "a", 1.0, &[])]));
    server.wait_until_booked();
    assert_eq!(server.totals()["calls"]["ok"], 1);
    server.stop();
}

#[test]
fn traces_metrics_and_verdicts_reach_a_destination() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start();
    let config = folder.path().join("countersign.yaml");
    let text = format!(
        "exporters:\n  otlphttp/sink:\n    endpoint: {}\n    compression: none\n    \
         headers: {{ authorization: Bearer abc }}\n\
         countersign: {{ metrics: {{ interval: 1s }} }}\n",
        sink.endpoint
    );
    std::fs::write(&config, text).unwrap();
    let data = folder.path().join("data");
    let server = Server::start_with(&data, &["--config", config.to_str().unwrap()]);
    server.export("/v1/traces", request(vec![call(7, 1, "ticket-7", 0.4, &[])]));
    server.verdicts(&json!({"id": "v", "task": "ticket-7", "state": "edited"}));

    let spans = || {
        let requests = sink.bodies("/v1/traces");
        let requests =
            requests.iter().map(|body| ExportTraceServiceRequest::decode(&**body).unwrap());
        let spans = requests.flat_map(|request| request.resource_spans);
        let spans = spans.flat_map(|spans| spans.scope_spans).flat_map(|spans| spans.spans);
        spans.collect::<Vec<_>>()
    };
    wait_for("the call and the verdict arrive", || spans().len() >= 2);
    let trace = 7_u128.to_be_bytes();
    let spans = spans();
    assert!(spans.iter().all(|span| span.trace_id == trace), "{spans:?}");
    let has = |key: &str| {
        spans.iter().any(|span| span.attributes.iter().any(|attribute| attribute.key == key))
    };
    assert!(has("countersign.cost.usd") && has("countersign.verdict.state"), "{spans:?}");
    wait_for("metrics arrive", || {
        let name = b"countersign.cost.settled";
        sink.bodies("/v1/metrics").iter().any(|body| body.windows(name.len()).any(|w| w == name))
    });
    let authorized = |head: &str| head.to_lowercase().contains("authorization: bearer abc");
    assert!(sink.arrived().iter().all(|arrived| authorized(&arrived.head)));
    server.stop();
}
