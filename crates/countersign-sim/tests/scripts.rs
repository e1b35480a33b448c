//! Scripts that once broke a promise, and the language they are written in.

use countersign_core::fact::ReviewState;
use countersign_core::settle::Settings;
use countersign_sim::judge::judge;
use countersign_sim::model::answer;
use countersign_sim::text::{parse, print};
use countersign_sim::world::{Arrival, World};

fn check(script: &str) {
    if let Err(fault) = judge(&parse(script).expect("a script")) {
        panic!("{}: {}\n{script}", fault.promise, fault.detail);
    }
}

#[test]
fn scripts_come_back_as_they_were_printed() {
    for seed in 0..50 {
        let script = World::of(seed).script(Arrival::Repeated);
        assert_eq!(parse(&print(&script)).unwrap(), script);
    }
}

#[test]
fn mistakes_are_named() {
    assert_eq!(parse("\n# note\nat 5 call sum=x").unwrap_err(), "line 3: sum=x is not understood");
    assert_eq!(parse("at 5 tick now=1").unwrap_err(), "line 1: a tick has no now");
    assert_eq!(parse("at 5 dance").unwrap_err(), "line 1: dance is no kind of fact");
}

#[test]
fn a_repeated_step_is_no_activity() {
    check(
        "at 0 step kind=agent trace=1 span=2 task=T1
         at 999000000 step kind=agent trace=1 span=2 task=T1
         at 1999000000 tick",
    );
}

#[test]
fn a_defect_takes_no_verdict_back() {
    check(
        "at 0 step kind=agent trace=1 span=2 task=T1
         at 20000 verdict id=a task=T1 state=accepted effective=5 source=human
         at 30000 verdict id=b task=T1 state=defect effective=7 source=human supersedes=a",
    );
    check(
        "at 0 step kind=agent trace=1 span=2 task=T1
         at 20000 verdict id=b task=T1 state=defect effective=7 source=human supersedes=a
         at 30000 verdict id=a task=T1 state=accepted effective=5 source=human",
    );
}

#[test]
fn a_step_says_whose_work_comes_later_in_its_trace() {
    let call = "call trace=1 span=3 service=s model=m usage=5/0/0/7/0 cost=9";
    for (step, call) in [(0, 0), (0, 100_000), (100_000, 0)].map(|(step, at)| {
        (step, [format!("at {at} {call}"), format!("at {at} {call} rank=1 record=l")])
    }) {
        for call in call {
            let step =
                format!("at {step} step kind=agent trace=1 span=2 conversation=c url=u linked=7");
            let mut lines = [step, call];
            lines.sort_by_key(|line| line.split(' ').nth(1).unwrap().parse::<u64>().unwrap());
            check(&lines.join("\n"));
        }
    }
}

#[test]
fn a_link_leads_to_what_a_trace_without_work_said() {
    for (said, linked) in [(0, 100_000), (100_000, 0)] {
        let mut lines = [
            format!("at {said} step kind=agent trace=1 span=2 conversation=c"),
            format!("at {linked} step kind=task trace=3 span=4 linked=1"),
        ];
        lines.sort_by_key(|line| line.split(' ').nth(1).unwrap().parse::<u64>().unwrap());
        check(&lines.join("\n"));
    }
}

/// Ten tasks of one week: what each call cost in cents, the verdict, the minutes of review.
const WEEK: [(&[u64], &str, u64); 10] = [
    (&[100], "accepted", 5),
    (&[100, 20], "accepted", 5),
    (&[100], "accepted", 5),
    (&[100, 150], "accepted", 12),
    (&[100], "edited", 15),
    (&[100, 20], "rejected", 8),
    (&[100, 150], "rejected", 10),
    (&[100], "escalated", 6),
    (&[60], "withdrawn", 0),
    (&[100], "", 0),
];

fn week() -> String {
    let mut calls = String::new();
    let mut verdicts = String::new();
    for (task, (cents, state, minutes)) in WEEK.iter().enumerate() {
        for (call, cents) in cents.iter().enumerate() {
            let (trace, cost) = (task * 10 + call + 1, cents * 10_000_000_000);
            calls += &format!(
                "at 0 call trace={trace} span=1 service=s task=u{task} model=m usage=9/0/0/9/0 \
                 cost={cost}\n"
            );
        }
        if !state.is_empty() {
            let review = minutes * 60_000;
            verdicts += &format!(
                "at 100000 verdict id=v{task} task=u{task} state={state} effective=90000 \
                 source=human review={review}\n"
            );
        }
    }
    calls + &verdicts
}

#[test]
fn the_worked_example_has_its_numbers() {
    check(&week());
    let script = parse(&week()).expect("a script");
    let totals = answer(&script, &Settings::default(), 200_000).totals;
    let sums = [totals.incurred, totals.settled, totals.pending, totals.review];
    assert_eq!(sums.map(|sum| sum.to_string()), ["13", "12", "1", "99"]);
    let served = totals.tasks_in(ReviewState::Accepted) + totals.tasks_in(ReviewState::Edited);
    assert_eq!(served, 5);

    // The third is reverted on day nine.
    let reverted = week()
        + "at 777600000 verdict id=w task=u2 state=defect effective=777600000 \
                             source=system";
    check(&reverted);
}

#[test]
fn a_revert_of_a_revert_serves_again() {
    let mut script = String::from(
        "at 0 step kind=task trace=1 span=2 task=T1
         at 20000 verdict id=a task=T1 state=accepted effective=20000 source=human
         at 30000 verdict id=b task=T1 state=defect effective=30000 source=system\n",
    );
    let state = |script: &str| {
        check(script);
        let script = parse(script).expect("a script");
        answer(&script, &Settings::default(), 900_000).tasks.first().map(|task| task.state)
    };
    assert_eq!(state(&script), Some(ReviewState::Defect));
    script += "at 40000 verdict id=c task=T1 state=accepted effective=40000 source=system";
    assert_eq!(state(&script), Some(ReviewState::Accepted));
}

#[test]
fn a_failure_in_two_signals_is_one_call() {
    check(
        "at 0 call trace=1 span=4 rank=1 service=s record=l task=T error=429
         at 1 call trace=1 span=4 service=s task=T error=429",
    );
}
