//! Verdicts at the edges: too early, too late, too many, taken back and given again.

use countersign_core::delta::Delta;
use countersign_core::diagnostic::Diagnostic;
use countersign_core::fact::{Fact, Judgement, ReviewState, SourceKind, Usage};
use countersign_core::limits;
use countersign_core::settle::{Books, Settings};

use crate::confirm::{run, said};
use crate::settle::{DAY, SECOND, T0, call, cents, verdict};

fn noticed(deltas: &[Delta], wanted: Diagnostic) -> u64 {
    let count = |delta: &Delta| match delta {
        Delta::Noticed { what, count } if *what == wanted => *count,
        _ => 0,
    };
    deltas.iter().map(count).sum()
}

fn work(at: u64) -> (u64, Fact<'static>) {
    let mut made = call(1, 1, 0, "t", cents(10));
    (made.start, made.end) = (at, at + SECOND);
    (at, Fact::Call(made))
}

#[test]
fn f23_a_verdict_waits_for_its_task_for_ninety_days() {
    let age = limits::WAITING_VERDICT_MS * 1_000_000;
    let facts = [said("v", Judgement::Accepted, T0, |_| {})];
    let (mut books, _) = run(Settings::default(), &facts, T0 + age - 60 * SECOND);
    assert!(books.find("t").is_none(), "a verdict makes no task");
    assert_eq!(books.waiting("t").count(), 1);
    let mut deltas = Vec::new();
    let mut late = books.clone();
    let (at, fact) = work(T0 + age - 60 * SECOND);
    late.apply(at, &fact, &mut deltas);
    late.tick(at + 120 * SECOND, &mut deltas);
    assert_eq!(late.find("t").unwrap().state(), ReviewState::Accepted);
    assert_eq!((late.waiting("t").count(), late.waiting_verdicts()), (0, 0));

    deltas.clear();
    assert_eq!(books.next_deadline(), Some(T0 + age));
    books.tick(T0 + age, &mut deltas);
    assert_eq!((books.waiting_verdicts(), books.next_deadline()), (0, None));
    assert_eq!(noticed(&deltas, Diagnostic::VerdictForgotten), 1);
    let (at, fact) = work(T0 + age);
    books.apply(at, &fact, &mut deltas);
    books.tick(at + 120 * SECOND, &mut deltas);
    assert_eq!(books.find("t").unwrap().state(), ReviewState::Pending);
}

#[test]
fn f23_verdicts_of_one_name_are_given_up_each_in_its_time() {
    let age = limits::WAITING_VERDICT_MS * 1_000_000;
    let facts = [
        said("v", Judgement::Rejected, T0, |_| {}),
        said("w", Judgement::Accepted, T0 + DAY, |_| {}),
        said("x", Judgement::Edited, T0 + DAY, |_| {}),
    ];
    for (days, left) in [(0, 2), (1, 0)] {
        let (books, deltas) = run(Settings::default(), &facts, T0 + age + days * DAY);
        assert_eq!((books.waiting("t").count(), books.waiting_verdicts()), (left, left));
        let gone = noticed(&deltas, Diagnostic::VerdictForgotten);
        assert_eq!(gone, 3 - left as u64);
    }
}

#[test]
fn f22_flip_flops_are_all_counted_and_the_last_one_holds() {
    let ids: Vec<String> = (0..200).map(|number| format!("v{number}")).collect();
    let judgement =
        |number: usize| [Judgement::Accepted, Judgement::Rejected, Judgement::Defect][number % 3];
    let mut facts = vec![work(T0)];
    for (number, id) in ids.iter().enumerate() {
        let at = T0 + DAY + number as u64 * SECOND;
        facts.push((at, Fact::Verdict(verdict(id, "t", judgement(number), at))));
    }
    let (books, deltas) = run(Settings::default(), &facts, T0 + 3 * DAY);
    // The 200th is a rejection.
    assert_eq!(books.find("t").unwrap().state(), ReviewState::Rejected);
    assert_eq!(books.find("t").unwrap().verdicts().len(), limits::TASK_VERDICTS_MAX);
    let count = |wanted: fn(&Delta) -> bool| deltas.iter().filter(|delta| wanted(delta)).count();
    assert_eq!(count(|delta| matches!(delta, Delta::Verdict(_))), 200);
    let outcomes = count(|delta| matches!(delta, Delta::Outcome(_)));
    let left = count(|delta| matches!(delta, Delta::Reclassified { .. }));
    assert_eq!(outcomes, left + 1, "each state but the last was left");
    let settled: Vec<_> = deltas
        .iter()
        .filter_map(|delta| match delta {
            Delta::Settled { amount, .. } => Some(*amount),
            _ => None,
        })
        .collect();
    assert_eq!(settled, [cents(10)], "each dollar settles once");
}

#[test]
fn i12_revert_of_revert_serves_again() {
    let mut facts = vec![
        work(T0),
        said("merge", Judgement::Accepted, T0 + DAY, |_| {}),
        said("revert", Judgement::Defect, T0 + 2 * DAY, |said| said.source = SourceKind::System),
    ];
    let state = |facts: &[(u64, Fact<'_>)]| {
        let (books, deltas) = run(Settings::default(), facts, T0 + 10 * DAY);
        let defects = deltas.iter().filter(|delta| matches!(delta, Delta::Defect { .. })).count();
        let task = books.find("t").unwrap();
        (task.state(), task.decided(), defects)
    };
    assert_eq!(state(&facts), (ReviewState::Defect, T0 + 2 * DAY, 1));
    let again = |said: &mut countersign_core::fact::Verdict<'static>| {
        said.source = SourceKind::System;
    };
    facts.push(said("revert of the revert", Judgement::Accepted, T0 + 3 * DAY, again));
    assert_eq!(state(&facts), (ReviewState::Accepted, T0 + 3 * DAY, 1));
    // The defect is counted again only when it comes back again.
    facts.push(said("and again", Judgement::Defect, T0 + 4 * DAY, again));
    assert_eq!(state(&facts), (ReviewState::Defect, T0 + 4 * DAY, 2));
    // A program's tests are not enough to serve what a person's system took back.
    facts.push(said("checks", Judgement::Accepted, T0 + 5 * DAY, |said| {
        said.source = SourceKind::Code;
    }));
    assert_eq!(state(&facts), (ReviewState::Defect, T0 + 4 * DAY, 2));
}

