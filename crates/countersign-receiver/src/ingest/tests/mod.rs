//! The ports as senders see them: real sockets before a real keeper.

mod grpc;
mod http;
mod overload;
mod verdicts;

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use countersign_core::dialect;
use countersign_core::price::Catalog;
use countersign_core::settle::{Settings, Totals};
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Gate, RelayPlan, http_router, serve_grpc, serve_http};
use crate::journal::DataDirectory;
use crate::keeper::{Keeper, Options, Running};

/// A receiver on ports of its own.
struct Site {
    keeper: Keeper,
    gate: Gate,
    http: SocketAddr,
    grpc: SocketAddr,
    stop: watch::Sender<bool>,
    ports: JoinSet<anyhow::Result<()>>,
    running: Running,
    _data: tempfile::TempDir,
}

impl Site {
    async fn start() -> Site {
        let data = tempfile::tempdir().unwrap();
        let directory = DataDirectory::open(&data.path().join("data")).unwrap();
        let options = Options { reserve_bytes: 0, ..Options::of(Settings::default()) };
        let (keeper, running) = Keeper::start(directory, options).unwrap();
        let catalog = Arc::new(Catalog::default());
        let settings = dialect::Settings::default();
        let gate = Gate::new(keeper.clone(), catalog, settings, RelayPlan::default());
        let (stop, _) = watch::channel(false);
        let mut ports = JoinSet::new();
        let listen = async || TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (http_port, grpc_port) = (listen().await, listen().await);
        let (http, grpc) = (http_port.local_addr().unwrap(), grpc_port.local_addr().unwrap());
        let stopped = |mut stop: watch::Receiver<bool>| async move {
            drop(stop.wait_for(|stop| *stop).await);
        };
        let router = http_router(gate.clone());
        ports.spawn(serve_http(http_port, router, stopped(stop.subscribe())));
        ports.spawn(serve_grpc(grpc_port, gate.clone(), stopped(stop.subscribe())));
        Site { keeper, gate, http, grpc, stop, ports, running, _data: data }
    }

    /// Sends bytes as they are and gives all that comes back, as text.
    async fn raw(&self, bytes: Vec<u8>) -> String {
        String::from_utf8_lossy(&self.raw_bytes(bytes).await).into_owned()
    }

    async fn raw_bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        let address = self.http;
        let exchange = move || {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            stream.write_all(&bytes).unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).unwrap();
            answer
        };
        tokio::task::spawn_blocking(exchange).await.unwrap()
    }

    async fn totals(&self) -> Totals {
        self.keeper.ask(|view| view.books.totals().clone()).await.unwrap()
    }

    async fn position(&self) -> u64 {
        self.keeper.ask(|view| view.books.position()).await.unwrap()
    }

    async fn close(mut self) {
        self.stop.send_replace(true);
        while let Some(port) = self.ports.join_next().await {
            port.unwrap().unwrap();
        }
        self.keeper.stop();
        self.running.join();
    }
}

/// A request with these headers and this body, on a connection that ends with it.
fn request(head: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut bytes = format!(
        "{head} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Content-Length: {length}\r\n{headers}\r\n"
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// JSON in several lines; other texts as they are.
fn pretty(text: &str) -> String {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value) => serde_json::to_string_pretty(&value).unwrap(),
        Err(_) => text.to_owned(),
    }
}

/// A recorded request.
fn capture(name: &str) -> Vec<u8> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/captures");
    std::fs::read(root.join(name)).unwrap()
}

/// Two spans, the second one without a valid id.
const HALF_GOOD: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[
    {"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174"},
    {"traceId":"abcd","spanId":"eee19b7ec3c1b174"}]}]}]}"#;
