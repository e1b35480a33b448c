//! What a pending task costs in memory, with all that the books keep for it.

use std::alloc::System;

use cap::Cap;
use countersign_core::fact::{
    Call, Cost, CostSource, Fact, Identity, Link, Links, Place, ReviewState, Usage,
};
use countersign_core::key::{Key, SpanId, TraceId};
use countersign_core::money::Money;
use countersign_core::settle::{Books, Settings};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

const SECOND: u64 = 1_000_000_000;
const T0: u64 = 1_793_577_600 * SECOND;

const TASKS: u64 = 20_000;

/// When a task's work comes: a hundred a second, with a break after the first half.
fn time(number: u64) -> u64 {
    let pause = if number < TASKS / 2 { 0 } else { 120 };
    T0 + (number / 100 + pause) * SECOND
}

/// One task: an id of its own, a trace with one call or two, a response.
fn work(books: &mut Books, number: u64) {
    let now = time(number);
    let mut deltas = Vec::new();
    let task = format!("review-{number:08}-4f6c");
    let random = |salt: u64| Key::of(&format!("{salt} {number}")).0;
    let trace = TraceId(random(1));
    let span = |salt| SpanId(random(salt) as u64);
    for call in 0..1 + number % 2 {
        let place = Place { trace, span: span(3 + call), parent: span(2) };
        let fact = Fact::Call(Call {
            place,
            record: Key::of_span(trace, place.span),
            service: Key(7),
            response: if call == 0 { Key(random(9)) } else { Key::NONE },
            identity: Identity { task: &task, workflow: "pr-review", ..Identity::default() },
            start: now,
            end: now + 2_345_678_901,
            model: "gpt-4o-mini",
            provider: "openai",
            operation: "chat",
            usage: Some(Usage { input: 1_100 + number % 700, output: 51, ..Usage::default() }),
            cost: Cost::Priced(
                Money::from_pico(165_000_000 + i128::from(number % 999_983)),
                CostSource::Catalog,
            ),
            ..Call::default()
        });
        books.apply(now, &fact, &mut deltas);
    }
    let root = Link { span: span(2), parent: SpanId::NONE };
    books.apply(now, &Fact::Links(Links { trace, links: vec![root] }), &mut deltas);
}

/// The bar is for a million; fixed parts (names, the unpacked tasks) weigh more among few, so
/// the mean is taken over the second half.
#[test]
fn a_pending_task_takes_at_most_300_bytes() {
    let mut books = Books::new(Settings::default());
    let measure = |books: &mut Books, to: u64| {
        books.tick(time(to - 1) + 60 * SECOND, &mut Vec::new());
        assert_eq!(books.totals().tasks_in(ReviewState::Pending), to);
        ALLOCATOR.allocated()
    };
    (0..TASKS / 2).for_each(|number| work(&mut books, number));
    let half = measure(&mut books, TASKS / 2);
    (TASKS / 2..TASKS).for_each(|number| work(&mut books, number));
    let whole = measure(&mut books, TASKS);
    let each = (whole - half) as u64 / (TASKS / 2);
    assert!(each <= 300, "{each} bytes each");
    assert!(each >= 100, "{each} bytes each is too good to be true");
}
