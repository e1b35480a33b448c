//! The bill of a call: why it cost what it cost.

use alloc::vec::Vec;

use super::card::Component;
use super::rate::{Atto, Rate};
use super::sheet::When;
use crate::fact::CostSource;
use crate::money::Money;

/// Every component of a call times its price. The lines add up to the sum, exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill<'c> {
    /// The provider whose price it is.
    pub provider: &'c str,
    /// The model's id in the sheet.
    pub model: &'c str,
    /// When the standard prices hold.
    pub when: When,
    /// Whether prices of a service tier hold on top of the standard ones.
    pub tier: bool,
    /// What the cost is called.
    pub source: CostSource,
    /// The sheet that has the price.
    pub origin: &'c str,
    /// The components that were used.
    pub lines: Vec<Line>,
    /// What the lines add up to.
    pub sum: Atto,
}

impl Bill<'_> {
    /// The cost as it is booked: the sum, rounded to a picodollar.
    #[must_use]
    pub fn total(&self) -> Money {
        self.sum.money()
    }
}

/// One component of a bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// What was used.
    pub component: Component,
    /// How many tokens, or one request.
    pub count: u64,
    /// The price of one.
    pub rate: Rate,
    /// The price holds because the input has more tokens than this.
    pub cliff: Option<u64>,
    /// `count × rate`.
    pub amount: Atto,
}
