//! Prices in the format of genai-prices: an array of providers with rules and dated prices.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use countersign_core::fact::CostSource;
use countersign_core::price::{
    Card, Clause, Cliff, Component, Model, Pattern, Per, Period, Price, Provider, Rate, Sheet,
    Tier, When,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Number, Value};

use super::dates::{parse_time, parse_time_of_day};

/// Keys of prices that a call's usage can be charged by. Others (images, pages, searches) are
/// counts that no instrumentation reports.
const KEYS: &[(&str, Component, Per)] = &[
    ("input_mtok", Component::Input, Per::Million),
    ("cache_read_mtok", Component::CacheRead, Per::Million),
    ("cache_write_mtok", Component::CacheWrite, Per::Million),
    ("cache_write_1h_mtok", Component::CacheWrite1h, Per::Million),
    ("output_mtok", Component::Output, Per::Million),
    ("output_reasoning_mtok", Component::Reasoning, Per::Million),
    ("input_audio_mtok", Component::InputAudio, Per::Million),
    ("output_audio_mtok", Component::OutputAudio, Per::Million),
    ("requests_kcount", Component::Request, Per::Thousand),
];

#[derive(Deserialize)]
struct WireModel {
    id: String,
    #[serde(rename = "match")]
    named: Value,
    prices: Value,
    #[serde(default)]
    price_variants: Vec<WireVariant>,
}

#[derive(Deserialize)]
struct WirePeriod {
    constraint: Option<WireConstraint>,
    prices: WirePrices,
}

