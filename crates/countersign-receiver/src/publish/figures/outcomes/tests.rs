//! The worked example of the definitions, and what happens at the edges.

use std::borrow::Cow;

use countersign_core::fact::Usage;
use countersign_core::names::{Name, Names};
use countersign_core::settle::{Line, Stage};
use expect_test::{Expect, expect};

use super::*;
use crate::publish::figures::TimeBasis;

const SECOND: u64 = 1_000_000_000;

/// One unit of the example: state, cents of model cost, minutes of review, rounds.
type Unit = (ReviewState, u64, u64, u32);

const EXAMPLE: [Unit; 10] = [
    (ReviewState::Accepted, 100, 5, 1),
    (ReviewState::Accepted, 120, 5, 1),
    (ReviewState::Accepted, 100, 5, 1),
    (ReviewState::Accepted, 250, 12, 2),
    (ReviewState::Edited, 100, 15, 1),
    (ReviewState::Rejected, 120, 8, 1),
    (ReviewState::Rejected, 250, 10, 2),
    (ReviewState::Escalated, 100, 6, 1),
    (ReviewState::Withdrawn, 60, 0, 1),
    (ReviewState::Pending, 100, 0, 1),
];

fn cents(cents: u64) -> Money {
    Money::from_pico(Money::DOLLAR.pico() / 100).times(cents)
}

fn works<'a>(units: &'a [Unit], names: &'a Names) -> impl Iterator<Item = Work<'a>> {
    units.iter().zip(1..).map(|((state, cost, minutes, rounds), index)| Work {
        workflow: if index % 2 == 0 { "even" } else { "odd" },
        route: "main",
        state: *state,
        standing: if state.is_served() { Standing::Confirmed } else { Standing::Unserved },
        confidence: Confidence::Explicit,
        started: index * 100 * SECOND,
        ended: index * 100 * SECOND + 10 * SECOND,
        decided: if *state == ReviewState::Pending { 0 } else { index * 110 * SECOND },
        cost: cents(*cost),
        review_cost: cents(150).times(*minutes),
        review_ms: minutes * 60_000,
        rounds: *rounds,
        retries: Default::default(),
        lines: Cow::Borrowed(&[]),
        names,
    })
}

fn check(units: &[Unit], by: By, window: Window, expect: Expect) {
    let names = Names::default();
    let shown = outcomes(works(units, &names), by, window);
    let mut text = String::new();
    for row in shown.rows.iter().chain([&shown.total]) {
        text += &format!(
            "{}: served {} net {}, {}\n  {}\n",
            row.name,
            row.served.number(),
            row.net_served.number(),
            serde_json::to_string(&row.cost_usd).unwrap(),
            serde_json::to_string(&row.rates).unwrap(),
        );
    }
    expect.assert_eq(&text);
}

