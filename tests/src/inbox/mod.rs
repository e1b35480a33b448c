//! The inbox: what waits, and verdicts given there, by machines and by a person with a keyboard.

#[cfg(feature = "browser")]
mod browser;

use reqwest::blocking::{Client, Response};
use serde_json::{Value, json};

#[cfg(feature = "browser")]
use self::browser::Browser;
use crate::otlp::{Is, call, request};
#[cfg(feature = "browser")]
use crate::server::wait_for;
use crate::server::{Server, run};

/// Three tasks that wait: the last one to begin cost most.
fn waiting(server: &Server) {
    let url = Is::Text("https://github.com/acme/api/pull/7");
    let spans = vec![
        call(1, 1, "first", 0.25, &[("countersign.artifact.url", url)]),
        call(2, 2, "second <b>", 0.5, &[]),
        call(3, 3, "third", 2.0, &[]),
    ];
    server.export("/v1/traces", request(spans));
    server.wait_until_booked();
}

fn judge(server: &Server, origin: Option<&str>, kind: &str, verdict: &Value) -> Response {
    let post = Client::new().post(format!("{}/api/v1/verdicts", server.operator));
    let post = match origin {
        Some(origin) => post.header("origin", origin),
        None => post,
    };
    post.header("content-type", kind).body(verdict.to_string()).send().unwrap()
}

#[test]
fn what_waits_is_listed_and_judged() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data"));
    waiting(&server);
    let ids = |path: &str| {
        let inbox = server.json(path);
        assert_eq!(inbox["waiting"], inbox["tasks"].as_array().unwrap().len() as u64);
        let tasks = inbox["tasks"].as_array().unwrap().iter();
        tasks.map(|task| task["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids("/api/v1/inbox"), ["first", "second <b>", "third"]);
    assert_eq!(ids("/api/v1/inbox?by=dearest"), ["third", "second <b>", "first"]);
    let (code, address, _) = run(&["inbox", "--print", "--operator", &server.operator]);
    assert_eq!((code, address), (0, format!("{}/inbox\n", server.operator)));
    let page = server.get("/inbox");
    assert!(page.contains("second &lt;b&gt;") && !page.contains("second <b>"), "{page}");
    assert!(page.contains("https://github.com/acme/api/pull/7"));

    let verdict = json!({"id": "v", "task": "first", "state": "edited", "review_seconds": 300});
    let json = "application/json";
    let elsewhere = judge(&server, Some("https://evil.example"), json, &verdict);
    assert_eq!(elsewhere.status(), 403);
    assert_eq!(judge(&server, None, "text/plain", &verdict).status(), 415);
    let wrong = judge(&server, None, json, &json!({"task": "first", "state": "fine"}));
    assert_eq!(wrong.status(), 400);
    assert_eq!(wrong.headers()["content-type"], "application/problem+json");
    assert_eq!(ids("/api/v1/inbox").len(), 3);
    let taken = judge(&server, Some(&server.operator), json, &verdict);
    assert_eq!(taken.status(), 200, "{:?}", taken.text());
    assert_eq!(ids("/api/v1/inbox"), ["second <b>", "third"]);
    server.stop();
}

#[cfg(feature = "browser")]
#[test]
fn a_person_judges_with_the_keyboard_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut browser = Browser::start(folder.path());
    let server = Server::start(&folder.path().join("data"));
    waiting(&server);
    browser.open(&format!("{}/inbox", server.operator));
    // Scripts have run by the time that the page is complete.
    browser.wait(
        "three tasks are listed",
        "document.readyState === 'complete' && document.querySelectorAll('.inbox li').length === 3",
    );
    let task = |id: &str| server.json(&format!("/api/v1/tasks/{id}"));

    // The first task: edited, seven minutes, a reason.
    browser.type_keys("j");
    browser.wait("the first row has the focus", "document.activeElement.dataset.task === 'first'");
    browser.type_keys("e");
    browser.wait("it asks", "document.getElementById('ask').open");
    browser.type_keys("7\tstyle\r");
    browser.wait("the row is gone", "document.querySelectorAll('.inbox li').length === 2");
    wait_for("the verdict is booked", || task("first")["state"] == "edited");
    let first = task("first");
    assert_eq!(
        (first["review_seconds"].as_f64(), &first["verdicts"][0]["reason"]),
        (Some(420.0), &json!("style"))
    );

    // The next row has the focus already; Escape leaves, and the last task is rejected.
    browser.type_keys("a");
    browser.wait("it asks again", "document.getElementById('ask').open");
    browser.type_keys("\u{1b}");
    browser.wait("it does not ask", "!document.getElementById('ask').open");
    browser.type_keys("jr");
    browser.wait("it asks about the last", "document.getElementById('ask').open");
    browser.type_keys("\r");
    wait_for("the verdict is booked", || task("third")["state"] == "rejected");
    assert_eq!(task("second%20%3Cb%3E")["state"], "pending");
    assert_eq!(browser.errors(), Vec::<String>::new());
    server.stop();
}
