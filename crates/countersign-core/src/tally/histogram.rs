//! A histogram with exponential buckets, computed in integers.

use alloc::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Buckets per doubling are 2^SCALE, as in OTLP's exponential histogram of that scale.
pub const SCALE: i32 = 3;

/// Counts of values in buckets whose borders are powers of 2^(1/8), in the metric's unit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    /// Values seen.
    pub count: u64,
    /// Values that are zero.
    pub zeros: u64,
    /// Their sum in the raw unit (nanoseconds, picodollars, or one).
    pub sum: i128,
    /// Count by bucket: bucket `i` holds values in (2^(i/8), 2^((i+1)/8)] of the metric's unit.
    pub buckets: BTreeMap<i16, u64>,
}
