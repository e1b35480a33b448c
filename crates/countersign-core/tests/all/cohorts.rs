//! Cohorts: work by the week in which it began, restated until it is mature.

use std::collections::{BTreeMap, BTreeSet};

use countersign_core::fact::{Basis, Fact, Judgement, ReviewState};
use countersign_core::limits;
use countersign_core::money::Money;
use countersign_core::settle::{Books, Cohort, Settings};
use countersign_core::tally::{Tally, Value};
use countersign_core::week::Week;
use expect_test::{Expect, expect};

use crate::confirm::run;
use crate::settle::{DAY, SECOND, T0, WORKED, call, cents, verdict, worked};

const WEEK: u64 = 7 * DAY;

/// One line for each cohort: counts, money, bounds and maturity.
fn shown(books: &Books, now: u64) -> String {
    let workflows = books.cohorts_by_workflow(now);
    let mut text = String::new();
    for (week, cohort) in books.cohorts(now) {
        let maturity = cohort.maturity(week, &workflows[&cohort.workflow], now);
        text += &format!(
            "{week} {}: {:?}, served {} net {} of {} decided, settled {} review {}, {:?} {:?}{}\n",
            books.names().text(cohort.workflow),
            cohort.tasks,
            cohort.served(),
            cohort.net_served(),
            cohort.decided(),
            cohort.settled(),
            cohort.review,
            cohort.acceptance_bounds_ppm(),
            maturity.decided_ppm,
            if maturity.mature { " mature" } else { "" },
        );
    }
    text
}

fn check(books: &Books, now: u64, expected: Expect) {
    check_against_tasks(books, now);
    expected.assert_eq(&shown(books, now));
}

/// The cohorts are what the tasks add up to.
pub(crate) fn check_against_tasks(books: &Books, now: u64) {
    type Sums = ([u64; 8], [Money; 8], u64);
    let mut expected: BTreeMap<(Week, String), Sums> = BTreeMap::new();
    let current = Week::of(now);
    for task in books.tasks().filter(|task| task.started() > 0) {
        let week = Week::of(task.started()).min(current);
        if week < current.before(limits::COHORT_WEEKS_MAX - 1) {
            continue;
        }
        let sums = expected.entry((week, task.workflow().to_owned())).or_default();
        sums.0[task.state() as usize] += 1;
        sums.1[task.state() as usize] += task.cost();
        sums.2 += u64::from(task.standing().is_unconfirmed());
    }
    let mut there: BTreeMap<(Week, String), Sums> = BTreeMap::new();
    for (week, cohort) in books.cohorts(now).filter(|(_, cohort)| cohort.started() > 0) {
        let name = books.names().text(cohort.workflow).to_owned();
        there.insert((week, name), (cohort.tasks, cohort.cost, cohort.unconfirmed));
    }
    assert_eq!(there, expected);
}

