//! Ages of pending tasks: computed when somebody looks, since they grow by themselves.

use alloc::vec::Vec;

use crate::fact::UnixNanos;
use crate::key::Map;
use crate::settle::Books;
use crate::tally::{Metric, Series, Value};

/// One figure of one workflow.
pub(super) struct Age<'a> {
    workflow: &'a str,
    statistic: &'static str,
    millis: u64,
}

/// p50, p95 and the maximum of each workflow.
pub(super) fn of_pending(books: &Books, now: UnixNanos) -> Vec<Age<'_>> {
    let mut ages: Map<&str, Vec<u64>> = Map::default();
    for (workflow, started) in books.pending() {
        let began = if started == 0 { now } else { started };
        ages.entry(workflow).or_default().push(now.saturating_sub(began) / 1_000_000);
    }
    let mut ages: Vec<(&str, Vec<u64>)> = ages.into_iter().collect();
    ages.sort_unstable_by_key(|(workflow, _)| *workflow);
    let mut figures = Vec::with_capacity(ages.len() * 3);
    for (workflow, millis) in &mut ages {
        millis.sort_unstable();
        for (statistic, percent) in [("p50", 50), ("p95", 95), ("max", 100)] {
            // Nearest rank: the smallest value that so many percent do not exceed.
            let rank = (millis.len() * percent).div_ceil(100).max(1) - 1;
            let millis = millis.get(rank).copied().unwrap_or(0);
            figures.push(Age { workflow, statistic, millis });
        }
    }
    figures
}

impl Age<'_> {
    pub(super) fn show(&self, metric: &'static Metric, see: &mut dyn FnMut(Series<'_>)) {
        let [workflow, statistic] = metric.attributes else { return };
        let both = [(*workflow, self.workflow), (*statistic, self.statistic)];
        let attributes = if self.workflow.is_empty() { both.get(1..) } else { Some(&both[..]) };
        see(Series {
            metric,
            attributes: attributes.unwrap_or_default(),
            start: 0,
            value: Value::Millis(self.millis),
            exemplar: None,
        });
    }
}
