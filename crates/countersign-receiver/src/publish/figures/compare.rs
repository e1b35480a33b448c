//! Two routes side by side: as they come, and within equal kinds of work.
//!
//! A route that gets the harder work looks worse than it is (Simpson's paradox). So the
//! acceptance of two routes is compared within strata, by workflow, project and purpose, and
//! pooled by Cochran, Mantel and Haenszel. When the pooled difference has another sign than the
//! crude one, the crude one misleads, and the comparison says so.

use std::collections::BTreeMap;

use countersign_core::fact::ReviewState;
use countersign_core::settle::{Books, TaskView};
use serde::Serialize;

use super::{TimeBasis, Window, Work};

/// Fractions are compared as integers of this many parts, which leaves a rounding error of one
/// part for each stratum.
const PARTS: i128 = 1 << 40;
/// Below so many decided tasks a side says little.
const TASKS_MIN: u64 = 10;
/// Chi-squared with one degree of freedom exceeds this by chance in one case of twenty.
const CHI_SQUARED_5_PERCENT: f64 = 3.841;

/// One route's share of a comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Side {
    /// Served tasks: accepted or edited, not come back, not unconfirmed.
    pub served: u64,
    /// Decided tasks.
    pub decided: u64,
}

impl Side {
    #[allow(clippy::cast_precision_loss, reason = "a ratio is shown, not summed")]
    fn acceptance(self) -> Option<f64> {
        (self.decided > 0).then(|| self.served as f64 / self.decided as f64)
    }

    fn add(&mut self, other: Side) {
        self.served += other.served;
        self.decided += other.decided;
    }
}

/// Equal work of both routes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stratum {
    /// What is equal: workflow, project and purpose.
    pub name: String,
    /// The first route.
    pub a: Side,
    /// The second route.
    pub b: Side,
}

/// Two routes side by side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The first route.
    pub route_a: String,
    /// The second route.
    pub route_b: String,
    /// Always `cohort`: work that began in the window, whatever became of it since.
    pub basis: &'static str,
    /// Kinds of work that at least one of them did.
    pub strata: Vec<Stratum>,
    /// All work of the first route.
    pub a: Side,
    /// All work of the second route.
    pub b: Side,
    /// Acceptance of the first less that of the second, as they come.
    pub crude_difference: Option<f64>,
    /// The same within equal work, pooled; null if there is no work that both did.
    pub pooled_difference: Option<f64>,
    /// Cochran, Mantel and Haenszel's statistic, with continuity correction.
    pub chi_squared: Option<f64>,
    /// Whether the statistic is beyond what chance gives in one case of twenty.
    pub significant: bool,
    /// Whether the crude and the pooled difference have different signs: believe the pooled one.
    pub simpson: bool,
    /// Whether a side has too few decided tasks to say much.
    pub too_few: bool,
}

/// Compares the tasks of two routes that began in a window.
#[must_use]
pub fn compare(books: &Books, routes: (&str, &str), window: Window) -> Comparison {
    let window = Window { basis: TimeBasis::Cohort, ..window };
    let mut strata: BTreeMap<String, Stratum> = BTreeMap::new();
    for view in books.tasks() {
        let of_a = view.route() == routes.0;
        if !of_a && view.route() != routes.1 {
            continue;
        }
        let work = Work::of(&view, books.names());
        let undecided = work.state == ReviewState::Pending || work.standing.is_unconfirmed();
        if undecided || !window.holds(&work) {
            continue;
        }
        let name = stratum(&view);
        let empty = Stratum { name: name.clone(), a: Side::default(), b: Side::default() };
        let stratum = strata.entry(name).or_insert(empty);
        let side = if of_a { &mut stratum.a } else { &mut stratum.b };
        side.add(Side { served: work.state.is_served().into(), decided: 1 });
    }
    of_strata(routes, strata.into_values().collect())
}

fn stratum(view: &TaskView<'_>) -> String {
    let parts = [view.workflow(), view.project(), view.purpose()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" / ")
}

