//! The test vectors of the definitions that need the whole program. The worked example (I10) has
//! a file of its own, and those that the books alone answer are with the core's tests.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::{Value, json};

use crate::otlp::{Is, attribute, call, request, time};
use crate::server::{Server, wait_for};
use crate::sink::Sink;

/// Every key that a series may carry. A person, a task, a URL and a text are none of them.
const ALLOWED: [&str; 27] = [
    "countersign.cohort",
    "countersign.cost.component",
    "countersign.diagnostic.kind",
    "countersign.retry.layer",
    "countersign.review.state",
    "countersign.review.state.from",
    "countersign.review.state.to",
    "countersign.route.name",
    "countersign.statistic",
    "countersign.verdict.basis",
    "countersign.verdict.source.kind",
    "error.type",
    "exporter",
    "gen_ai.evaluation.name",
    "gen_ai.evaluation.score.label",
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.response.model",
    "gen_ai.token.type",
    "gen_ai.workflow.name",
    "le",
    "otel.metric.overflow",
    "port",
    "reason",
    "result",
    "trace_id",
    "transport",
];
/// What stands for a person, a task, an address and a prompt in the spans that are sent.
const MARK: &str = "forbidden-";

fn marked(trace: u128) -> Span {
    let more = [
        ("user.email", Is::Text("forbidden-someone@example.org")),
        ("user.id", Is::Text("forbidden-user")),
        ("enduser.id", Is::Text("forbidden-user")),
        ("gen_ai.user.name", Is::Text("forbidden-name")),
        ("host.name", Is::Text("forbidden-host")),
        ("countersign.artifact.url", Is::Text("https://example.org/forbidden-url/1")),
        ("gen_ai.conversation.id", Is::Text("forbidden-conversation")),
        ("gen_ai.input.messages", Is::Text("forbidden-prompt")),
        ("countersign.team", Is::Text("forbidden-team")),
        ("countersign.route.name", Is::Text("small first")),
    ];
    call(trace, 1, "forbidden-task", 0.5, &more)
}

/// The keys and texts of all attributes in a pushed request.
fn pushed(body: &[u8]) -> Vec<(String, String)> {
    let request = ExportMetricsServiceRequest::decode(body).unwrap();
    let scopes = request.resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
    let mut found = Vec::new();
    for metric in scopes.flat_map(|scope| scope.metrics) {
        let attributes: Vec<_> = match metric.data.unwrap() {
            Data::Gauge(gauge) => {
                gauge.data_points.into_iter().flat_map(|point| point.attributes).collect()
            }
            Data::Sum(sum) => sum.data_points.into_iter().flat_map(|p| p.attributes).collect(),
            Data::ExponentialHistogram(histogram) => {
                histogram.data_points.into_iter().flat_map(|point| point.attributes).collect()
            }
            Data::Histogram(_) | Data::Summary(_) => panic!("we send none"),
        };
        found.extend(attributes.into_iter().map(|pair| (pair.key, format!("{:?}", pair.value))));
    }
    found
}

/// The keys of all labels on a page, exemplars included.
fn labels(page: &str) -> Vec<String> {
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    let sets = lines.flat_map(|line| line.split('{').skip(1));
    let pairs = sets.filter_map(|set| set.split_once('}')).flat_map(|(set, _)| set.split("\","));
    let keys = pairs.filter_map(|pair| pair.split_once("=\"")).map(|(key, _)| key.to_owned());
    keys.collect()
}

