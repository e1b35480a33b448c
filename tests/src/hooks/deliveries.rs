//! What forges deliver in the stories, and the work that it is about.

use serde_json::{Value, json};

use super::Arrives;
use crate::otlp::{Is, at, call, time};

/// The hash of a commit that is like no other.
pub(super) fn commit(number: u128) -> String {
    format!("{number:0>12x}{number:0>28x}")
}

/// A pull request of the agent, as a delivery about it has it.
pub(super) fn pull(number: u128, action: &str, minute: u64, sender: &str, more: &Value) -> Value {
    let user = |login: &str| json!({"login": login, "type": "User"});
    let repository = json!({"full_name": "acme/api", "html_url": "https://github.com/acme/api",
        "default_branch": "main"});
    let mut body = json!({
        "action": action,
        "pull_request": {
            "html_url": format!("https://github.com/acme/api/pull/{number}"),
            "number": number,
            "updated_at": time(minute * 60_000),
            "merged": false,
            "body": format!("Fixes #{}", number + 500),
            "user": user("acme-agent"),
            "head": {"ref": format!("agent/{number}"), "sha": commit(number),
                "repo": repository},
        },
        "repository": repository,
        "sender": user(sender),
    });
    for (key, value) in more.as_object().unwrap() {
        body["pull_request"][key] = value.clone();
    }
    body
}

pub(super) fn github(event: &'static str, body: Value) -> Arrives {
    Arrives::Delivery("github", event, body)
}

pub(super) fn review(number: u128, state: &str, minute: u64) -> Arrives {
    let mut body = pull(number, "submitted", minute, "lead", &json!({}));
    body["review"] = json!({"id": number as u64 * 1_000 + minute, "state": state,
        "submitted_at": time(minute * 60_000), "user": {"login": "lead", "type": "User"}});
    github("pull_request_review", body)
}

pub(super) fn merged(number: u128, minute: u64, more: &[(&str, Value)]) -> Arrives {
    let mut fields = json!({"merged": true, "merged_at": time(minute * 60_000),
        "merged_by": {"login": "lead", "type": "User"},
        "merge_commit_sha": commit(number + 0xabc000)});
    for (key, value) in more {
        fields[key] = value.clone();
    }
    github("pull_request", pull(number, "closed", minute, "lead", &fields))
}

pub(super) fn pushed(minute: u64, commit: u128, message: &str) -> Arrives {
    github(
        "push",
        json!({
            "ref": "refs/heads/main",
            "commits": [{"id": self::commit(commit), "message": message}],
            "repository": {"full_name": "acme/api", "html_url": "https://github.com/acme/api",
                "default_branch": "main", "pushed_at": at(minute * 60_000) / 1_000_000_000},
            "sender": {"login": "lead", "type": "User"},
        }),
    )
}

/// Work in a trace of its own, known by what a coding agent's telemetry says of its checkout.
pub(super) fn on_branch(number: u128, round: u64) -> Arrives {
    let trace = number * 10 + u128::from(round);
    let mut span = call(
        trace,
        round,
        "",
        0.25,
        &[
            ("vcs.repository.url.full", Is::Text("git@github.com:acme/api.git")),
            ("vcs.ref.head.name", Is::Owned(format!("agent/{number}"))),
        ],
    );
    span.attributes.retain(|attribute| attribute.key != "countersign.task.id");
    Arrives::Work(vec![span])
}

pub(super) fn of_task(trace: u128, task: &str, more: &[(&str, Is)]) -> Arrives {
    Arrives::Work(vec![call(trace, 1, task, 0.5, more)])
}
