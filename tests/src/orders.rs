//! The same facts in any order, in any number of copies, give the same books.

use serde_json::{Value, json};

use crate::otlp::{Is, call, request, time};
use crate::server::Server;

const TASKS: u64 = 12;

/// Requests and verdicts of some tasks, in the order in which they happened.
fn story() -> Vec<Message> {
    let mut story = Vec::new();
    for task in 1..=TASKS {
        let name = format!("task-{task}");
        let first = call(task.into(), 1, &name, 0.25, &[]);
        let mut again = call(task.into(), 2, &name, 0.05, &[("countersign.round", Is::Count(2))]);
        again.trace_id = u128::from(task + 1_000).to_be_bytes().to_vec();
        story.push(Message::Traces(request(vec![first])));
        story.push(Message::Traces(request(vec![again])));
        let state = ["accepted", "rejected", "edited", "escalated"][(task % 4) as usize];
        if task % 5 != 0 {
            story.push(Message::Verdict(json!({
                "id": format!("v-{task}"), "task": name, "state": state,
                "effective_at": time(100_000 + task), "review_seconds": 60,
            })));
        }
        if task % 3 == 0 {
            story.push(Message::Verdict(json!({
                "id": format!("w-{task}"), "task": name, "state": "accepted",
                "effective_at": time(200_000 + task), "review_seconds": 30,
            })));
        }
    }
    story
}

#[derive(Clone)]
enum Message {
    Traces(Vec<u8>),
    Verdict(Value),
}

/// What the books say after these messages: totals and every task's state and cost.
fn books(messages: impl IntoIterator<Item = Message>) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data"));
    for message in messages {
        match message {
            Message::Traces(body) => server.export("/v1/traces", body),
            Message::Verdict(verdict) => server.verdicts(&verdict),
        };
    }
    server.wait_until_booked();
    let tasks: Vec<_> = (1..=TASKS)
        .map(|task| {
            let shown = server.json(&format!("/api/v1/tasks/task-{task}"));
            json!([shown["id"], shown["state"], shown["cost_usd"], shown["rounds"]])
        })
        .collect();
    let books = json!({"totals": server.totals(), "tasks": tasks});
    server.stop();
    books
}

/// A shuffle that is the same on every run.
fn shuffled(mut messages: Vec<Message>, mut seed: u64) -> Vec<Message> {
    for left in (1..messages.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        messages.swap(left, (seed >> 33) as usize % (left + 1));
    }
    messages
}

#[test]
fn spans_first_or_verdicts_first_shuffled_or_twice() {
    let story = story();
    let straight = books(story.clone());
    let states = &straight["totals"]["tasks"];
    assert_eq!(states["pending"], 2, "{states}");
    assert_eq!(straight["totals"]["cost_usd"]["incurred"], "3.6");

    let (spans, verdicts): (Vec<_>, Vec<_>) =
        story.iter().cloned().partition(|message| matches!(message, Message::Traces(_)));
    assert_eq!(books(verdicts.into_iter().chain(spans)), straight, "verdicts first");
    assert_eq!(books(shuffled(story.clone(), 1)), straight, "shuffled");
    let twice = story.iter().chain(&story).cloned().collect();
    assert_eq!(books(shuffled(twice, 2)), straight, "each twice, shuffled");
}
