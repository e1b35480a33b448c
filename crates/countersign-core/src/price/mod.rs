//! Price: gives a call its cost from the price in force when it ran.

use crate::fact::{Cost, Measure, UnixNanos, Usage};
use crate::money::Money;

/// What a price is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ask<'a> {
    /// `gen_ai.provider.name`, as the wire has it; may be empty.
    pub provider: &'a str,
    /// The model, as the wire has it.
    pub model: &'a str,
    /// When the call ran.
    pub at: UnixNanos,
    /// Service tier, e.g. `batch`, `flex`, `priority`; empty for standard.
    pub tier: &'a str,
    /// Of the cache writes, those kept for an hour.
    pub cache_write_1h: u64,
}

/// Prices by provider, model and time.
#[derive(Clone, Debug, Default)]
pub struct Catalog {}

impl Catalog {
    /// What a call with this usage costs; [`Cost::Unpriced`] if no price was in force.
    #[must_use]
    pub fn cost(&self, ask: &Ask<'_>, usage: &Usage) -> Cost {
        let _ = (ask, usage);
        Cost::Unpriced
    }

    /// What one unit of a metric's measure costs.
    #[must_use]
    pub fn rate(&self, ask: &Ask<'_>, measure: &Measure) -> Option<Money> {
        let _ = (ask, measure);
        None
    }
}
