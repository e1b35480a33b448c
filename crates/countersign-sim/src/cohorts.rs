//! Cohorts once more, from the tasks themselves.

use std::collections::BTreeMap;

use countersign_core::limits;
use countersign_core::money::Money;
use countersign_core::settle::Books;
use countersign_core::week::Week;

/// What the cohorts of the last weeks hold, and what the tasks that began in them add up to, if
/// the two differ.
pub(crate) fn difference(books: &Books) -> Option<String> {
    type Sums = ([u64; 8], [Money; 8], u64);
    let now = books.now();
    let current = Week::of(now);
    let mut expected: BTreeMap<(Week, &str), Sums> = BTreeMap::new();
    for task in books.tasks().filter(|task| task.started() > 0) {
        // Work that claims to begin later than it was heard of counts when it was heard of.
        let began = Week::of(task.started());
        let week = if task.cohort().is_none() { began } else { began.min(task.cohort()) };
        if week < current.before(limits::COHORT_WEEKS_MAX - 1) {
            continue;
        }
        let (tasks, cost, unconfirmed) = expected.entry((week, task.workflow())).or_default();
        let state = task.state() as usize;
        *tasks.get_mut(state)? += 1;
        *cost.get_mut(state)? += task.cost();
        *unconfirmed += u64::from(task.standing().is_unconfirmed());
    }
    let there = books.cohorts(now).filter(|(_, cohort)| cohort.started() > 0);
    let there = there.map(|(week, cohort)| {
        let workflow = books.names().text(cohort.workflow);
        ((week, workflow), (cohort.tasks, cohort.cost, cohort.unconfirmed))
    });
    let there: BTreeMap<(Week, &str), Sums> = there.collect();
    (there != expected).then(|| format!("{there:?}\ntasks {expected:?}"))
}
