//! Scripts of facts in, books and deltas out.

use countersign_core::delta::Delta;
use countersign_core::diagnostic::Diagnostic;
use countersign_core::fact::{
    Basis, Call, Cost, CostSource, Fact, Identity, Judgement, Link, Links, Measure, Place, Point,
    Rank, ReviewState, Role, SourceKind, Step, StepKind, Temporality, Usage, Verdict,
};
use countersign_core::key::{Key, SpanId, TraceId};
use countersign_core::money::Money;
use countersign_core::settle::{Books, Reported, Settings, Totals};

pub(crate) const SECOND: u64 = 1_000_000_000;
pub(crate) const DAY: u64 = 86_400 * SECOND;
/// 2026-11-02 00:00:00 UTC, a Monday.
pub(crate) const T0: u64 = 1_793_577_600 * SECOND;

pub(crate) fn cents(cents: u64) -> Money {
    Money::from_pico(10_000_000_000).times(cents)
}

pub(crate) fn call(trace: u128, span: u64, parent: u64, task: &str, cost: Money) -> Call<'_> {
    Call {
        place: Place { trace: TraceId(trace), span: SpanId(span), parent: SpanId(parent) },
        record: Key::of_span(TraceId(trace), SpanId(span)),
        service: Key::of("agent"),
        identity: Identity { task, workflow: "pr-review", ..Identity::default() },
        start: T0,
        end: T0 + SECOND,
        model: "gpt-4o",
        provider: "openai",
        operation: "chat",
        usage: Some(Usage { input: 100, output: 10, ..Usage::default() }),
        cost: Cost::Priced(cost, CostSource::Reported),
        ..Call::default()
    }
}

pub(crate) fn verdict<'a>(id: &str, task: &'a str, judgement: Judgement, at: u64) -> Verdict<'a> {
    Verdict {
        id: Key::of(id),
        task,
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
    }
}

