//! Decode: 512 gen-AI spans walked, read as facts, booked to series, and decoded by prost,
//! side by side.

use countersign_core::decode::{self, Budget, Node};
use countersign_core::dialect::{Reader, Settings, Signal};
use countersign_core::fact::Fact;
use countersign_core::limits;
use countersign_core::price::Catalog;
use countersign_core::settle::{self, Books};
use countersign_core::tally::Tally;
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

use batch::{RECEIVED, SPANS, batch};

mod batch;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bytes of messages in each call.
const CONTENT: [usize; 2] = [0, 2_048];
const SECOND: u64 = 1_000_000_000;

fn main() {
    divan::main();
}

#[divan::bench(args = CONTENT)]
fn walk(bencher: Bencher, content_bytes: usize) {
    let bytes = batch(content_bytes);
    bencher.counter(ItemsCount::new(SPANS)).bench_local(|| {
        let mut attributes = 0;
        let mut budget = Budget::new(&bytes, limits::SPANS_PER_REQUEST_MAX);
        decode::traces(black_box(&bytes), &mut budget, |node, _| {
            if let Node::Span(span) = node {
                attributes += span.attributes.len();
            }
            Ok(())
        })
        .expect("the request is well formed");
        attributes
    });
}

#[divan::bench(args = CONTENT)]
fn walk_and_read(bencher: Bencher, content_bytes: usize) {
    let bytes = batch(content_bytes);
    let mut reader = Reader::new(Settings::default());
    let catalog = Catalog::default();
    bencher.counter(ItemsCount::new(SPANS)).bench_local(|| {
        let mut tokens = 0;
        let mut facts = |fact: Fact<'_>| {
            if let Fact::Call(call) = fact {
                tokens += call.usage.map_or(0, |usage| usage.input);
            }
        };
        reader
            .read(Signal::Traces, black_box(&bytes), RECEIVED, &catalog, &mut facts, None)
            .expect("the request is well formed");
        tokens
    });
}

#[divan::bench(args = CONTENT)]
fn read_and_book(bencher: Bencher, content_bytes: usize) {
    let mut bytes = batch(content_bytes);
    let trace_ids = batch::trace_ids(&bytes);
    let mut reader = Reader::new(Settings::default());
    let catalog = Catalog::default();
    let (mut books, mut tally) = (Books::new(settle::Settings::default()), Tally::default());
    let (mut deltas, mut round) = (Vec::new(), 0);
    bencher.counter(ItemsCount::new(SPANS)).bench_local(|| {
        // Ten seconds later: the traces of the batch before have closed.
        round += 1;
        batch::renumber(&mut bytes, &trace_ids, round);
        let now = RECEIVED + round * 10 * SECOND;
        let mut book = |fact: Fact<'_>| {
            books.apply(now, &fact, &mut deltas);
            deltas.drain(..).for_each(|delta| tally.apply(now, &delta));
        };
        reader
            .read(Signal::Traces, black_box(&bytes), now, &catalog, &mut book, None)
            .expect("the request is well formed");
    });
}

#[divan::bench(args = CONTENT)]
fn prost(bencher: Bencher, content_bytes: usize) {
    let bytes = batch(content_bytes);
    bencher.counter(ItemsCount::new(SPANS)).bench_local(|| {
        ExportTraceServiceRequest::decode(black_box(bytes.as_slice()))
            .expect("the request is well formed")
    });
}
