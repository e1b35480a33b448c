//! The port on a real socket, before a real keeper.

use countersign_core::fact::{Basis, SourceKind, Usage};
use countersign_core::fact::{Call, Cost, CostSource, Fact, Identity, Judgement, Place, Verdict};
use countersign_core::key::{Key, SpanId, TraceId};
use countersign_core::money::Money;
use expect_test::{Expect, expect};

use super::*;
use crate::config::Listen;
use crate::journal::{DataDirectory, FactWriter};
use crate::keeper::{Options, Submission};
use crate::publish::health::Health;
use crate::publish::reloads::Reloads;

const TASK: &str = "https://github.com/acme/api/pull/7";

struct Server {
    address: std::net::SocketAddr,
    client: reqwest::Client,
    _directory: tempfile::TempDir,
    _loops: tokio::task::JoinSet<()>,
}

async fn server() -> Server {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { reserve_bytes: 0, ..Options::of(Default::default()) };
    let data = DataDirectory::open(&directory.path().join("data")).unwrap();
    let (keeper, _running) = Keeper::start(data, options).unwrap();
    let booked = Submission { facts: facts(), ..Submission::default() };
    let position = keeper.submit(booked).await.unwrap().position;
    // The trace stays open for as long as the books wait for more of it.
    while keeper.ask(|view| view.books.booked_to()).await.unwrap() < position {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_, ready) = watch::channel(true);
    let own = Arc::new(Own {
        start: 0,
        counted: Arc::default(),
        connections: Vec::new(),
        destinations: vec![Arc::new(Health::of("jaeger"))],
        reloads: Arc::new(Reloads::new(0)),
        soundness: Default::default(),
        keeper: keeper.clone(),
    });
    let router = operator_router(
        keeper,
        Operator {
            setting: Setting {
                purpose: "See what is <worth> it".into(),
                listen: Listen::default(),
            },
            trace_url: None,
            hosts: Vec::new(),
            access: Access::default(),
            ready,
            own,
        },
    );
    let mut loops = tokio::task::JoinSet::new();
    loops.spawn(async move { axum::serve(listener, router).await.unwrap() });
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    Server { address, client, _directory: directory, _loops: loops }
}

/// A task of a quarter dollar, accepted after two minutes of review.
fn facts() -> Vec<u8> {
    let place = Place { trace: TraceId(0xa1), span: SpanId(1), parent: SpanId::NONE };
    let identity = Identity { task: TASK, workflow: "pr-review", ..Identity::default() };
    let call = Call {
        place,
        record: Key::of("call"),
        identity,
        start: 1_795_132_800_000_000_000,
        end: 1_795_132_801_000_000_000,
        model: "claude-sonnet-4-5",
        usage: Some(Usage { input: 1_200, output: 300, ..Usage::default() }),
        cost: Cost::Priced(Money::from_pico(250_000_000_000), CostSource::Reported),
        listed: Some(Money::from_pico(260_000_000_000)),
        ..Call::default()
    };
    let verdict = Verdict {
        id: Key::of("verdict"),
        task: TASK,
        trace: TraceId::NONE,
        judgement: Judgement::Accepted,
        effective: 1_795_132_900_000_000_000,
        source: SourceKind::Human,
        system: "github",
        basis: Basis::Explicit,
        round: 0,
        supersedes: Key::NONE,
        reason: "",
        edit_ppm: None,
        review_ms: Some(120_000),
        policy_version: "",
    };
    let mut writer = FactWriter::default();
    writer.push(&Fact::Call(call));
    writer.push(&Fact::Verdict(verdict));
    writer.into_bytes()
}

impl Server {
    async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(format!("http://{}{path}", self.address)).send().await.unwrap()
    }

    /// Status, content type and the beginning of the body.
    async fn check(&self, path: &str, expect: Expect) {
        let response = self.get(path).await;
        let status = response.status().as_u16();
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        assert!(response.headers()["content-security-policy"].to_str().unwrap().contains("'none'"));
        let body: String = response.text().await.unwrap().chars().take(160).collect();
        expect.assert_eq(&format!("{status} {kind}\n{body}"));
    }
}

