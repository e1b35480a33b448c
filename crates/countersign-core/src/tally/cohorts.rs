//! Gauges of cohorts: computed when somebody looks, since they are restated until they are
//! mature.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::fact::{ReviewState, UnixNanos};
use crate::limits;
use crate::names::{Name, Names};
use crate::settle::{Books, Cohort, Maturity};
use crate::tally::metrics::Id;
use crate::tally::{Metric, Series, Value};

/// Workflows whose cohorts have series by state: eight states a week leave room for so many, and
/// one for the rest.
const WORKFLOWS_BY_STATE_MAX: usize = limits::SERIES_PER_METRIC_MAX
    / (limits::COHORT_WEEKS_MAX as usize * ReviewState::ALL.len())
    - 1;

/// How a metric shows the cohorts.
type Show = fn(&Cohorts<'_>, &'static Metric, &mut dyn FnMut(Series<'_>));

/// The metrics that are shown here.
const COHORTS: [(Id, Show); 8] = [
    (Id::CohortTasks, |cohorts, metric, see| {
        cohorts.by_state(metric, see, |cohort, state| level(cohort.tasks_in(state)));
    }),
    (Id::CohortUnconfirmed, |cohorts, metric, see| {
        cohorts.each(metric, see, |row| Some(level(row.cohort.unconfirmed)));
    }),
    (Id::CohortAcceptanceLow, |cohorts, metric, see| {
        let low = |row: &Row<'_>| row.cohort.acceptance_bounds_ppm().map(|(low, _)| low);
        cohorts.each(metric, see, |row| low(row).map(Value::Share));
    }),
    (Id::CohortAcceptanceHigh, |cohorts, metric, see| {
        let high = |row: &Row<'_>| row.cohort.acceptance_bounds_ppm().map(|(_, high)| high);
        cohorts.each(metric, see, |row| high(row).map(Value::Share));
    }),
    (Id::CohortDecided, |cohorts, metric, see| {
        cohorts.each(metric, see, |row| row.maturity.decided_ppm.map(Value::Share));
    }),
    (Id::CohortMature, |cohorts, metric, see| {
        cohorts.each(metric, see, |row| Some(level(row.maturity.mature.into())));
    }),
    (Id::CohortCost, |cohorts, metric, see| {
        cohorts.by_state(metric, see, |cohort, state| Value::Money(cohort.cost_in(state)));
    }),
    (Id::CohortReview, |cohorts, metric, see| {
        cohorts.each(metric, see, |row| Some(Value::Money(row.cohort.review)));
    }),
];

fn level(count: u64) -> Value<'static> {
    Value::Level(i64::try_from(count).unwrap_or(i64::MAX))
}

/// The cohorts of all weeks, ready to be shown.
pub(super) struct Cohorts<'a> {
    names: &'a Names,
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    week: String,
    cohort: Cow<'a, Cohort>,
    maturity: Maturity,
    /// Whether its workflow has series of its own by state.
    by_state: bool,
}

impl<'a> Cohorts<'a> {
    pub(super) fn of(books: &'a Books, now: UnixNanos) -> Cohorts<'a> {
        let workflows = books.cohorts_by_workflow(now);
        let ranks: BTreeMap<Name, usize> = workflows.keys().copied().zip(0..).collect();
        let rows = books.cohorts(now).map(|(week, cohort)| {
            let all = workflows.get(&cohort.workflow).unwrap_or(cohort);
            Row {
                week: week.to_string(),
                cohort: Cow::Borrowed(cohort),
                maturity: cohort.maturity(week, all, now),
                by_state: ranks
                    .get(&cohort.workflow)
                    .is_some_and(|rank| *rank < WORKFLOWS_BY_STATE_MAX),
            }
        });
        Cohorts { names: books.names(), rows: rows.collect() }
    }

    /// Shows the series of a metric, if it is one of the cohorts'.
    pub(super) fn show(
        &self,
        place: usize,
        metric: &'static Metric,
        see: &mut dyn FnMut(Series<'_>),
    ) {
        if let Some((_, show)) = COHORTS.iter().find(|(id, _)| *id as usize == place) {
            show(self, metric, see);
        }
    }

    /// One series for each cohort.
    fn each(
        &self,
        metric: &'static Metric,
        see: &mut dyn FnMut(Series<'_>),
        value: impl Fn(&Row<'_>) -> Option<Value<'static>>,
    ) {
        for row in &self.rows {
            if let Some(value) = value(row) {
                self.one(row, metric, "", value, see);
            }
        }
    }

    /// One series for each state that the cohort has tasks in; workflows without series of their
    /// own share one.
    fn by_state(
        &self,
        metric: &'static Metric,
        see: &mut dyn FnMut(Series<'_>),
        value: impl Fn(&Cohort, ReviewState) -> Value<'static>,
    ) {
        let mut rest: BTreeMap<&str, Cohort> = BTreeMap::new();
        let mut show = |row: &Row<'_>| {
            for state in ReviewState::ALL {
                if row.cohort.tasks_in(state) > 0 {
                    let value = value(&row.cohort, state);
                    self.one(row, metric, state.as_str(), value, see);
                }
            }
        };
        for row in &self.rows {
            if row.by_state {
                show(row);
                continue;
            }
            let others = || Cohort::of(Name::OVERFLOW);
            rest.entry(&row.week).or_insert_with(others).join(&row.cohort);
        }
        for (week, cohort) in rest {
            let maturity = Maturity { decided_ppm: None, mature: false };
            let cohort = Cow::Owned(cohort);
            show(&Row { week: week.into(), cohort, maturity, by_state: true });
        }
    }

    /// Shows one series; `last` is the value of the metric's third attribute.
    fn one(
        &self,
        row: &Row<'_>,
        metric: &'static Metric,
        last: &str,
        value: Value<'_>,
        see: &mut dyn FnMut(Series<'_>),
    ) {
        let values = [self.names.text(row.cohort.workflow), &row.week, last];
        let mut attributes = Vec::with_capacity(values.len());
        attributes.extend(metric.attributes.iter().copied().zip(values));
        attributes.retain(|(_, value)| !value.is_empty());
        see(Series { metric, attributes: &attributes, start: 0, value, exemplar: None });
    }
}
