//! Names of one task that a system outside knows: in any order with the work and its verdicts.

use countersign_core::fact::{
    Alias, Basis, Call, Cost, CostSource, Fact, Identity, Judgement, Place, ReviewState,
    SourceKind, Tie, Verdict, branch_name, commit_name,
};
use countersign_core::key::{Key, SpanId, TraceId};
use countersign_core::money::Money;
use countersign_core::settle::{Books, Confidence, Settings};

const SECOND: u64 = 1_000_000_000;
const T0: u64 = 1_793_577_600 * SECOND;
const REPOSITORY: &str = "https://github.com/acme/api";
const CHANGE: &str = "https://github.com/acme/api/pull/7";

fn call(trace: u128, identity: Identity<'static>) -> Fact<'static> {
    Fact::Call(Call {
        place: Place { trace: TraceId(trace), span: SpanId(1), parent: SpanId(0) },
        record: Key::of_span(TraceId(trace), SpanId(1)),
        service: Key::of("agent"),
        identity,
        start: T0,
        end: T0 + SECOND,
        model: "gpt-4o",
        cost: Cost::Priced(Money::DOLLAR, CostSource::Reported),
        ..Call::default()
    })
}

fn merged(task: &'static str) -> Fact<'static> {
    said(task, Judgement::Accepted, SourceKind::Human, Basis::Explicit, 9)
}

fn said(
    task: &'static str,
    judgement: Judgement,
    source: SourceKind,
    basis: Basis,
    second: u64,
) -> Fact<'static> {
    Fact::Verdict(Verdict {
        id: Key::of_parts(&[task, judgement.as_str(), &second.to_string()]),
        task,
        trace: TraceId::NONE,
        judgement,
        effective: T0 + second * SECOND,
        source,
        system: "github",
        basis,
        round: 0,
        supersedes: Key::NONE,
        reason: "",
        edit_ppm: None,
        review_ms: None,
        policy_version: "",
    })
}

fn alias(name: &'static str, tie: Tie) -> Fact<'static> {
    Fact::Alias(Alias { task: CHANGE, name, tie })
}

/// Applies the facts in every order; the books must come out the same.
fn in_every_order(facts: &[Fact<'_>], check: impl Fn(&Books)) {
    for order in 0..facts.len() {
        for backwards in [false, true] {
            let mut books = Books::new(Settings::default());
            let mut deltas = Vec::new();
            let mut turned: Vec<_> = facts.iter().cycle().skip(order).take(facts.len()).collect();
            if backwards {
                turned.reverse();
            }
            for (fact, now) in turned.into_iter().zip(1_u64..) {
                books.apply(T0 + now * SECOND, fact, &mut deltas);
            }
            books.tick(T0 + 300 * SECOND, &mut deltas);
            check(&books);
        }
    }
}

#[test]
fn a_change_is_the_task_that_it_names() {
    let work = call(1, Identity { task: "fix-login", ..Identity::default() });
    in_every_order(&[work, alias("fix-login", Tie::Identity), merged(CHANGE)], |books| {
        assert_eq!(books.tasks().count(), 1);
        let task = books.find(CHANGE).expect("it was tied");
        assert_eq!((&*task.id(), task.state()), ("fix-login", ReviewState::Accepted));
        assert_eq!(task.aliases().collect::<Vec<_>>(), [CHANGE]);
        assert_eq!(task.confidence(), Confidence::Explicit);
    });
}

#[test]
fn work_on_a_branch_is_found_by_the_branch_of_its_change() {
    let on_branch = Identity {
        repository: "git@github.com:acme/api.git",
        branch: "agent/fix",
        ..Identity::default()
    };
    let branch = branch_name(REPOSITORY, "refs/heads/agent/fix").unwrap().leak();
    let facts = [
        call(1, on_branch),
        call(2, on_branch),
        alias(branch, Tie::Container),
        merged(CHANGE),
        alias("https://github.com/acme/api#7", Tie::Identity),
    ];
    in_every_order(&facts, |books| {
        assert_eq!(books.tasks().count(), 1);
        let task = books.find("https://github.com/acme/api#7").expect("it was tied");
        assert_eq!(task.state(), ReviewState::Accepted);
        assert_eq!(task.cost(), Money::DOLLAR.times(2));
        assert_eq!(task.confidence(), Confidence::Heuristic);
    });
}

#[test]
fn nobody_is_known_by_the_branch_that_all_begin_at() {
    assert_eq!(branch_name(REPOSITORY, "main"), None);
    let on_main = Identity {
        repository: "https://github.com/acme/api",
        branch: "main",
        ..Identity::default()
    };
    in_every_order(&[call(1, on_main), call(2, on_main)], |books| {
        assert_eq!(books.tasks().count(), 2);
    });
}

#[test]
fn names_that_meet_nobody_make_no_task() {
    let sha = commit_name(REPOSITORY, "9f2c").leak();
    let facts = [alias(sha, Tie::Identity), alias("nobody", Tie::Identity), merged(CHANGE)];
    in_every_order(&facts, |books| {
        assert_eq!((books.tasks().count(), books.waiting_verdicts()), (0, 1));
    });
}

#[test]
fn two_tasks_with_one_change_are_one() {
    let facts = [
        call(1, Identity { task: "a", ..Identity::default() }),
        call(2, Identity { artifact: CHANGE, ..Identity::default() }),
        alias("a", Tie::Identity),
        merged("a"),
    ];
    in_every_order(&facts, |books| {
        assert_eq!(books.tasks().count(), 1);
        let task = books.find(CHANGE).expect("it was tied");
        assert_eq!((task.state(), task.cost()), (ReviewState::Accepted, Money::DOLLAR.times(2)));
    });
}

#[test]
fn what_people_changed_before_it_was_accepted_is_edited() {
    let work = || call(1, Identity { task: "a", ..Identity::default() });
    let changed = |second| said("a", Judgement::Edited, SourceKind::Code, Basis::Implicit, second);
    for (facts, state) in [
        (vec![work(), changed(5)], ReviewState::Pending),
        (vec![work(), changed(5), merged("a")], ReviewState::Edited),
        (vec![work(), merged("a"), changed(12)], ReviewState::Accepted),
    ] {
        in_every_order(&facts, |books| {
            let task = books.find("a").expect("it is there");
            assert_eq!((task.state(), task.rounds()), (state, 1));
        });
    }
}

#[test]
fn what_is_given_up_after_it_was_sent_back_was_rejected() {
    let work = || call(1, Identity { task: "a", ..Identity::default() });
    let sent_back = || said("a", Judgement::Rejected, SourceKind::Human, Basis::Explicit, 5);
    let given_up = |basis| said("a", Judgement::Withdrawn, SourceKind::Human, basis, 9);
    for (facts, state) in [
        (vec![work(), given_up(Basis::Implicit)], ReviewState::Withdrawn),
        (vec![work(), sent_back(), given_up(Basis::Implicit)], ReviewState::Rejected),
        (vec![work(), sent_back(), given_up(Basis::Explicit)], ReviewState::Withdrawn),
    ] {
        in_every_order(&facts, |books| {
            assert_eq!(books.find("a").expect("it is there").state(), state);
        });
    }
}
