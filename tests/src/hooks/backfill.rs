//! The history of a forge, from files and from its API, booked with its true times.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use super::deliveries::{commit, of_task};
use super::{SECRET, arrive, server};
use crate::otlp::{Is, time};
use crate::server::{Server, run};

/// A pull request as the API lists it.
fn listed(number: u128, merged_minute: Option<u64>) -> Value {
    let repository = json!({"full_name": "acme/api", "html_url": "https://github.com/acme/api"});
    json!({
        "html_url": format!("https://github.com/acme/api/pull/{number}"), "number": number,
        "state": "closed", "closed_at": time(1_800_000), "updated_at": time(1_800_000),
        "merged_at": merged_minute.map(|minute| time(minute * 60_000)),
        "merge_commit_sha": commit(number + 0xabc000), "title": "words", "body": "words",
        "user": {"login": "acme-agent", "type": "User"},
        "head": {"ref": format!("agent/{number}"), "sha": commit(number), "repo": repository},
        "base": {"repo": repository},
    })
}

fn secret_file(folder: &Path) -> String {
    let file = folder.join("secret");
    std::fs::write(&file, format!("{SECRET}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    file.to_str().unwrap().to_owned()
}

fn backfill(server: &Server, secret: &str, more: &[&str]) -> (i32, String, String) {
    let to = ["backfill", "github", "--server", &server.http, "--secret-file", secret];
    run(&[&to, more].concat())
}

fn work(server: &Server, number: u128) {
    let url = format!("https://github.com/acme/api/pull/{number}");
    arrive(server, &of_task(number, "", &[("countersign.artifact.url", Is::Owned(url))]));
}

fn task(server: &Server, number: u128) -> Value {
    server.json(&format!("/api/v1/tasks/https:%2F%2Fgithub.com%2Facme%2Fapi%2Fpull%2F{number}"))
}

#[test]
fn history_is_booked_once_with_its_own_times() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path());
    let secret = secret_file(folder.path());
    (1..=3).for_each(|number| work(&server, number));
    let review = json!({"id": 80, "state": "CHANGES_REQUESTED", "submitted_at": time(300_000),
        "user": {"login": "lead", "type": "User"}, "commit_id": commit(1),
        "html_url": "https://github.com/acme/api/pull/1#pullrequestreview-80"});
    let open = json!({"html_url": "https://github.com/acme/api/pull/9", "number": 9,
        "state": "open", "head": {}});
    let history = folder.path().join("history.json");
    let all = json!([listed(1, Some(10)), review, listed(2, None), open]);
    std::fs::write(&history, all.to_string()).unwrap();
    for _ in 0..2 {
        let told = backfill(&server, &secret, &[history.to_str().unwrap()]);
        assert_eq!(
            (told.0, &*told.1),
            (0, "3 delivered, 1 say nothing of an outcome\n"),
            "{told:?}"
        );
    }
    server.wait_until_booked();
    let first = task(&server, 1);
    assert_eq!((&first["state"], &first["rounds"]), (&json!("accepted"), &json!(2)), "{first}");
    assert_eq!(first["decided"], json!(time(600_000)));
    assert_eq!(first["verdicts"].as_array().unwrap().len(), 2);
    assert_eq!(task(&server, 2)["state"], "withdrawn");

    // The third one comes from the API itself.
    let api = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", api.local_addr().unwrap());
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = api.accept().unwrap();
        let mut asked = [0; 4_096];
        let length = stream.read(&mut asked).unwrap();
        let body = json!([listed(3, Some(20))]).to_string();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        String::from_utf8_lossy(&asked[..length]).into_owned()
    });
    let from = ["--repository", "acme/api", "--api", &address, "--token-file", &secret];
    let told = backfill(&server, &secret, &from);
    assert_eq!((told.0, &*told.1), (0, "1 delivered, 0 say nothing of an outcome\n"), "{told:?}");
    let asked = answering.join().unwrap();
    assert!(
        asked.starts_with("GET /repos/acme/api/pulls?state=closed&per_page=100&page=1 "),
        "{asked}"
    );
    assert!(asked.contains(&format!("authorization: Bearer {SECRET}")), "{asked}");
    server.wait_until_booked();
    assert_eq!(task(&server, 3)["state"], "accepted");

    let other = folder.path().join("other");
    std::fs::write(&other, "another secret").unwrap();
    std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o600)).unwrap();
    let refused = backfill(&server, other.to_str().unwrap(), &[history.to_str().unwrap()]);
    assert!(refused.0 == 1 && refused.2.contains("is this the hook's secret"), "{refused:?}");
    server.stop();
}