#[test]
fn i3_counters_rise_whatever_is_taken_back() {
    let facts = [
        work(T0),
        said("a", Judgement::Accepted, T0 + DAY, |_| {}),
        said("b", Judgement::Rejected, T0 + 2 * DAY, |_| {}),
        said("c", Judgement::Edited, T0 + 3 * DAY, |_| {}),
        said("d", Judgement::Defect, T0 + 4 * DAY, |_| {}),
        said("e", Judgement::Escalated, T0 + 5 * DAY, |_| {}),
        said("f", Judgement::Withdrawn, T0 + 6 * DAY, |_| {}),
    ];
    use countersign_core::tally::{Kind, Tally, Value};
    let (mut books, mut tally) = (Books::new(Settings::default()), Tally::default());
    let mut last = std::collections::BTreeMap::new();
    for (at, fact) in &facts {
        let mut deltas = Vec::new();
        books.apply(*at, fact, &mut deltas);
        deltas.iter().for_each(|delta| tally.apply(*at, delta));
        let mut now = std::collections::BTreeMap::new();
        tally.visit(&books, *at, &mut |series| {
            let value = match series.value {
                Value::Count(count) => i128::from(count),
                Value::Money(money) => money.pico(),
                Value::Histogram(histogram) => i128::from(histogram.count),
                _ => return,
            };
            if series.metric.kind != Kind::Gauge {
                now.insert(format!("{} {:?}", series.metric.name, series.attributes), value);
            }
        });
        for (series, before) in &last {
            assert!(now[series] >= *before, "{series}");
        }
        last = now;
    }
}

#[test]
fn escalated_withdrawn_and_expired_work_can_be_served_later() {
    for first in [Judgement::Escalated, Judgement::Withdrawn, Judgement::Rejected] {
        let facts = [
            work(T0),
            said("a", first, T0 + DAY, |_| {}),
            said("b", Judgement::Accepted, T0 + 2 * DAY, |_| {}),
        ];
        let (books, deltas) = run(Settings::default(), &facts, T0 + 3 * DAY);
        assert_eq!(books.find("t").unwrap().state(), ReviewState::Accepted);
        let from = ReviewState::from(first);
        let moved = deltas.iter().any(|delta| {
            matches!(delta, Delta::Reclassified { from: left, to: ReviewState::Accepted, .. }
                if *left == from)
        });
        assert!(moved, "{first:?}");
    }
    let facts = [work(T0), said("a", Judgement::Edited, T0 + 50 * DAY, |_| {})];
    let (books, deltas) = run(Settings::default(), &facts, T0 + 51 * DAY);
    assert_eq!(books.find("t").unwrap().state(), ReviewState::Edited);
    assert_eq!(noticed(&deltas, Diagnostic::TaskExpired), 1);
}

#[test]
fn f38_sums_stay_at_the_greatest_number() {
    let huge = Usage {
        input: u64::MAX / 2 + 1,
        cache_read: u64::MAX,
        cache_write: u64::MAX,
        output: u64::MAX,
        reasoning: u64::MAX,
    };
    let mut facts = Vec::new();
    for trace in 1..4 {
        let mut made = call(trace, 1, 0, "t", cents(1));
        made.usage = Some(huge);
        (made.retries.transport, made.retries.step) = (u32::MAX, u32::MAX);
        facts.push((T0, Fact::Call(made)));
    }
    let (books, _) = run(Settings::default(), &facts, T0 + DAY);
    assert_eq!(books.totals().usage.input, u64::MAX);
    assert_eq!(books.find("t").unwrap().retries().transport, u32::MAX);
    assert_eq!(books.totals().incurred, cents(3));
}

#[test]
fn the_four_layers_of_retries_are_kept_apart() {
    let mut first = call(1, 1, 0, "t", cents(10));
    first.retries.transport = 2;
    let mut again = call(2, 1, 0, "t", cents(5));
    (again.retries.regeneration, again.identity.attempt) = (1, 2);
    let mut reworked = call(3, 1, 0, "t", cents(7));
    (reworked.identity.round, reworked.identity.attempt) = (2, 3);
    let facts = [
        (T0, Fact::Call(first)),
        (T0, Fact::Call(again)),
        (T0, Fact::Call(reworked)),
        said("a", Judgement::Rejected, T0 + DAY, |_| {}),
        said("b", Judgement::Rejected, T0 + 2 * DAY, |_| {}),
        said("c", Judgement::Accepted, T0 + 3 * DAY, |_| {}),
    ];
    let (books, _) = run(Settings::default(), &facts, T0 + 4 * DAY);
    let task = books.find("t").unwrap();
    let retries = task.retries();
    assert_eq!((retries.transport, retries.step, retries.regeneration), (2, 0, 1));
    assert_eq!((task.attempts(), task.rounds()), (3, 3), "two came back, the third was taken");
    let stages: Vec<_> = task.lines().iter().map(|line| (line.stage.as_str(), line.cost)).collect();
    assert_eq!(stages, [("first", cents(10)), ("retry", cents(5)), ("rework", cents(7))]);
}
