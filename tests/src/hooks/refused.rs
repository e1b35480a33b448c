//! What is refused, and what is delivered too often.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use reqwest::StatusCode;
use reqwest::blocking::Client;
use ring::hmac;
use serde_json::json;

use super::deliveries::{merged, of_task};
use super::{Arrives, SECRET, arrive, hex, post, proof, server, sign};
use crate::otlp::Is;
use crate::server::Server;

/// The answer to a delivery that says it is so long.
fn announced(server: &Server, length: usize) -> String {
    let mut stream = TcpStream::connect(server.http.trim_start_matches("http://")).unwrap();
    write!(stream, "POST /hooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n")
        .unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

#[test]
fn f46_what_is_refused_is_refused_alike_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path());
    let Arrives::Delivery(_, _, body) = merged(1, 10, &[]) else { unreachable!() };
    let bytes = body.to_string().into_bytes();
    let right = format!("sha256={}", hex(&sign(&bytes)));
    let mut elsewhere = body.clone();
    elsewhere["repository"]["full_name"] = json!("evil/api");
    let elsewhere = elsewhere.to_string().into_bytes();
    let wrong = [
        ("no signature", "github", String::new(), bytes.clone()),
        ("wrong signature", "github", format!("sha256={}", "0".repeat(64)), bytes.clone()),
        ("altered body", "github", right.clone(), [bytes.as_slice(), b" "].concat()),
        ("unknown source", "nobody", right.clone(), bytes.clone()),
        ("unknown repository", "github", format!("sha256={}", hex(&sign(&elsewhere))), elsewhere),
        ("another source's header", "zendesk", right.clone(), bytes.clone()),
    ];
    let mut answers = Vec::new();
    for (what, hook, signature, body) in &wrong {
        let mut headers = vec![("x-github-event".to_owned(), "pull_request".to_owned())];
        if !signature.is_empty() {
            headers.push(("x-hub-signature-256".into(), signature.clone()));
        }
        let answer = post(&server, hook, &headers, body.clone());
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{what}");
        let mut headers = answer.headers().clone();
        headers.remove("date");
        answers.push((format!("{headers:?}"), answer.text().unwrap()));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");

    let signed = |text: &[u8], event: &str| {
        let headers = [
            ("x-hub-signature-256".to_owned(), format!("sha256={}", hex(&sign(text)))),
            ("x-github-event".to_owned(), event.to_owned()),
        ];
        post(&server, "github", &headers, text.to_vec()).status().as_u16()
    };
    assert_eq!(signed(b"{\"action\":", "pull_request"), 400);
    assert_eq!(signed(b"{}", "pull_request"), 400);
    assert_eq!(signed(&bytes, "issues"), 400, "a header that was swapped");
    assert_eq!(signed(&bytes, "star"), 204);
    assert_eq!(announced(&server, (25 << 20) + 1), "HTTP/1.1 413 Payload Too Large");
    let large = vec![b' '; (1 << 20) + 1];
    let proof = proof("pagerduty", &large);
    assert_eq!(post(&server, "pagerduty", &proof, large).status(), 413);
    assert_eq!(server.totals()["tasks"]["accepted"], 0);
    let counts = [("refused", 6), ("malformed", 3), ("ignored", 1)];
    crate::server::wait_for("refusals are counted", || {
        let metrics = server.metrics();
        counts.iter().all(|(kind, count)| {
            let series = format!(
                "countersign_diagnostics_total{{countersign_diagnostic_kind=\"hook_{kind}\"}} {count}"
            );
            metrics.lines().any(|line| line == series || line.starts_with(&format!("{series} ")))
        })
    });
    server.stop();
}

#[test]
fn f46_a_thousand_deliveries_are_one_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path());
    let url = "https://github.com/acme/api/pull/1";
    arrive(&server, &of_task(1, "", &[("countersign.artifact.url", Is::Text(url))]));
    let Arrives::Delivery(_, event, body) = merged(1, 10, &[]) else { unreachable!() };
    let bytes = body.to_string().into_bytes();
    let mut headers = proof("github", &bytes);
    headers.push(("x-github-event".into(), event.into()));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (server, headers, bytes) = (&server, &headers, &bytes);
            scope.spawn(move || {
                let client = Client::new();
                for number in 0..250 {
                    let mut post = client.post(format!("{}/hooks/github", server.http));
                    for (name, value) in headers {
                        post = post.header(name, value);
                    }
                    let delivery = format!("{thread}-{number}");
                    let answer = post.header("x-github-delivery", delivery).body(bytes.clone());
                    assert_eq!(answer.send().unwrap().status(), 200);
                }
            });
        }
    });
    server.wait_until_booked();
    let task = server.json("/api/v1/tasks/https:%2F%2Fgithub.com%2Facme%2Fapi%2Fpull%2F1");
    assert_eq!(task["verdicts"].as_array().unwrap().len(), 1, "{task}");
    assert_eq!(server.totals()["tasks"]["accepted"], 1);
    server.stop();
}

#[test]
fn f46_the_secret_before_is_good_until_it_is_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path());
    let Arrives::Delivery(_, event, body) = merged(1, 10, &[]) else { unreachable!() };
    let bytes = body.to_string().into_bytes();
    for (secret, status) in [("the one before", 200), (SECRET, 200), ("a third one", 401)] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let code = hex(hmac::sign(&key, &bytes).as_ref());
        let headers = [
            ("x-hub-signature-256".to_owned(), format!("sha256={code}")),
            ("x-github-event".to_owned(), event.to_owned()),
        ];
        assert_eq!(post(&server, "github", &headers, bytes.clone()).status(), status, "{secret}");
    }
    server.stop();
}
