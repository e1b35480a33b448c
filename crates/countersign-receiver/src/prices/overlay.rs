//! Contract prices in our own format, YAML or JSON.
//!
//! ```yaml
//! prices:
//!   - provider: openai          # without it: wherever the model is served
//!     model: gpt-4o-mini        # its id; names that the catalog knows for it mean it too
//!     also: [chat-small, "acme-*"]
//!     from: 2026-11-01          # a day in UTC or a time; without it: always
//!     to: 2027-01-01            # itself excluded
//!     per_million:              # dollars, best quoted: they are read as decimals
//!       input: "0.12"
//!       cache_read: "0.06"
//!       output: "0.48"
//!     per_request: "0.0001"
//!     above:                    # prices of calls whose whole input is larger
//!       - input_tokens: 200000
//!         per_million: { input: "0.24", output: "0.72" }
//!     tiers:                    # prices per million of service tiers
//!       batch: { input: "0.06", output: "0.24" }
//! deployments:                  # names that stand for models, as on Azure
//!   prod-chat: gpt-4o-mini
//! ```
//!
//! Components of `per_million` are `input`, `cache_read`, `cache_write`, `cache_write_1h`,
//! `output`, `reasoning`, `input_audio` and `output_audio`. What is absent costs what the more
//! general component costs: a cache what `input` costs, reasoning what `output` costs.
//! Of several entries of one model that are in force at a time the last one holds.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, anyhow, ensure};
use countersign_core::fact::CostSource;
use countersign_core::price::{
    Card, Clause, Cliff, Component, Deployment, Model, Per, Period, Price, Provider, Rate, Sheet,
    Tier, When,
};
use serde::Deserialize;
use serde_json::{Number, Value};

use super::dates::parse_time;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireOverlay {
    name: Option<String>,
    #[serde(default)]
    prices: Vec<Value>,
    #[serde(default)]
    deployments: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireEntry {
    provider: Option<String>,
    model: String,
    #[serde(default)]
    also: Vec<String>,
    from: Option<String>,
    to: Option<String>,
    per_million: Rates,
    per_request: Option<Decimal>,
    #[serde(default)]
    above: Vec<WireAbove>,
    #[serde(default)]
    tiers: BTreeMap<String, Rates>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireAbove {
    input_tokens: u64,
    per_million: Rates,
}

type Rates = BTreeMap<String, Decimal>;

#[derive(Deserialize)]
#[serde(untagged)]
enum Decimal {
    Text(String),
    Number(Number),
}

/// An object with `prices` as a list, or with `deployments`.
pub(super) fn fits(document: &Value) -> bool {
    let is = |key, fits: fn(&Value) -> bool| document.get(key).is_some_and(fits);
    is("prices", Value::is_array) || is("deployments", Value::is_object)
}

/// Reads the document.
pub(super) fn read(document: &Value, origin: String) -> Result<Sheet> {
    let wire = WireOverlay::deserialize(document)?;
    let mut providers: Vec<Provider> = Vec::new();
    for (place, value) in wire.prices.iter().enumerate() {
        let model = value.get("model").and_then(Value::as_str).unwrap_or("no model");
        let entry = || format!("prices, entry {} ({model})", place + 1);
        let wire = WireEntry::deserialize(value).with_context(entry)?;
        let id = wire.provider.as_deref().unwrap_or(Provider::ANY).trim().to_lowercase();
        let place = providers.iter().position(|provider| provider.id == id);
        let place = place.unwrap_or_else(|| {
            providers.push(Provider { id, ..Provider::default() });
            providers.len() - 1
        });
        let Some(provider) = providers.get_mut(place) else { continue };
        put(&mut provider.models, &wire).with_context(entry)?;
    }
    let deployments = wire.deployments.into_iter();
    Ok(Sheet {
        origin: wire.name.unwrap_or(origin),
        source: CostSource::Contract,
        providers,
        deployments: deployments.map(|(name, model)| Deployment { name, model }).collect(),
    })
}

/// Adds an entry to the model's prices.
fn put(models: &mut Vec<Model>, wire: &WireEntry) -> Result<()> {
    ensure!(!wire.model.trim().is_empty(), "model: expected a name");
    let id = wire.model.trim().to_lowercase();
    let from = wire.from.as_deref().map(parse_time).transpose().context("from")?;
    let to = wire.to.as_deref().map(parse_time).transpose().context("to")?;
    ensure!(from.is_none() || to.is_none() || from < to, "to: expected a time after from");
    let when = When { from, to, daily: None };
    let mut card = card(&wire.per_million, &wire.above)?;
    if let Some(request) = &wire.per_request {
        card.set(Component::Request, Price::flat(rate("per_request", request, Per::One)?));
    }
    ensure!(!card.is_empty(), "per_million: expected at least one price");
    let tiers = wire.tiers.iter().map(|(name, rates)| {
        let card = self::card(rates, &[]).with_context(|| format!("tiers, {name}"))?;
        Ok(Tier { name: name.to_lowercase(), when, card })
    });
    let tiers = tiers.collect::<Result<Vec<_>>>()?;
    let place = models.iter().position(|model| model.id == id).unwrap_or_else(|| {
        let named = Clause::Or(vec![Clause::Equals(id.as_str().into())]);
        models.push(Model { id, named, periods: Vec::new(), tiers: Vec::new() });
        models.len() - 1
    });
    if let Some(model) = models.get_mut(place) {
        if let Clause::Or(names) = &mut model.named {
            names.extend(wire.also.iter().map(|name| also(name)));
        }
        model.periods.push(Period { when, card });
        // Of tiers in force the first one holds, of entries the last.
        model.tiers.splice(0..0, tiers);
    }
    Ok(())
}

/// A further name; with `*` at its end, all names that begin so.
fn also(name: &str) -> Clause {
    let name = name.trim().to_lowercase();
    match name.strip_suffix('*') {
        Some(start) => Clause::StartsWith(start.into()),
        None => Clause::Equals(name.into()),
    }
}

fn card(rates: &Rates, above: &[WireAbove]) -> Result<Card> {
    let mut card = Card::default();
    for (word, base) in rates {
        let component = component(word)?;
        let cliffs = above.iter().filter_map(|above| {
            let rate = rate(word, above.per_million.get(word)?, Per::Million);
            Some(rate.map(|rate| Cliff { above: above.input_tokens, rate }))
        });
        let cliffs = cliffs.collect::<Result<_>>().context("above")?;
        card.set(component, Price::tiered(rate(word, base, Per::Million)?, cliffs));
    }
    for word in above.iter().flat_map(|above| above.per_million.keys()) {
        ensure!(rates.contains_key(word), "above, {word}: expected it in per_million too");
    }
    Ok(card)
}

fn component(word: &str) -> Result<Component> {
    let words = || Component::ALL.iter().filter(|known| **known != Component::Request);
    words().find(|known| known.as_str() == word).copied().ok_or_else(|| {
        let words: Vec<_> = words().map(|known| known.as_str()).collect();
        anyhow!("no component {word:?}: expected one of {}", words.join(", "))
    })
}

fn rate(word: &str, decimal: &Decimal, per: Per) -> Result<Rate> {
    let text = match decimal {
        Decimal::Text(text) => text.trim().to_owned(),
        Decimal::Number(number) => number.to_string(),
    };
    Rate::parse(&text, per).map_err(|error| anyhow!("{word}: {error}, not {text:?}"))
}
