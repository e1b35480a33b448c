//! The series themselves: one value for each metric and set of attributes.

use crate::delta::Delta;
use crate::fact::UnixNanos;
use crate::key::{SpanId, TraceId};
use crate::money::Money;
use crate::names::Names;
use crate::tally::{Histogram, Metric};

/// The value of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A count.
    Count(u64),
    /// A signed count (gauges).
    Level(i64),
    /// Dollars, exact.
    Money(Money),
    /// A duration in milliseconds (gauges).
    Millis(u64),
    /// A distribution; its raw unit is nanoseconds where the metric's unit is `s`,
    /// picodollars where it is `USD`, and one elsewhere.
    Histogram(&'a Histogram),
}

/// A trace that a counter's last increment came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exemplar {
    /// The trace.
    pub trace: TraceId,
    /// The span, or none.
    pub span: SpanId,
    /// The increment or the observed value, in the raw unit.
    pub value: i128,
    /// When it was booked.
    pub time: UnixNanos,
}

/// One series, as readers see it. Attributes with empty values are left out.
pub struct Series<'a> {
    /// Its metric.
    pub metric: &'static Metric,
    /// Attribute keys and values, in the order of the metric's table row.
    pub attributes: &'a [(&'static str, &'a str)],
    /// When it began: with the value, so that no restart looks like a reset.
    pub start: UnixNanos,
    /// Its value.
    pub value: Value<'a>,
    /// An example of what it counts.
    pub exemplar: Option<Exemplar>,
}

/// All series.
#[derive(Clone, Debug, Default)]
pub struct Tally {}

impl Tally {
    /// Folds one delta.
    pub fn apply(&mut self, now: UnixNanos, delta: &Delta) {
        let _ = (now, delta);
    }

    /// Shows every series, in the order of [`crate::tally::METRICS`], then of creation.
    pub fn visit(&self, names: &Names, see: &mut dyn FnMut(Series<'_>)) {
        let _ = (names, see);
    }
}