/// Applies the facts a second apart, then lets two minutes pass.
pub(crate) fn books(facts: &[Fact<'_>]) -> (Books, Vec<Delta>) {
    let mut books = Books::new(Settings::default());
    let mut deltas = Vec::new();
    let mut now = T0;
    for fact in facts {
        now += SECOND / 10;
        books.apply(now, fact, &mut deltas);
    }
    books.tick(now + 120 * SECOND, &mut deltas);
    assert_eq!(books.booked_to(), books.position());
    (books, deltas)
}

pub(crate) fn totals(facts: &[Fact<'_>]) -> Totals {
    books(facts).0.totals().clone()
}

/// The ten tasks of the worked example: id, cost in cents of first pass, retry and rework,
/// verdicts, minutes of review.
pub(crate) type Row = (&'static str, [u64; 3], &'static [Judgement], u64);
pub(crate) const WORKED: &[Row] = {
    use Judgement::{Accepted, Edited, Escalated, Rejected, Withdrawn};
    &[
        ("u1", [100, 0, 0], &[Accepted], 5),
        ("u2", [100, 20, 0], &[Accepted], 5),
        ("u3", [100, 0, 0], &[Accepted], 5),
        ("u4", [100, 0, 150], &[Rejected, Accepted], 12),
        ("u5", [100, 0, 0], &[Edited], 15),
        ("u6", [100, 20, 0], &[Rejected], 8),
        ("u7", [100, 0, 150], &[Rejected, Rejected], 10),
        ("u8", [100, 0, 0], &[Escalated], 6),
        ("u9", [60, 0, 0], &[Withdrawn], 0),
        ("u10", [100, 0, 0], &[], 0),
    ]
};

pub(crate) fn worked() -> Vec<Fact<'static>> {
    let mut facts = Vec::new();
    for (number, (task, costs, verdicts, minutes)) in WORKED.iter().enumerate() {
        let trace = 1000 + number as u128;
        for (part, cost) in costs.iter().enumerate().filter(|(_, cost)| **cost > 0) {
            let mut made = call(trace, 1 + part as u64, 9, task, cents(*cost));
            made.retries.regeneration = u32::from(part == 1);
            made.identity.round = if part == 2 { 2 } else { 1 };
            facts.push(Fact::Call(made));
        }
        let root = Link { span: SpanId(9), parent: SpanId::NONE };
        facts.push(Fact::Links(Links { trace: TraceId(trace), links: vec![root] }));
        for (round, judgement) in verdicts.iter().enumerate() {
            let at = T0 + DAY * (1 + round as u64);
            let id = format!("{task}-{round}");
            let mut said = verdict(&id, task, *judgement, at);
            said.round = 1 + round as u32;
            let last = round + 1 == verdicts.len();
            said.review_ms = last.then_some(minutes * 60_000);
            facts.push(Fact::Verdict(said));
        }
    }
    facts
}

#[test]
fn i10_the_worked_example_comes_out_to_the_cent() {
    let totals = totals(&worked());
    assert_eq!(totals.incurred, cents(1300));
    assert_eq!(totals.settled, cents(1200));
    assert_eq!(totals.pending, cents(100));
    assert_eq!(totals.unattributed, Money::ZERO);
    assert_eq!(totals.review, cents(9900));
    let states = ReviewState::ALL.map(|state| totals.tasks_in(state));
    assert_eq!(states, [1, 4, 1, 2, 1, 1, 0, 0]);
}

#[test]
fn i1_incurred_is_settled_pending_and_unattributed() {
    let mut facts = worked();
    facts.push(Fact::Verdict(verdict("revert", "u3", Judgement::Defect, T0 + 9 * DAY)));
    let mut books = Books::new(Settings::default());
    let mut deltas = Vec::new();
    let (mut now, mut sums) = (T0, [Money::ZERO; 3]);
    for fact in &facts {
        now += 7 * SECOND;
        books.apply(now, fact, &mut deltas);
        let totals = books.totals();
        assert_eq!(totals.incurred, totals.settled + totals.pending + totals.unattributed);
        let now = [totals.incurred, totals.settled, totals.review];
        assert!(now.iter().zip(sums).all(|(now, before)| *now >= before));
        sums = now;
    }
    assert_ne!(sums[0], Money::ZERO);
}

#[test]
fn a_revert_is_a_defect_and_a_revert_of_it_serves_again() {
    let mut facts = worked();
    facts.push(Fact::Verdict(verdict("revert", "u3", Judgement::Defect, T0 + 9 * DAY)));
    let reverted = totals(&facts);
    assert_eq!(reverted.tasks_in(ReviewState::Accepted), 3);
    assert_eq!(reverted.tasks_in(ReviewState::Defect), 1);
    assert_eq!(reverted.settled, cents(1200));
    facts.push(Fact::Verdict(verdict("again", "u3", Judgement::Accepted, T0 + 10 * DAY)));
    assert_eq!(totals(&facts).tasks_in(ReviewState::Accepted), 4);
}

#[test]
fn i2_order_and_repetition_change_nothing() {
    let facts = worked();
    let expected = totals(&facts);
    let mut state = 7_u64;
    for _ in 0..50 {
        let mut shuffled: Vec<Fact<'_>> = facts.iter().chain(&facts).cloned().collect();
        for index in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shuffled.swap(index, (state >> 33) as usize % (index + 1));
        }
        assert_eq!(totals(&shuffled), expected);
    }
}

#[test]
fn an_agent_that_sums_up_its_calls_is_no_call() {
    let mut agent = call(1, 1, 0, "", cents(30));
    agent.role = Role::Sum;
    let (first, second) = (call(1, 3, 2, "", cents(10)), call(1, 4, 2, "", cents(20)));
    let step =
        Links { trace: TraceId(1), links: vec![Link { span: SpanId(2), parent: SpanId(1) }] };
    let (agent, first, second) = (Fact::Call(agent), Fact::Call(first), Fact::Call(second));
    let nested = totals(&[agent.clone(), Fact::Links(step), second, first]);
    assert_eq!((nested.calls_ok, nested.incurred), (2, cents(30)));
    let alone = totals(&[agent]);
    assert_eq!((alone.calls_ok, alone.incurred), (1, cents(30)));
}

#[test]
fn a_sum_over_calls_without_usage_carries_the_usage_but_is_no_call() {
    let mut agent = call(1, 1, 0, "", cents(30));
    agent.role = Role::Sum;
    let mut inner = call(1, 2, 1, "", Money::ZERO);
    (inner.usage, inner.cost) = (None, Cost::Unknown);
    let totals = totals(&[Fact::Call(inner), Fact::Call(agent)]);
    assert_eq!((totals.calls_ok, totals.usage.input, totals.incurred), (1, 100, cents(30)));
}

