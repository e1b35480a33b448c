//! The table of our metrics: every name, unit and attribute that goes out.

/// What kind of metric it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Rises only. `monotonic` sum on OTLP.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Distribution.
    Histogram,
}

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Name on OTLP, e.g. `countersign.cost.incurred`.
    pub name: &'static str,
    /// Counter, gauge or histogram.
    pub kind: Kind,
    /// Unit in UCUM, e.g. `USD`, `s`, `{call}`.
    pub unit: &'static str,
    /// What it means.
    pub help: &'static str,
    /// The attributes that its series can have.
    pub attributes: &'static [&'static str],
}

/// Every metric, in the order of publication.
pub const METRICS: &[Metric] = &[];
