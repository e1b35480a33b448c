//! `POST /v1/verdicts`, and the same over gRPC.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::{Site, pretty, request};

const JSON: &str = "Content-Type: application/json\r\n";

async fn send(site: &Site, head: &str, headers: &str, body: &[u8]) -> (u16, String) {
    let answer = site.raw(request(head, headers, body)).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

async fn post(site: &Site, body: &Value) -> (u16, String) {
    send(site, "POST /v1/verdicts", JSON, body.to_string().as_bytes()).await
}

async fn check(site: &Site, body: Value, expected: Expect) {
    let (status, text) = post(site, &body).await;
    expected.assert_eq(&format!("{status}\n{}\n", pretty(&text)));
}

#[tokio::test]
async fn one_verdict_is_a_task_of_its_own_until_work_comes() {
    let site = Site::start().await;
    check(
        &site,
        json!({"task": "t1", "state": "accepted"}),
        expect![[r#"
        200
        {
          "accepted": 1,
          "position": 1,
          "rejected": []
        }
    "#]],
    )
    .await;
    let shown = site
        .keeper
        .ask(|view| {
            let waiting = view.books.find("t1").map(|task| task.state());
            format!("{waiting:?} at {}", view.books.position())
        })
        .await
        .unwrap();
    assert!(shown.ends_with("at 1"), "{shown}");
    site.close().await;
}

#[tokio::test]
async fn bad_ones_in_an_array_are_refused_and_the_rest_counts() {
    let site = Site::start().await;
    let many = json!([
        {"id": "v1", "task": "t1", "state": "edited", "edit_ratio": 0.25, "round": 2,
         "effective_at": "2026-01-31T12:00:00Z", "basis": "implicit", "reason": "style",
         "source": {"kind": "system", "system": "github"}, "review_seconds": 300},
        {"task": "t2", "state": "fine"},
        5,
    ]);
    check(&site, many, expect![[r#"
        200
        {
          "accepted": 1,
          "position": 2,
          "rejected": [
            {
              "error": "state: expected one of accepted, edited, rejected, escalated, withdrawn, defect",
              "index": 1
            },
            {
              "error": "expected an object",
              "index": 2
            }
          ]
        }
    "#]]).await;
    site.close().await;
}

#[tokio::test]
async fn what_is_wrong_is_said_with_its_field() {
    let site = Site::start().await;
    let far = "2400-01-01T00:00:00Z";
    let bad = json!([
        {},
        {"task": "", "state": "accepted"},
        {"task": "t"},
        {"task": "t", "state": "pending"},
        {"task": 5, "state": "accepted"},
        {"task": "a\nb", "state": "accepted"},
        {"task": "t", "state": "accepted", "reviewer": "bob"},
        {"task": "t", "state": "accepted", "effective_at": far},
        {"task": "t", "state": "accepted", "effective_at": "yesterday"},
        {"task": "t", "state": "accepted", "effective_at": 1_770_000_000_000_u64},
        {"task": "t", "state": "accepted", "source": "human"},
        {"task": "t", "state": "accepted", "source": {"kind": "boss"}},
        {"task": "t", "state": "accepted", "source": {"name": "bob"}},
        {"task": "t", "state": "accepted", "basis": "guess"},
        {"task": "t", "state": "accepted", "round": 0},
        {"task": "t", "state": "accepted", "round": 1.5},
        {"task": "t", "state": "accepted", "reason": "it was\nnot good"},
        {"task": "t", "state": "accepted", "reason": "x".repeat(65)},
        {"task": "t", "state": "accepted", "edit_ratio": 1.01},
        {"task": "t", "state": "accepted", "edit_ratio": "0.5"},
        {"task": "t", "state": "accepted", "review_seconds": -1},
        {"task": "t", "state": "accepted", "supersedes": ["v1"]},
    ]);
    let (status, text) = post(&site, &bad).await;
    let answer: Value = serde_json::from_str(&text).unwrap();
    let errors: Vec<&str> = answer["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rejected| rejected["error"].as_str().unwrap())
        .collect();
    assert_eq!((status, errors.len()), (400, 22));
    expect![[r#"
        task: required, the task's id or any of its aliases
        task: required, the task's id or any of its aliases
        state: expected one of accepted, edited, rejected, escalated, withdrawn, defect
        state: expected one of accepted, edited, rejected, escalated, withdrawn, defect
        task: expected a text
        task: expected at most 512 bytes without control characters
        unknown field: expected id, task, state, effective_at, source, basis, round, reason, edit_ratio, review_seconds, supersedes
        effective_at: expected a time that is not in the future
        effective_at: expected RFC 3339 (2026-01-31T12:00:00Z), Unix seconds or nanoseconds
        effective_at: expected RFC 3339 (2026-01-31T12:00:00Z), Unix seconds or nanoseconds
        source: expected an object with kind and system
        source.kind: expected one of model, code, system, end_user, human
        unknown field: expected source.kind, source.system
        basis: expected one of explicit, implicit, assumed
        round: expected a whole number from 1 to 10000
        round: expected a whole number from 1 to 10000
        reason: expected a short code, at most 64 bytes on one line
        reason: expected a short code, at most 64 bytes on one line
        edit_ratio: expected a number from 0 to 1
        edit_ratio: expected a number from 0 to 1
        review_seconds: expected a number from 0 to 31536000
        supersedes: expected a text"#]].assert_eq(&errors.join("\n"));
    assert_eq!(site.position().await, 0);
    site.close().await;
}

#[tokio::test]
async fn times_come_in_three_spellings() {
    let site = Site::start().await;
    for time in [
        json!("2026-01-31T12:00:00Z"),
        json!(1_769_860_800),
        json!(1_769_860_800.5),
        json!(1_769_860_800_000_000_000_u64),
        json!("1769860800000000000"),
        Value::Null,
    ] {
        let body = json!({"task": "t", "state": "accepted", "effective_at": time});
        let (status, text) = post(&site, &body).await;
        assert_eq!(status, 200, "{text}");
    }
    site.close().await;
}

#[tokio::test]
async fn refusals_as_a_whole() {
    let site = Site::start().await;
    check(&site, json!({"task": "t", "state": "no"}), expect![[r#"
        400
        {
          "accepted": 0,
          "detail": "state: expected one of accepted, edited, rejected, escalated, withdrawn, defect",
          "rejected": [
            {
              "error": "state: expected one of accepted, edited, rejected, escalated, withdrawn, defect",
              "index": 0
            }
          ],
          "status": 400,
          "title": "Bad Request"
        }
    "#]]).await;
    check(
        &site,
        json!([]),
        expect![[r#"
        200
        {
          "accepted": 0,
          "position": 0,
          "rejected": []
        }
    "#]],
    )
    .await;
    let kinds = [("", JSON, 400), ("{\"task\":", JSON, 400), ("5", JSON, 400), ("{}", "", 415)];
    for (body, headers, status) in kinds {
        let answer = send(&site, "POST /v1/verdicts", headers, body.as_bytes()).await;
        assert_eq!(answer.0, status, "{body}: {}", answer.1);
    }
    assert_eq!(send(&site, "GET /v1/verdicts", "", b"").await.0, 405);
    let many: Vec<Value> = (0..10_001).map(|_| json!({})).collect();
    assert_eq!(post(&site, &Value::Array(many)).await.0, 413);
    site.close().await;
}
