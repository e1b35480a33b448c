//! What calls cost by the shipped catalog and by files on top of it.

use std::time::{Duration, UNIX_EPOCH};

use countersign_core::fact::{Cost, CostSource, Usage};
use countersign_core::money::Money;
use countersign_core::price::{Ask, Catalog};
use genai_prices::{Calculator, PriceRequest, UsageKey};

use super::{SHIPPED_CATALOG, parse_time, read_text};

/// A day on which the captures' models have one price.
const DAY: &str = "2026-11-22";

fn usage(input: u64, cache_read: u64, cache_write: u64, output: u64, reasoning: u64) -> Usage {
    Usage { input, cache_read, cache_write, output, reasoning }
}

fn ask<'a>(provider: &'a str, model: &'a str, day: &str) -> Ask<'a> {
    Ask { provider, model, at: parse_time(day).unwrap(), ..Ask::default() }
}

fn dollars(cost: Cost) -> String {
    match cost {
        Cost::Priced(money, source) => format!("{money} {}", source.as_str()),
        Cost::Unpriced => "unpriced".to_owned(),
        Cost::Unknown => "unknown".to_owned(),
    }
}

fn check(ask: &Ask<'_>, usage: &Usage, expected: &str) {
    assert_eq!(dollars(SHIPPED_CATALOG.cost(ask, usage)), expected, "{ask:?}");
}

/// The shipped catalog with a file's text on top.
fn over(text: &str) -> Catalog {
    let mut catalog = SHIPPED_CATALOG.clone();
    catalog.lay(read_text(text, "test".to_owned()).unwrap());
    catalog
}

#[test]
fn a_call_costs_the_sum_of_its_components() {
    // gpt-4o-mini, dollars a million: input 0.15, cache read 0.075, output 0.60.
    // 588 × 0.15 + 512 × 0.075 + 51 × 0.60 = 88.2 + 38.4 + 30.6 = 157.2 millionths.
    let openai = ask("openai", "gpt-4o-mini-2024-07-18", DAY);
    check(&openai, &usage(1_100, 512, 0, 51, 0), "0.0001572 catalog");
    // claude-sonnet-4-5: input 3, cache read 0.30, cache write 3.75, output 15.
    // 201 × 3 + 3000 × 0.30 + 400 × 3.75 + 61 × 15 = 603 + 900 + 1500 + 915 = 3918 millionths.
    let claude = ask("anthropic", "claude-sonnet-4-5-20250929", DAY);
    check(&claude, &usage(3_601, 3_000, 400, 61, 0), "0.003918 catalog");
    // Of the 400 written, 100 for an hour, at 6: 300 × 3.75 + 100 × 6 = 1725 instead of 1500.
    let hour = Ask { cache_write_1h: 100, ..claude };
    check(&hour, &usage(3_601, 3_000, 400, 61, 0), "0.004143 catalog");
    // gemini-2.5-flash: input 0.30, cache read 0.03, output 2.50, thoughts as output.
    // 900 × 0.30 + 100 × 0.03 + (40 + 160) × 2.50 = 270 + 3 + 500 = 773 millionths.
    let gemini = ask("gcp.gemini", "gemini-2.5-flash-001", DAY);
    check(&gemini, &usage(1_000, 100, 0, 200, 160), "0.000773 catalog");
    // Audio at 1.00: 600 of the 900 fresh tokens. 300 × 0.30 + 600 × 1 = 690 instead of 270.
    let spoken = Ask { input_audio: 600, ..gemini };
    check(&spoken, &usage(1_000, 100, 0, 200, 160), "0.001193 catalog");
    // text-embedding-3-small: input 0.02.
    let embedding = ask("openai", "text-embedding-3-small", DAY);
    check(&embedding, &usage(8, 0, 0, 0, 0), "0.00000016 catalog");
    check(&openai, &usage(0, 0, 0, 0, 0), "0 catalog");
}

#[test]
fn usage_that_contradicts_itself_is_charged_once() {
    // More read from a cache than there was input: 10 × 0.075.
    let openai = ask("openai", "gpt-4o-mini", DAY);
    check(&openai, &usage(10, 50, 50, 0, 0), "0.00000075 catalog");
    check(&openai, &usage(0, 0, 0, 10, 50), "0.000006 catalog");
    // Nothing that fits into the fields overflows.
    let most = usage(u64::MAX, u64::MAX, u64::MAX, u64::MAX, u64::MAX);
    assert!(matches!(SHIPPED_CATALOG.cost(&openai, &most), Cost::Priced(..)));
}

