//! Whole pipelines, to a socket: what is sent, and what is said when nobody is there.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use countersign::{
    Lost, Operation, Protocol, SetupError, Task, Telemetry, Usage, Verdict, builder,
};

/// Requests that a test is ready to take.
const REQUESTS_MAX: usize = 16;

/// A request's path and body.
pub(crate) type Request = (String, Vec<u8>);

/// A receiver on a port of its own that answers each request with this status.
pub(crate) fn receiver(status: u16) -> (String, Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, seen) = sync_channel(REQUESTS_MAX);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, tell) = (stream.unwrap(), tell.clone());
            thread::spawn(move || {
                while let Some(request) = read(&stream) {
                    let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n");
                    (&stream).write_all(answer.as_bytes()).unwrap();
                    tell.send(request).unwrap();
                }
            });
        }
    });
    (base_url, seen)
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        if header == "\r\n" {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, body))
}

fn work(telemetry: &Telemetry) {
    let _here = telemetry.context().attach();
    let task = Task::new("T-1").workflow("memo").start();
    task.call(Operation::Chat, "openai", "gpt-4o").start().usage(Usage::new(3, 1)).end();
    task.end();
    Verdict::accepted().id("V-1").of_task("T-1").send();
}

pub(crate) fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn dropping_the_guard_sends_everything() {
    let (base_url, seen) = receiver(200);
    let telemetry = builder()
        .service_name("agent")
        .protocol(Protocol::Http)
        .endpoint(base_url)
        .build()
        .unwrap();
    work(&telemetry);
    drop(telemetry);

    let mut requests = [seen.recv().unwrap(), seen.recv().unwrap()];
    requests.sort();
    let [(logs, verdicts), (traces, spans)] = requests;
    assert_eq!((logs.as_str(), traces.as_str()), ("/v1/logs", "/v1/traces"));
    assert!(contains(&verdicts, "V-1"));
    assert!(contains(&spans, "chat gpt-4o") && contains(&spans, "invoke_workflow memo"));
    assert!(contains(&spans, "service.instance.id"));
}

#[test]
fn a_receiver_that_refuses_is_not_passed_over() {
    let (base_url, _seen) = receiver(400);
    let telemetry = builder().protocol(Protocol::Http).endpoint(base_url).build().unwrap();
    work(&telemetry);
    let error = telemetry.flush().unwrap_err();
    assert!(matches!(error, SetupError::Lost(Lost { spans: 2, verdicts: 1, .. })), "{error}");
    assert_eq!(telemetry.lost().spans, 2);
    let error = telemetry.shutdown().unwrap_err();
    assert!(error.to_string().starts_with("2 spans and 1 verdicts were lost"), "{error}");
}

/// Nobody listens on the port: it was free a moment ago and is bound by nobody now.
#[test]
fn a_receiver_that_is_away_costs_telemetry_and_no_time() {
    for protocol in [Protocol::Http, Protocol::Grpc] {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let telemetry = builder()
            .protocol(protocol)
            .endpoint(format!("http://{address}"))
            .export_interval(Duration::from_secs(60))
            .build()
            .unwrap();
        work(&telemetry);
        let error = telemetry.shutdown().unwrap_err();
        assert!(matches!(error, SetupError::Lost(_)), "{protocol:?}: {error}");
    }
}

#[test]
fn an_endpoint_that_is_none_is_refused() {
    for protocol in [Protocol::Http, Protocol::Grpc] {
        let result = builder().protocol(protocol).endpoint("not a url").build();
        let error = result.err().unwrap().to_string();
        assert!(error.contains("check its endpoint"), "{error}");
    }
}
