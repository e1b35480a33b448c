//! Destinations that answer well and badly, on real sockets.

use std::sync::Mutex;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use countersign_core::dialect::Scrub;

use super::*;
use crate::config::Signals;
use crate::config::{Protocol, Retry};
use crate::journal::{Log, LogKind};
use countersign_core::dialect::Signal;

/// What the stand-in destination answers, one after the other, and then 200 for ever.
type Script = Arc<Mutex<(VecDeque<u16>, Vec<Vec<u8>>)>>;

async fn take(State(script): State<Script>, headers: HeaderMap, body: Bytes) -> StatusCode {
    assert_eq!(headers["authorization"], "secret");
    let mut script = script.lock().unwrap();
    // A request with this byte is never taken.
    if body.contains(&b'!') {
        return StatusCode::BAD_REQUEST;
    }
    let status = script.0.pop_front().unwrap_or(200);
    if status == 200 {
        script.1.push(body.to_vec());
    }
    StatusCode::from_u16(status).unwrap()
}

async fn destination(answers: &[u16]) -> (Destination, Script) {
    let script: Script = Arc::new(Mutex::new((answers.iter().copied().collect(), Vec::new())));
    let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&script));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
    tasks.detach_all();
    let destination = Destination {
        name: "test".into(),
        endpoint,
        protocol: Protocol::HttpProtobuf,
        headers: vec![("authorization".parse().unwrap(), "secret".parse().unwrap())],
        gzip: false,
        signals: Signals { traces: true, logs: false, metrics: false },
        scrub: Scrub::Standard,
        timeout: Duration::from_secs(5),
        ca_file: None,
        retry: Retry { initial: Duration::from_millis(1), max: Duration::from_millis(5) },
    };
    (destination, script)
}

/// Relays what is in the log until the cursor is at its end; gives what arrived.
async fn relay(
    log: &Log,
    cursor_path: &std::path::Path,
    destination: Destination,
    until: impl Fn(&Health) -> bool,
) -> Arc<Health> {
    let cursor = Cursor::open(cursor_path).unwrap();
    let reader = log.reader(cursor.position()).unwrap();
    let health = Arc::new(Health::of("test"));
    let relay = Relay::new(destination, reader, cursor, Arc::clone(&health)).unwrap();
    let (stop, stopped) = watch::channel(false);
    let (_more, changed) = watch::channel(0);
    let watched = async {
        while !until(&health) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        stop.send(true).unwrap();
    };
    let both = async { tokio::join!(relay.run(changed, stopped), watched) };
    tokio::time::timeout(Duration::from_secs(30), both).await.unwrap();
    health
}

fn log_with(directory: &std::path::Path, requests: &[(Signal, &[u8])]) -> Log {
    let (mut log, _) = Log::open(&directory.join("relay"), LogKind::Relay).unwrap();
    for (signal, request) in requests {
        let head: &[u8] = match signal {
            Signal::Traces => b"t",
            Signal::Logs => b"l",
            Signal::Metrics => b"m",
        };
        log.append_parts(&[head, request]).unwrap();
    }
    log.sync().unwrap();
    log
}

#[tokio::test]
async fn everything_arrives_after_failures_and_only_what_the_destination_takes() {
    let directory = tempfile::tempdir().unwrap();
    let log = log_with(
        directory.path(),
        &[
            (Signal::Traces, b"a"),
            (Signal::Logs, b"x"),
            (Signal::Traces, b"b"),
            (Signal::Metrics, b"y"),
        ],
    );
    let end = log.next_sequence();
    let (destination, script) = destination(&[503, 429, 502, 401]).await;
    let cursor = directory.path().join("cursor");
    let health = relay(&log, &cursor, destination, |health| health.position() == end).await;
    assert_eq!(script.lock().unwrap().1, [b"ab"]);
    let shown = health.show();
    assert_eq!((shown.retries, shown.delivered, shown.dead_lettered), (3, 1, 0));
    assert!(!shown.alarm, "the alarm ends when requests are taken");
    assert_eq!(Cursor::open(&cursor).unwrap().position(), end);
}

#[tokio::test]
async fn a_bad_request_is_given_up_alone() {
    let directory = tempfile::tempdir().unwrap();
    let requests: [&[u8]; 5] = [b"a", b"b", b"!", b"c", b"d"];
    let log = log_with(directory.path(), &requests.map(|request| (Signal::Traces, request)));
    let end = log.next_sequence();
    let (destination, script) = destination(&[]).await;
    let cursor = directory.path().join("cursor");
    let health = relay(&log, &cursor, destination, |health| health.position() == end).await;
    assert_eq!(script.lock().unwrap().1.concat(), b"abcd");
    assert_eq!(health.show().dead_lettered, 1);
    assert_eq!(health.show().last_failure.unwrap(), "HTTP 400");
}

#[tokio::test]
async fn a_destination_that_is_set_up_wrongly_keeps_its_data_and_alarms() {
    let directory = tempfile::tempdir().unwrap();
    let log = log_with(directory.path(), &[(Signal::Traces, b"a")]);
    let (destination, script) = destination(&[404; 1_000]).await;
    let cursor = directory.path().join("cursor");
    let health = relay(&log, &cursor, destination.clone(), |health| health.show().alarm).await;
    assert_eq!(health.position(), 0);
    assert_eq!(Cursor::open(&cursor).unwrap().position(), 0);
    // Once it is mended the data arrives, also after a restart.
    script.lock().unwrap().0.clear();
    let end = log.next_sequence();
    relay(&log, &cursor, destination, |health| health.position() == end).await;
    assert_eq!(script.lock().unwrap().1, [b"a"]);
}

#[tokio::test]
async fn a_destination_that_is_away_is_tried_again() {
    let directory = tempfile::tempdir().unwrap();
    let log = log_with(directory.path(), &[(Signal::Traces, b"a")]);
    let (mut destination, _script) = destination(&[]).await;
    for (protocol, endpoint) in
        [(Protocol::HttpProtobuf, "http://127.0.0.1:1"), (Protocol::Grpc, "http://127.0.0.1:1")]
    {
        destination.protocol = protocol;
        destination.endpoint = endpoint.into();
        let cursor = directory.path().join("cursor");
        let tried = |health: &Health| health.show().retries >= 3;
        let health = relay(&log, &cursor, destination.clone(), tried).await;
        assert_eq!(health.show().last_failure.unwrap(), "unreachable");
        assert_eq!(Cursor::open(&cursor).unwrap().position(), 0);
    }
}
