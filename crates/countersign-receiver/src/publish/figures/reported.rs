//! Cost that emitters report, beside what the prices on file come to.

use countersign_core::settle::Books;
use serde::Serialize;

use super::Dollars;

/// The calls whose emitters report their cost: that is what is booked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reported {
    /// By model, in the order of their names.
    pub models: Vec<ReportedModel>,
}

/// A model whose cost is reported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReportedModel {
    /// The model, as the wire has it.
    pub model: String,
    /// Its calls with reported cost that have a price on file as well.
    pub calls: u64,
    /// What those calls are reported to cost.
    pub reported_usd: Dollars,
    /// What they come to by the prices on file.
    pub listed_usd: Dollars,
    /// Reported less listed.
    pub difference_usd: Dollars,
    /// Its calls with reported cost and no price on file.
    pub unlisted_calls: u64,
}

/// The models whose cost is reported.
#[must_use]
pub fn reported(books: &Books) -> Reported {
    let models = books.reported().map(|(model, reported)| ReportedModel {
        model: model.to_owned(),
        calls: reported.calls,
        reported_usd: reported.cost.into(),
        listed_usd: reported.listed.into(),
        difference_usd: (reported.cost - reported.listed).into(),
        unlisted_calls: reported.unlisted_calls,
    });
    let mut models: Vec<_> = models.collect();
    models.sort_by(|one, other| one.model.cmp(&other.model));
    Reported { models }
}
