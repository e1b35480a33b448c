//! Tenants: whatever one of them sends, the others' figures stay as they are.

use reqwest::blocking::Client;
use serde_json::{Value, json};

use super::site::{Site, Token, said_to, spans};
use crate::server::{Server, wait_for};

/// A server with the tenants `acme` and `other`, and an operator.
struct Houses {
    site: Site,
    server: Server,
    client: Client,
    acme: Token,
    other: Token,
    operators: Token,
}

impl Houses {
    fn start() -> Houses {
        let site = Site::new();
        let (acme, other, operators) = (Token::new(), Token::new(), Token::new());
        let everything = "scopes: [write_telemetry, write_verdicts, read_outcomes]";
        let text = format!(
            "countersign:\n  credentials:\n{}{}{}",
            acme.line("acme", &format!("tenant: acme, {everything}")),
            other.line("other", &format!("tenant: other, {everything}")),
            operators.line("ops", "scopes: [operate, write_telemetry]")
        );
        let server = site.start(&text);
        let client = site.client().build().unwrap();
        Houses { site, server, client, acme, other, operators }
    }

    fn get(&self, who: &Token, path: &str) -> (u16, String) {
        let url = format!("{}{path}", self.server.operator);
        let answer = self.client.get(url).bearer_auth(&who.secret).send().unwrap();
        (answer.status().as_u16(), answer.text().unwrap())
    }

