//! Confirm windows: when served work is provisional, when it is confirmed, and what the gauges
//! say meanwhile.

use countersign_core::delta::Delta;
use countersign_core::fact::{Basis, Fact, Judgement, ReviewState, SourceKind, Verdict};
use countersign_core::money::Money;
use countersign_core::settle::{Books, Settings, Standing};

use crate::cohorts::check_against_tasks;
use crate::settle::{DAY, SECOND, T0, call, cents, verdict};

const HOUR: u64 = 3600 * SECOND;

/// What the deltas leave in the gauge of provisional tasks, by basis, and the windows that ended.
fn gauges(deltas: &[Delta]) -> ([(i64, Money); 3], usize) {
    let mut gauges = [(0, Money::ZERO); 3];
    let mut confirmed = 0;
    for delta in deltas {
        match delta {
            Delta::Provisional { basis, tasks, cost, .. } => {
                let place = Basis::ALL.iter().position(|known| known == basis).unwrap();
                gauges[place].0 += tasks;
                gauges[place].1 += *cost;
            }
            Delta::Confirmed { .. } => confirmed += 1,
            _ => {}
        }
    }
    (gauges, confirmed)
}

/// Facts at their times, then time until `end`.
pub(crate) fn run(settings: Settings, facts: &[(u64, Fact<'_>)], end: u64) -> (Books, Vec<Delta>) {
    let mut books = Books::new(settings);
    let mut deltas = Vec::new();
    for (at, fact) in facts {
        books.apply(*at, fact, &mut deltas);
    }
    books.tick(end, &mut deltas);
    (books, deltas)
}

fn work() -> (u64, Fact<'static>) {
    (T0, Fact::Call(call(1, 1, 0, "t", cents(10))))
}

pub(crate) fn said(
    id: &'static str,
    judgement: Judgement,
    at: u64,
    change: impl FnOnce(&mut Verdict<'static>),
) -> (u64, Fact<'static>) {
    let mut said = verdict(id, "t", judgement, at);
    change(&mut said);
    (at, Fact::Verdict(said))
}

fn standing(books: &Books) -> Standing {
    books.find("t").unwrap().standing()
}

#[test]
fn an_assumed_acceptance_counts_after_its_window_and_settles_at_once() {
    let at = T0 + DAY;
    let assumed = said("v", Judgement::Accepted, at, |said| {
        (said.basis, said.system, said.source) = (Basis::Assumed, "zendesk", SourceKind::System);
    });
    let facts = [work(), assumed];
    let (books, deltas) = run(Settings::default(), &facts, at + 72 * HOUR - 1);
    assert!(standing(&books).is_unconfirmed());
    assert_eq!(books.totals().settled, cents(10));
    assert_eq!(books.totals().tasks_in(ReviewState::Accepted), 1);
    let none = (0, Money::ZERO);
    assert_eq!(gauges(&deltas), ([none, none, (1, cents(10))], 0));

    let (books, deltas) = run(Settings::default(), &facts, at + 72 * HOUR);
    assert_eq!(standing(&books), Standing::Confirmed);
    assert_eq!(gauges(&deltas), ([none; 3], 1));
    let outcomes = deltas.iter().filter(|delta| matches!(delta, Delta::Outcome(_))).count();
    assert_eq!(outcomes, 1, "confirming is no second outcome");
}

#[test]
fn windows_are_those_of_the_workflow_or_of_what_is_judged() {
    let by_workflow = |window| Settings {
        confirm_ms_by_workflow: vec![("pr-review".into(), window)],
        ..Settings::default()
    };
    let everywhere = Settings { confirm_ms: Some(3_600_000), ..Settings::default() };
    for (settings, system, window) in [
        (Settings::default(), "github", 14 * DAY),
        (Settings::default(), "", 14 * DAY),
        (Settings::default(), "jira", 3 * DAY),
        (Settings::default(), "pagerduty", DAY),
        (by_workflow(60_000), "jira", 60 * SECOND),
        (everywhere.clone(), "github", HOUR),
        (Settings { confirm_ms: everywhere.confirm_ms, ..by_workflow(0) }, "github", 0),
    ] {
        let at = T0 + DAY;
        let facts = [work(), said("v", Judgement::Edited, at, |said| said.system = system)];
        let (books, _) = run(settings, &facts, at);
        let until = match standing(&books) {
            Standing::Provisional { until, basis: Basis::Explicit } => until - at,
            Standing::Confirmed => 0,
            other => panic!("{system}: {other:?}"),
        };
        assert_eq!(until, window, "{system}");
    }
}

#[test]
fn a_reopen_within_the_window_leaves_nothing_to_confirm() {
    let facts = [
        work(),
        said("v", Judgement::Accepted, T0 + DAY, |said| said.basis = Basis::Implicit),
        said("w", Judgement::Defect, T0 + 2 * DAY, |_| {}),
    ];
    let (books, deltas) = run(Settings::default(), &facts, T0 + 60 * DAY);
    assert_eq!(standing(&books), Standing::Unserved);
    assert_eq!(gauges(&deltas), ([(0, Money::ZERO); 3], 0));
}

#[test]
fn a_window_begins_anew_when_the_work_is_served_again() {
    let facts = [
        work(),
        said("v", Judgement::Accepted, T0 + DAY, |_| {}),
        said("w", Judgement::Defect, T0 + 2 * DAY, |_| {}),
        said("x", Judgement::Accepted, T0 + 10 * DAY, |_| {}),
        // Saying it once more changes nothing.
        said("y", Judgement::Accepted, T0 + 12 * DAY, |_| {}),
    ];
    let (books, _) = run(Settings::default(), &facts, T0 + 15 * DAY);
    let until = T0 + 24 * DAY;
    assert_eq!(standing(&books), Standing::Provisional { basis: Basis::Explicit, until });
    let (books, deltas) = run(Settings::default(), &facts, until);
    assert_eq!(standing(&books), Standing::Confirmed);
    assert_eq!(gauges(&deltas), ([(0, Money::ZERO); 3], 1));
}

#[test]
fn a_silence_that_somebody_confirms_counts_at_once() {
    let facts = [
        work(),
        said("v", Judgement::Accepted, T0 + DAY, |said| said.basis = Basis::Assumed),
        said("w", Judgement::Accepted, T0 + 2 * DAY, |_| {}),
    ];
    let (books, deltas) = run(Settings::default(), &facts, T0 + 3 * DAY);
    assert!(standing(&books).counts());
    let none = (0, Money::ZERO);
    assert_eq!(gauges(&deltas), ([(1, cents(10)), none, none], 0));
    // The weak word of a program makes no silence of people louder.
    let facts = [
        work(),
        said("v", Judgement::Accepted, T0 + DAY, |said| said.basis = Basis::Assumed),
        said("w", Judgement::Accepted, T0 + 2 * DAY, |said| said.source = SourceKind::Code),
    ];
    let (books, _) = run(Settings::default(), &facts, T0 + 3 * DAY);
    assert!(standing(&books).is_unconfirmed());
}

#[test]
fn a_late_verdict_whose_window_is_over_is_confirmed_when_it_comes() {
    let (at, late) = said("v", Judgement::Accepted, T0 + DAY, |said| said.basis = Basis::Assumed);
    let facts = [work(), (at + 40 * DAY, late)];
    let (books, deltas) = run(Settings::default(), &facts, at + 40 * DAY);
    assert_eq!(standing(&books), Standing::Confirmed);
    assert_eq!(gauges(&deltas), ([(0, Money::ZERO); 3], 1));
}

#[test]
fn late_cost_and_a_new_name_of_the_workflow_move_the_gauges() {
    let mut late = call(2, 1, 0, "t", cents(5));
    late.identity.workflow = "a-better-name";
    let settings = Settings {
        confirm_ms_by_workflow: vec![("a-better-name".into(), 60_000)],
        ..Settings::default()
    };
    let facts = [
        work(),
        said("v", Judgement::Accepted, T0 + DAY, |_| {}),
        (T0 + DAY + SECOND, Fact::Call(late)),
    ];
    let end = T0 + DAY + 20 * SECOND;
    let (books, deltas) = run(settings.clone(), &facts, end);
    let none = (0, Money::ZERO);
    assert_eq!(gauges(&deltas), ([(1, cents(15)), none, none], 0));
    let old = books.names().clone().intern("pr-review");
    let left: i64 = deltas
        .iter()
        .map(|delta| match delta {
            Delta::Provisional { workflow, tasks, .. } if *workflow == old => *tasks,
            _ => 0,
        })
        .sum();
    assert_eq!(left, 0);
    let (_, deltas) = run(settings, &facts, T0 + DAY + 60 * SECOND);
    assert_eq!(gauges(&deltas), ([none; 3], 1), "the new name's window is shorter");
}

/// Two tasks that one pull request makes one, each with what was said of it.
pub(crate) fn merged(
    one: &[(u64, Fact<'static>)],
    other: &[(u64, Fact<'static>)],
) -> (Books, Vec<Delta>) {
    let url = "https://example.org/o/r/pull/7";
    let with_url = |trace, task| {
        let mut made = call(trace, 2, 0, task, cents(1));
        made.identity.artifact = url;
        (T0 + 5 * DAY, Fact::Call(made))
    };
    let mut facts = vec![
        (T0, Fact::Call(call(1, 1, 0, "t", cents(10)))),
        (T0, Fact::Call(call(2, 1, 0, "u", cents(20)))),
    ];
    facts.extend(one.iter().cloned());
    facts.extend(other.iter().cloned().map(|(at, fact)| {
        let Fact::Verdict(said) = fact else { panic!("verdicts only") };
        (at, Fact::Verdict(Verdict { task: "u", ..said }))
    }));
    facts.extend([with_url(1, "t"), with_url(2, "u")]);
    run(Settings::default(), &facts, T0 + 6 * DAY)
}

#[test]
fn merges_take_each_outcome_once_whatever_was_said_on_either_side() {
    let pool = [
        said("a", Judgement::Accepted, T0 + DAY, |_| {}),
        said("b", Judgement::Rejected, T0 + 2 * DAY, |said| said.source = SourceKind::System),
        said("c", Judgement::Defect, T0 + 3 * DAY, |said| said.source = SourceKind::System),
        said("d", Judgement::Edited, T0 + 4 * DAY, |said| said.basis = Basis::Implicit),
    ];
    for of_one in 0..16_u32 {
        for used in 0..16_u32 {
            let pick = |wanted: bool| -> Vec<(u64, Fact<'static>)> {
                let on_one = |place: usize| (of_one >> place & 1 == 1) == wanted;
                let chosen = |place: &usize| used >> place & 1 == 1 && on_one(*place);
                (0..4).filter(chosen).map(|place| pool[place].clone()).collect()
            };
            let (one, other) = (pick(true), pick(false));
            let (books, deltas) = merged(&one, &other);
            let (whole, _) = merged(&[one, other].concat(), &[]);
            let label = format!("{of_one:04b} {used:04b}");
            let (task, expected) = (books.find("u").unwrap(), whole.find("t").unwrap());
            let shown = |task: &countersign_core::settle::TaskView<'_>| {
                (task.state(), task.standing(), task.cost(), task.decided(), task.rounds())
            };
            assert_eq!(shown(&task), shown(&expected), "{label}");
            assert_eq!(books.totals(), whole.totals(), "{label}");
            check_counters(&books, &deltas, &label);
            check_against_tasks(&books, T0 + 6 * DAY);
        }
    }
}

/// The counters of states and defects agree with the one task there is.
fn check_counters(books: &Books, deltas: &[Delta], label: &str) {
    let task = books.find("t").unwrap();
    for state in ReviewState::ALL.into_iter().skip(1) {
        let (mut tasks, mut cost) = (0, Money::ZERO);
        for delta in deltas {
            match delta {
                Delta::Outcome(outcome) if outcome.state == state => tasks += 1,
                Delta::Reclassified { from, .. } if *from == state => tasks -= 1,
                Delta::Settled { state: under, amount, .. } if *under == state => cost += *amount,
                Delta::CostReclassified { from, to, amount, .. } => {
                    if *from == state {
                        cost -= *amount;
                    }
                    if *to == state {
                        cost += *amount;
                    }
                }
                _ => {}
            }
        }
        let there = task.state() == state;
        assert_eq!(tasks, i32::from(there), "{label} {state:?}");
        assert_eq!(cost, if there { task.cost() } else { Money::ZERO }, "{label} {state:?}");
    }
    let defects = deltas.iter().filter(|delta| matches!(delta, Delta::Defect { .. })).count();
    let is_defect = task.state() == ReviewState::Defect;
    assert!(defects <= 1, "{label}: one defect is counted {defects} times");
    assert!(!is_defect || defects == 1, "{label}");
}

#[test]
fn each_contradiction_counts_once_in_any_order() {
    let conflicts = |facts: &[(u64, Fact<'_>)]| -> u64 {
        let (_, deltas) = run(Settings::default(), facts, T0 + 10 * DAY);
        let what = countersign_core::diagnostic::Diagnostic::VerdictConflict;
        deltas
            .iter()
            .map(|delta| match delta {
                Delta::Noticed { what: it, count } if *it == what => *count,
                _ => 0,
            })
            .sum()
    };
    let human = said("a", Judgement::Accepted, T0 + DAY, |_| {});
    let check = |judgement, at, source| {
        said("b", judgement, at, move |said: &mut Verdict<'static>| said.source = source)
    };
    for (other, expected) in [
        (check(Judgement::Rejected, T0 + 2 * DAY, SourceKind::Code), 1),
        (check(Judgement::Rejected, T0 + DAY, SourceKind::System), 1),
        (check(Judgement::Rejected, T0 + DAY, SourceKind::Human), 1),
        // Somebody changed their mind, or was overruled by somebody of more authority.
        (check(Judgement::Rejected, T0 + 2 * DAY, SourceKind::Human), 0),
        (check(Judgement::Rejected, T0 + DAY / 2, SourceKind::Code), 0),
        (check(Judgement::Edited, T0 + 2 * DAY, SourceKind::Code), 0),
        (check(Judgement::Defect, T0 + 2 * DAY, SourceKind::System), 0),
    ] {
        let time = |fact: &(u64, Fact<'static>)| (T0 + 5 * DAY, fact.1.clone());
        assert_eq!(conflicts(&[work(), time(&human), time(&other)]), expected, "{other:?}");
        assert_eq!(conflicts(&[work(), time(&other), time(&human)]), expected, "{other:?}");
    }
}
