//! How long it takes to price one call.

use core::hint::black_box;

use countersign_core::fact::{CostSource, Measure, Usage};
use countersign_core::price::{
    Ask, Card, Catalog, Clause, Component, Model, Per, Period, Price, Provider, Rate, Sheet, When,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// About as many as published price data has.
const PROVIDERS: usize = 47;
const MODELS_OF_EACH: usize = 48;

const USAGE: Usage =
    Usage { input: 1_100, cache_read: 512, cache_write: 0, output: 51, reasoning: 12 };

fn main() {
    divan::main();
}

fn model(provider: usize, model: usize) -> Model {
    let id = format!("model-{provider}-{model}");
    let mut card = Card::default();
    let prices =
        [(Component::Input, "0.15"), (Component::CacheRead, "0.075"), (Component::Output, "0.6")];
    for (component, dollars) in prices {
        card.set(component, Price::flat(Rate::parse(dollars, Per::Million).expect("a price")));
    }
    let named = if model.is_multiple_of(8) {
        Clause::StartsWith(id.as_str().into())
    } else {
        Clause::Equals(id.as_str().into())
    };
    let dated = When { from: Some(1_700_000_000_000_000_000), ..When::default() };
    let periods =
        vec![Period { when: When::default(), card: card.clone() }, Period { when: dated, card }];
    Model { id, named, periods, tiers: Vec::new() }
}

fn catalog() -> Catalog {
    let provider = |number| Provider {
        id: format!("provider-{number}"),
        models: (0..MODELS_OF_EACH).map(|place| model(number, place)).collect(),
        ..Provider::default()
    };
    let mut catalog = Catalog::default();
    catalog.lay(Sheet {
        origin: "bench".to_owned(),
        source: CostSource::Catalog,
        providers: (0..PROVIDERS).map(provider).collect(),
        deployments: Vec::new(),
    });
    catalog
}

fn ask<'a>(provider: &'a str, model: &'a str) -> Ask<'a> {
    Ask { provider, model, at: 1_795_308_965_000_000_000, ..Ask::default() }
}

/// A model by its listed name.
#[divan::bench(sample_size = 1_000)]
fn listed(bencher: divan::Bencher<'_, '_>) {
    let catalog = catalog();
    let ask = ask("provider-30", "model-30-31");
    bencher.bench(|| black_box(&catalog).cost(black_box(&ask), black_box(&USAGE)));
}

/// A model by another spelling of its name: found once, then remembered.
#[divan::bench(sample_size = 1_000)]
fn spelled_otherwise(bencher: divan::Bencher<'_, '_>) {
    let catalog = catalog();
    let ask = ask("strands-agents", "us.anthropic.model-30-31-20250929-v1:0");
    bencher.bench(|| black_box(&catalog).cost(black_box(&ask), black_box(&USAGE)));
}

/// A model that nobody lists: searched for once, then remembered.
#[divan::bench(sample_size = 1_000)]
fn unpriced(bencher: divan::Bencher<'_, '_>) {
    let catalog = catalog();
    let ask = ask("openai", "an-in-house-model");
    bencher.bench(|| black_box(&catalog).cost(black_box(&ask), black_box(&USAGE)));
}

/// A name that was not seen before and that nobody lists: the most that a lookup can cost.
#[divan::bench(sample_size = 1_000)]
fn never_seen(bencher: divan::Bencher<'_, '_>) {
    let catalog = catalog();
    let mut number = 0_u64;
    bencher
        .with_inputs(|| {
            number += 1;
            format!("vendor/an-in-house-model-{number}-20250929")
        })
        .bench_local_refs(|model| catalog.cost(&ask("provider-30", model), &USAGE));
}

/// A metric point's price.
#[divan::bench(sample_size = 1_000)]
fn rate(bencher: divan::Bencher<'_, '_>) {
    let catalog = catalog();
    let ask = ask("provider-30", "model-30-31");
    bencher.bench(|| black_box(&catalog).rate(black_box(&ask), black_box(&Measure::CacheRead(1))));
}
