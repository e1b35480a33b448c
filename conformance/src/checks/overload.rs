//! 29, 41, 55, 66: too much at once, a disk that fails, and a stop.

use std::time::Duration;

use crate::finding::{Found, expect, fails, same};
use crate::otlp::{Id, one_span};
use crate::ours::Server;
use crate::target::{PROTOBUF, Target};
use crate::wire::grpc::{TRACES, framed};
use crate::wire::http1::{Answer, Connection, exchange};
use crate::wire::http2::Http2;

use super::http::{has_retry_after, is_status};

/// For a shell: files of at most 256 KiB, so that the disk is as good as full behind them.
/// Signal 25 is SIGXFSZ, which would end the program where the disk only says no.
pub(super) const FULL_DISK: &str = "trap '' 25; ulimit -f 512";

/// Posts until the disk is full.
pub(super) fn fill(post: &dyn Fn(&[u8]) -> Found<Answer>) -> Found {
    for _ in 0..2_000 {
        let ids: Vec<_> = (0..200).map(|_| crate::otlp::span(Id::fresh())).collect();
        if post(&crate::otlp::spans(ids))?.status != 200 {
            return Ok(());
        }
    }
    fails("the disk did not become full")
}

/// No room: 503 and when to try again, and it is taken when there is room again.
pub(super) fn c029_overload_asks_to_retry(target: &Target) -> Found {
    let server = target.program()?.start("")?;
    let hogs = hold_memory(target, &server)?;
    let request = target.request("POST /v1/traces", &[PROTOBUF], &four_megabytes());
    let answer = exchange(server.http, &request)?.is(503)?;
    is_status(&answer)?;
    has_retry_after(&answer)?;
    drop(hogs);
    for _ in 0..100 {
        if exchange(server.http, &request)?.status == 200 {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    fails("it never takes anything again")
}

/// One unknown field: nothing to book, and too much for what is left.
fn four_megabytes() -> Vec<u8> {
    let mut body = Vec::new();
    crate::otlp::put(&mut body, 15, &vec![0; 4 << 20]);
    body
}

/// Open requests that hold all memory that requests may have.
fn hold_memory(target: &Target, server: &Server) -> Found<Vec<Connection>> {
    let length = (64 << 20).to_string();
    let head = target.request("POST /v1/traces", &[PROTOBUF, ("Content-Length", &length)], b"");
    let megabyte = vec![0x7a; 1 << 20];
    let mut hogs = Vec::new();
    let probe = target.request("POST /v1/traces", &[PROTOBUF], &four_megabytes());
    for _ in 0..8 {
        let mut hog = Connection::open(server.http)?;
        hog.send(&head);
        for _ in 0..63 {
            if hog.try_send(&megabyte).is_err() {
                break;
            }
        }
        hogs.push(hog);
        if exchange(server.http, &probe)?.status != 200 {
            return Ok(hogs);
        }
    }
    fails("500 MB of open requests are no overload")
}

/// A stop: open requests are answered, no new ones are taken, and it ends soon.
pub(super) fn c041_a_stop_finishes_what_is_open(target: &Target) -> Found {
    let mut server = target.program()?.start("")?;
    let id = Id::fresh();
    let body = one_span(id);
    let length = body.len().to_string();
    let headers = [PROTOBUF, ("Expect", "100-continue"), ("Content-Length", length.as_str())];
    let mut open = Connection::open(server.http)?;
    open.send(&target.request("POST /v1/traces", &headers, b""));
    same("interim answer", open.head()?.status, 100)?;
    let mut grpc = Http2::open(server.grpc)?;
    server.ask_to_stop();
    grpc.until_closed(Duration::from_secs(10))?;
    same("GOAWAY", grpc.goaway, Some(0))?;
    open.send(&body);
    let answer = open.answer()?.is(200)?;
    answer.has("connection", "close")?;
    expect(Connection::open(server.http).is_err(), || "it still listens".to_owned())?;
    let (took, well) = server.ended(Duration::from_secs(10))?;
    expect(well, || format!("it ended badly after {took:?}: {}", server.log()))
}

/// No room over gRPC: UNAVAILABLE with RetryInfo.
pub(super) fn c055_grpc_overload_asks_to_retry(target: &Target) -> Found {
    let server = target.program()?.start("")?;
    let hogs = hold_memory(target, &server)?;
    let body = framed(0, &four_megabytes());
    let called = target.call_on(&mut Http2::open(server.grpc)?, TRACES, &[], &body)?;
    drop(hogs);
    called.asks_to_wait()
}

/// Health tells the truth: serving, and not serving when nothing can be written.
pub(super) fn c066_health_is_true(target: &Target) -> Found {
    const CHECK: &str = "/grpc.health.v1.Health/Check";
    let good = target.call(CHECK, &[], &framed(0, b""))?.is(0)?;
    same("status of a good server", good.message()?, vec![8, 1])?;
    let server = target.program()?.start_after("", FULL_DISK)?;
    let post =
        |body: &[u8]| exchange(server.http, &target.request("POST /v1/traces", &[PROTOBUF], body));
    fill(&post)?;
    for _ in 0..100 {
        let mut connection = Http2::open(server.grpc)?;
        let told = connection.unary(CHECK, &[], &framed(0, b""))?.is(0)?;
        if told.message()? == [8, 2] {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    fails("it says SERVING while its disk takes nothing")
}
