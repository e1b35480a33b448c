//! Verdicts by webhook: stories told to the real program, in several orders of arrival.

mod backfill;
mod deliveries;
mod refused;
mod stories;

use std::path::Path;

use expect_test::Expect;
use opentelemetry_proto::tonic::trace::v1::Span;
use reqwest::blocking::{Client, Response};
use ring::hmac;
use serde_json::Value;

use crate::otlp::request;
use crate::server::Server;

const SECRET: &str = "It's a Secret to Everybody";
const CONFIG: &str = "
hooks:
  github:
    secrets: [\"It's a Secret to Everybody\", the one before]
    only: [acme/api, acme/web]
    agents: ['acme-agent']
  zendesk:
    secret: It's a Secret to Everybody
    agents: [700]
    task_prefixes: ['https://acme.zendesk.com/agent/tickets/']
  pagerduty:
    secret: It's a Secret to Everybody
  json/thumbs:
    secret: It's a Secret to Everybody
    mapping:
      task: /conversation
      state: /thumb
      states: { up: accepted, down: rejected }
      time: /at
      id: /id
      source: end_user
";

/// A server with hooks.
fn server(folder: &Path) -> Server {
    let config = folder.join("countersign.yaml");
    std::fs::write(&config, CONFIG).unwrap();
    Server::start_with(&folder.join("data"), &["--config", config.to_str().unwrap()])
}

fn sign(text: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    hmac::sign(&key, text).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The headers by which a kind of source proves a body.
fn proof(hook: &str, body: &[u8]) -> Vec<(String, String)> {
    let header = |name: &str, value: String| vec![(name.to_owned(), value)];
    match hook {
        "zendesk" => {
            let now =
                countersign_receiver::publish::calendar::show(countersign_receiver::clock::now());
            let code = sign(&[now.as_bytes(), body].concat());
            let mut headers = header("x-zendesk-webhook-signature", base64(&code));
            headers.extend(header("x-zendesk-webhook-signature-timestamp", now));
            headers
        }
        "pagerduty" => header("x-pagerduty-signature", format!("v1={}", hex(&sign(body)))),
        _ => header("x-hub-signature-256", format!("sha256={}", hex(&sign(body)))),
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut bits = [0; 3];
        bits[..chunk.len()].copy_from_slice(chunk);
        let number = u32::from_be_bytes([0, bits[0], bits[1], bits[2]]);
        for place in 0..4 {
            let digit = DIGITS[(number >> (18 - 6 * place) & 63) as usize];
            text.push(if place > chunk.len() { '=' } else { char::from(digit) });
        }
    }
    text
}

/// One thing that reaches the program.
#[derive(Clone)]
enum Arrives {
    Work(Vec<Span>),
    Verdict(Value),
    Delivery(&'static str, &'static str, Value),
}

fn post(server: &Server, hook: &str, headers: &[(String, String)], body: Vec<u8>) -> Response {
    let mut post = Client::new().post(format!("{}/hooks/{hook}", server.http)).body(body);
    for (name, value) in headers {
        post = post.header(name, value);
    }
    post.send().unwrap()
}

fn deliver(server: &Server, hook: &str, event: &str, body: &Value) -> Response {
    let body = body.to_string().into_bytes();
    let mut headers = proof(hook, &body);
    headers.push(("content-type".into(), "application/json".into()));
    headers.push(("x-github-event".into(), event.into()));
    post(server, hook, &headers, body)
}

fn arrive(server: &Server, what: &Arrives) {
    match what {
        Arrives::Work(spans) => {
            server.export("/v1/traces", request(spans.clone()));
        }
        Arrives::Verdict(verdict) => {
            server.verdicts(verdict);
        }
        Arrives::Delivery(hook, event, body) => {
            let answer = deliver(server, hook, event, body);
            assert_eq!(answer.status(), 200, "{hook} {event}: {:?}", answer.text());
        }
    }
}

/// Orders of so many things: forwards, backwards, and turned by some.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let forwards: Vec<usize> = (0..count).collect();
    let backwards: Vec<usize> = (0..count).rev().collect();
    let turned = |by: usize| (0..count).map(|index| (index + by) % count).collect();
    let odd_first = (0..count).filter(|i| i % 2 == 1).chain((0..count).filter(|i| i % 2 == 0));
    vec![forwards, backwards, turned(1), turned(count / 2), odd_first.collect()]
}

/// Tells a story in several orders, each time about another task, and shows what came of it.
fn tells(story: impl Fn(u128) -> (String, Vec<Arrives>), expected: Expect) {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path());
    let count = story(1).1.len();
    let mut names = Vec::new();
    for (order, number) in orders(count).iter().zip(1_u128..) {
        let (name, arrivals) = story(number);
        for index in order {
            arrive(&server, &arrivals[*index]);
        }
        // Whatever is delivered again changes nothing.
        for again in &arrivals {
            arrive(&server, again);
        }
        names.push((name, order.clone()));
    }
    server.wait_until_booked();
    let totals = server.totals();
    let shown = |(name, order): &(String, Vec<usize>)| {
        let task = server.json(&format!("/api/v1/tasks/{}", name.replace('/', "%2F")));
        let cost = task["cost_usd"]["incurred"].as_str().unwrap().to_owned();
        let mut verdicts: Vec<&Value> = task["verdicts"].as_array().unwrap().iter().collect();
        verdicts.sort_by_key(|verdict| verdict["effective_at"].as_str());
        let word =
            |verdict: &Value, key: &str| verdict[key].as_str().unwrap_or_default().to_owned();
        let verdicts: String = verdicts
            .into_iter()
            .map(|it| format!("\n  {} {}", word(it, "state"), word(it, "reason")))
            .collect();
        let told = format!(
            "{} for ${cost}, round {}, {}{verdicts}\n",
            task["state"].as_str().unwrap(),
            task["rounds"],
            task["confidence"].as_str().unwrap(),
        );
        (told, order.clone())
    };
    let all: Vec<_> = names.iter().map(shown).collect();
    for (told, order) in &all {
        assert_eq!(*told, all[0].0, "arrived in the order {order:?}");
    }
    let tasks: u64 = totals["tasks"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(tasks, names.len() as u64, "one outcome for each: {totals}");
    expected.assert_eq(&all[0].0);
    server.stop();
}
