//! Reported cost beside the prices on file: how far emitters' own figures are from them.

use serde::{Deserialize, Serialize};

use crate::fact::{Cost, CostSource, Rank};
use crate::money::Money;
use crate::settle::Books;
use crate::settle::trace::HeldCall;

/// The calls of a model whose emitters report their cost. What they report is what is booked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// Calls whose model has a price on file.
    pub calls: u64,
    /// What those calls cost, as reported.
    pub cost: Money,
    /// What they come to by the prices that were on file when they were read.
    pub listed: Money,
    /// Calls with reported cost whose model has no price on file.
    pub unlisted_calls: u64,
}

impl Books {
    /// By model, the calls whose emitters report their cost. As many models as there are names.
    pub fn reported(&self) -> impl Iterator<Item = (&str, &Reported)> {
        self.reported.iter().map(|(model, reported)| (self.names.text(*model), reported))
    }

    /// Notes what a booked call is reported to cost. Metrics are left out: their cost comes apart
    /// from the tokens that have a price.
    pub(super) fn note_reported(&mut self, call: &HeldCall, count: u64) {
        let Cost::Priced(cost, CostSource::Reported) = call.cost else { return };
        if call.rank >= Rank::METRIC {
            return;
        }
        let model = self.reported.entry(call.model).or_default();
        match call.listed {
            Some(listed) => {
                model.calls += count;
                model.cost += cost;
                model.listed += listed;
            }
            None => model.unlisted_calls += count,
        }
    }
}
