//! From a request's bytes to the acknowledgement: priced, on disk and booked. Prost's decode of
//! the same bytes, which is only a part of that, stands beside it.

use std::sync::Arc;

use bytes::Bytes;
use countersign_core::dialect::{Reader, Settings, Signal};
use countersign_core::price::Catalog;
use countersign_core::settle::Books;
use countersign_core::tally::Tally;
use countersign_receiver::access::Caller;
use countersign_receiver::ingest::{Gate, RelayPlan, Spelling, http_router, serve_http};
use countersign_receiver::journal::DataDirectory;
use countersign_receiver::keeper::{Keeper, Options};
use countersign_receiver::{clock, prices};
use divan::Bencher;
use divan::counter::ItemsCount;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SPANS: u64 = 512;
/// Requests that are under way at a time: what one group commit can gather.
const AT_A_TIME: u64 = 8;
/// Stands for the trace id in the request that all others are copies of.
const TRACE_ID: [u8; 16] = *b"traceid-traceid-";

fn main() {
    divan::main();
}

fn request() -> Vec<u8> {
    let text = |text: &str| Some(AnyValue { value: Some(Value::StringValue(text.into())) });
    let count = |count| Some(AnyValue { value: Some(Value::IntValue(count)) });
    let attribute = |key: &str, value| KeyValue { key: key.into(), value, ..KeyValue::default() };
    let spans = (1..=SPANS).map(|number| Span {
        trace_id: TRACE_ID.to_vec(),
        span_id: number.to_be_bytes().to_vec(),
        parent_span_id: vec![9; 8],
        name: "chat gpt-4o-mini".into(),
        kind: 3,
        start_time_unix_nano: 1_795_320_000_000_000_000,
        end_time_unix_nano: 1_795_320_001_000_000_000,
        attributes: vec![
            attribute("countersign.task.id", text("PR-1")),
            attribute("gen_ai.operation.name", text("chat")),
            attribute("gen_ai.provider.name", text("openai")),
            attribute("gen_ai.request.model", text("gpt-4o-mini")),
            attribute("gen_ai.response.model", text("gpt-4o-mini-2024-07-18")),
            attribute("gen_ai.usage.input_tokens", count(1100)),
            attribute("gen_ai.usage.cache_read.input_tokens", count(512)),
            attribute("gen_ai.usage.output_tokens", count(51)),
            attribute("gen_ai.input.messages", text(&"a prompt. ".repeat(60))),
            attribute("server.address", text("api.openai.com")),
        ],
        ..Span::default()
    });
    let scope = InstrumentationScope { name: "agent".into(), ..InstrumentationScope::default() };
    let scope_spans =
        ScopeSpans { scope: Some(scope), spans: spans.collect(), ..ScopeSpans::default() };
    let resource_spans =
        ResourceSpans { scope_spans: vec![scope_spans], ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![resource_spans] }.encode_to_vec()
}

/// Requests that differ in their trace ids.
struct Requests {
    bytes: Vec<u8>,
    places: Vec<usize>,
    next: u128,
}

impl Requests {
    fn new() -> Requests {
        let bytes = request();
        let windows = bytes.windows(TRACE_ID.len()).enumerate();
        let places = windows.filter(|(_, window)| *window == TRACE_ID).map(|(place, _)| place);
        Requests { places: places.collect(), bytes, next: 1 << 64 }
    }

    fn next(&mut self) -> Bytes {
        self.next += 1;
        for place in &self.places {
            let id = self.bytes.get_mut(*place..place + 16).expect("found there");
            id.copy_from_slice(&self.next.to_be_bytes());
        }
        Bytes::copy_from_slice(&self.bytes)
    }
}

#[divan::bench]
fn prost_decodes(bencher: Bencher) {
    let bytes = request();
    bencher.counter(ItemsCount::new(SPANS)).bench_local(|| {
        ExportTraceServiceRequest::decode(divan::black_box(bytes.as_slice()))
            .expect("it was encoded here")
    });
}

/// Bytes to series in one thread: decode, dialect, price, settle and tally, without a disk.
#[divan::bench]
fn core_books(bencher: Bencher) {
    let mut requests = Requests::new();
    let catalog = catalog();
    let mut reader = Reader::new(Settings::default());
    let (mut books, mut tally) = (Books::new(Default::default()), Tally::default());
    let mut now = 1_795_320_000_000_000_000;
    let mut deltas = Vec::new();
    bencher.counter(ItemsCount::new(SPANS)).bench_local(|| {
        let bytes = requests.next();
        now += 61_000_000_000;
        let mut book = |fact: countersign_core::fact::Fact<'_>| {
            books.apply(now, &fact, &mut deltas);
            deltas.drain(..).for_each(|delta| tally.apply(now, &delta));
        };
        reader
            .read(Signal::Traces, &bytes, now, &catalog, &mut book, None)
            .expect("it was encoded here");
    });
}

fn catalog() -> Arc<Catalog> {
    Arc::new(prices::catalog(&[]).expect("the catalog is built in"))
}

fn gate() -> (Gate, tempfile::TempDir) {
    let home = tempfile::tempdir().expect("a temporary directory");
    let directory = DataDirectory::open(home.path()).expect("a fresh directory");
    let options = Options { reserve_bytes: 0, ..Options::of(Default::default()) };
    let (keeper, _running) = Keeper::start(directory, options).expect("a fresh journal");
    let gate = Gate::new(keeper, catalog(), Settings::default(), RelayPlan::default());
    (gate, home)
}

/// Bytes to acknowledged and booked, eight requests at a time, without a socket.
#[divan::bench]
fn acknowledged(bencher: Bencher) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (gate, _home) = gate();
    let mut requests = Requests::new();
    bencher.counter(ItemsCount::new(SPANS * AT_A_TIME)).bench_local(|| {
        let mut under_way = tokio::task::JoinSet::new();
        for _ in 0..AT_A_TIME {
            let (gate, bytes) = (gate.clone(), requests.next());
            let taken = async move {
                gate.take(
                    &Caller::inside(),
                    Signal::Traces,
                    Spelling::Protobuf,
                    bytes,
                    clock::now(),
                )
                .await
            };
            under_way.spawn_on(taken, runtime.handle());
        }
        let taken = runtime.block_on(under_way.join_all());
        assert!(taken.iter().all(Result::is_ok));
    });
}

/// The same over HTTP on loopback, client included.
#[divan::bench]
fn acknowledged_over_http(bencher: Bencher) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (gate, _home) = gate();
    let listener =
        runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
    let url = format!("http://{}/v1/traces", listener.local_addr().expect("it is bound"));
    let mut serving = tokio::task::JoinSet::new();
    serving.spawn_on(
        serve_http(listener, http_router(gate), std::future::pending()),
        runtime.handle(),
    );
    countersign_receiver::command::use_tls_of_ring();
    let client = reqwest::Client::new();
    let mut requests = Requests::new();
    bencher.counter(ItemsCount::new(SPANS * AT_A_TIME)).bench_local(|| {
        let mut under_way = tokio::task::JoinSet::new();
        for _ in 0..AT_A_TIME {
            let post = client
                .post(&url)
                .header("content-type", "application/x-protobuf")
                .body(requests.next());
            under_way.spawn_on(post.send(), runtime.handle());
        }
        let answers = runtime.block_on(under_way.join_all());
        assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|a| a.status() == 200)));
    });
}
