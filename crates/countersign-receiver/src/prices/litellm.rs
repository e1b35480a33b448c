//! Prices in the format of LiteLLM: an object from model names to costs per token.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, anyhow};
use countersign_core::fact::CostSource;
use countersign_core::price::{
    Card, Clause, Cliff, Component, Model, Per, Period, Price, Provider, Rate, Sheet, Tier, When,
};
use serde_json::{Map, Value};

/// Keys of costs in dollars for one.
const KEYS: &[(&str, Component)] = &[
    ("input_cost_per_token", Component::Input),
    ("cache_read_input_token_cost", Component::CacheRead),
    ("cache_creation_input_token_cost", Component::CacheWrite),
    ("cache_creation_input_token_cost_above_1hr", Component::CacheWrite1h),
    ("output_cost_per_token", Component::Output),
    ("output_cost_per_reasoning_token", Component::Reasoning),
    ("input_cost_per_audio_token", Component::InputAudio),
    ("output_cost_per_audio_token", Component::OutputAudio),
    ("input_cost_per_request", Component::Request),
];

/// What a key ends with when it is the cost in a service tier.
const TIERS: &[(&str, &str)] =
    &[("_batches", "batch"), ("_flex", "flex"), ("_priority", "priority")];

/// The entry that explains the format.
const EXPLANATION: &str = "sample_spec";

/// An object with entries that name their provider or a cost per token.
pub(super) fn fits(document: &Value) -> bool {
    let entry = |value: &Value| {
        ["litellm_provider", "input_cost_per_token"].iter().any(|key| value.get(key).is_some())
    };
    document.as_object().is_some_and(|entries| entries.values().any(entry))
}

/// Reads the document.
pub(super) fn read(document: &Value, origin: String) -> Result<Sheet> {
    let entries = document.as_object().context("expected an object of models")?;
    let mut providers: BTreeMap<&str, Provider> = BTreeMap::new();
    for (name, value) in entries.iter().filter(|(name, _)| *name != EXPLANATION) {
        let entry = value.as_object().with_context(|| format!("{name}: expected an object"))?;
        let id = entry.get("litellm_provider").and_then(Value::as_str).unwrap_or(Provider::ANY);
        let model = model(name, id, entry).with_context(|| name.clone())?;
        let empty = || Provider { id: id.to_lowercase(), ..Provider::default() };
        providers.entry(id).or_insert_with(empty).models.push(model);
    }
    let providers = providers.into_values().collect();
    Ok(Sheet { origin, source: CostSource::Catalog, providers, deployments: Vec::new() })
}

fn model(name: &str, provider: &str, entry: &Map<String, Value>) -> Result<Model> {
    let name = name.to_lowercase();
    let mut names = vec![Clause::Equals(name.as_str().into())];
    // `vertex_ai/claude-…` is served by `vertex_ai-anthropic_models`.
    let rest = name.split_once('/').filter(|(first, _)| provider.starts_with(first));
    let rest = rest.map(|(_, rest)| rest);
    names.extend(rest.map(|rest| Clause::Equals(rest.into())));
    let tiers = TIERS.iter().map(|(suffix, tier)| {
        let card = card(entry, suffix)?;
        Ok(Tier { name: (*tier).to_owned(), when: When::default(), card })
    });
    let mut tiers = tiers.collect::<Result<Vec<_>>>()?;
    tiers.retain(|tier| !tier.card.is_empty());
    let periods = vec![Period { when: When::default(), card: card(entry, "")? }];
    Ok(Model { id: name, named: Clause::Or(names), periods, tiers })
}

/// The costs whose keys end with the suffix.
fn card(entry: &Map<String, Value>, suffix: &str) -> Result<Card> {
    let mut card = Card::default();
    for (key, component) in KEYS {
        let Some(base) = rate(entry, &format!("{key}{suffix}"))? else { continue };
        let mut cliffs = Vec::new();
        for other in entry.keys() {
            let rest = other.strip_suffix(suffix).and_then(|other| other.strip_prefix(key));
            let above = rest.and_then(|rest| rest.strip_prefix("_above_"));
            let thousands = above.and_then(|above| above.strip_suffix("k_tokens"));
            let Some(Ok(thousands)) = thousands.map(str::parse::<u32>) else { continue };
            let Some(rate) = rate(entry, other)? else { continue };
            cliffs.push(Cliff { above: u64::from(thousands) * 1_000, rate });
        }
        card.set(*component, Price::tiered(base, cliffs));
    }
    Ok(card)
}

fn rate(entry: &Map<String, Value>, key: &str) -> Result<Option<Rate>> {
    let text = match entry.get(key) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => return Err(anyhow!("{key}: expected a number of dollars, not {other}")),
    };
    let rate = Rate::parse(&text, Per::One);
    rate.map(Some).map_err(|error| anyhow!("{key}: {error}, not {text}"))
}
