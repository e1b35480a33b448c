//! One story of each kind, with what must come of it in any order.

use expect_test::expect;
use serde_json::{Value, json};

use super::deliveries::{commit, github, merged, of_task, on_branch, pull, pushed, review};
use super::{Arrives, tells};
use crate::otlp::{Is, attribute, call, time};

#[test]
fn a_pull_request_with_two_rounds_edits_a_merge_a_revert_and_a_merge_again() {
    let story = |number: u128| {
        let merge = commit(number + 0xabc000);
        let revert = number + 0xdef000;
        let arrivals = vec![
            on_branch(number, 1),
            github("pull_request", pull(number, "opened", 1, "acme-agent", &json!({}))),
            review(number, "changes_requested", 10),
            on_branch(number, 2),
            github("pull_request", pull(number, "synchronize", 12, "acme-agent", &json!({}))),
            github(
                "pull_request",
                pull(
                    number,
                    "synchronize",
                    14,
                    "lead",
                    &json!({"head": {"ref": format!("agent/{number}"), "sha": commit(number + 0xe000),
                    "repo": {"full_name": "acme/api", "html_url": "https://github.com/acme/api"}}}),
                ),
            ),
            review(number, "approved", 15),
            merged(number, 16, &[]),
            pushed(20, revert, &format!("Revert it\n\nThis reverts commit {merge}.")),
            pushed(
                30,
                revert + 0x1000,
                &format!("Again\n\nThis reverts commit {}.", commit(revert)),
            ),
        ];
        (format!("https://github.com/acme/api/pull/{number}"), arrivals)
    };
    tells(
        story,
        expect![[r#"
            edited for $0.5, round 2, heuristic
              rejected changes_requested
              edited changed_by_people
              accepted approved
              accepted merged
              defect reverted
              accepted restored
        "#]],
    );
}

#[test]
fn a_pull_request_that_is_reverted_and_stays_so() {
    let story = |number: u128| {
        let task = format!("fix-{number}");
        let body = format!("Words.\n\n<!-- Countersign-Task: {task} -->");
        let undo = json!({"body": format!("Reverts acme/api#{number}"), "merged": true,
            "merged_at": time(1_200_000), "user": {"login": "lead", "type": "User"}});
        let arrivals = vec![
            of_task(number, &task, &[]),
            merged(number, 10, &[("body", json!(body))]),
            github("pull_request", pull(number + 100, "closed", 20, "lead", &undo)),
        ];
        (task, arrivals)
    };
    tells(
        story,
        expect![[r#"
            defect for $0.5, round 1, explicit
              accepted merged
              defect reverted
        "#]],
    );
}

#[test]
fn one_pull_request_told_by_merge_issue_and_sdk_is_one_outcome() {
    let story = |number: u128| {
        let task = format!("login-{number}");
        let url = format!("https://github.com/acme/api/pull/{number}");
        let issue = json!({
            "action": "closed",
            "issue": {"html_url": format!("https://github.com/acme/api/issues/{}", number + 500),
                "number": number + 500, "state_reason": "completed",
                "closed_at": time(600_000), "updated_at": time(600_000)},
            "repository": {"full_name": "acme/api", "html_url": "https://github.com/acme/api"},
            "sender": {"login": "lead", "type": "User"},
        });
        let arrivals = vec![
            of_task(number, &task, &[("countersign.artifact.url", Is::Owned(url))]),
            merged(number, 10, &[]),
            github("issues", issue),
            Arrives::Verdict(json!({"id": format!("sdk-{number}"), "task": task,
                "state": "accepted", "effective_at": time(590_000)})),
        ];
        (task, arrivals)
    };
    tells(
        story,
        expect![[r#"
        accepted for $0.5, round 1, explicit
          accepted 
          accepted completed
          accepted merged
    "#]],
    );
}

fn ticket(number: u128, kind: &str, minute: u64, event: Value, assignee: &str) -> Arrives {
    Arrives::Delivery(
        "zendesk",
        "",
        json!({
            "type": format!("zen:event-type:ticket.{kind}"),
            "account_id": 1, "id": format!("{number}-{minute}"), "time": time(minute * 60_000),
            "detail": {"id": (number + 35_000).to_string(), "assignee_id": assignee,
                "actor_id": assignee, "subject": "words"},
            "event": event,
        }),
    )
}

#[test]
fn a_ticket_that_is_solved_reopened_and_handed_on() {
    let story = |number: u128| {
        let solved = json!({"previous": "OPEN", "current": "SOLVED"});
        let reopened = json!({"previous": "SOLVED", "current": "OPEN"});
        let url = format!("https://acme.zendesk.com/agent/tickets/{}", number + 35_000);
        let arrivals = vec![
            of_task(number, "", &[("countersign.artifact.url", Is::Owned(url.clone()))]),
            ticket(number, "status_changed", 10, solved, "700"),
            ticket(number, "status_changed", 20, reopened, "9"),
            ticket(
                number,
                "agent_assignment_changed",
                30,
                json!({"previous": "700", "current": "9"}),
                "9",
            ),
        ];
        (url, arrivals)
    };
    tells(
        story,
        expect![[r#"
            escalated for $0.5, round 1, explicit
              accepted solved
              defect reopened
              escalated handed_on
        "#]],
    );
}

#[test]
fn an_incident_that_is_resolved_reopened_and_resolved() {
    let story = |number: u128| {
        let turn = |what: &str, minute: u64| {
            Arrives::Delivery(
                "pagerduty",
                "",
                json!({"event": {
                    "id": format!("{number}-{minute}"), "event_type": format!("incident.{what}"),
                    "occurred_at": time(minute * 60_000), "agent": {"id": "S1", "type": "service_reference"},
                    "data": {"id": format!("PX{number}"),
                        "html_url": format!("https://acme.pagerduty.com/incidents/PX{number}")},
                }}),
            )
        };
        let arrivals = vec![
            of_task(number, &format!("PX{number}"), &[]),
            turn("resolved", 10),
            turn("reopened", 20),
            turn("resolved", 30),
        ];
        (format!("PX{number}"), arrivals)
    };
    tells(
        story,
        expect![[r#"
            accepted for $0.5, round 1, explicit
              accepted solved
              defect reopened
              accepted solved
        "#]],
    );
}

#[test]
fn an_answer_in_a_chat_with_thumbs() {
    let story = |number: u128| {
        let chat = format!("chat-{number}");
        let thumb = |word: &str, minute: u64| {
            Arrives::Delivery(
                "thumbs",
                "",
                json!({
                    "id": format!("{number}-{minute}"), "conversation": chat, "thumb": word,
                    "at": time(minute * 60_000), "comment": "words",
                }),
            )
        };
        let mut span = call(number, 1, "", 0.5, &[]);
        span.attributes.retain(|attribute| attribute.key != "countersign.task.id");
        span.attributes.push(attribute("gen_ai.conversation.id", Is::Owned(chat.clone())));
        let arrivals = vec![Arrives::Work(vec![span]), thumb("down", 10), thumb("up", 12)];
        (chat, arrivals)
    };
    tells(
        story,
        expect![[r#"
            accepted for $0.5, round 2, derived
              rejected 
              accepted 
        "#]],
    );
}
