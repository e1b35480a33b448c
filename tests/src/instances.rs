//! Two programs on one data directory: the second says so and ends.

use std::path::Path;
use std::time::Duration;

use countersign_receiver::clock;
use rustix::process::{Signal, kill_process};

use crate::otlp::{call, request};
use crate::server::{Server, run};

fn the_second_is_refused(data: &Path) {
    let began = clock::instant();
    let anywhere = ["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--operator", "127.0.0.1:0"];
    let (code, out, err) =
        run(&[&["serve", "--data", data.to_str().unwrap()], anywhere.as_slice()].concat());
    assert!(began.elapsed() < Duration::from_secs(1), "it took {:?}", began.elapsed());
    assert_eq!((code, out.as_str()), (75, ""), "{err}");
    assert!(err.contains("in use"), "{err}");
}

#[test]
fn f27_two_programs_do_not_share_a_data_directory() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data);
    the_second_is_refused(&data);
    server.export("/v1/traces", request(vec![call(1, 1, "a", 1.0, &[])]));
    server.stop();
}

#[test]
fn f27_a_program_that_is_suspended_keeps_its_data_directory() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data);
    server.export("/v1/traces", request(vec![call(1, 1, "a", 1.0, &[])]));
    let before = std::fs::read(data.join("identity")).unwrap();
    kill_process(server.pid(), Signal::STOP).unwrap();
    the_second_is_refused(&data);
    assert_eq!(std::fs::read(data.join("identity")).unwrap(), before, "nothing was written");
    kill_process(server.pid(), Signal::CONT).unwrap();
    server.export("/v1/traces", request(vec![call(2, 1, "b", 1.0, &[])]));
    server.wait_until_booked();
    assert_eq!(server.totals()["calls"]["ok"], 2);
    server.stop();
}