#[test]
fn i5_no_exporter_has_a_forbidden_label_under_any_configuration() {
    for scrub in ["standard", "strict", "off"] {
        let folder = tempfile::tempdir().unwrap();
        let sink = Sink::start();
        let config = folder.path().join("countersign.yaml");
        let text = format!(
            "exporters:\n  otlphttp/sink:\n    endpoint: {}\n    compression: none\n\
             countersign: {{ scrub: {scrub}, metrics: {{ interval: 1s }}, confirm: 1h }}\n",
            sink.endpoint
        );
        std::fs::write(&config, text).unwrap();
        let arguments = ["--config", config.to_str().unwrap()];
        let server = Server::start_with(&folder.path().join("data"), &arguments);
        server.export("/v1/traces", request(vec![marked(1), marked(2)]));
        server.verdicts(&json!([{"id": "v", "task": "forbidden-task", "state": "edited",
            "basis": "implicit", "review_seconds": 60, "reason": "forbidden-reason"}]));
        server.wait_until_booked();
        wait_for("the outcome is pushed", || {
            let pushes = sink.bodies("/v1/metrics");
            pushes
                .iter()
                .any(|body| pushed(body).iter().any(|(key, _)| key == "countersign.cohort"))
        });
        for (key, value) in sink.bodies("/v1/metrics").iter().flat_map(|body| pushed(body)) {
            assert!(ALLOWED.contains(&key.as_str()), "{scrub}: {key}");
            assert!(!value.contains(MARK), "{scrub}: {key} {value}");
        }
        for page in [server.get("/metrics"), server.metrics()] {
            assert!(page.contains("countersign_cohort_tasks"), "{page}");
            assert!(!page.contains(MARK), "{scrub}: {page}");
            for key in labels(&page) {
                let known = |allowed: &&str| allowed.replace('.', "_") == key || key == "span_id";
                assert!(ALLOWED.iter().any(known), "{scrub}: {key}");
            }
        }
        server.stop();
    }
}

#[test]
fn i11_two_systems_that_judge_one_change_make_one_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data"));
    let url = "https://example.org/acme/shop/pull/7";
    let change = [("countersign.artifact.url", Is::Text("https://example.org/acme/shop/pull/7"))];
    server.export("/v1/traces", request(vec![call(1, 1, "SHOP-7", 0.25, &change)]));
    server.verdicts(&json!([
        {"id": "merged", "task": url, "state": "accepted", "effective_at": time(100_000),
         "source": {"kind": "system", "system": "github"}},
        {"id": "closed", "task": "SHOP-7", "state": "accepted", "effective_at": time(101_000),
         "source": {"kind": "system", "system": "jira"}},
        {"id": "merged", "task": url, "state": "accepted", "effective_at": time(100_000),
         "source": {"kind": "system", "system": "github"}},
    ]));
    server.wait_until_booked();
    let total = |name: &str| -> u64 {
        let page = server.get("/metrics");
        let lines = page.lines().filter(|line| line.starts_with(&format!("{name}{{")));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    };
    assert_eq!(total("countersign_outcomes_total"), 1);
    assert_eq!(total("countersign_verdicts_total"), 2);
    assert_eq!(server.totals()["tasks"]["accepted"], 1);
    assert_eq!(server.totals()["cost_usd"]["settled"], "0.25");
    let task = server.json("/api/v1/tasks/SHOP-7");
    assert_eq!((&task["standing"], &task["state"]), (&json!("provisional"), &json!("accepted")));
    server.stop();
}

#[test]
fn i13_an_unknown_model_is_unpriced_and_costs_null() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data"));
    let mut span = call(1, 1, "t", 0.0, &[]);
    span.attributes.retain(|pair| !pair.key.contains("model") && !pair.key.contains("cost"));
    span.attributes.push(attribute("gen_ai.response.model", Is::Text("nobody-knows-this-one")));
    server.export("/v1/traces", request(vec![span]));
    server.wait_until_booked();
    let totals = server.totals();
    assert_eq!(
        (&totals["unpriced_calls"], &totals["cost_usd"]["incurred"]),
        (&json!(1), &json!("0"))
    );
    let lines = &server.json("/api/v1/tasks/t")["calls"];
    assert_eq!((&lines[0]["cost_usd"], &lines[0]["unpriced"]), (&Value::Null, &json!(1)));
    assert!(server.get("/metrics").contains("countersign_unpriced_calls_total{"));
    server.stop();
}

