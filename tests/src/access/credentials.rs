//! Credentials: who is known, what for, and that nothing is read of those who are not.

use countersign_proto::v1;
use countersign_proto::v1::outcomes_client::OutcomesClient;
use countersign_proto::v1::verdicts_client::VerdictsClient;
use serde_json::json;
use tonic::Code;
use tonic::metadata::MetadataValue;

use super::site::{Site, Token, said_to, spans};
use crate::server::{Server, program, run};

/// A server in plaintext on loopback with a credential for each purpose.
struct Known {
    site: Site,
    server: Server,
    agents: Token,
    reviewers: Token,
    operators: Token,
}

impl Known {
    fn start(more: &str) -> Known {
        let site = Site::new();
        let (agents, reviewers, operators) = (Token::new(), Token::new(), Token::new());
        site.put("operators", &format!("{}\n", operators.secret));
        let text = format!(
            "countersign:\n{more}  credentials:\n{}{}    operators: {{ secret: 'file:{}', \
             scopes: [operate] }}\n",
            agents.line("agents", "scopes: [write_telemetry]"),
            reviewers.line("reviewers", "scopes: [write_verdicts]"),
            site.path("operators").display()
        );
        let server = site.start(&text);
        Known { site, server, agents, reviewers, operators }
    }

    /// The answer to a request of which only the head is sent.
    fn head(&self, path: &str, headers: &str) -> String {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1000\r\n\
             {headers}\r\n"
        );
        said_to(&self.server.http, head.as_bytes())
    }
}