#[test]
fn a_cliff_holds_for_all_tokens_of_the_call() {
    // claude-sonnet-4-5 above 200,000 input tokens: 6 instead of 3, 0.60 instead of 0.30,
    // 22.50 instead of 15.
    let claude = ask("anthropic", "claude-sonnet-4-5", DAY);
    // 100,000 × 3 + 100,000 × 0.30 + 1,000 × 15 = 345,000 millionths.
    check(&claude, &usage(200_000, 100_000, 0, 1_000, 0), "0.345 catalog");
    // 100,001 × 6 + 100,000 × 0.60 + 1,000 × 22.50 = 682,506 millionths.
    check(&claude, &usage(200_001, 100_000, 0, 1_000, 0), "0.682506 catalog");
}

#[test]
fn service_tiers_have_their_own_prices() {
    // gpt-4o-mini in batch: input 0.075, output 0.30; cache read as standard, 0.075.
    let batch = Ask { tier: "batch", ..ask("openai", "gpt-4o-mini", DAY) };
    check(&batch, &usage(1_000, 0, 0, 100, 0), "0.000105 catalog");
    // Before the batch price is known the standard one holds.
    let before = Ask { tier: "batch", ..ask("openai", "gpt-4o-mini", "2026-10-13") };
    check(&before, &usage(1_000, 0, 0, 100, 0), "0.00021 catalog");
    for tier in ["", "default", "standard", "auto", "nobody-knows"] {
        let standard = Ask { tier, ..ask("openai", "gpt-4o-mini", DAY) };
        check(&standard, &usage(1_000, 0, 0, 100, 0), "0.00021 catalog");
    }
}

#[test]
fn no_price_is_never_zero() {
    check(&ask("openai", "capture-litellm", DAY), &usage(1, 0, 0, 1, 0), "unpriced");
    check(&ask("", "", DAY), &usage(1, 0, 0, 1, 0), "unpriced");
    check(&ask("nobody", "nothing", DAY), &usage(1, 0, 0, 1, 0), "unpriced");
    // An embedding model has no price for output.
    let embedding = ask("openai", "text-embedding-3-small", DAY);
    check(&embedding, &usage(8, 0, 0, 1, 0), "unpriced");
}