#[test]
fn f23_a_task_that_only_a_verdict_names_answers_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data"));
    assert_eq!(server.status_of("/api/v1/tasks/early"), 404);
    server.verdicts(&json!([{"id": "v", "task": "early", "state": "accepted",
        "source": {"kind": "human", "system": "github"}}]));
    let task = server.json("/api/v1/tasks/early");
    assert_eq!((&task["id"], &task["state"]), (&json!("early"), &json!("unknown")));
    assert_eq!(task["waiting_verdicts"][0]["source"]["system"], "github");
    assert_eq!(server.status_of("/tasks/early"), 404);
    let page = server.json("/api/v1/status");
    assert_eq!(page["open"]["waiting_verdicts"], 1);
    assert_eq!(server.totals()["tasks"]["accepted"], 0);
    server.stop();
}

#[test]
fn f16_verdicts_of_1970_and_tomorrow_are_clamped_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data"));
    server.export("/v1/traces", request(vec![call(1, 1, "t", 0.5, &[])]));
    let tomorrow = time(20 * 3_600_000);
    server.verdicts(&json!([
        {"id": "old", "task": "t", "state": "rejected", "effective_at": "1970-01-02T00:00:00Z"},
        {"id": "new", "task": "t", "state": "accepted", "effective_at": tomorrow},
    ]));
    server.wait_until_booked();
    let task = server.json("/api/v1/tasks/t");
    assert_eq!(task["state"], "accepted");
    let shown: Vec<_> = task["verdicts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|verdict| &verdict["effective_at"])
        .collect();
    assert!(
        shown.iter().all(|at| **at != "1970-01-02T00:00:00Z" && **at != *tomorrow),
        "{shown:?}"
    );
    let skew = r#"countersign_diagnostics_total{countersign_diagnostic_kind="clock_skew"} 2"#;
    assert!(server.get("/metrics").contains(skew), "{}", server.get("/metrics"));
    let year_2100 =
        json!([{"task": "t", "state": "accepted", "effective_at": "2100-01-01T00:00:00Z"}]);
    let refused = server.post("/v1/verdicts", "application/json", year_2100.to_string());
    assert!(refused.text().unwrap().contains("not in the future"));
    server.stop();
}

#[test]
fn i6_two_routes_are_compared_within_equal_work() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data"));
    // Served and all, of routes A and B, at the easy and at the hard work.
    let plan =
        [("easy", "A", 9, 10), ("easy", "B", 77, 90), ("hard", "A", 45, 90), ("hard", "B", 4, 10)];
    let (mut spans, mut verdicts) = (Vec::new(), Vec::new());
    for (kind, route, served, all) in plan {
        for number in 0..all {
            let task = format!("{kind}-{route}-{number}");
            let more = [("countersign.route.name", Is::Text(route))];
            let mut span = call(spans.len() as u128 + 1, 1, &task, 0.01, &more);
            span.attributes.retain(|pair| pair.key != "gen_ai.workflow.name");
            span.attributes.push(attribute("gen_ai.workflow.name", Is::Text(kind)));
            spans.push(span);
            let state = if number < served { "accepted" } else { "rejected" };
            verdicts.push(json!({"id": task, "task": task, "state": state}));
        }
    }
    server.export("/v1/traces", request(spans));
    server.verdicts(&Value::Array(verdicts));
    server.wait_until_booked();
    let shown = server.json("/api/v1/compare?a=A&b=B");
    assert_eq!(shown["simpson"], true, "{shown}");
    assert_eq!(shown["a"], json!({"served": 54, "decided": 100}));
    assert_eq!(shown["b"], json!({"served": 81, "decided": 100}));
    assert!(shown["crude_difference"].as_f64().unwrap() < 0.0);
    assert!(shown["pooled_difference"].as_f64().unwrap() > 0.0);
    assert_eq!(server.status_of("/api/v1/compare?a=A&b=A"), 400);
    server.stop();
}
