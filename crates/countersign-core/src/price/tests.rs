//! Which price holds: names, sheets on top of each other, times and tiers.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};

use super::*;
use crate::fact::{Cost, CostSource, Measure, Usage};
use crate::money::Money;

const DAY: u64 = 86_400_000_000_000;
const HOUR: u64 = DAY / 24;

fn card(input: &str, output: &str) -> Card {
    let mut card = Card::default();
    let price = |text| Price::flat(Rate::parse(text, Per::Million).unwrap());
    card.set(Component::Input, price(input));
    card.set(Component::Output, price(output));
    card
}

fn model(id: &str, periods: Vec<(When, Card)>) -> Model {
    Model {
        id: id.to_string(),
        named: Clause::Equals(id.into()),
        periods: periods.into_iter().map(|(when, card)| Period { when, card }).collect(),
        tiers: Vec::new(),
    }
}

fn always(id: &str, input: &str) -> Model {
    model(id, vec![(When::default(), card(input, "10"))])
}

fn provider(id: &str, models: Vec<Model>) -> Provider {
    Provider { id: id.to_string(), models, ..Provider::default() }
}

fn sheet(origin: &str, source: CostSource, providers: Vec<Provider>) -> Sheet {
    Sheet { origin: origin.to_string(), source, providers, deployments: Vec::new() }
}

/// Openai makes `gpt-*`; hosts serve a model of nobody; a platform serves openai's models.
fn catalog() -> Catalog {
    let makes = Some(Clause::StartsWith("gpt-".into()));
    let openai = vec![always("gpt-a", "1"), always("gpt-b-2026-01-02", "2"), always("gpt-b", "3")];
    let mut catalog = Catalog::default();
    catalog.lay(sheet(
        "base",
        CostSource::Catalog,
        vec![
            Provider { makes, ..provider("openai", openai) },
            provider("host-one", vec![always("open-model", "4"), always("only-here", "5")]),
            provider("host-two", vec![always("open-model", "6"), model("gpt-c", vec![])]),
            Provider { serves: vec!["openai".to_string()], ..provider("azure", vec![]) },
        ],
    ));
    catalog
}

fn ask<'a>(provider: &'a str, model: &'a str) -> Ask<'a> {
    Ask { provider, model, at: 10 * DAY, ..Ask::default() }
}

/// What a million input tokens cost, and by whose price.
fn million(catalog: &Catalog, ask: &Ask<'_>) -> String {
    let usage = Usage { input: 1_000_000, ..Usage::default() };
    match (catalog.cost(ask, &usage), catalog.bill(ask, &usage)) {
        (Cost::Priced(money, source), Ok(bill)) => {
            assert_eq!(bill.total(), money, "a bill is what is booked");
            format!("{money} {} {}", bill.provider, source.as_str())
        }
        (Cost::Unpriced, Err(_)) => "unpriced".to_string(),
        (cost, bill) => panic!("{cost:?}, {bill:?}"),
    }
}

#[test]
fn a_model_is_the_named_providers_or_its_makers() {
    let catalog = catalog();
    let cases = [
        ("openai", "gpt-a", "1 openai catalog"),
        ("OpenAI ", "GPT-A", "1 openai catalog"),
        ("some-framework", "gpt-a", "1 openai catalog"),
        ("", "openai/gpt-a", "1 openai catalog"),
        ("host-two", "openai/gpt-a", "1 openai catalog"),
        ("azure.ai.openai", "gpt-a", "1 openai catalog"),
        // The exact name before the one without a date.
        ("openai", "gpt-b-2026-01-02", "2 openai catalog"),
        ("openai", "gpt-b-20260102", "2 openai catalog"),
        ("openai", "gpt-b-20260103", "3 openai catalog"),
        ("host-one", "open-model", "4 host-one catalog"),
        ("host-two", "open-model", "6 host-two catalog"),
        // Two hosts, two prices: nobody knows which.
        ("", "open-model", "unpriced"),
        ("", "only-here", "5 host-one catalog"),
        // Listed by the provider without a price: no other's price holds.
        ("host-two", "gpt-c", "unpriced"),
        ("", "gpt-z", "unpriced"),
        ("openai", "", "unpriced"),
    ];
    // The second time from memory.
    for _ in 0..2 {
        for (provider, model, expected) in cases {
            assert_eq!(million(&catalog, &ask(provider, model)), expected, "{provider} {model}");
        }
    }
}

