//! What the books weigh and how fast they are with many pending tasks: memory for each, time to
//! book a call, to take a snapshot, to write it and to read it. Takes the number of tasks:
//! `cargo bench -p countersign-core --bench storage -- 10000000`.

#![allow(clippy::disallowed_methods, reason = "a benchmark has a clock")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use cap::Cap;
use countersign_core::fact::{
    Call, Cost, CostSource, Fact, Identity, Link, Links, Place, ReviewState, Usage,
};
use countersign_core::key::{Key, SpanId, TraceId};
use countersign_core::money::Money;
use countersign_core::settle::{Books, Settings, Snapshot};
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: Cap<MiMalloc> = Cap::new(MiMalloc, usize::MAX);

const SECOND: u64 = 1_000_000_000;
const T0: u64 = 1_793_577_600 * SECOND;

/// Traces that come in a second of the books' time.
const TRACES_A_SECOND: u64 = 1_000;

fn main() {
    let asked = std::env::args().skip(1).find_map(|word| word.parse().ok());
    let tasks: u64 = asked.unwrap_or(1_000_000);
    let before = ALLOCATOR.allocated();
    let mut fed = Fed::new();
    println!("{:>10}  {:>12}  {:>14}", "tasks", "new task", "known task");
    let mut step = 1_000;
    while step <= tasks {
        let new = fed.until(step);
        let known = fed.again(20_000);
        println!("{step:>10}  {:>12}  {:>14}", each(new), each(known));
        step *= 10;
    }
    fed.until(tasks);
    fed.settle_down();
    let weight = ALLOCATOR.allocated() - before;
    let pending = fed.books.totals().tasks_in(ReviewState::Pending);
    println!("pending tasks           {pending}");
    println!("bytes for each          {}", weight as u64 / pending.max(1));

    let (snapshot, taken) = timed(|| fed.books.snapshot());
    let (bytes, written) = timed(|| postcard::to_allocvec(&snapshot).expect("it can be written"));
    let (_, next) = timed(|| fed.again(1));
    let (read, parsed) = timed(|| postcard::from_bytes::<Snapshot>(&bytes).expect("just written"));
    let (restored, indexed) = timed(|| Books::restore(read));
    assert_eq!(restored.totals().tasks_in(ReviewState::Pending), pending);
    println!("snapshot taken in       {taken:?}");
    println!("next call after it in   {next:?}");
    println!("written in              {written:?}, {} bytes", bytes.len());
    println!("read in                 {parsed:?} + {indexed:?} for the indexes");
    let (ages, looked) = timed(|| restored.tasks().filter(|task| task.rounds() > 0).count());
    println!("all tasks looked at in  {looked:?} ({})", black_box(ages));
}

fn timed<R>(work: impl FnOnce() -> R) -> (R, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

fn each((time, count): (Duration, u64)) -> String {
    format!("{} ns", time.as_nanos() / u128::from(count.max(1)))
}

/// Books to which tasks come: each with an id of its own, a trace with one call or two, and a
/// response.
struct Fed {
    books: Books,
    traces: u64,
    tasks: u64,
}

impl Fed {
    fn new() -> Fed {
        Fed { books: Books::new(Settings::default()), traces: 0, tasks: 0 }
    }

    fn until(&mut self, tasks: u64) -> (Duration, u64) {
        let start = Instant::now();
        let mut calls = 0;
        while self.tasks < tasks {
            self.tasks += 1;
            calls += self.trace(self.tasks);
        }
        self.settle_down();
        (start.elapsed(), calls)
    }

    /// As many traces of tasks that are there, in no order.
    fn again(&mut self, traces: u64) -> (Duration, u64) {
        let start = Instant::now();
        let tasks = self.tasks;
        let picks = (0..traces).map(|pick| 1 + pick * 7_919_777_777 % tasks);
        let calls = picks.map(|task| self.trace(task)).sum();
        self.settle_down();
        (start.elapsed(), calls)
    }

    fn now(&self) -> u64 {
        T0 + self.traces * SECOND / TRACES_A_SECOND
    }

    fn settle_down(&mut self) {
        self.books.tick(self.now() + 60 * SECOND, &mut Vec::new());
        self.traces += 60 * TRACES_A_SECOND;
    }

    fn trace(&mut self, task: u64) -> u64 {
        self.traces += 1;
        let now = self.now();
        let name = format!("review-{task:08}-4f6c");
        let random = |salt: u128| {
            let seed = u128::from(self.traces) << 4 | salt;
            (seed ^ seed << 61).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
        };
        let trace = TraceId(random(1));
        let span = |salt| SpanId((random(salt) >> 64) as u64);
        let calls = 1 + task % 2;
        let mut deltas = Vec::with_capacity(16);
        for call in 0..calls {
            let place = Place { trace, span: span(3 + u128::from(call)), parent: span(2) };
            let fact = Fact::Call(Call {
                place,
                record: Key::of_span(trace, place.span),
                service: Key(7),
                response: if call == 0 { Key(random(9)) } else { Key::NONE },
                identity: Identity { task: &name, workflow: "pr-review", ..Identity::default() },
                start: now,
                end: now + 2_345_678_901,
                model: "gpt-4o-mini",
                provider: "openai",
                operation: "chat",
                usage: Some(Usage { input: 1_100 + task % 700, output: 51, ..Usage::default() }),
                cost: Cost::Priced(
                    Money::from_pico(165_000_000 + i128::from(task % 999_983)),
                    CostSource::Catalog,
                ),
                ..Call::default()
            });
            self.books.apply(now, &fact, &mut deltas);
        }
        let root = Link { span: span(2), parent: SpanId::NONE };
        let links = Links { trace, links: vec![root] };
        self.books.apply(now, &Fact::Links(links), &mut deltas);
        calls
    }
}
