//! Models without a price: what to add to the price files.

use countersign_core::fact::UnixNanos;
use countersign_core::settle::Books;
use countersign_core::tally::{Tally, Value};
use serde::Serialize;

/// The calls that no figure has the cost of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Unpriced {
    /// All of them.
    pub calls: u64,
    /// By model, most calls first.
    pub models: Vec<UnpricedModel>,
}

/// A model without a price.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UnpricedModel {
    /// The model, as the wire has it.
    pub model: String,
    /// Its calls with usage.
    pub calls: u64,
}

/// The models without a price.
#[must_use]
pub fn unpriced(books: &Books, tally: &Tally, now: UnixNanos) -> Unpriced {
    let mut models = Vec::new();
    tally.visit(books, now, &mut |series| {
        let (true, Value::Count(calls)) =
            (series.metric.name == "countersign.unpriced.calls", series.value)
        else {
            return;
        };
        let model = series.attributes.iter().find(|(key, _)| *key == "gen_ai.response.model");
        let model = model.map_or("", |(_, model)| model).to_owned();
        models.push(UnpricedModel { model, calls });
    });
    models.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.model.cmp(&b.model)));
    Unpriced { calls: books.totals().unpriced_calls, models }
}
