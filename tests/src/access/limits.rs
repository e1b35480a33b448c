//! Limits of connections: slow ones, many of one address, and no files left to open.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, prlimit};

use super::site::{Site, kept_for};
use crate::server::{Server, wait_for};

const HEAD: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.http.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// Whether a request is answered on this connection.
fn is_served(stream: &mut TcpStream) -> bool {
    let mut some = [0; 16];
    stream.write_all(HEAD).is_ok() && stream.read(&mut some).is_ok_and(|read| read > 0)
}

#[test]
fn f33_slow_heads_are_closed_and_pauses_are_not() {
    let site = Site::new();
    let server = site.start("");
    let most = Duration::from_secs(16);
    std::thread::scope(|scope| {
        let cases: [(&[&[u8]], bool); 4] = [
            (&[b""], false),
            (&[b"POST /v1/traces HTTP/1.1\r\nHost:"], false),
            // A request, and a slow head after it.
            (&[HEAD, b"POST /v1"], false),
            // A request, and a pause.
            (&[HEAD], true),
        ];
        let server = &server;
        let kept = cases.map(|(parts, stays)| {
            (stays, scope.spawn(move || (parts, kept_for(&server.http, parts, most))))
        });
        for (stays, kept) in kept {
            let (parts, kept) = kept.join().unwrap();
            let parts = String::from_utf8_lossy(&parts.concat()).into_owned();
            match kept {
                None => assert!(stays, "kept: {parts}"),
                Some(kept) => assert!(!stays && kept.as_secs() >= 9, "{kept:?}: {parts}"),
            }
        }
        // HTTP/2 may wait before its first request: a channel is opened before it is needed.
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        assert_eq!(kept_for(&server.grpc, &[preface], most), None);
    });
    server.stop();
}

#[test]
fn one_address_has_its_share_of_connections() {
    let site = Site::new();
    let server = site.start("countersign: { connections: { per_address: 3 } }\n");
    let mut held: Vec<TcpStream> = (0..3).map(|_| connect(&server)).collect();
    assert!(held.iter_mut().all(is_served));
    assert!(!is_served(&mut connect(&server)));
    held.pop();
    wait_for("there is room again", || is_served(&mut connect(&server)));
    server.stop();
}

#[test]
fn f42_without_files_to_open_the_program_goes_on() {
    let site = Site::new();
    let server = site.start("");
    let set = |files| {
        let limit = Rlimit { current: Some(files), maximum: Some(4_096) };
        prlimit(Some(server.pid()), Resource::Nofile, limit).unwrap();
    };
    let mut before = connect(&server);
    assert!(is_served(&mut before));
    // Fewer than it has open already: no connection can be taken.
    set(8);
    let mut waiting: Vec<TcpStream> = (0..20).map(|_| connect(&server)).collect();
    assert!(is_served(&mut before), "what is open goes on");
    wait_for("it is said", || server.logs().contains("cannot take connections for now"));
    set(4_096);
    assert!(waiting.iter_mut().all(is_served), "who waited is served");
    server.stop();
}

#[test]
fn f42_few_files_are_shared_with_the_journal() {
    let site = Site::new();
    let server = Server::start_from(&site.path("data"), |command| {
        let mut limited = std::process::Command::new("sh");
        limited.args(["-c", "ulimit -n 64; exec \"$0\" \"$@\""]).arg(command.get_program());
        limited.args(command.get_args());
        limited.stdout(Stdio::piped()).stderr(Stdio::null());
        limited
    });
    let flood: Vec<TcpStream> = (0..200).map(|_| connect(&server)).collect();
    // What the flood leaves is enough for the disk and the operator.
    assert_eq!(server.get("/readyz"), "ready\n");
    drop(flood);
    let position = server.export("/v1/traces", super::site::spans(1, "t", 0.25));
    assert!(position > 0);
    server.stop();
}
