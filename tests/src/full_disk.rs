//! A disk that takes nothing more: never acknowledged, and what was booked can still be read.

use std::os::unix::process::CommandExt;

use rustix::process::{Resource, Rlimit, prlimit};
use serde_json::{Value, json};

use crate::kills::verify;
use crate::otlp::{call, request};
use crate::server::Server;

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
