//! A destination: takes what is pushed and relayed over OTLP/HTTP, and keeps it.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

/// A request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// A destination on a free port of loopback.
pub(crate) struct Sink {
    pub(crate) endpoint: String,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    closed: Arc<AtomicBool>,
}

impl Sink {
    pub(crate) fn start() -> Sink {
        Sink::start_on("127.0.0.1:0").unwrap()
    }

    /// The same on another address, if there is such a one here.
    pub(crate) fn start_on(address: &str) -> Option<Sink> {
        let listener = TcpListener::bind(address).ok()?;
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let arrived = Arc::new(Mutex::new(Vec::new()));
        let closed = Arc::new(AtomicBool::new(false));
        let (all, ends) = (Arc::clone(&arrived), Arc::clone(&closed));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                let (stream, all, ends) = (stream.unwrap(), Arc::clone(&all), Arc::clone(&ends));
                std::thread::spawn(move || serve(&stream, &all, &ends));
            }
        });
        Some(Sink { endpoint, arrived, closed })
    }

    /// Takes nothing more: connections end with their next request.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// How many spans of calls arrived.
    pub(crate) fn spans(&self) -> usize {
        let requests = self.bodies("/v1/traces");
        let requests =
            requests.iter().map(|body| ExportTraceServiceRequest::decode(&**body).unwrap());
        let spans = requests.flat_map(|request| request.resource_spans);
        spans.flat_map(|spans| spans.scope_spans).map(|spans| spans.spans.len()).sum()
    }

    /// Everything that arrived.
    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }

    /// The bodies that arrived for one path.
    pub(crate) fn bodies(&self, path: &str) -> Vec<Vec<u8>> {
        let arrived = self.arrived.lock().unwrap();
        arrived.iter().filter(|one| one.path == path).map(|one| one.body.clone()).collect()
    }
}

/// One connection: requests one after the other until the other side closes it.
fn serve(stream: &TcpStream, all: &Mutex<Vec<Arrived>>, closed: &AtomicBool) {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    while let Some(arrived) = read(&mut reader) {
        if closed.load(Ordering::Relaxed) {
            return;
        }
        all.lock().unwrap().push(arrived);
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\n\
                      content-length: 0\r\n\r\n";
        if writer.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Arrived> {
    let mut head = String::new();
    loop {
        let before = head.len();
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
        if head[before..].trim().is_empty() {
            break;
        }
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let path = head.split(' ').nth(1)?.to_owned();
    Some(Arrived { path, head, body })
}
