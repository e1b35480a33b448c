//! What was acknowledged is in the books after a crash, once; what was counted stays counted.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::{Resource, Rlimit, Signal, kill_process, prlimit};
use serde_json::{Value, json};

use crate::otlp::{call, request};
use crate::server::{Server, run, wait_for};

const SENDERS: usize = 4;
/// What each call costs: its own number in millionths of a dollar, so that sums tell which.
fn cost(number: usize) -> f64 {
    number as f64 / 1e6
}

/// What the senders know: numbers of calls that were acknowledged, and of those whose fate is
/// not known because the server died.
#[derive(Default)]
struct Oracle {
    next: AtomicUsize,
    acknowledged: Mutex<Vec<usize>>,
    unknown: Mutex<Vec<usize>>,
}

impl Oracle {
    /// Sends calls and verdicts until the server does not answer any more.
    fn send_until_it_dies(&self, server: &Server) {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed) + 1;
            let task = format!("task-{number}");
            let body = request(vec![call(number as u128, 1, &task, cost(number), &[])]);
            match server.try_post("/v1/traces", "application/x-protobuf", body) {
                Ok(answer) => {
                    assert_eq!(answer.status(), 200);
                    self.acknowledged.lock().unwrap().push(number);
                }
                Err(_) => return self.unknown.lock().unwrap().push(number),
            }
            if number.is_multiple_of(2) {
                let verdict =
                    json!({"id": format!("v-{number}"), "task": task, "state": "accepted"});
                let body = verdict.to_string().into_bytes();
                if server.try_post("/v1/verdicts", "application/json", body).is_err() {
                    return;
                }
            }
        }
    }
}

/// The samples of counters, and when each began: name and labels with the value.
fn counters(server: &Server) -> BTreeMap<String, f64> {
    let page = server.metrics();
    let samples = page.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let line = line.split(" # ").next().unwrap();
        let (series, value) = line.rsplit_once(' ').unwrap();
        (series.to_owned(), value.parse().unwrap())
    });
    let lasting = ["_total", "_created", "_count", "_sum", "_bucket"];
    samples
        .filter(|(series, _): &(String, f64)| {
            let name = series.split('{').next().unwrap();
            lasting.iter().any(|end| name.ends_with(end))
        })
        .collect()
}

fn assert_no_reset(before: &BTreeMap<String, f64>, after: &BTreeMap<String, f64>) {
    for (series, value) in before {
        let now = after.get(series).unwrap_or_else(|| panic!("{series} is gone"));
        if series.split('{').next().unwrap().ends_with("_created") {
            assert_eq!(now, value, "{series} began again");
        } else {
            assert!(now >= value, "{series} fell from {value} to {now}");
        }
    }
}

fn verify(data: &Path, more: &[&str]) {
    let arguments = ["verify", "--data", data.to_str().unwrap()];
    let (code, out, err) = run(&[&arguments, more].concat());
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn kill_9_loses_nothing_and_counts_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let oracle = Oracle::default();
    let mut before = BTreeMap::new();
    for round in 1..=3 {
        let server = Server::start(&data);
        assert_no_reset(&before, &counters(&server));
        server.wait_until_booked();
        std::thread::scope(|scope| {
            for _ in 0..SENDERS {
                scope.spawn(|| oracle.send_until_it_dies(&server));
            }
            wait_for("calls are acknowledged", || {
                oracle.acknowledged.lock().unwrap().len() >= round * 200
            });
            before = counters(&server);
            kill_process(server.pid(), Signal::KILL).unwrap();
        });
        server.kill();
    }

    assert!(before.keys().any(|series| series.starts_with("countersign_calls_total")));
    let server = Server::start(&data);
    assert_no_reset(&before, &counters(&server));
    verify(&data, &[]);
    server.wait_until_booked();
    let cost_of = |number: usize| {
        let found = server.try_json(&format!("/api/v1/tasks/task-{number}"))?;
        Some(found["cost_usd"]["incurred"].as_str().unwrap().parse::<f64>().unwrap())
    };
    let acknowledged = oracle.acknowledged.into_inner().unwrap();
    for number in &acknowledged {
        assert_eq!(cost_of(*number), Some(cost(*number)), "call {number} was acknowledged");
    }
    // What was sent and never answered is in the books or it is not, and never by half.
    let unknown = oracle.unknown.into_inner().unwrap();
    let taken = unknown.iter().filter(|number| cost_of(**number).is_some_and(|cost| cost > 0.0));
    let booked: Vec<_> = acknowledged.iter().chain(taken).collect();
    let totals = server.totals();
    assert_eq!(totals["calls"]["ok"], booked.len());
    let millionths: usize = booked.iter().copied().sum();
    let incurred: f64 = totals["cost_usd"]["incurred"].as_str().unwrap().parse().unwrap();
    assert_eq!((incurred * 1e6).round() as usize, millionths);
    verify(&data, &["--operator", &server.operator]);

    server.stop();
    verify(&data, &[]);
    let server = Server::start(&data);
    assert_eq!(server.totals(), totals, "a clean restart changes nothing");
    server.stop();
}

#[test]
fn a_full_disk_is_never_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    // Without this the system would end the program instead of failing its write.
    let server = Server::start_from(&data, |command| {
        let own = command.get_program().to_owned();
        let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(own).args(arguments);
        shell.process_group(0);
        shell
    });
    let body = |number: usize| request(vec![call(number as u128, 1, "task", 0.5, &[])]);
    server.export("/v1/traces", body(1));
    let full = Rlimit { current: Some(0), maximum: None };
    prlimit(Some(server.pid()), Resource::Fsize, full).unwrap();
    for number in 2..5 {
        let answer = server.post("/v1/traces", "application/x-protobuf", body(number));
        assert_eq!(answer.status(), 503);
        let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!(wait >= 1);
    }
    let verdict = json!({"task": "task", "state": "accepted"}).to_string();
    assert_eq!(server.post("/v1/verdicts", "application/json", verdict).status(), 503);
    assert_eq!(server.totals()["cost_usd"]["settled"], "0", "what was booked can still be read");
    server.kill();

    let server = Server::start(&data);
    server.wait_until_booked();
    let totals: Value = server.totals();
    assert_eq!(totals["calls"]["ok"], 1, "{totals}");
    server.stop();
    verify(&data, &[]);
}