#[test]
fn one_response_seen_in_two_traces_is_one_call_of_one_task() {
    let mut near = call(1, 1, 0, "", cents(10));
    near.response = Key::of("resp-1");
    let mut far = call(2, 1, 0, "", cents(11));
    (far.response, far.distance) = (Key::of("resp-1"), 1);
    for facts in [
        [Fact::Call(near.clone()), Fact::Call(far.clone())],
        [Fact::Call(far.clone()), Fact::Call(near.clone())],
    ] {
        let (books, _) = books(&facts);
        assert_eq!(books.totals().incurred, cents(10));
        assert_eq!(books.tasks().count(), 1);
        let (one, two) = (format!("{:032x}", 1), format!("{:032x}", 2));
        let found = |alias: &str| books.find(alias).map(|task| task.index());
        assert!(found(&one).is_some());
        assert_eq!(found(&one), found(&two));
        assert_eq!(found(&one), found("resp-1"));
    }
}

#[test]
fn logs_that_repeat_spans_are_dropped_and_count_where_there_are_no_spans() {
    let span = call(1, 1, 0, "", cents(10));
    let mut log = call(1, 7, 0, "", cents(10));
    (log.rank, log.record) = (Rank::LOG, Key::of("log-1"));
    let both = [Fact::Call(log.clone()), Fact::Call(span)];
    assert_eq!(totals(&both).incurred, cents(10));
    let alone = totals(&[Fact::Call(log)]);
    assert_eq!((alone.incurred, alone.calls_ok), (cents(10), 1));
}

#[test]
fn a_task_that_nobody_judges_expires_and_may_be_judged_later() {
    let (mut books, mut deltas) = books(&[Fact::Call(call(1, 1, 0, "t", cents(10)))]);
    books.tick(T0 + 15 * DAY, &mut deltas);
    assert_eq!(books.totals().tasks_in(ReviewState::Expired), 1);
    assert_eq!(books.totals().settled, cents(10));
    let late = verdict("v", "t", Judgement::Accepted, T0 + 20 * DAY);
    books.apply(T0 + 20 * DAY, &Fact::Verdict(late), &mut deltas);
    assert_eq!(books.totals().tasks_in(ReviewState::Accepted), 1);
    let moved = |delta: &Delta| {
        matches!(
            delta,
            Delta::CostReclassified { from: ReviewState::Expired, to: ReviewState::Accepted, .. }
        )
    };
    assert_eq!(deltas.iter().filter(|delta| moved(delta)).count(), 1);
}

#[test]
fn tasks_that_name_one_pull_request_are_one_task() {
    let url = "https://example.org/o/r/pull/7";
    let with_url = |trace, task| {
        let mut made = call(trace, 1, 0, task, cents(10));
        made.identity.artifact = url;
        Fact::Call(made)
    };
    let facts = [
        Fact::Verdict(verdict("v", url, Judgement::Accepted, T0 + DAY)),
        with_url(1, "a"),
        with_url(2, "b"),
    ];
    let (books, _) = books(&facts);
    let task = books.find(url).unwrap();
    assert_eq!((task.state(), task.cost()), (ReviewState::Accepted, cents(20)));
    assert_eq!(books.find("a").unwrap().index(), books.find("b").unwrap().index());
    assert_eq!(books.totals().tasks_in(ReviewState::Accepted), 1);
    assert_eq!(books.totals().settled, cents(20));
}

#[test]
fn spans_without_a_task_id_join_the_task_of_their_trace_or_conversation() {
    let mut unnamed = call(1, 2, 1, "", cents(5));
    unnamed.identity.conversation = "conv";
    let step = Step {
        kind: StepKind::Task,
        place: Place { trace: TraceId(1), span: SpanId(1), parent: SpanId::NONE },
        identity: Identity { task: "t", ..Identity::default() },
        ..Step::default()
    };
    let mut elsewhere = call(2, 1, 0, "", cents(7));
    elsewhere.identity.conversation = "conv";
    let facts = [Fact::Call(elsewhere), Fact::Call(unnamed), Fact::Step(step)];
    let (books, _) = books(&facts);
    assert_eq!(books.find("t").unwrap().cost(), cents(12));
    assert_eq!(books.tasks().count(), 1);
}