fn of_strata(routes: (&str, &str), strata: Vec<Stratum>) -> Comparison {
    let (mut a, mut b) = (Side::default(), Side::default());
    for stratum in &strata {
        a.add(stratum.a);
        b.add(stratum.b);
    }
    let crude =
        i128::from(a.served) * i128::from(b.decided) - i128::from(b.served) * i128::from(a.decided);
    let pooled = Pooled::of(&strata);
    let noise = i128::try_from(strata.len()).unwrap_or(i128::MAX);
    let opposed = crude.signum() * pooled.difference.signum() < 0;
    let chi_squared = pooled.chi_squared();
    Comparison {
        route_a: routes.0.to_owned(),
        route_b: routes.1.to_owned(),
        basis: "cohort",
        a,
        b,
        crude_difference: a.acceptance().zip(b.acceptance()).map(|(a, b)| a - b),
        #[allow(clippy::cast_precision_loss, reason = "a ratio is shown, not summed")]
        pooled_difference: (pooled.weight > 0)
            .then(|| pooled.difference as f64 / pooled.weight as f64),
        chi_squared,
        significant: chi_squared.is_some_and(|value| value > CHI_SQUARED_5_PERCENT),
        simpson: opposed && pooled.difference.abs() > noise,
        too_few: a.decided.min(b.decided) < TASKS_MIN,
        strata,
    }
}

/// The sums of Cochran, Mantel and Haenszel over the strata, in [`PARTS`].
#[derive(Default)]
struct Pooled {
    /// Weighted differences of acceptance.
    difference: i128,
    /// Their weights.
    weight: i128,
    /// Variance of what the first route would have served if both were alike.
    variance: f64,
}

impl Pooled {
    fn of(strata: &[Stratum]) -> Pooled {
        let mut pooled = Pooled::default();
        for Stratum { a, b, .. } in strata {
            let [served_a, all_a, served_b, all_b] =
                [a.served, a.decided, b.served, b.decided].map(i128::from);
            let all = all_a + all_b;
            if all_a == 0 || all_b == 0 {
                continue;
            }
            pooled.difference += (served_a * all_b - served_b * all_a) * PARTS / all;
            pooled.weight += all_a * all_b * PARTS / all;
            pooled.variance += variance(a, b);
        }
        pooled
    }

    #[allow(clippy::cast_precision_loss, reason = "a statistic is shown, not summed")]
    fn chi_squared(&self) -> Option<f64> {
        if self.variance <= 0.0 {
            return None;
        }
        let excess = self.difference.abs() as f64 / PARTS as f64;
        Some((excess - 0.5).max(0.0).powi(2) / self.variance)
    }
}

#[allow(clippy::cast_precision_loss, reason = "a statistic is shown, not summed")]
fn variance(a: &Side, b: &Side) -> f64 {
    let [all_a, all_b] = [a.decided, b.decided].map(|count| count as f64);
    let served = (a.served + b.served) as f64;
    let all = all_a + all_b;
    if all <= 1.0 {
        0.0
    } else {
        all_a * all_b * served * (all - served) / (all * all * (all - 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(strata: &[(u64, u64, u64, u64)], expected: Expect) {
        let side = |served, decided| Side { served, decided };
        let strata = strata.iter().map(|(served_a, all_a, served_b, all_b)| Stratum {
            name: String::new(),
            a: side(*served_a, *all_a),
            b: side(*served_b, *all_b),
        });
        let shown = of_strata(("A", "B"), strata.collect());
        let round = |value: Option<f64>| value.map(|value| (value * 1e4).round() / 1e4);
        expected.assert_eq(&format!(
            "crude {:?} pooled {:?} chi² {:?}{}{}{}",
            round(shown.crude_difference),
            round(shown.pooled_difference),
            round(shown.chi_squared),
            if shown.significant { " significant" } else { "" },
            if shown.simpson { " SIMPSON" } else { "" },
            if shown.too_few { " too few" } else { "" },
        ));
    }

    #[test]
    fn i6_simpson_example_is_flagged() {
        // A is better at the easy work (90 % to 86 %) and at the hard work (50 % to 40 %), and
        // worse as they come (54 % to 81 %), since it gets the hard work.
        check(
            &[(9, 10, 77, 90), (45, 90, 4, 10)],
            expect!["crude Some(-0.27) pooled Some(0.0722) chi² Some(0.1901) SIMPSON"],
        );
    }

    #[test]
    fn equal_work_needs_no_badge() {
        check(
            &[(90, 100, 70, 100)],
            expect!["crude Some(0.2) pooled Some(0.2) chi² Some(11.2248) significant"],
        );
        check(
            &[(50, 100, 50, 100), (10, 20, 10, 20)],
            expect!["crude Some(0.0) pooled Some(0.0) chi² Some(0.0)"],
        );
        check(
            &[(5, 5, 0, 0), (0, 0, 1, 9)],
            expect!["crude Some(0.8889) pooled None chi² None too few"],
        );
        check(&[], expect!["crude None pooled None chi² None too few"]);
    }
}
