//! Tally: folds deltas into metric series. Cumulative, exact, never falling.

mod ages;
mod cohorts;
mod histogram;
mod metrics;
mod series;

pub use histogram::Histogram;
pub use metrics::{Kind, METRICS, Metric};
pub use series::{Exemplar, Series, Tally, Value};
