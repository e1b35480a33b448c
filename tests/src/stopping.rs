//! Stopping in the middle of too much work: what was acknowledged is there after the next start.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use countersign_receiver::clock;
use rustix::process::{Signal, kill_process};

use crate::kills::{Lane, verify};
use crate::server::{Server, wait_for};

/// Clients that send as fast as they can.
const CLIENTS: usize = 12;

#[test]
fn f48_a_stop_during_overload_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let lane = Lane::in_folder(folder.path());
    let server = Server::start(&lane.data);
    let mut asked = clock::instant();
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (lane, server) = (&lane, &server);
            scope.spawn(move || lane.send(server, client));
        }
        wait_for("requests are acknowledged", || lane.acknowledged() > 50);
        kill_process(server.pid(), Signal::TERM).unwrap();
        asked = clock::instant();
    });
    assert!(server.wait().success());
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    let server = Server::start(&lane.data);
    lane.check(&server);
    server.stop();
    verify(&lane.data, &[]);
}

/// A request whose body does not come: the stop waits for it, but not for ever.
fn half_a_request(server: &Server) -> TcpStream {
    let address = server.http.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\n\
                content-type: application/x-protobuf\r\ncontent-length: 100\r\n\r\nhalf";
    stream.write_all(head.as_bytes()).unwrap();
    stream.flush().unwrap();
    stream
}

#[test]
fn f48_a_request_that_never_ends_is_waited_for_ten_seconds_at_most() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data"));
    let _half = half_a_request(&server);
    server.get("/readyz");
    let asked = clock::instant();
    server.stop();
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
}

#[test]
fn f48_a_second_signal_stops_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data"));
    let _half = half_a_request(&server);
    server.get("/readyz");
    let asked = clock::instant();
    kill_process(server.pid(), Signal::TERM).unwrap();
    wait_for("it is stopping", || server.logs().contains("\"stopping\""));
    kill_process(server.pid(), Signal::TERM).unwrap();
    assert_eq!(server.wait().code(), Some(143));
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
}
