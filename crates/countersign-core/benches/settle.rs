//! What it costs to book: facts to deltas to series, a batch of 512 calls at a time.

use countersign_core::fact::{Call, Cost, CostSource, Fact, Identity, Place, Usage};
use countersign_core::key::{Key, SpanId, TraceId};
use countersign_core::money::Money;
use countersign_core::settle::{Books, Settings};
use countersign_core::tally::Tally;
use divan::Bencher;
use divan::counter::ItemsCount;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCH: u64 = 512;
const SECOND: u64 = 1_000_000_000;

fn main() {
    divan::main();
}

/// Books that are fed one batch after the other, each ten seconds after the last, so that the
/// traces of the batch before close.
struct Fed {
    books: Books,
    tally: Tally,
    ids: Vec<String>,
    next: u64,
    calls_per_trace: u64,
}

impl Fed {
    fn new(calls_per_trace: u64, tasks: usize) -> Fed {
        let ids = (0..tasks).map(|task| format!("task-{task}")).collect();
        let books = Books::new(Settings::default());
        Fed { books, tally: Tally::default(), ids, next: 0, calls_per_trace }
    }

    fn batch(&mut self) {
        let now = (1_000_000 + self.next / BATCH * 10) * SECOND;
        let mut deltas = Vec::with_capacity(16);
        for number in self.next..self.next + BATCH {
            let trace = TraceId(1 + u128::from(number / self.calls_per_trace));
            let place = Place { trace, span: SpanId(2 + number), parent: SpanId(1) };
            let task = self.ids.get(trace.0 as usize % self.ids.len()).expect("within");
            let call = Call {
                place,
                record: Key::of_span(trace, place.span),
                service: Key(7),
                identity: Identity { task, workflow: "pr-review", ..Identity::default() },
                start: now,
                end: now + SECOND,
                model: "gpt-4o-mini",
                provider: "openai",
                operation: "chat",
                usage: Some(Usage { input: 1100, output: 51, ..Usage::default() }),
                cost: Cost::Priced(Money::from_pico(165_000_000), CostSource::Catalog),
                ..Call::default()
            };
            self.books.apply(now, &Fact::Call(call), &mut deltas);
            for delta in deltas.drain(..) {
                self.tally.apply(now, &delta);
            }
        }
        self.next += BATCH;
    }
}

/// Calls to a trace: one agent's run, and one request a trace.
#[divan::bench(args = [16, 1])]
fn book(bencher: Bencher, calls_per_trace: u64) {
    let mut fed = Fed::new(calls_per_trace, 1_000);
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| fed.batch());
}

/// The same with a task for each of many traces.
#[divan::bench(args = [1_000, 100_000], sample_count = 50)]
fn book_with_open_tasks(bencher: Bencher, tasks: usize) {
    let mut fed = Fed::new(1, tasks);
    while (fed.next as usize) < tasks {
        fed.batch();
    }
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| fed.batch());
}