#[test]
fn the_worked_example() {
    check(
        &EXAMPLE,
        By::Route,
        Window::ALL,
        expect![[r#"
            main: served 5 net 5, {"settled":"12","served":"6.7","unconfirmed":"0","pending":"1","review":"99","per_accepted":"2.4","per_accepted_with_review":"22.2","direct_per_accepted":"1.34","by_state":{"pending":"1","accepted":"5.7","edited":"1","rejected":"3.7","escalated":"1","withdrawn":"0.6","expired":"0","defect":"0"}}
              {"acceptance":0.5555555555555556,"acceptance_low":0.5,"acceptance_high":0.6,"first_pass_yield":0.375,"rework":0.375,"defect":0.0,"settled_share":0.9230769230769231}
            all: served 5 net 5, {"settled":"12","served":"6.7","unconfirmed":"0","pending":"1","review":"99","per_accepted":"2.4","per_accepted_with_review":"22.2","direct_per_accepted":"1.34","by_state":{"pending":"1","accepted":"5.7","edited":"1","rejected":"3.7","escalated":"1","withdrawn":"0.6","expired":"0","defect":"0"}}
              {"acceptance":0.5555555555555556,"acceptance_low":0.5,"acceptance_high":0.6,"first_pass_yield":0.375,"rework":0.375,"defect":0.0,"settled_share":0.9230769230769231}
        "#]],
    );
}

#[test]
fn after_the_revert() {
    let mut units = EXAMPLE;
    units[2].0 = ReviewState::Defect;
    check(
        &units,
        By::Route,
        Window::ALL,
        expect![[r#"
            main: served 5 net 4, {"settled":"12","served":"5.7","unconfirmed":"0","pending":"1","review":"99","per_accepted":"3","per_accepted_with_review":"27.75","direct_per_accepted":"1.425","by_state":{"pending":"1","accepted":"4.7","edited":"1","rejected":"3.7","escalated":"1","withdrawn":"0.6","expired":"0","defect":"1"}}
              {"acceptance":0.5555555555555556,"acceptance_low":0.5,"acceptance_high":0.6,"first_pass_yield":0.25,"rework":0.5,"defect":0.2,"settled_share":0.9230769230769231}
            all: served 5 net 4, {"settled":"12","served":"5.7","unconfirmed":"0","pending":"1","review":"99","per_accepted":"3","per_accepted_with_review":"27.75","direct_per_accepted":"1.425","by_state":{"pending":"1","accepted":"4.7","edited":"1","rejected":"3.7","escalated":"1","withdrawn":"0.6","expired":"0","defect":"1"}}
              {"acceptance":0.5555555555555556,"acceptance_low":0.5,"acceptance_high":0.6,"first_pass_yield":0.25,"rework":0.5,"defect":0.2,"settled_share":0.9230769230769231}
        "#]],
    );
}

#[test]
fn nothing_accepted_has_no_cost_per_outcome() {
    check(
        &EXAMPLE[5..],
        By::Route,
        Window::ALL,
        expect![[r#"
            main: served 0 net 0, {"settled":"5.3","served":"0","unconfirmed":"0","pending":"1","review":"36","per_accepted":null,"per_accepted_with_review":null,"direct_per_accepted":null,"by_state":{"pending":"1","accepted":"0","edited":"0","rejected":"3.7","escalated":"1","withdrawn":"0.6","expired":"0","defect":"0"}}
              {"acceptance":0.0,"acceptance_low":0.0,"acceptance_high":0.2,"first_pass_yield":0.0,"rework":0.3333333333333333,"defect":null,"settled_share":0.8412698412698413}
            all: served 0 net 0, {"settled":"5.3","served":"0","unconfirmed":"0","pending":"1","review":"36","per_accepted":null,"per_accepted_with_review":null,"direct_per_accepted":null,"by_state":{"pending":"1","accepted":"0","edited":"0","rejected":"3.7","escalated":"1","withdrawn":"0.6","expired":"0","defect":"0"}}
              {"acceptance":0.0,"acceptance_low":0.0,"acceptance_high":0.2,"first_pass_yield":0.0,"rework":0.3333333333333333,"defect":null,"settled_share":0.8412698412698413}
        "#]],
    );
    check(
        &[],
        By::Route,
        Window::ALL,
        expect![[r#"
            all: served 0 net 0, {"settled":"0","served":"0","unconfirmed":"0","pending":"0","review":"0","per_accepted":null,"per_accepted_with_review":null,"direct_per_accepted":null,"by_state":{"pending":"0","accepted":"0","edited":"0","rejected":"0","escalated":"0","withdrawn":"0","expired":"0","defect":"0"}}
              {"acceptance":null,"acceptance_low":null,"acceptance_high":null,"first_pass_yield":null,"rework":null,"defect":null,"settled_share":null}
        "#]],
    );
}

#[test]
fn a_window_takes_verdicts_by_their_time() {
    let window = Window { basis: TimeBasis::Flow, from: 220 * SECOND, to: 440 * SECOND };
    check(
        &EXAMPLE,
        By::Workflow,
        window,
        expect![[r#"
            even: served 1 net 1, {"settled":"1.2","served":"1.2","unconfirmed":"0","pending":"0","review":"7.5","per_accepted":"1.2","per_accepted_with_review":"8.7","direct_per_accepted":"1.2","by_state":{"pending":"0","accepted":"1.2","edited":"0","rejected":"0","escalated":"0","withdrawn":"0","expired":"0","defect":"0"}}
              {"acceptance":1.0,"acceptance_low":1.0,"acceptance_high":1.0,"first_pass_yield":1.0,"rework":0.0,"defect":0.0,"settled_share":1.0}
            odd: served 1 net 1, {"settled":"1","served":"1","unconfirmed":"0","pending":"0","review":"7.5","per_accepted":"1","per_accepted_with_review":"8.5","direct_per_accepted":"1","by_state":{"pending":"0","accepted":"1","edited":"0","rejected":"0","escalated":"0","withdrawn":"0","expired":"0","defect":"0"}}
              {"acceptance":1.0,"acceptance_low":1.0,"acceptance_high":1.0,"first_pass_yield":1.0,"rework":0.0,"defect":0.0,"settled_share":1.0}
            all: served 2 net 2, {"settled":"2.2","served":"2.2","unconfirmed":"0","pending":"0","review":"15","per_accepted":"1.1","per_accepted_with_review":"8.6","direct_per_accepted":"1.1","by_state":{"pending":"0","accepted":"2.2","edited":"0","rejected":"0","escalated":"0","withdrawn":"0","expired":"0","defect":"0"}}
              {"acceptance":1.0,"acceptance_low":1.0,"acceptance_high":1.0,"first_pass_yield":1.0,"rework":0.0,"defect":0.0,"settled_share":1.0}
        "#]],
    );
}

#[test]
fn models_share_an_outcome_by_their_cost() {
    let mut names = Names::default();
    let (large, small) = (names.intern("large"), names.intern("small"));
    let line = |model: Name, component, cost| Line {
        model,
        provider: Name::EMPTY,
        component,
        stage: Stage::First,
        calls_ok: 1,
        calls_failed: 0,
        calls_unpriced: 0,
        usage: Usage { input: 10, output: 1, ..Usage::default() },
        cost: cents(cost),
    };
    let lines = [
        line(large, Component::Model, 200),
        line(small, Component::Model, 50),
        line(small, Component::Tool, 50),
    ];
    let unit = [(ReviewState::Accepted, 300, 9, 1)];
    let works = works(&unit, &names).map(|work| Work { lines: Cow::Borrowed(&lines), ..work });
    let shown = outcomes(works, By::Model, Window::ALL);
    let rows: Vec<_> = shown
        .rows
        .iter()
        .map(|row| serde_json::to_string(&(&row.name, row.net_served, row.cost_usd, row.calls)))
        .map(Result::unwrap)
        .collect();
    expect![[r#"
        ["large",0.666666,{"settled":"2","served":"2","unconfirmed":"0","pending":"0","review":"8.999991","per_accepted":"3.000003000003","per_accepted_with_review":"16.500003000003","direct_per_accepted":"3.000003000003","by_state":{"pending":"0","accepted":"2","edited":"0","rejected":"0","escalated":"0","withdrawn":"0","expired":"0","defect":"0"}},{"ok":1,"failed":0}]
        ["",0.166666,{"settled":"0.5","served":"0.5","unconfirmed":"0","pending":"0","review":"2.249991","per_accepted":"3.000012000048","per_accepted_with_review":"16.500012000048","direct_per_accepted":"3.000012000048","by_state":{"pending":"0","accepted":"0.5","edited":"0","rejected":"0","escalated":"0","withdrawn":"0","expired":"0","defect":"0"}},{"ok":0,"failed":0}]
        ["small",0.166668,{"settled":"0.5","served":"0.5","unconfirmed":"0","pending":"0","review":"2.250018","per_accepted":"2.999976000192","per_accepted_with_review":"16.499976000192","direct_per_accepted":"2.999976000192","by_state":{"pending":"0","accepted":"0.5","edited":"0","rejected":"0","escalated":"0","withdrawn":"0","expired":"0","defect":"0"}},{"ok":1,"failed":0}]"#]].assert_eq(&rows.join("\n"));
    let credit: u128 = shown.rows.iter().map(|row| row.net_served.0).sum();
    assert_eq!(credit, shown.total.net_served.0);
    let review: Money = shown.rows.iter().map(|row| row.cost_usd.review.0).sum();
    assert_eq!(review, shown.total.cost_usd.review.0);
}

#[test]
fn percentiles_are_values_that_were_seen() {
    let mut values: Vec<u64> = (1..=100).rev().map(|n| n * SECOND).collect();
    assert_eq!(spread(&mut values), Spread { p50: Some(50.0), p95: Some(95.0) });
    assert_eq!(spread(&mut [SECOND]), Spread { p50: Some(1.0), p95: Some(1.0) });
    assert_eq!(spread(&mut []), Spread::default());
}

#[test]
fn i9_cost_per_accepted_outcome_is_null_without_one() {
    let names = Names::default();
    let shown = outcomes(works(&EXAMPLE[5..], &names), By::Workflow, Window::ALL);
    assert_eq!(shown.total.served.rounded(), 0);
    let json = serde_json::to_value(shown.total.cost_usd).unwrap();
    for key in ["per_accepted", "per_accepted_with_review", "direct_per_accepted"] {
        assert_eq!(json[key], serde_json::Value::Null, "{key}: neither 0 nor infinite");
    }
}

#[test]
fn i8_the_unconfirmed_stand_with_the_pending() {
    use countersign_core::fact::Basis;
    let names = Names::default();
    let silent = Standing::Provisional { basis: Basis::Assumed, until: 1 };
    let said = Standing::Provisional { basis: Basis::Explicit, until: 1 };
    let works = works(&EXAMPLE, &names).zip(0..).map(|(work, index)| Work {
        standing: match index {
            0 | 1 => silent,
            2 => said,
            _ => work.standing,
        },
        confidence: if index == 9 { Confidence::Fallback } else { work.confidence },
        ..work
    });
    let total = outcomes(works, By::Workflow, Window::ALL).total;
    let shown = (total.standing, total.fallback, total.cost_usd, total.rates);
    expect![[r#"
        [
          {
            "confirmed": 2,
            "provisional": 1,
            "unconfirmed": 2
          },
          {
            "tasks": 1,
            "cost_usd": "1",
            "tasks_share": 0.1,
            "cost_share": 0.07692307692307693
          },
          {
            "settled": "12",
            "served": "4.5",
            "unconfirmed": "2.2",
            "pending": "1",
            "review": "99",
            "per_accepted": "3.266666666667",
            "per_accepted_with_review": "31.266666666667",
            "direct_per_accepted": "1.5",
            "by_state": {
              "pending": "1",
              "accepted": "5.7",
              "edited": "1",
              "rejected": "3.7",
              "escalated": "1",
              "withdrawn": "0.6",
              "expired": "0",
              "defect": "0"
            }
          },
          {
            "acceptance": 0.42857142857142855,
            "acceptance_low": 0.3,
            "acceptance_high": 0.6,
            "first_pass_yield": 0.16666666666666666,
            "rework": 0.5,
            "defect": 0.0,
            "settled_share": 0.9230769230769231
          }
        ]"#]]
    .assert_eq(&serde_json::to_string_pretty(&shown).unwrap());
    assert_eq!((total.served.rounded(), total.net_served.rounded()), (3, 3));
}

#[test]
fn the_cohort_basis_goes_by_the_start_of_the_work() {
    let names = Names::default();
    let window = Window { basis: TimeBasis::Cohort, from: 900 * SECOND, to: 960 * SECOND };
    let total = outcomes(works(&EXAMPLE, &names), By::Workflow, window).total;
    // The ninth began in it, and was judged after it.
    assert_eq!((total.tasks.withdrawn.rounded(), total.tasks.pending.rounded()), (1, 0));
    let flow = Window { basis: TimeBasis::Flow, ..window };
    let total = outcomes(works(&EXAMPLE, &names), By::Workflow, flow).total;
    assert_eq!((total.tasks.withdrawn.rounded(), total.tasks.pending.rounded()), (0, 0));
}