#[test]
fn c026_who_is_not_known_is_told_before_the_body() {
    let known = Known::start("");
    let protobuf = "Content-Type: application/x-protobuf\r\n";
    let json = "Content-Type: application/json\r\n";
    let wrong = Token::new().secret;
    let doubled = format!(
        "{json}Authorization: Bearer {0}\r\nAuthorization: Bearer {0}\r\n",
        known.agents.secret
    );
    for headers in [
        protobuf.to_owned(),
        "Content-Type: text/plain\r\n".to_owned(),
        format!("{json}Authorization: Bearer {wrong}\r\n"),
        format!("{json}Authorization: Basic {wrong}\r\n"),
        doubled,
    ] {
        for path in ["/v1/traces", "/v1/verdicts", "/v1/unknown"] {
            let answer = known.head(path, &headers);
            assert!(answer.starts_with("HTTP/1.1 401 "), "{path} {headers}: {answer}");
            assert!(answer.contains("www-authenticate: Bearer realm"), "{answer}");
            assert!(answer.contains("www-authenticate: Basic realm"), "{answer}");
            assert!(!answer.contains(&wrong), "{answer}");
        }
    }
    let answer = known.head("/v1/traces", json);
    assert!(answer.ends_with(r#"{"code":16,"message":"a known credential is needed: `Authorization: Bearer SECRET`"}"#), "{answer}");
    assert!(!known.server.logs().contains(&wrong));
    known.server.stop();
}

#[test]
fn c027_a_credential_is_for_its_purpose() {
    let known = Known::start("");
    let json = "Content-Type: application/json\r\n";
    for (secret, path, status) in [
        (&known.reviewers, "/v1/traces", "403"),
        (&known.agents, "/v1/verdicts", "403"),
        (&known.operators, "/v1/logs", "403"),
        (&known.agents, "/v1/unknown", "404"),
        (&known.agents, "/v1//traces", "404"),
        (&known.agents, "/v1/%74races", "404"),
    ] {
        let headers = format!("{json}Authorization: Bearer {}\r\n", secret.secret);
        let answer = known.head(path, &headers);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {answer}");
        assert!(answer.contains(r#""code":"#), "{answer}");
    }
    known.server.stop();
}

#[test]
fn c028_a_tenant_that_sends_too_often_is_told_to_wait() {
    let known = Known::start("  tenants: { default: { requests_per_second: 1 } }\n");
    let headers = format!(
        "Content-Type: application/json\r\nAuthorization: Bearer {}\r\n",
        known.agents.secret
    );
    let post = || {
        let request = format!(
            "POST /v1/traces HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\
             {headers}\r\n{{}}"
        );
        said_to(&known.server.http, request.as_bytes())
    };
    let answers: Vec<String> = (0..4).map(|_| post()).collect();
    assert!(answers.first().unwrap().starts_with("HTTP/1.1 200 "), "{answers:?}");
    let last = answers.last().unwrap();
    assert!(last.starts_with("HTTP/1.1 429 "), "{last}");
    assert!(last.contains("\r\nretry-after: 1\r\n") && last.contains("RetryInfo"), "{last}");
    known.server.stop();
}

#[test]
fn c044_c053_c054_grpc_says_the_same_in_its_words() {
    let known = Known::start("");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let grpc = format!("http://{}", known.server.grpc);
    let bearer =
        |token: &Token| -> MetadataValue<_> { format!("Bearer {}", token.secret).parse().unwrap() };
    let submit = |header: Option<MetadataValue<tonic::metadata::Ascii>>| {
        let verdict = v1::Verdict {
            task: "t".to_owned(),
            state: v1::Judgement::Accepted.into(),
            ..v1::Verdict::default()
        };
        let mut request = tonic::Request::new(v1::SubmitRequest { verdict: Some(verdict) });
        if let Some(header) = header {
            request.metadata_mut().insert("authorization", header);
        }
        let grpc = grpc.clone();
        runtime.block_on(async {
            let mut client = VerdictsClient::connect(grpc).await.unwrap();
            client.submit(request).await.map_or_else(|status| status.code(), |_| Code::Ok)
        })
    };
    assert_eq!(submit(None), Code::Unauthenticated);
    assert_eq!(submit(Some(bearer(&Token::new()))), Code::Unauthenticated);
    assert_eq!(submit(Some(bearer(&known.agents))), Code::PermissionDenied);
    assert_eq!(submit(Some(bearer(&known.reviewers))), Code::Ok);
    runtime.block_on(async {
        let mut client = OutcomesClient::connect(grpc.clone()).await.unwrap();
        let mut request = tonic::Request::new(v1::GetTotalsRequest {});
        request.metadata_mut().insert("authorization", bearer(&known.operators));
        client.get_totals(request).await.unwrap();
    });
    known.server.stop();
}

#[test]
fn telemetry_does_not_judge_without_the_scope() {
    let known = Known::start("");
    let client = known.site.client().build().unwrap();
    let record = crate::doors::verdict_record("work");
    let send = |path: &str, body: Vec<u8>| {
        let url = format!("{}{path}", known.server.http);
        let post = client.post(url).bearer_auth(&known.agents.secret);
        let answer = post.header("content-type", "application/x-protobuf").body(body).send();
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 200);
        String::from_utf8_lossy(&answer.bytes().unwrap()).into_owned()
    };
    assert_eq!(send("/v1/traces", spans(7, "work", 0.25)), "");
    let said = send("/v1/logs", record);
    assert!(said.contains("verdicts need a credential with the scope write_verdicts"), "{said}");
    let url = format!("{}/api/v1/status", known.server.operator);
    let status = client.get(url).bearer_auth(&known.operators.secret).send().unwrap();
    let status: serde_json::Value = status.json().unwrap();
    assert_eq!(status["open"], json!({"traces": 1, "waiting_verdicts": 0}), "{status}");
    known.server.stop();
}

#[test]
fn the_command_line_takes_its_secret_from_the_environment() {
    let known = Known::start("");
    let words = ["verdict", "t", "accepted", "--server", &known.server.http];
    let (code, _, err) = run(&words);
    assert!(code != 0 && err.contains("asks for a credential: put its secret into"), "{err}");
    let with = |secret: &Token| {
        let output = program(&words).env("COUNTERSIGN_TOKEN", &secret.secret).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(with(&known.reviewers).0, Some(0));
    let (code, err) = with(&known.agents);
    assert!(code != Some(0) && err.contains("403"), "{err}");
    known.server.stop();
}

#[test]
fn secrets_come_out_nowhere() {
    let known = Known::start("");
    let config = known.site.path("countersign.yaml");
    let (_, out, _) = run(&["check", "--config", config.to_str().unwrap()]);
    assert!(out.contains("credential operators: tenant default, operate"), "{out}");
    let client = known.site.client().build().unwrap();
    let mut all = out + &known.server.logs();
    for path in ["/api/v1/status", "/metrics", "/readyz", "/"] {
        let url = format!("{}{path}", known.server.operator);
        let answer = client.get(url).bearer_auth(&known.operators.secret).send().unwrap();
        all += &answer.text().unwrap();
    }
    for token in [&known.agents, &known.reviewers, &known.operators] {
        assert!(!all.contains(&token.secret) && !all.contains(&token.digest), "{all}");
    }
    known.server.stop();
}