    fn json(&self, who: &Token, path: &str) -> Value {
        let (status, text) = self.get(who, path);
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    fn post(&self, who: &Token, path: &str, kind: &str, body: Vec<u8>) -> Value {
        let url = format!("{}{path}", self.server.http);
        let post = self.client.post(url).bearer_auth(&who.secret).header("content-type", kind);
        let answer = post.body(body).send().unwrap();
        let status = answer.status();
        assert!(status.is_success(), "{path}: {status} {:?}", answer.text());
        json!(answer.headers()["countersign-position"].to_str().unwrap().parse::<u64>().unwrap())
    }

    fn spans(&self, who: &Token, trace: u128, task: &str, cost: f64) {
        self.post(who, "/v1/traces", "application/x-protobuf", spans(trace, task, cost));
    }

    fn judge(&self, who: &Token, task: &str, state: &str) {
        let verdict = json!([{"id": "the-same-id", "task": task, "state": state}]);
        let body = verdict.to_string().into_bytes();
        self.post(who, "/v1/verdicts", "application/json", body);
    }

    fn wait_until_booked(&self, who: &Token) {
        wait_for("all is booked", || {
            let status = self.json(who, "/api/v1/status");
            status["booked_to"].as_u64().unwrap() >= status["position"].as_u64().unwrap()
        });
    }

    /// Everything that a tenant can see.
    fn sees(&self, who: &Token) -> Vec<String> {
        let paths = [
            "/metrics",
            "/api/v1/totals",
            "/api/v1/outcomes?by=workflow",
            "/api/v1/outcomes?by=model",
            "/api/v1/tasks/shared",
            "/api/v1/inbox",
            "/api/v1/cohorts",
            "/api/v1/compare?a=x&b=y",
            "/api/v1/unpriced",
            "/api/v1/reported",
        ];
        let live = |line: &&str| !line.contains("pending_age") && !line.contains("_created");
        let seen = paths.map(|path| self.get(who, path).1);
        seen.map(|text| text.lines().filter(live).collect::<Vec<_>>().join("\n")).into()
    }
}

#[test]
fn tenants_neither_see_nor_move_each_other() {
    let it = Houses::start();
    it.spans(&it.acme, 1, "shared", 0.25);
    it.judge(&it.acme, "shared", "accepted");
    it.wait_until_booked(&it.acme);
    let before = it.sees(&it.acme);
    assert!(before.concat().contains("0.25"), "{before:?}");

    // The other tenant uses the same trace, span, response, task and verdict ids, and others.
    it.spans(&it.other, 1, "shared", 4.0);
    it.judge(&it.other, "shared", "rejected");
    for trace in 2..20 {
        it.spans(&it.other, trace, &format!("task-{trace}"), 1.0);
    }
    it.spans(&it.operators, 1, "shared", 16.0);
    it.wait_until_booked(&it.other);
    assert_eq!(it.sees(&it.acme), before);

    let shared = |who: &Token| it.json(who, "/api/v1/tasks/shared");
    assert_eq!(shared(&it.acme)["state"], "accepted");
    assert_eq!(shared(&it.other)["state"], "rejected");
    assert_eq!(it.json(&it.other, "/api/v1/totals")["cost_usd"]["incurred"], "22");
    assert_eq!(it.get(&it.acme, "/api/v1/tasks/task-2").0, 404);
    assert_eq!(it.get(&it.acme, "/api/v1/totals?tenant=other").0, 403);
    assert_eq!(it.get(&it.acme, "/api/v1/totals?tenant=default").0, 403);
    assert_eq!(it.get(&it.acme, "/api/v1/totals?tenant=acme").0, 200);
    let status = it.json(&it.acme, "/api/v1/status");
    assert!(status.get("destinations").is_none() && status.get("configuration").is_none());

    of_all(&it);
    after_a_restart(it, &before);
}

/// The operator sees everybody, by name.
fn of_all(it: &Houses) {
    it.wait_until_booked(&it.operators);
    let totals = |path: &str| it.json(&it.operators, path)["cost_usd"]["incurred"].clone();
    assert_eq!(totals("/api/v1/totals"), "16");
    assert_eq!(totals("/api/v1/totals?tenant=acme"), "0.25");
    assert_eq!(totals("/api/v1/totals?tenant=nobody"), "0");
    let page = it.get(&it.operators, "/metrics").1;
    let incurred = page.lines().filter(|line| line.starts_with("countersign_cost_incurred"));
    let named = |name: &str| {
        let label = format!("countersign_tenant=\"{name}\"");
        incurred.clone().filter(|line| line.contains(&label)).count()
    };
    assert!(named("acme") > 0 && named("other") > 0, "{page}");
    assert!(incurred.clone().any(|line| !line.contains("countersign_tenant")), "{page}");
    let heads = page.lines().filter(|line| line.starts_with("# TYPE countersign_cost_incurred"));
    assert_eq!(heads.count(), 1, "each metric stands together");
    let taken = "countersign_receiver_accepted_spans_total{transport=\"http\"} 21";
    assert!(page.lines().any(|line| line == taken), "{page}");
    assert!(!it.get(&it.acme, "/metrics").1.contains("countersign_receiver_"));
}

fn after_a_restart(it: Houses, before: &[String]) {
    let Houses { site, server, client, acme, other, operators } = it;
    server.stop();
    let text = std::fs::read_to_string(site.path("countersign.yaml")).unwrap();
    let server = site.start(&text);
    let it = Houses { site, server, client, acme, other, operators };
    assert_eq!(it.sees(&it.acme), before);
    it.server.stop();
}

#[test]
fn refusals_and_senders_are_counted() {
    let it = Houses::start();
    let known = format!("Authorization: Bearer {}\r\n", it.acme.secret);
    let head = "POST /v1/traces HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n";
    let protobuf = "Content-Type: application/x-protobuf\r\n";
    for headers in [protobuf.to_owned(), known.clone(), format!("{known}{protobuf}")] {
        said_to(&it.server.http, format!("{head}{headers}\r\nxyz").as_bytes());
    }
    let page = it.get(&it.operators, "/metrics").1;
    for reason in ["unauthenticated", "head", "malformed"] {
        let line = format!(
            "countersign_receiver_refused_requests_total{{transport=\"http\",reason=\"{reason}\"}} 1"
        );
        assert!(page.lines().any(|shown| shown == line), "{line}: {page}");
    }
    it.server.stop();
}