#[test]
fn the_worked_example_is_a_cohort_with_bounds() {
    let facts: Vec<(u64, Fact<'_>)> =
        worked().into_iter().map(|fact| (T0 + 3 * DAY, fact)).collect();
    assert_eq!(WORKED.len(), 10);
    let (books, _) = run(Settings::default(), &facts, T0 + 4 * DAY);
    check(
        &books,
        T0 + 4 * DAY,
        expect![[r#"
        2026-W45 pr-review: [1, 4, 1, 2, 1, 1, 0, 0], served 5 net 5 of 9 decided, settled 12 review 99, Some((500000, 600000)) Some(900000)
    "#]],
    );
    let (books, _) = run(Settings::default(), &facts, T0 + 4 * WEEK);
    check(
        &books,
        T0 + 4 * WEEK,
        expect![[r#"
        2026-W45 pr-review: [0, 4, 1, 2, 1, 1, 1, 0], served 5 net 5 of 10 decided, settled 13 review 99, Some((500000, 500000)) Some(1000000) mature
    "#]],
    );
}

#[test]
fn i4_a_verdict_ninety_days_late_restates_only_its_cohort() {
    let mut facts: Vec<(u64, Fact<'_>)> = Vec::new();
    let tasks: Vec<String> = (0..13).map(|week| format!("t{week}")).collect();
    for (week, task) in (0_u64..).zip(&tasks) {
        let began = T0 + week * WEEK;
        let mut made = call(1 + u128::from(week), 1, 0, task, cents(10));
        (made.start, made.end) = (began, began + SECOND);
        facts.push((began + SECOND, Fact::Call(made)));
    }
    let late = T0 + 90 * DAY;
    let (before, deltas_before) = run(Settings::default(), &facts, late);
    let flow = |deltas: &[countersign_core::delta::Delta]| deltas.len();
    let said = verdict("v", "t0", Judgement::Accepted, T0 + DAY);
    facts.push((late, Fact::Verdict(said)));
    let (after, deltas_after) = run(Settings::default(), &facts, late);
    check_against_tasks(&after, late);
    let cohorts = |books: &Books| -> Vec<Cohort> {
        books.cohorts(late).map(|(_, cohort)| cohort.clone()).collect()
    };
    let (before, after) = (cohorts(&before), cohorts(&after));
    assert_eq!((before.len(), after.len()), (13, 13));
    assert_eq!(before[1..], after[1..]);
    assert_eq!(before[0].tasks_in(ReviewState::Expired), 1);
    assert_eq!(after[0].tasks_in(ReviewState::Accepted), 1);
    assert!(flow(&deltas_after) > flow(&deltas_before), "the flow has it now, not then");
}

#[test]
fn i8_what_is_undecided_is_in_no_numerator() {
    let mut facts: Vec<(u64, Fact<'_>)> = Vec::new();
    for (trace, task) in [(1, "served"), (2, "silent"), (3, "waits"), (4, "refused")] {
        facts.push((T0, Fact::Call(call(trace, 1, 0, task, cents(10)))));
    }
    facts.push((T0 + DAY, Fact::Verdict(verdict("a", "served", Judgement::Accepted, T0 + DAY))));
    let mut silent = verdict("b", "silent", Judgement::Accepted, T0 + DAY);
    silent.basis = Basis::Assumed;
    facts.push((T0 + DAY, Fact::Verdict(silent)));
    facts.push((T0 + DAY, Fact::Verdict(verdict("c", "refused", Judgement::Rejected, T0 + DAY))));
    let (books, _) = run(Settings::default(), &facts, T0 + 2 * DAY);
    check(
        &books,
        T0 + 2 * DAY,
        expect![[r#"
        2026-W45 pr-review: [1, 2, 0, 1, 0, 0, 0, 0], served 1 net 1 of 2 decided, settled 0.2 review 0, Some((250000, 750000)) Some(500000)
    "#]],
    );
    let (_, cohort) = books.cohorts(T0 + 2 * DAY).next().unwrap();
    assert_eq!((cohort.undecided(), cohort.acceptance_ppm()), (2, Some(500_000)));
    assert_eq!(cohort.settled(), cents(20), "what the silent one cost waits with it");
    // After its window the silence counts.
    let (books, _) = run(Settings::default(), &facts, T0 + 15 * DAY);
    check(
        &books,
        T0 + 15 * DAY,
        expect![[r#"
        2026-W45 pr-review: [0, 2, 0, 1, 0, 0, 1, 0], served 2 net 2 of 4 decided, settled 0.4 review 0, Some((500000, 500000)) Some(1000000)
    "#]],
    );
}

#[test]
fn cohorts_are_bounded_in_weeks_workflows_and_series() {
    let workflows: Vec<String> = (0..200).map(|index| format!("w{index}")).collect();
    let mut books = Books::new(Settings::default());
    let (mut deltas, mut tally) = (Vec::new(), Tally::default());
    let mut now = T0;
    for week in 0..20_u64 {
        for (index, workflow) in workflows.iter().enumerate() {
            let trace = u128::from(week) * 1_000 + index as u128 + 1;
            let mut made = call(trace, 1, 0, "", cents(1));
            made.identity.workflow = workflow;
            (made.start, made.end) = (now, now);
            books.apply(now, &Fact::Call(made), &mut deltas);
        }
        now += WEEK;
        books.tick(now - DAY, &mut deltas);
    }
    let now = now - DAY;
    deltas.iter().for_each(|delta| tally.apply(now, delta));
    let mut weeks = BTreeSet::new();
    let mut series: BTreeMap<&str, usize> = BTreeMap::new();
    let mut tasks = 0;
    tally.visit(&books, now, &mut |shown| {
        *series.entry(shown.metric.name).or_default() += 1;
        let cohort = shown.attributes.iter().find(|(key, _)| *key == "countersign.cohort");
        weeks.extend(cohort.map(|(_, week)| (*week).to_owned()));
        if let ("countersign.cohort.tasks", Value::Level(level)) = (shown.metric.name, shown.value)
        {
            tasks += level;
        }
    });
    assert_eq!(weeks.len(), 13);
    assert_eq!(
        (weeks.first().unwrap().as_str(), weeks.last().unwrap().as_str()),
        ("2026-W52", "2027-W11")
    );
    assert_eq!(tasks, 13 * 200, "none is missing");
    assert!(series.values().all(|count| *count <= limits::SERIES_PER_METRIC_MAX), "{series:?}");
    let kept = books.cohorts(now).count();
    assert_eq!(kept, 13 * (limits::COHORT_WORKFLOWS_MAX + 1));
}