#[test]
fn a_late_parent_of_booked_calls_is_their_sum() {
    let (mut books, mut deltas) = books(&[Fact::Call(call(1, 2, 1, "t", cents(10)))]);
    let mut agent = call(1, 1, 0, "t", cents(10));
    agent.role = Role::Sum;
    let now = T0 + 600 * SECOND;
    books.apply(now, &Fact::Call(agent), &mut deltas);
    books.tick(now + 60 * SECOND, &mut deltas);
    assert_eq!(books.totals().incurred, cents(10));
}

#[test]
fn a_metric_counts_alone_and_cached_tokens_are_a_discount() {
    let point = |measure, rate: i128, time| {
        Fact::Point(Point {
            rank: Rank::METRIC,
            service: Key::of("agent"),
            series: Key::of(&format!("{rate}")),
            temporality: Temporality::Cumulative,
            start: T0,
            time,
            measure,
            rate: Some(Money::from_pico(rate)),
            identity: Identity { conversation: "conv", ..Identity::default() },
            model: "gpt-4o",
            provider: "openai",
            operation: "chat",
            error: "",
        })
    };
    let facts = [
        point(Measure::Input(1000), 10, T0 + 1),
        point(Measure::CacheRead(400), -5, T0 + 1),
        point(Measure::Input(1000), 10, T0 + 2),
        point(Measure::Input(1100), 10, T0 + 3),
        point(Measure::CacheRead(500), -5, T0 + 3),
    ];
    let (mut books, mut deltas) = (Books::new(Settings::default()), Vec::new());
    // Each export is one request: its points arrive at one time.
    for (export, points) in [&facts[..2], &facts[2..3], &facts[3..]].into_iter().enumerate() {
        for point in points {
            books.apply(T0 + export as u64 * SECOND, point, &mut deltas);
        }
    }
    books.tick(T0 + 120 * SECOND, &mut deltas);
    assert_eq!(books.totals().usage.input, 1100);
    assert_eq!(books.totals().usage.cache_read, 500);
    let falls =
        |delta: &Delta| matches!(delta, Delta::Incurred { amount, .. } if *amount < Money::ZERO);
    assert!(!deltas.iter().any(falls));
    assert_eq!(books.totals().incurred, Money::from_pico(11_000 - 2_500));
    let span = call(9, 1, 0, "", cents(1));
    let with_span: Vec<Fact<'_>> = facts.iter().cloned().chain([Fact::Call(span)]).collect();
    assert_eq!(totals(&with_span).incurred, cents(1));
}

#[test]
fn reported_cost_is_booked_and_the_listed_one_kept_beside_it() {
    let dear = Call { listed: Some(cents(3)), ..call(1, 1, 0, "task-1", cents(5)) };
    let cheap = Call { listed: Some(cents(3)), ..call(2, 1, 0, "task-1", cents(2)) };
    let unlisted = call(3, 1, 0, "task-1", cents(1));
    let catalog = Cost::Priced(cents(7), CostSource::Catalog);
    let priced = Call { cost: catalog, ..call(4, 1, 0, "task-1", cents(0)) };
    let facts = [&dear, &dear, &cheap, &unlisted, &priced].map(|call| Fact::Call(call.clone()));
    let (books, _) = books(&facts);
    assert_eq!(books.totals().incurred, cents(15));
    let reported: Vec<_> = books.reported().collect();
    let expected = Reported { calls: 2, cost: cents(7), listed: cents(6), unlisted_calls: 1 };
    assert_eq!(reported, [("gpt-4o", &expected)]);
}

#[test]
fn of_two_contents_of_one_span_the_one_that_ended_last_counts() {
    let early = call(1, 1, 0, "t", cents(10));
    let mut late = call(1, 1, 0, "t", cents(12));
    late.end += SECOND;
    let conflict =
        |delta: &&Delta| matches!(delta, Delta::Noticed { what: Diagnostic::Conflict, count: 1 });
    for facts in [[&early, &late, &early], [&late, &early, &late], [&early, &early, &late]] {
        let (books, deltas) = books(&facts.map(|call| Fact::Call(call.clone())));
        assert_eq!(books.totals().incurred, cents(12));
        assert_eq!(books.totals().calls_ok, 1);
        assert!(deltas.iter().filter(conflict).count() >= 1);
    }
    let (_, deltas) = books(&[Fact::Call(early.clone()), Fact::Call(early.clone())]);
    assert_eq!(deltas.iter().filter(conflict).count(), 0);
}
