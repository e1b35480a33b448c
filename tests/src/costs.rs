//! What every recorded run cost, against prices that can be checked by hand.
//!
//! The expected figure is worked out here in whole numbers from the short list of [`PRICES`],
//! not with the catalog. A run whose emitter reports its cost has what was reported.

use std::fmt::Write as _;

use countersign_core::fact::Usage;
use countersign_core::money::Money;
use countersign_core::settle::{Books, Line};
use countersign_receiver::prices;

use crate::captures::{booked, requests, runs};

/// A list price in picodollars a token: the millionths of dollars that a million tokens cost.
struct Price {
    /// The models whose names begin so.
    model: &'static str,
    input: u64,
    cache_read: u64,
    cache_write: u64,
    output: u64,
}

/// What the providers' price pages said when the runs were recorded, in November 2026. Reasoning
/// is output. What a provider does not charge apart costs what input costs.
const PRICES: &[Price] = &[
    // $3, $0.30, $3.75 (kept for five minutes), $15.
    price("claude-sonnet-4-5", [3_000_000, 300_000, 3_750_000, 15_000_000]),
    // $0.30, $0.03, -, $2.50.
    price("gemini-2.5-flash", [300_000, 30_000, 300_000, 2_500_000]),
    // $0.15, $0.075, -, $0.60.
    price("gpt-4o-mini", [150_000, 75_000, 150_000, 600_000]),
    // $0.25, $0.025, -, $2.
    price("gpt-5-mini", [250_000, 25_000, 250_000, 2_000_000]),
    // $0.02; there is nothing but input.
    price("text-embedding-3-small", [20_000, 20_000, 20_000, 0]),
];

/// Runs whose emitter says what its calls cost: the figures on the wire, in picodollars. Where a
/// record that repeats a better report of the call says it (the logs of Claude Code, whose spans
/// have no cost), the run is not among them.
const REPORTED: &[(&str, &[i128])] = &[
    ("litellm-anthropic", &[3_918_000_000]),
    ("litellm-chat", &[157_200_000]),
    ("litellm-embed", &[160_000]),
    ("litellm-retry", &[157_200_000]),
    ("litellm-tools", &[172_800_000]),
    ("logfire-anthropic", &[3_918_000_000]),
    ("logfire-pydantic-ai", &[157_200_000, 172_800_000]),
    ("pydantic-ai-multiturn", &[157_200_000, 172_800_000, 188_400_000]),
    ("pydantic-ai-nested", &[157_200_000, 172_800_000, 188_400_000, 204_000_000]),
    ("pydantic-ai-noagg-agent", &[157_200_000, 172_800_000]),
    ("pydantic-ai-responses", &[157_200_000, 172_800_000]),
    ("pydantic-ai-retry", &[157_200_000]),
    ("pydantic-ai-stream", &[157_200_000, 172_800_000]),
];

const fn price(model: &'static str, rates: [u64; 4]) -> Price {
    let [input, cache_read, cache_write, output] = rates;
    Price { model, input, cache_read, cache_write, output }
}

/// Every token times its price.
fn by_hand(model: &str, usage: &Usage) -> Option<i128> {
    let model = model.rsplit('/').next()?;
    let price = PRICES.iter().find(|price| model.starts_with(price.model))?;
    let plain = usage.input - usage.cache_read - usage.cache_write;
    let pico = plain * price.input
        + usage.cache_read * price.cache_read
        + usage.cache_write * price.cache_write
        + usage.output * price.output;
    Some(pico.into())
}

fn lines(books: &Books) -> Vec<(String, Line)> {
    let lines = |task: countersign_core::settle::TaskView<'_>| {
        let lines = task.lines().iter();
        lines.map(|line| (task.text(line.model).to_owned(), line.clone())).collect::<Vec<_>>()
    };
    books.tasks().flat_map(lines).collect()
}

#[test]
fn every_run_costs_what_can_be_checked_by_hand() {
    let catalog = prices::catalog(&[]).unwrap();
    let mut table = String::new();
    let mut wrong = 0;
    for run in runs() {
        let name = run.file_name().unwrap().to_str().unwrap();
        let books = booked(requests(&run).iter(), &catalog);
        let is = books.totals().incurred;
        let computed = lines(&books).iter().map(|(model, line)| by_hand(model, &line.usage)).sum();
        let reported = REPORTED.iter().find(|(reporting, _)| *reporting == name);
        let (should, how) = match reported {
            Some((_, amounts)) => (Some(amounts.iter().sum()), "reported"),
            None => (computed, "by hand"),
        };
        let mut right = should == Some(is.pico()) && books.totals().unpriced_calls == 0;
        if reported.is_some() {
            // What the catalog would have said is kept beside it.
            let beside: Vec<_> = books.reported().map(|(_, reported)| reported).collect();
            let listed: Money = beside.iter().map(|reported| reported.listed).sum();
            let cost: Money = beside.iter().map(|reported| reported.cost).sum();
            right &= Some(listed.pico()) == computed && cost == is;
        }
        let should =
            should.map_or("no price".to_owned(), |pico| Money::from_pico(pico).to_string());
        let mark = if right { "" } else { " WRONG" };
        wrong += usize::from(!right);
        writeln!(table, "{name:<45} booked {is}, {how} {should}{mark}").unwrap();
        for (model, line) in lines(&books) {
            let Usage { input, cache_read, cache_write, output, .. } = line.usage;
            let cost = line.cost;
            writeln!(
                table,
                "    {model}: in {input} (read {cache_read}, written {cache_write}), \
                 out {output}: {cost}",
            )
            .unwrap();
        }
    }
    println!("{table}");
    assert_eq!(wrong, 0, "runs priced wrongly:\n{table}");
}