#[test]
fn of_prices_in_force_the_last_one_holds() {
    let from = |day| When { from: Some(day * DAY), ..When::default() };
    let night = When { daily: Some((22 * HOUR, 6 * HOUR)), ..When::default() };
    let mut catalog = catalog();
    catalog.lay(sheet(
        "dated",
        CostSource::Catalog,
        vec![provider(
            "host-one",
            vec![model(
                "m",
                vec![
                    (When::default(), card("1", "1")),
                    (from(10), card("2", "2")),
                    (from(20), card("3", "3")),
                    (night, card("0.5", "0.5")),
                ],
            )],
        )],
    ));
    let cases = [
        (0, "0.5"),
        (6 * HOUR - 1, "0.5"),
        (6 * HOUR, "1"),
        (10 * DAY - 2 * HOUR - 1, "1"),
        (10 * DAY - 2 * HOUR, "0.5"),
        (10 * DAY + 6 * HOUR, "2"),
        (19 * DAY + 22 * HOUR - 1, "2"),
        (20 * DAY + 12 * HOUR, "3"),
    ];
    for (at, expected) in cases {
        let ask = Ask { at, ..ask("host-one", "m") };
        assert_eq!(million(&catalog, &ask), format!("{expected} host-one catalog"), "{at}");
    }
}

#[test]
fn contracts_lie_on_top_and_let_through_when_not_in_force() {
    let during = |from, to| When { from: Some(from * DAY), to: Some(to * DAY), daily: None };
    let mut catalog = catalog();
    let contract = |when, price| vec![model("gpt-b", vec![(when, card(price, "10"))])];
    catalog.lay(sheet(
        "first",
        CostSource::Contract,
        vec![provider("openai", contract(during(5, 20), "0.2"))],
    ));
    catalog.lay(sheet(
        "second",
        CostSource::Contract,
        vec![
            provider("openai", contract(during(10, 15), "0.1")),
            provider(Provider::ANY, vec![always("in-house", "7")]),
        ],
    ));
    let cases = [
        ("openai", "gpt-b", 4, "3 openai catalog"),
        ("openai", "gpt-b", 5, "0.2 openai contract"),
        ("openai", "gpt-b", 10, "0.1 openai contract"),
        ("some-framework", "gpt-b", 14, "0.1 openai contract"),
        ("openai", "gpt-b", 15, "0.2 openai contract"),
        ("openai", "gpt-b", 20, "3 openai catalog"),
        // A contract with one provider is none with another that serves its models.
        ("azure", "gpt-b", 10, "3 openai catalog"),
        // Another model's dated name is not the contract's.
        ("openai", "gpt-b-2026-01-02", 10, "2 openai catalog"),
        ("anybody", "in-house", 10, "7 * contract"),
    ];
    for _ in 0..2 {
        for (provider, model, day, expected) in cases {
            let ask = Ask { at: day * DAY, ..ask(provider, model) };
            assert_eq!(million(&catalog, &ask), expected, "{provider} {model} {day}");
        }
    }
}

