//! Bits that a disk lost, under the real program: what is damaged is set aside and told, and
//! nothing else is lost.

use std::path::{Path, PathBuf};

use crate::kills::verify;
use crate::otlp::{call, request};
use crate::server::{Server, run, wait_for};

const TASKS: u64 = 40;
/// Bytes of a segment's header, and of a record's.
const HEADER: usize = 40;
const RECORD_HEADER: usize = 16;

fn task(number: u64) -> String {
    format!("task-{number}")
}

/// A data directory with a task in each record, and no snapshot that has them, too.
fn filled(data: &Path) {
    let server = Server::start(data);
    for number in 1..=TASKS {
        let span = call(number.into(), 1, &task(number), 0.001, &[]);
        server.export("/v1/traces", request(vec![span]));
    }
    server.wait_until_booked();
    server.kill();
}

/// The segments of the facts, oldest first.
fn segments(data: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(data.join("facts")).unwrap();
    let mut files: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "segment"));
    files.sort();
    files
}

/// Flips a bit in the task's name where it stands in a segment.
fn flip(segment: &Path, name: &str) {
    let mut bytes = std::fs::read(segment).unwrap();
    let name = name.as_bytes();
    let at = bytes.windows(name.len()).position(|window| window == name).unwrap();
    bytes[at] ^= 4;
    std::fs::write(segment, bytes).unwrap();
}

/// The tasks that the books know.
fn known(server: &Server) -> Vec<u64> {
    let known = |number: &u64| server.status_of(&format!("/api/v1/tasks/{}", task(*number))) == 200;
    (1..=TASKS).filter(known).collect()
}

fn damaged_bytes(server: &Server) -> u64 {
    let page = server.metrics();
    let line = page.lines().find(|line| line.starts_with("countersign_journal_damaged_bytes "));
    line.unwrap().split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn f14_a_damaged_journal_loses_what_is_damaged_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    filled(&data);
    let segment = segments(&data).remove(0);
    flip(&segment, &task(17));

    let server = Server::start(&data);
    assert_eq!(server.status_of("/readyz"), 200);
    server.wait_until_booked();
    let wanted: Vec<u64> = (1..=TASKS).filter(|number| *number != 17).collect();
    assert_eq!(known(&server), wanted);
    assert_eq!(server.totals()["calls"]["ok"], TASKS - 1);
    assert!(server.logs().contains("the journal is damaged"), "{}", server.logs());
    assert_eq!(server.json("/api/v1/status")["journal"]["damaged_ranges"], 1);
    let damaged = damaged_bytes(&server);
    assert!(damaged > RECORD_HEADER as u64, "{damaged}");
    let aside: Vec<_> = std::fs::read_dir(data.join("facts/quarantine")).unwrap().collect();
    assert_eq!(aside.len(), 1);
    assert_eq!(aside[0].as_ref().unwrap().metadata().unwrap().len(), damaged);
    // Telemetry that is sent again mends the books.
    let span = call(17, 1, &task(17), 0.001, &[]);
    server.export("/v1/traces", request(vec![span]));
    server.wait_until_booked();
    assert_eq!(server.totals()["calls"]["ok"], TASKS);
    server.stop();
    let (code, out, _) = run(&["verify", "--data", data.to_str().unwrap()]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains(&format!("DAMAGED: {damaged} bytes")), "{out}");
}

#[test]
fn f14_no_empty_book_is_begun_beside_a_full_one() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    filled(&data);
    let anywhere = ["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--operator", "127.0.0.1:0"];
    let refused = |what: &str| {
        let serve = ["serve", "--data", data.to_str().unwrap()];
        let (code, out, err) = run(&[&serve[..], &anywhere].concat());
        assert_eq!((code, out.as_str()), (78, ""), "{what}: {err}");
        assert!(err.contains("countersign: "), "{what}: {err}");
    };
    for name in ["identity", "format"] {
        let whole = std::fs::read(data.join(name)).unwrap();
        for at in [0, whole.len() / 2] {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            std::fs::write(data.join(name), flipped).unwrap();
            refused(name);
        }
        std::fs::write(data.join(name), whole).unwrap();
    }
    let identity = std::fs::read(data.join("identity")).unwrap();
    std::fs::remove_file(data.join("identity")).unwrap();
    refused("no identity");
    std::fs::write(data.join("identity"), identity).unwrap();
    // Headers of segments may be lost: the records are there all the same.
    for segment in segments(&data) {
        let mut bytes = std::fs::read(&segment).unwrap();
        bytes[..HEADER].fill(0);
        std::fs::write(&segment, bytes).unwrap();
    }
    let server = Server::start(&data);
    server.wait_until_booked();
    assert_eq!(server.totals()["calls"]["ok"], TASKS);
    assert!(damaged_bytes(&server) > 0);
    server.stop();
}

#[test]
fn f49_bits_that_rot_at_rest_are_found_while_the_program_runs() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    filled(&data);
    let config = folder.path().join("countersign.yaml");
    std::fs::write(&config, "countersign: { reread_interval: 1s }\n").unwrap();
    let server = Server::start_with(&data, &["--config", config.to_str().unwrap()]);
    // This begins a new segment: what the program wrote before is at rest.
    server.export("/v1/traces", request(vec![call(1_000, 1, "later", 0.001, &[])]));
    wait_for("all is read again", || {
        !server.json("/api/v1/status")["journal"]["read_again_at"].is_null()
    });
    assert_eq!(damaged_bytes(&server), 0);
    verify(&data, &[]);

    flip(&segments(&data).remove(0), &task(17));
    wait_for("the damage is found", || damaged_bytes(&server) > 0);
    assert!(server.logs().contains("bytes at rest are damaged"), "{}", server.logs());
    assert_eq!(server.json("/api/v1/status")["journal"]["damaged_ranges"], 1);
    assert_eq!(std::fs::read_dir(data.join("facts/quarantine")).unwrap().count(), 1);
    assert_eq!(server.status_of("/readyz"), 200);
    assert_eq!(server.totals()["calls"]["ok"], TASKS, "the books are not changed by it");
    server.stop();
}