#[tokio::test]
async fn every_address_answers() {
    let server = server().await;
    server
        .check(
            "/healthz",
            expect![[r#"
        200 text/plain; charset=utf-8
        ok
    "#]],
        )
        .await;
    server
        .check(
            "/readyz",
            expect![[r#"
        200 text/plain; charset=utf-8
        ready
    "#]],
        )
        .await;
    server.check("/api/v1/totals", expect![[r#"
        200 application/json
        {"calls":{"ok":1,"failed":0},"tokens":{"input":1200,"cache_read":0,"cache_write":0,"output":300,"reasoning":0},"cost_usd":{"incurred":"0.25","settled":"0.25","p"#]]).await;
    server
        .check("/api/v1/outcomes?by=route&from=2026-11-20&to=2027-01-01T00:00:00Z", expect![[r#"
            200 application/json
            {"by":"route","basis":"flow","from":"2026-11-20T00:00:00Z","to":"2027-01-01T00:00:00Z","rows":[{"name":"","allocated":false,"tasks":{"pending":0,"accepted":1,"e"#]])
        .await;
    server.check("/api/v1/outcomes?by=person", expect![[r#"
        400 application/problem+json
        {"detail":"by: expected workflow, route or model","status":400,"title":"Bad Request","type":"about:blank"}"#]]).await;
    server.check("/api/v1/outcomes?from=yesterday", expect![[r#"
        400 application/problem+json
        {"detail":"from: expected a date (2026-11-22) or RFC 3339 time","status":400,"title":"Bad Request","type":"about:blank"}"#]]).await;
    server.check("/api/v1/outcomes?who=1", expect![[r#"
        400 application/problem+json
        {"detail":"this address takes by, basis, from and to, once each","status":400,"title":"Bad Request","type":"about:blank"}"#]]).await;
    server.check("/api/v1/tasks/https://github.com/acme/api/pull/7", expect![[r#"
        200 application/json
        {"id":"https://github.com/acme/api/pull/7","aliases":[],"workflow":"pr-review","route":"","route_reason":"","purpose":"","state":"accepted","standing":"provisio"#]]).await;
    server
        .check("/api/v1/tasks/https%3A%2F%2Fgithub.com%2Facme%2Fapi%2Fpull%2F7", expect![[r#"
            200 application/json
            {"id":"https://github.com/acme/api/pull/7","aliases":[],"workflow":"pr-review","route":"","route_reason":"","purpose":"","state":"accepted","standing":"provisio"#]])
        .await;
    server.check("/api/v1/tasks/nobody", expect![[r#"
        404 application/problem+json
        {"detail":"no task has this id or alias","status":404,"title":"Not Found","type":"about:blank"}"#]]).await;
    server
        .check(
            "/api/v1/unpriced",
            expect![[r#"
        200 application/json
        {"calls":0,"models":[]}"#]],
        )
        .await;
    server
        .check(
            "/api/v1/reported",
            expect![[r#"
        200 application/json
        {"models":[{"model":"claude-sonnet-4-5","calls":1,"reported_usd":"0.25","listed_usd":"0.26","difference_usd":"-0.01","unlisted_calls":0}]}"#]],
        )
        .await;
    server.check("/api/v1/nothing", expect![[r#"
        404 application/problem+json
        {"detail":"the API has nothing at this address","status":404,"title":"Not Found","type":"about:blank"}"#]]).await;
    server.check("/tasks/https://github.com/acme/api/pull/7", expect![[r#"
        200 text/html; charset=utf-8
        <!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content"#]]).await;
    server.check("/tasks/nobody", expect![[r#"
        404 text/html; charset=utf-8
        <!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content"#]]).await;
    server.check("/nothing", expect![[r#"
        404 text/html; charset=utf-8
        <!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content"#]]).await;
    server
        .check(
            "/metrics",
            expect![[r#"
                200 text/plain; version=0.0.4; charset=utf-8
                # HELP countersign_outcomes_total Tasks that reached this final state. A task that moves on counts in each state it reached; countersign.reclassified tells how "#]],
        )
        .await;
    server.check("/assets/countersign.css", expect![[r#"
        200 text/css; charset=utf-8
        /* The look of the pages: calm paper, one green for what was accepted, figures that line up. */
        :root {
          color-scheme: light dark;
          --paper: #f6f5f1; --card: "#]]).await;
}

#[tokio::test]
async fn the_page_has_the_figures_and_the_purpose() {
    let server = server().await;
    let page = server.get("/").await.text().await.unwrap();
    for text in ["<title>1 accepted", "$0.25", "$3.25", "See what is &lt;worth&gt; it"] {
        assert!(page.contains(text), "{text} in {page}");
    }
    let status = server.get("/api/v1/status").await.text().await.unwrap();
    assert!(
        status.contains(r#""name":"jaeger""#) && status.contains(r#""fault":null"#),
        "{status}"
    );
}

#[tokio::test]
async fn a_name_that_points_here_from_elsewhere_is_refused() {
    let server = server().await;
    let address = format!("http://{}/api/v1/totals", server.address);
    let asked = |host: &'static str| server.client.get(&address).header("host", host).send();
    assert_eq!(asked("evil.example:4319").await.unwrap().status(), 403);
    assert_eq!(asked("localhost:4319").await.unwrap().status(), 200);
    let posted = server.client.post(&address).send().await.unwrap();
    assert_eq!(posted.status(), 405);
}

#[test]
fn only_loopback_names_are_answered() {
    let names = Names::LoopbackAnd(vec!["pages.example".into()]);
    assert!(names.know("Pages.example:443"));
    for name in
        ["localhost", "LOCALHOST:4319", "127.0.0.1:4319", "127.8.9.1", "[::1]:4319", "[::1]"]
    {
        assert!(names.know(name), "{name}");
    }
    for name in [
        "",
        "evil.example",
        "localhost.evil.example:4319",
        "127.0.0.1.evil.example",
        "10.0.0.1",
        "[2001:db8::1]:4319",
        "localhost:4319:1",
        "evil.example:localhost",
        "0.0.0.0:4319",
    ] {
        assert!(!names.know(name), "{name}");
    }
}