#[test]
fn a_tiers_price_lies_on_top_of_the_standard_one() {
    let mut tiered = always("m", "4");
    let mut batch = Card::default();
    batch.set(Component::Input, Price::flat(Rate::parse("2", Per::Million).unwrap()));
    let when = When { from: Some(10 * DAY), ..When::default() };
    tiered.tiers.push(Tier { name: "batch".to_string(), when, card: batch });
    let mut catalog = catalog();
    catalog.lay(sheet("tiers", CostSource::Catalog, vec![provider("host-one", vec![tiered])]));
    let usage =
        Usage { input: 1_000_000, cache_read: 500_000, output: 100_000, ..Usage::default() };
    let cost = |tier, at| match catalog.cost(&Ask { tier, at, ..ask("host-one", "m") }, &usage) {
        Cost::Priced(money, _) => money.to_string(),
        cost @ (Cost::Unknown | Cost::Unpriced) => panic!("{cost:?}"),
    };
    // 4 + 0.1 × 10; in batch 2 + 0.1 × 10, the cache without a price of its own as input.
    assert_eq!(cost("", 10 * DAY), "5");
    assert_eq!(cost("batch", 10 * DAY), "3");
    assert_eq!(cost("batch", 10 * DAY - 1), "5");
    assert_eq!(cost("flex", 10 * DAY), "5");
}

#[test]
fn a_metrics_points_add_up_to_the_cost_of_the_call() {
    let mut catalog = catalog();
    let mut card = card("3", "15");
    let prices = [
        (Component::CacheRead, "0.3"),
        (Component::CacheWrite, "3.75"),
        (Component::Reasoning, "20"),
    ];
    for (component, text) in prices {
        card.set(component, Price::flat(Rate::parse(text, Per::Million).unwrap()));
    }
    let full = model("full", vec![(When::default(), card)]);
    catalog.lay(sheet("full", CostSource::Catalog, vec![provider("host-one", vec![full])]));
    let ask = ask("host-one", "full");
    let usage =
        Usage { input: 1_000, cache_read: 600, cache_write: 100, output: 50, reasoning: 20 };
    let sum = |points: &[Measure]| -> Money {
        let amount = |point: &Measure| {
            let (Measure::Input(count)
            | Measure::FreshInput(count)
            | Measure::CacheRead(count)
            | Measure::CacheWrite(count)
            | Measure::CacheReadApart(count)
            | Measure::CacheWriteApart(count)
            | Measure::Output(count)
            | Measure::PlainOutput(count)
            | Measure::Reasoning(count)
            | Measure::ReasoningApart(count)
            | Measure::Calls(count)) = *point
            else {
                panic!("{point:?}")
            };
            catalog.rate(&ask, point).unwrap().times(count)
        };
        points.iter().map(amount).sum()
    };
    // 300 × 3 + 600 × 0.3 + 100 × 3.75 + 30 × 15 + 20 × 20 = 2305 millionths.
    let expected = Money::from_pico(2_305_000_000);
    assert_eq!(catalog.cost(&ask, &usage), Cost::Priced(expected, CostSource::Catalog));
    let nested = [
        Measure::Calls(1),
        Measure::Input(1_000),
        Measure::CacheRead(600),
        Measure::CacheWrite(100),
        Measure::Output(50),
        Measure::Reasoning(20),
    ];
    assert_eq!(sum(&nested), expected);
    let apart = [
        Measure::FreshInput(300),
        Measure::CacheReadApart(600),
        Measure::CacheWriteApart(100),
        Measure::PlainOutput(30),
        Measure::ReasoningApart(20),
    ];
    assert_eq!(sum(&apart), expected);
    assert_eq!(catalog.rate(&ask, &Measure::Cost(Money::DOLLAR)), None);
    assert_eq!(catalog.rate(&super::tests::ask("", "gpt-z"), &Measure::Input(1)), None);
}

#[test]
fn a_list_shows_each_model_once_with_what_holds() {
    let mut catalog = catalog();
    let contract = vec![always("gpt-a", "0.5")];
    catalog.lay(sheet("deal", CostSource::Contract, vec![provider("openai", contract)]));
    let lines: Vec<String> = catalog
        .in_force(10 * DAY)
        .map(|line| format!("{} {} {}", line.provider, line.model, line.origin))
        .collect();
    assert_eq!(
        lines,
        [
            "openai gpt-a deal",
            "openai gpt-b-2026-01-02 base",
            "openai gpt-b base",
            "host-one open-model base",
            "host-one only-here base",
            "host-two open-model base",
        ]
    );
}
