//! Scripts that once broke a promise, and the language they are written in.

use countersign_sim::judge::judge;
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
