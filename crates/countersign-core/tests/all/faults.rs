//! Faults of the world that only the books can mend: copies, disorder, lateness, contradiction.

use countersign_core::delta::Delta;
use countersign_core::fact::{Fact, Judgement, Link, Links, ReviewState, SourceKind};
use countersign_core::key::{SpanId, TraceId};
use countersign_core::settle::{Books, Settings};

use crate::settle::{DAY, SECOND, T0, call, cents, totals, verdict, worked};

#[test]
fn f17_a_hundred_copies_in_any_batches_change_nothing() {
    let facts = worked();
    let expected = totals(&facts);
    for copies in [2, 10, 100] {
        // Each fact so often in a row, and the whole so often.
        let each: Vec<_> =
            facts.iter().flat_map(|fact| std::iter::repeat_n(fact, copies)).cloned().collect();
        assert_eq!(totals(&each), expected, "{copies} copies of each");
    }
    for batch in [1, 3, 7] {
        // Batches that overlap: each is sent again with the next.
        let overlapping: Vec<_> = (0..facts.len())
            .flat_map(|at| facts[at.saturating_sub(batch)..=at].iter().cloned())
            .collect();
        assert_eq!(totals(&overlapping), expected, "batches of {batch}");
    }
}

/// Every order of some facts.
fn permutations<'a>(facts: &[Fact<'a>]) -> Vec<Vec<Fact<'a>>> {
    if facts.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for at in 0..facts.len() {
        let mut rest = facts.to_vec();
        let first = rest.remove(at);
        for mut order in permutations(&rest) {
            order.insert(0, first.clone());
            all.push(order);
        }
    }
    all
}

#[test]
fn f18_children_before_parents_and_late_roots_give_the_same_books() {
    let root = Link { span: SpanId(9), parent: SpanId::NONE };
    // The agent's span says the sum of its calls.
    let mut agent = call(1, 5, 9, "t", cents(30));
    agent.operation = "invoke_agent";
    agent.role = countersign_core::fact::Role::Sum;
    let facts = [
        Fact::Call(call(1, 1, 5, "t", cents(10))),
        Fact::Call(call(1, 2, 5, "", cents(20))),
        Fact::Call(agent),
        Fact::Links(Links { trace: TraceId(1), links: vec![root] }),
        Fact::Verdict(verdict("v", "t", Judgement::Accepted, T0 + SECOND)),
    ];
    let expected = totals(&facts);
    assert_eq!((expected.calls_ok, expected.settled), (2, cents(30)));
    let orders = permutations(&facts);
    assert_eq!(orders.len(), 120);
    for order in orders {
        assert_eq!(totals(&order), expected, "{order:?}");
    }
}

#[test]
fn f19_what_comes_again_after_months_counts_once() {
    let mut books = Books::new(Settings::default());
    let mut deltas = Vec::new();
    books.apply(T0, &Fact::Call(call(1, 1, 0, "t", cents(10))), &mut deltas);
    let said = verdict("v", "t", Judgement::Accepted, T0 + 85 * DAY);
    for days in [1, 30, 60, 85, 90, 110] {
        let now = T0 + days * DAY;
        books.apply(now, &Fact::Call(call(1, 1, 0, "t", cents(10))), &mut deltas);
        if days >= 85 {
            books.apply(now + SECOND, &Fact::Verdict(said.clone()), &mut deltas);
        }
        books.tick(now + 120 * SECOND, &mut deltas);
        let totals = books.totals();
        assert_eq!((totals.calls_ok, totals.incurred), (1, cents(10)), "day {days}");
        let state = match days {
            0..14 => ReviewState::Pending,
            14..85 => ReviewState::Expired,
            _ => ReviewState::Accepted,
        };
        assert_eq!(books.find("t").unwrap().state(), state, "day {days}");
    }
    let verdicts = deltas.iter().filter(|delta| matches!(delta, Delta::Verdict(_))).count();
    assert_eq!(verdicts, 1);
}

#[test]
fn f20_a_span_that_comes_with_two_contents_counts_once() {
    let (one, mut other) = (call(1, 1, 0, "t", cents(10)), call(1, 1, 0, "t", cents(25)));
    other.end += SECOND;
    for order in permutations(&[Fact::Call(one.clone()), Fact::Call(other.clone())]) {
        let totals = totals(&order);
        assert_eq!(totals.calls_ok, 1);
        assert!([cents(10), cents(25)].contains(&totals.incurred), "never both");
    }
    // Also when the first was booked long ago.
    let mut books = Books::new(Settings::default());
    let mut deltas = Vec::new();
    books.apply(T0, &Fact::Call(one), &mut deltas);
    books.tick(T0 + DAY, &mut deltas);
    books.apply(T0 + DAY, &Fact::Call(other), &mut deltas);
    books.tick(T0 + 2 * DAY, &mut deltas);
    assert_eq!((books.totals().calls_ok, books.totals().incurred), (1, cents(10)));
}

#[test]
fn f21_a_verdict_before_the_work_that_it_judges_joins_it() {
    let said = Fact::Verdict(verdict("v", "t", Judgement::Edited, T0));
    let made = Fact::Call(call(1, 1, 0, "t", cents(10)));
    let (first, last) = (totals(&[said.clone(), made.clone()]), totals(&[made, said]));
    assert_eq!(first, last);
    assert_eq!((first.tasks_in(ReviewState::Edited), first.settled), (1, cents(10)));
}

#[test]
fn f24_of_two_sources_that_disagree_the_higher_authority_holds() {
    let made = Fact::Call(call(1, 1, 0, "t", cents(10)));
    let of = |id, source, judgement, at| {
        let mut said = verdict(id, "t", judgement, at);
        said.source = source;
        Fact::Verdict(said)
    };
    let ranked = [
        SourceKind::Model,
        SourceKind::Code,
        SourceKind::System,
        SourceKind::EndUser,
        SourceKind::Human,
    ];
    for pair in ranked.windows(2) {
        // The lower one speaks last, and is believed less all the same.
        let facts = [
            made.clone(),
            of("low", pair[0], Judgement::Accepted, T0 + DAY),
            of("high", pair[1], Judgement::Rejected, T0),
        ];
        for order in permutations(&facts) {
            let totals = totals(&order);
            assert_eq!(totals.tasks_in(ReviewState::Rejected), 1, "{pair:?}");
            assert_eq!(totals.settled, cents(10), "{pair:?}");
        }
    }
}
