//! The same task through every door: work by the instrumentation crate, and a verdict by the
//! crate, by an OTLP record, by gRPC, by HTTP and from the command line.

use countersign::{Operation, Source, Task, Usage, Verdict};
use countersign_proto::v1;
use countersign_proto::v1::outcomes_client::OutcomesClient;
use countersign_proto::v1::verdicts_client::VerdictsClient;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use prost::Message;
use serde_json::json;

use crate::otlp::{Is, attribute};
use crate::server::{Server, run};

const DOORS: [&str; 5] = ["by-crate", "by-record", "by-grpc", "by-http", "by-command"];

fn work(task: &str) {
    let task =
        Task::new(task.to_owned()).workflow("support-ticket").route("small", "short").start();
    let call = task.call(Operation::Chat, "openai", "gpt-4o-mini").start();
    call.usage(Usage::new(1_200, 80).cache_read(1_000))
        .response(format!("response-{}", task.id()), "gpt-4o-mini-2024-07-18")
        .end();
    task.end();
}

pub(crate) fn verdict_record(task: &str) -> Vec<u8> {
    let record = LogRecord {
        event_name: "gen_ai.evaluation.result".to_owned(),
        time_unix_nano: crate::otlp::at(0),
        attributes: vec![
            attribute("gen_ai.evaluation.name", Is::Text("review.verdict")),
            attribute("gen_ai.evaluation.score.label", Is::Text("accepted")),
            attribute("countersign.verdict.id", Is::Text("record-1")),
            attribute("countersign.verdict.source.kind", Is::Text("human")),
            attribute("countersign.verdict.review_seconds", Is::Count(120)),
            attribute("countersign.task.id", Is::Owned(task.to_owned())),
        ],
        ..LogRecord::default()
    };
    let scope_logs = vec![ScopeLogs { log_records: vec![record], ..ScopeLogs::default() }];
    let resource_logs = vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }];
    ExportLogsServiceRequest { resource_logs }.encode_to_vec()
}

#[test]
fn work_and_verdicts_meet_whatever_door_they_take() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data"));
    let grpc = format!("http://{}", server.grpc);
    let telemetry = countersign::builder()
        .protocol(countersign::Protocol::Grpc)
        .endpoint(grpc.clone())
        .service_name("agent")
        .init()
        .unwrap();
    DOORS.into_iter().for_each(work);
    let by_crate = Verdict::accepted().by(Source::Human, "zendesk").minutes(2.0);
    by_crate.of_task("by-crate").send();
    telemetry.flush().unwrap();

    server.export("/v1/logs", verdict_record("by-record"));
    server.verdicts(&json!([{"task": "by-http", "state": "accepted", "review_seconds": 120}]));
    let words = ["verdict", "by-command", "accepted", "--minutes", "2", "--server", &server.http];
    let (code, _, err) = run(&words);
    assert_eq!(code, 0, "{err}");

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let totals = runtime.block_on(async {
        let mut verdicts = VerdictsClient::connect(grpc.clone()).await.unwrap();
        let verdict = v1::Verdict {
            task: "by-grpc".to_owned(),
            state: v1::Judgement::Accepted.into(),
            review_seconds: Some(120.0),
            ..v1::Verdict::default()
        };
        let request = v1::SubmitRequest { verdict: Some(verdict) };
        let answer = verdicts.submit(request).await.unwrap().into_inner();
        assert!(answer.position > 0);
        let unknown = v1::SubmitRequest { verdict: Some(v1::Verdict::default()) };
        let refused = verdicts.submit(unknown).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument, "{refused}");

        tokio::task::block_in_place(|| server.wait_until_booked());
        let mut outcomes = OutcomesClient::connect(grpc).await.unwrap();
        outcomes.get_totals(v1::GetTotalsRequest {}).await.unwrap().into_inner()
    });
    assert_eq!(totals.tasks.unwrap().accepted, 5);
    for task in DOORS {
        let shown = server.json(&format!("/api/v1/tasks/{task}"));
        assert_eq!(shown["state"], "accepted", "{shown}");
        assert_eq!(shown["workflow"], "support-ticket", "{shown}");
        assert_eq!(shown["review_seconds"], 120.0, "{shown}");
    }
    let totals = server.totals();
    assert_eq!(totals["calls"], json!({"ok": 5, "failed": 0}), "{totals}");
    assert_eq!(totals["tokens"]["input"], 6_000, "{totals}");
    assert_eq!(totals["tokens"]["cache_read"], 5_000, "{totals}");
    // 200 fresh, 1,000 cached and 80 output tokens at 0.15, 0.075 and 0.60 dollars a million.
    assert_eq!(totals["cost_usd"]["settled"], "0.000765", "{totals}");
    assert_eq!(totals["cost_usd"]["review"], "15", "{totals}");
    telemetry.shutdown().unwrap();
    server.stop();
}
