//! A disk that takes nothing more: nothing is acknowledged that is not written, what was booked
//! can still be read, verdicts still get in, and it ends by itself.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Resource, Rlimit, prlimit};
use serde_json::{Value, json};

use crate::kills::verify;
use crate::otlp::{call, request};
use crate::server::{Server, program, wait_for};

/// Has room for what is held back, and little more.
const DISK_BYTES: u64 = 80 << 20;

fn body(number: usize) -> Vec<u8> {
    request(vec![call(number as u128, 1, "task", 0.5, &[])])
}

fn post(server: &Server, number: usize) -> reqwest::StatusCode {
    let answer = server.post("/v1/traces", "application/x-protobuf", body(number));
    if answer.status() == 503 {
        let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!(wait >= 1);
    }
    answer.status()
}

/// Runs the program in place of another command line, through a shell.
pub(crate) fn through(mut shell: Command, script: &str, program: &Command) -> Command {
    shell.args(["-c", script]).arg(program.get_program()).args(program.get_args());
    shell
}

/// Whether a process may have a file system of its own here.
pub(crate) fn mounts_are_allowed() -> bool {
    let tried = Command::new("unshare")
        .args(["-rm", "sh", "-c", "mount -t tmpfs -o size=1m tmpfs /mnt"])
        .output();
    tried.is_ok_and(|output| output.status.success())
}

/// Starts the program on a small file system that only it sees; gives the way to it.
fn start_on_a_small_disk(folder: &Path) -> (Server, PathBuf) {
    let data = folder.join("data");
    let script = format!(
        "mount -t tmpfs -o size={DISK_BYTES} tmpfs '{}' && exec \"$0\" \"$@\"",
        folder.display()
    );
    let server = Server::start_from(&data, |command| {
        let mut unshare = Command::new("unshare");
        unshare.args(["-rm", "sh"]);
        let log = std::fs::File::options().append(true).open(data.with_extension("log")).unwrap();
        let mut through = through(unshare, &script, &command);
        through.stdout(std::process::Stdio::piped()).stderr(log);
        through
    });
    let seen = format!("/proc/{}/root{}", server.pid().as_raw_nonzero(), folder.display());
    (server, seen.into())
}

#[test]
fn f04_a_full_disk_lets_verdicts_in_and_ends_by_itself() {
    if !mounts_are_allowed() {
        println!("no file system may be mounted here: see the test with a limit instead");
        return f04_a_file_that_may_not_grow_is_never_acknowledged();
    }
    let folder = tempfile::tempdir().unwrap();
    let (server, disk) = start_on_a_small_disk(folder.path());
    assert_eq!(post(&server, 1), 200);
    let filler = disk.join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    let full = (0..).find_map(|_| file.write_all(&[7; 4 << 10]).err()).unwrap();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);

    // What is left of the file system's last page may take a few requests.
    let refused = (2..500).find(|number| post(&server, *number) == 503).unwrap();
    let taken = refused - 1;
    let verdict = json!({"id": "v", "task": "task", "state": "accepted"});
    server.verdicts(&verdict);
    assert_eq!(post(&server, refused), 503, "what a verdict takes is not for telemetry");
    server.get("/healthz");
    assert_eq!(server.status_of("/readyz"), 503);
    assert!(server.json("/api/v1/status")["fault"].as_str().unwrap().contains("full"));
    server.metrics();

    drop(file);
    std::fs::remove_file(&filler).unwrap();
    wait_for("there is space again", || server.status_of("/readyz") == 200);
    assert_eq!(post(&server, refused), 200);
    assert_eq!(server.json("/api/v1/status")["fault"], Value::Null);
    server.wait_until_booked();
    let totals = server.totals();
    assert_eq!(totals["calls"]["ok"], taken + 1, "{totals}");
    assert_eq!(totals["tasks"]["accepted"], 1, "{totals}");
    verify(&disk.join("data"), &[]);
    server.stop();
}

#[test]
fn f04_a_file_that_may_not_grow_is_never_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    // Without this the system would end the program instead of failing its write.
    let server = Server::start_from(&data, |command| {
        let log = std::fs::File::options().append(true).open(data.with_extension("log")).unwrap();
        let mut shell = through(Command::new("sh"), "trap '' XFSZ; exec \"$0\" \"$@\"", &command);
        shell.process_group(0).stdout(std::process::Stdio::piped()).stderr(log);
        shell
    });
    assert_eq!(post(&server, 1), 200);
    let limit = |bytes| {
        let limit = Rlimit { current: bytes, maximum: None };
        prlimit(Some(server.pid()), Resource::Fsize, limit).unwrap();
    };
    limit(Some(0));
    for number in 2..5 {
        assert_eq!(post(&server, number), 503);
    }
    let verdict = json!({"task": "task", "state": "accepted"}).to_string();
    assert_eq!(server.post("/v1/verdicts", "application/json", verdict).status(), 503);
    assert_eq!(server.totals()["cost_usd"]["settled"], "0", "what was booked can still be read");
    assert_eq!(server.status_of("/readyz"), 503);
    limit(None);
    wait_for("it is written again", || server.status_of("/readyz") == 200);
    assert_eq!(post(&server, 2), 200);
    server.kill();

    let server = Server::start(&data);
    server.wait_until_booked();
    let totals: Value = server.totals();
    assert_eq!(totals["calls"]["ok"], 2, "{totals}");
    server.stop();
    verify(&data, &[]);
}

#[test]
fn f05_a_directory_that_can_only_be_read_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let refused = |output: std::process::Output| {
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(78), "{said}");
        assert!(said.contains("--data DIR"), "{said}");
        assert!(output.stdout.is_empty());
    };
    // Nobody can make a directory there.
    refused(program(&["serve", "--data", "/proc/countersign"]).output().unwrap());
    if mounts_are_allowed() {
        let script = format!(
            "mount -t tmpfs -o ro tmpfs '{}' && exec \"$0\" \"$@\"",
            folder.path().display()
        );
        let mut unshare = Command::new("unshare");
        unshare.args(["-rm", "sh"]);
        let serve = program(&["serve", "--data", data.to_str().unwrap()]);
        refused(through(unshare, &script, &serve).output().unwrap());
    }
    assert!(!data.exists());
}
