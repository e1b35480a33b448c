//! What is kept of a task, and for how long.

use countersign_core::delta::Delta;
use countersign_core::diagnostic::Diagnostic;
use countersign_core::fact::{
    Basis, Call, Cost, CostSource, Fact, Identity, Judgement, Link, Links, Place, ReviewState,
    SourceKind, Usage, Verdict,
};
use countersign_core::key::{Key, SpanId, TraceId};
use countersign_core::money::Money;
use countersign_core::settle::{Books, Settings};

const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400 * SECOND;
const T0: u64 = 1_793_577_600 * SECOND;

fn work(books: &mut Books, at: u64, trace: u128, deltas: &mut Vec<Delta>) {
    let trace = TraceId(trace);
    let place = Place { trace, span: SpanId(1), parent: SpanId(9) };
    let call = Call {
        place,
        record: Key::of_span(trace, place.span),
        service: Key::of("agent"),
        identity: Identity {
            task: "t",
            artifact: "https://example.org/o/r/pull/7",
            workflow: "review",
            ..Identity::default()
        },
        start: at,
        end: at + SECOND,
        model: "gpt-4o",
        usage: Some(Usage { input: 100, ..Usage::default() }),
        cost: Cost::Priced(Money::DOLLAR, CostSource::Reported),
        ..Call::default()
    };
    let root = Link { span: SpanId(9), parent: SpanId::NONE };
    books.apply(at, &Fact::Call(call), deltas);
    books.apply(at, &Fact::Links(Links { trace, links: vec![root] }), deltas);
}

fn verdict(books: &mut Books, at: u64, id: &str, judgement: Judgement, deltas: &mut Vec<Delta>) {
    let verdict = Verdict {
        id: Key::of(id),
        task: "t",
        trace: TraceId::NONE,
        judgement,
        effective: at,
        source: SourceKind::Human,
        system: "test",
        basis: Basis::Explicit,
        round: 0,
        supersedes: Key::NONE,
        reason: "",
        edit_ppm: None,
        review_ms: None,
        policy_version: "",
    };
    books.apply(at, &Fact::Verdict(verdict), deltas);
}

fn noticed(deltas: &[Delta], wanted: Diagnostic) -> u64 {
    let count = |delta: &Delta| match delta {
        Delta::Noticed { what, count } if *what == wanted => *count,
        _ => 0,
    };
    deltas.iter().map(count).sum()
}

#[test]
fn a_judged_task_loses_its_names_after_30_days_and_is_judged_on() {
    let (mut books, mut deltas) = (Books::new(Settings::default()), Vec::new());
    work(&mut books, T0, 1, &mut deltas);
    verdict(&mut books, T0 + DAY, "v1", Judgement::Accepted, &mut deltas);
    books.tick(T0 + 30 * DAY, &mut deltas);
    assert_eq!(books.find("t").unwrap().id(), "t");
    books.tick(T0 + 32 * DAY, &mut deltas);
    let task = books.find("t").unwrap();
    assert!(task.id().starts_with('~'), "{}", task.id());
    assert_eq!((task.aliases().count(), task.traces().len()), (0, 0));
    assert_eq!((task.cost(), task.state()), (Money::DOLLAR, ReviewState::Accepted));
    // A verdict and work that come now count once, for the same task.
    verdict(&mut books, T0 + 40 * DAY, "v2", Judgement::Defect, &mut deltas);
    verdict(&mut books, T0 + 41 * DAY, "v2", Judgement::Defect, &mut deltas);
    work(&mut books, T0 + 42 * DAY, 2, &mut deltas);
    books.tick(T0 + 43 * DAY, &mut deltas);
    let task = books.find("https://example.org/o/r/pull/7").unwrap();
    assert_eq!((task.id().as_ref(), task.verdicts().len()), ("t", 2));
    assert_eq!(books.totals().tasks_in(ReviewState::Defect), 1);
    assert_eq!(books.totals().settled, Money::DOLLAR.times(2));
    assert_eq!(noticed(&deltas, Diagnostic::Duplicate), 1);
}

#[test]
fn a_settled_task_goes_at_the_horizon_and_its_sums_stay() {
    let (mut books, mut deltas) = (Books::new(Settings::default()), Vec::new());
    work(&mut books, T0, 1, &mut deltas);
    verdict(&mut books, T0 + DAY, "v1", Judgement::Accepted, &mut deltas);
    books.tick(T0 + 122 * DAY, &mut deltas);
    assert_eq!(books.tasks().count(), 0);
    assert_eq!(books.totals().tasks_in(ReviewState::Accepted), 1);
    assert_eq!(books.removed().tasks.get(ReviewState::Accepted as usize), Some(&1));
    assert_eq!(books.removed().cost.iter().copied().sum::<Money>(), books.totals().settled);
    // Too late: refused and counted, and no second outcome.
    verdict(&mut books, T0 + 123 * DAY, "v2", Judgement::Defect, &mut deltas);
    assert_eq!(noticed(&deltas, Diagnostic::TooLate), 1);
    assert_eq!(books.totals().tasks_in(ReviewState::Accepted), 1);
    assert_eq!(books.waiting_verdicts(), 0);
}

#[test]
fn a_task_that_nobody_judges_keeps_its_names_for_90_days() {
    let (mut books, mut deltas) = (Books::new(Settings::default()), Vec::new());
    work(&mut books, T0, 1, &mut deltas);
    books.tick(T0 + 89 * DAY, &mut deltas);
    assert_eq!(books.find("t").unwrap().id(), "t");
    books.tick(T0 + 91 * DAY, &mut deltas);
    assert!(books.find("t").unwrap().id().starts_with('~'));
    verdict(&mut books, T0 + 100 * DAY, "v1", Judgement::Accepted, &mut deltas);
    assert_eq!(books.totals().tasks_in(ReviewState::Accepted), 1);
    assert_eq!(books.totals().tasks_in(ReviewState::Expired), 0);
}

#[test]
fn a_snapshot_goes_on_with_the_same_fates() {
    let (mut books, mut deltas) = (Books::new(Settings::default()), Vec::new());
    for trace in 1..40 {
        work(&mut books, T0 + u64::try_from(trace).unwrap() * DAY, trace, &mut deltas);
    }
    verdict(&mut books, T0 + 41 * DAY, "v1", Judgement::Accepted, &mut deltas);
    let saved = postcard::to_allocvec(&books.snapshot()).unwrap();
    let mut restored = Books::restore(postcard::from_bytes(&saved).unwrap());
    assert_eq!(postcard::to_allocvec(&restored.snapshot()).unwrap(), saved);
    for day in [42, 70, 72, 160, 162, 200] {
        let (mut one, mut other) = (Vec::new(), Vec::new());
        books.tick(T0 + day * DAY, &mut one);
        restored.tick(T0 + day * DAY, &mut other);
        assert_eq!(one, other);
        assert_eq!(books.next_deadline(), restored.next_deadline());
        assert_eq!(books.tasks().count(), restored.tasks().count());
    }
    assert_eq!(books.tasks().count(), 0);
}