#[derive(Deserialize)]
struct WireVariant {
    when: BTreeMap<String, String>,
    constraint: Option<WireConstraint>,
    prices: WirePrices,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireConstraint {
    start_date: Option<String>,
    start_time: Option<String>,
    end_time: Option<String>,
    #[serde(rename = "type")]
    _kind: Option<String>,
}

type WirePrices = BTreeMap<String, Option<WirePrice>>;

#[derive(Deserialize)]
#[serde(untagged)]
enum WirePrice {
    Flat(Number),
    Tiered { base: Number, tiers: Vec<WireTier> },
}

#[derive(Deserialize)]
struct WireTier {
    start: u64,
    price: Number,
}

/// An array whose first element has models.
pub(super) fn fits(document: &Value) -> bool {
    let first = document.as_array().and_then(|providers| providers.first());
    first.is_some_and(|provider| provider.get("models").is_some())
}

/// Reads the document.
pub(super) fn read(document: &Value, origin: String) -> Result<Sheet> {
    let providers = document.as_array().context("expected an array of providers")?;
    let providers = providers.iter().enumerate().map(|(place, value)| {
        let id = value.get("id").and_then(Value::as_str);
        let id = id.with_context(|| format!("provider {place}: expected an id"))?;
        provider(id, value).with_context(|| format!("provider {id}"))
    });
    let providers = providers.collect::<Result<_>>()?;
    Ok(Sheet { origin, source: CostSource::Catalog, providers, deployments: Vec::new() })
}

fn provider(id: &str, value: &Value) -> Result<Provider> {
    let rule = |key| value.get(key).filter(|rule| !rule.is_null()).map(clause).transpose();
    let models = value.get("models").and_then(Value::as_array).context("expected models")?;
    let models = models.iter().enumerate().map(|(place, value)| {
        let id = value.get("id").and_then(Value::as_str);
        let id = id.with_context(|| format!("model {place}: expected an id"))?;
        model(value).with_context(|| format!("model {id}"))
    });
    Ok(Provider {
        id: id.to_lowercase(),
        named: rule("provider_match").context("provider_match")?,
        makes: rule("model_match").context("model_match")?,
        serves: match value.get("fallback_model_providers") {
            Some(ids) => from(ids).context("fallback_model_providers")?,
            None => Vec::new(),
        },
        models: models.collect::<Result<_>>()?,
    })
}

fn model(value: &Value) -> Result<Model> {
    let wire: WireModel = from(value)?;
    let periods = if let Value::Array(periods) = &wire.prices {
        periods.iter().map(period).collect::<Result<_>>()
    } else {
        let always = |prices| Ok(vec![Period { when: When::default(), card: card(&prices)? }]);
        from(&wire.prices).and_then(always)
    };
    let tiers = wire.price_variants.iter().filter_map(|variant| tier(variant).transpose());
    Ok(Model {
        id: wire.id,
        named: clause(&wire.named).context("match")?,
        periods: periods.context("prices")?,
        tiers: tiers.collect::<Result<_>>().context("price_variants")?,
    })
}

fn period(value: &Value) -> Result<Period> {
    let wire: WirePeriod = from(value)?;
    Ok(Period { when: when(wire.constraint.as_ref())?, card: card(&wire.prices)? })
}

/// A variant by service tier or by batch processing; what other contexts select is not on the
/// wire of any instrumentation.
fn tier(wire: &WireVariant) -> Result<Option<Tier>> {
    let mut words = wire.when.iter();
    let (Some((key, name)), None) = (words.next(), words.next()) else { return Ok(None) };
    if !matches!(key.as_str(), "service_tier" | "processing") || wire.prices.is_empty() {
        return Ok(None);
    }
    let when = when(wire.constraint.as_ref())?;
    Ok(Some(Tier { name: name.to_lowercase(), when, card: card(&wire.prices)? }))
}

fn when(wire: Option<&WireConstraint>) -> Result<When> {
    let Some(wire) = wire else { return Ok(When::default()) };
    let from = wire.start_date.as_deref().map(parse_time).transpose()?;
    let daily = match (&wire.start_time, &wire.end_time) {
        (Some(start), Some(end)) => Some((parse_time_of_day(start)?, parse_time_of_day(end)?)),
        (None, None) => None,
        _ => bail!("constraint: expected both start_time and end_time"),
    };
    Ok(When { from, to: None, daily })
}

fn card(wire: &WirePrices) -> Result<Card> {
    let mut card = Card::default();
    for (key, component, per) in KEYS {
        let Some(Some(value)) = wire.get(*key) else { continue };
        let rate = |number: &Number| {
            let text = number.to_string();
            Rate::parse(&text, *per).map_err(|error| anyhow!("{key}: {error}, not {text}"))
        };
        let price = match value {
            WirePrice::Flat(base) => Price::flat(rate(base)?),
            WirePrice::Tiered { base, tiers } => {
                let cliff =
                    |tier: &WireTier| Ok(Cliff { above: tier.start, rate: rate(&tier.price)? });
                let cliffs = tiers.iter().map(cliff).collect::<Result<_>>()?;
                Price::tiered(rate(base)?, cliffs)
            }
        };
        card.set(*component, price);
    }
    Ok(card)
}

fn clause(value: &Value) -> Result<Clause> {
    let rule = value.as_object().context("expected a rule such as {\"equals\": \"gpt-4o\"}")?;
    let mut rules = rule.iter().filter(|(_, argument)| !argument.is_null());
    let (Some((word, argument)), None) = (rules.next(), rules.next()) else {
        bail!("expected a rule with one operation");
    };
    let all = || {
        let clauses = argument.as_array().with_context(|| format!("{word}: expected an array"))?;
        clauses.iter().map(clause).collect::<Result<Vec<_>>>()
    };
    let text = || argument.as_str().with_context(|| format!("{word}: expected a string"));
    let folded = || text().map(|text| text.to_lowercase().into_boxed_str());
    Ok(match word.as_str() {
        "and" => Clause::And(all()?),
        "or" => Clause::Or(all()?),
        "equals" => Clause::Equals(folded()?),
        "starts_with" => Clause::StartsWith(folded()?),
        "ends_with" => Clause::EndsWith(folded()?),
        "contains" => Clause::Contains(folded()?),
        "regex" => Clause::Pattern(pattern(text()?)?),
        _ => bail!("no such rule: {word}"),
    })
}

/// The patterns of price data look ahead, which the usual engine cannot.
fn pattern(text: &str) -> Result<Pattern> {
    let regex = fancy_regex::RegexBuilder::new(text).case_insensitive(true).build();
    let regex = regex.with_context(|| format!("regex {text:?}"))?;
    // A pattern that runs into the engine's limit on backtracking does not match.
    let matches = Arc::new(move |name: &str| regex.is_match(name).unwrap_or(false));
    Ok(Pattern { text: text.into(), matches })
}

fn from<T: DeserializeOwned>(value: &Value) -> Result<T> {
    Ok(T::deserialize(value)?)
}