#[test]
fn names_on_the_wire_mean_listed_models() {
    let cases = [
        ("openai", "openai/gpt-4o-mini", "openai gpt-4o-mini"),
        ("openai.chat", "gpt-4o-mini", "openai gpt-4o-mini"),
        ("strands-agents", "gpt-4o-mini", "openai gpt-4o-mini"),
        ("microsoft.agent_framework", "gpt-4o-mini", "openai gpt-4o-mini"),
        ("", "gpt-4o-mini-2024-07-18", "openai gpt-4o-mini"),
        ("", "text-embedding-3-small", "openai text-embedding-3-small"),
        ("openai", "gpt-5.6-luna", "openai gpt-5.6-luna"),
        ("openai", "gpt-5-mini", "openai gpt-5-mini"),
        ("gcp.gen_ai", "gemini-2.5-flash", "google gemini-2.5-flash"),
        ("gcp.gemini", "gemini-2.5-flash-001", "google gemini-2.5-flash"),
        ("gcp.vertex_ai", "models/gemini-2.5-pro", "google gemini-2.5-pro"),
        ("gcp.vertex.agent", "openai/gpt-4o-mini", "openai gpt-4o-mini"),
        ("", "gemini-embedding-001", "google gemini-embedding-001"),
        ("langchain", "claude-sonnet-4-5", "anthropic claude-sonnet-4-5"),
        ("litellm", "anthropic/claude-sonnet-4-5", "anthropic claude-sonnet-4-5"),
        ("vertex_ai", "claude-sonnet-4-5@20250929", "google claude-sonnet-4-5"),
        ("", "anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic claude-sonnet-4-5"),
        (
            "aws.bedrock",
            "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "aws regional.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        (
            "aws.bedrock",
            "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "aws global.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        (
            "anthropic.bedrock",
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
            "aws regional.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        ("azure.ai.openai", "gpt-4o-mini", "openai gpt-4o-mini"),
        ("x_ai", "grok-4.5", "x-ai grok-4.5"),
        ("mistral_ai", "mistral-large-latest", "mistral mistral-large"),
        ("openrouter", "openai/gpt-4o-mini", "openrouter openai/gpt-4o-mini"),
        ("fox_ai", "gpt-4o-mini", "openai gpt-4o-mini"),
        ("openai", "capture-litellm", "nothing"),
        ("", "llama-nobody-lists", "nothing"),
    ];
    let mut found = String::new();
    let mut expected = String::new();
    for (provider, model, meant) in cases {
        let bill = SHIPPED_CATALOG.bill(&ask(provider, model, DAY), &Usage::default());
        let means = bill.map_or("nothing".to_owned(), |b| format!("{} {}", b.provider, b.model));
        found += &format!("{provider} {model}: {means}\n");
        expected += &format!("{provider} {model}: {meant}\n");
    }
    assert_eq!(found, expected);
}

/// Every model of the shipped data under its own id, on several days and in several tiers,
/// priced by ours and by the other reading of the same data.
#[test]
fn costs_agree_with_the_publisher_of_the_data() {
    let calculator = Calculator::bundled();
    let mut compared = 0;
    for provider in calculator.providers() {
        for model in provider.models() {
            for day in ["2025-01-01", "2026-09-01", "2026-10-19", "2027-06-01T09:00:00Z"] {
                for input in [1_000, 300_000] {
                    compared +=
                        u32::from(agrees(calculator, provider.id(), model.id(), day, input));
                }
            }
        }
    }
    // 2,267 models; some ids are not among the names that their own rules know.
    assert!(compared > 15_000, "{compared}");
}

#[allow(clippy::cast_precision_loss, reason = "small counts")]
fn agrees(calculator: &Calculator, provider: &str, model: &str, day: &str, input: u64) -> bool {
    let at = parse_time(day).unwrap();
    let usage = usage(input, 200, 300, 400, 50);
    let theirs = genai_prices::Usage::from([
        (UsageKey::INPUT_TOKENS, usage.input as f64),
        (UsageKey::CACHE_READ_TOKENS, usage.cache_read as f64),
        (UsageKey::CACHE_WRITE_TOKENS, usage.cache_write as f64),
        (UsageKey::CACHE_WRITE_1H_TOKENS, 100.0),
        (UsageKey::OUTPUT_TOKENS, usage.output as f64),
        (UsageKey::OUTPUT_REASONING_TOKENS, usage.reasoning as f64),
    ]);
    let request = PriceRequest::new(model, &theirs)
        .with_provider_id(provider)
        .with_timestamp(UNIX_EPOCH + Duration::from_nanos(at));
    let Ok(theirs) = calculator.calculate(&request) else { return false };
    let ask = Ask { provider, model, at, cache_write_1h: 100, ..Ask::default() };
    match SHIPPED_CATALOG.cost(&ask, &usage) {
        Cost::Priced(money, CostSource::Catalog) => {
            let difference = (money.dollars() - theirs.total_price).abs();
            assert!(
                difference <= 1e-12 + theirs.total_price * 1e-12,
                "{provider} {model} {day}: {money}, theirs {}",
                theirs.total_price
            );
            true
        }
        // They charge nothing for what has no price; we say that it has none.
        Cost::Unpriced => false,
        cost @ (Cost::Unknown | Cost::Priced(..)) => panic!("{cost:?}"),
    }
}

#[test]
fn contract_prices_hold_while_they_are_in_force() {
    let catalog = over(
        "prices:
  - provider: openai
    model: gpt-4o-mini
    from: 2026-11-01
    to: 2026-12-01
    per_million: { input: '0.10', cache_read: 0.05, output: '0.40' }
    tiers:
      batch: { input: '0.01' }
  - provider: openai
    model: gpt-4o-mini
    from: 2026-11-15
    per_million: { input: '0.09', output: '0.40' }
    per_request: '0.001'
  - model: in-house
    also: ['acme-*']
    per_million: { input: 1, output: 2 }
    above:
      - input_tokens: 1000
        per_million: { input: 3 }
deployments:
  Prod-Chat: gpt-4o-mini
",
    );
    let usage = usage(1_000, 0, 0, 100, 0);
    let check = |provider, model, day, expected: &str| {
        assert_eq!(dollars(catalog.cost(&ask(provider, model, day), &usage)), expected, "{day}");
    };
    // 1000 × 0.15 + 100 × 0.60 = 210 millionths by the catalog; 100 + 40 by the contract.
    check("openai", "gpt-4o-mini-2024-07-18", "2026-10-31T23:59:59Z", "0.00021 catalog");
    check("openai", "gpt-4o-mini-2024-07-18", "2026-11-01", "0.00014 contract");
    check("openai", "gpt-4o-mini", "2026-11-14T23:59:59Z", "0.00014 contract");
    // The later entry: 1000 × 0.09 + 100 × 0.40 = 130 millionths and 1000 for the request.
    check("openai", "gpt-4o-mini", "2026-11-15", "0.00113 contract");
    check("azure.ai.openai", "prod-chat", "2026-11-15", "0.00021 catalog");
    check("", "PROD-CHAT", "2026-11-15", "0.00113 contract");
    check("ollama", "in-house", "2026-11-15", "0.0012 contract");
    check("openai", "acme-large", "2026-11-15", "0.0012 contract");
    let large = Usage { input: 1_001, ..usage };
    let cost = catalog.cost(&ask("", "in-house", DAY), &large);
    // 1001 × 3 + 100 × 2 millionths.
    assert_eq!(cost, Cost::Priced(Money::from_pico(3_203_000_000), CostSource::Contract));
    let batch = Ask { tier: "BATCH", ..ask("openai", "gpt-4o-mini", "2026-11-02") };
    assert_eq!(dollars(catalog.cost(&batch, &usage)), "0.00005 contract");
}

#[test]
fn reads_the_prices_of_litellm() {
    let catalog = over(
        r#"{
        "sample_spec": {"litellm_provider": "one of …", "input_cost_per_token": "a number"},
        "gpt-4o-mini": {"litellm_provider": "openai", "input_cost_per_token": 1.4e-07,
            "cache_read_input_token_cost": 7e-08, "output_cost_per_token": 6e-07,
            "input_cost_per_token_batches": 5e-08, "mode": "chat"},
        "vertex_ai/claude-x": {"litellm_provider": "vertex_ai-anthropic_models", "input_cost_per_token": 3e-06,
            "input_cost_per_token_above_200k_tokens": 6e-06, "output_cost_per_token": 1.5e-05,
            "cache_creation_input_token_cost": 3.75e-06,
            "cache_creation_input_token_cost_above_1hr": 6e-06},
        "image": {"litellm_provider": "openai", "output_cost_per_image": 0.04}
    }"#,
    );
    let check = |ask: &Ask<'_>, usage: &Usage, expected: &str| {
        assert_eq!(dollars(catalog.cost(ask, usage)), expected, "{ask:?}");
    };
    // 500 × 0.14 + 500 × 0.07 + 100 × 0.60 = 165 millionths.
    let openai = ask("openai", "gpt-4o-mini", DAY);
    check(&openai, &usage(1_000, 500, 0, 100, 0), "0.000165 catalog");
    let batch = Ask { tier: "batch", ..openai };
    check(&batch, &usage(1_000, 0, 0, 100, 0), "0.00011 catalog");
    let claude = ask("gcp.vertex_ai", "claude-x", DAY);
    check(&claude, &usage(1_000, 0, 0, 100, 0), "0.0045 catalog");
    check(&claude, &usage(200_001, 0, 0, 100, 0), "1.201506 catalog");
    let hour = Ask { cache_write_1h: 100, ..claude };
    check(&hour, &usage(200, 0, 200, 0, 0), "0.000975 catalog");
    check(&ask("openai", "image", DAY), &usage(1, 0, 0, 0, 0), "unpriced");
    // What the file does not list is as shipped.
    check(&ask("openai", "gpt-4o", DAY), &usage(1_000, 0, 0, 0, 0), "0.0025 catalog");
}

#[test]
fn mistakes_are_named_with_their_entry() {
    let mistake = |text: &str| format!("{:#}", read_text(text, "test".to_owned()).unwrap_err());
    expect_test::expect![[r#"
        has none of the known formats: genai-prices JSON, countersign overlay, LiteLLM JSON
        read as countersign overlay: prices, entry 1 (m): input: expected a decimal number of dollars, e.g. 0.15, not "cheap"
        read as countersign overlay: prices, entry 1 (m): no component "inptu": expected one of input, cache_read, cache_write, cache_write_1h, output, reasoning, input_audio, output_audio
        read as countersign overlay: prices, entry 1 (m): to: expected a time after from
        read as countersign overlay: prices, entry 1 (no model): missing field `model`
    "#]].assert_eq(&[
        "{}",
        "prices: [{model: m, per_million: {input: cheap}}]",
        "prices: [{model: m, per_million: {inptu: 1}}]",
        "prices: [{model: m, from: 2026-02-01, to: 2026-01-01, per_million: {input: 1}}]",
        "prices: [{per_million: {input: 1}}]",
    ].map(|text| mistake(text) + "\n").concat());
}
