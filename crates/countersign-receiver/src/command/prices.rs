//! `countersign prices`: what models cost, why a call cost what it did, and how the prices on
//! file fit the calls that a server has seen.

mod seen;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::{Args, Subcommand};
use countersign_core::fact::{UnixNanos, Usage};
use countersign_core::price::{Ask, Catalog, Component, InForce, Price, When};

use super::{client, printed};
use crate::clock;
use crate::config::{Config, Overrides};
use crate::prices::{self, date, parse_time};

/// Arguments of `prices`.
#[derive(Args, Debug)]
pub struct PricesArgs {
    /// Price file on top of the catalog that is built in; can be given several times.
    #[arg(long, value_name = "FILE", global = true)]
    prices: Vec<PathBuf>,
    /// Configuration file whose price files are used as well.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_CONFIG", global = true)]
    config: Option<PathBuf>,
    /// The day (or time, in UTC) for which prices are wanted [default: now].
    #[arg(long, value_name = "DATE", value_parser = time, global = true)]
    at: Option<UnixNanos>,
    /// The provider, as on the wire.
    #[arg(long, value_name = "NAME", default_value = "", global = true)]
    provider: String,
    /// The model, as on the wire; of a list, a part of its name.
    #[arg(long, value_name = "NAME", default_value = "", global = true)]
    model: String,
    #[command(subcommand)]
    question: Option<Question>,
}

/// What is wanted; without it, a list.
#[derive(Debug, Subcommand)]
enum Question {
    /// List the prices in force, in dollars per million tokens.
    List,
    /// Say why a call costs what it costs: every component times its price.
    Explain(CallArgs),
    /// Ask a server which models it has seen without a price, and how far the cost that
    /// emitters report is from the prices on file.
    Seen(SeenArgs),
}

/// A call's usage, as the books have it: input includes cached, output includes reasoning.
#[derive(Args, Debug)]
struct CallArgs {
    /// All input tokens, cached ones included.
    #[arg(long, value_name = "TOKENS", default_value_t)]
    input: u64,
    /// Of the input, read from a cache.
    #[arg(long, value_name = "TOKENS", default_value_t)]
    cache_read: u64,
    /// Of the input, written to a cache.
    #[arg(long, value_name = "TOKENS", default_value_t)]
    cache_write: u64,
    /// Of what was written to a cache, kept for an hour.
    #[arg(long = "cache-write-1h", value_name = "TOKENS", default_value_t)]
    cache_write_1h: u64,
    /// All output tokens, reasoning included.
    #[arg(long, value_name = "TOKENS", default_value_t)]
    output: u64,
    /// Of the output, reasoning.
    #[arg(long, value_name = "TOKENS", default_value_t)]
    reasoning: u64,
    /// Of the input outside any cache, audio.
    #[arg(long, value_name = "TOKENS", default_value_t)]
    input_audio: u64,
    /// Of the output, audio.
    #[arg(long, value_name = "TOKENS", default_value_t)]
    output_audio: u64,
    /// Service tier: batch, flex, priority.
    #[arg(long, value_name = "NAME", default_value = "")]
    tier: String,
}

/// Where the calls were seen.
#[derive(Args, Debug)]
struct SeenArgs {
    /// The server's operator port.
    #[arg(long, alias = "server", value_name = "URL", default_value = client::OPERATOR)]
    operator: String,
}

/// Answers.
///
/// # Errors
/// A price file or a configuration that is wrong, a call that has no price, or a server that
/// does not answer.
pub fn run(args: PricesArgs) -> Result<ExitCode> {
    let overrides = Overrides { prices: args.prices, ..Overrides::default() };
    let config = args.config.as_deref();
    let catalog = || prices::catalog(&Config::load(config, overrides)?.prices);
    let at = args.at.unwrap_or_else(clock::now);
    let ask = Ask { provider: &args.provider, model: &args.model, at, ..Ask::default() };
    let text = match args.question {
        None | Some(Question::List) => list(&catalog()?, &ask),
        Some(Question::Explain(call)) => explain(&catalog()?, &ask, &call)?,
        Some(Question::Seen(seen)) => seen::ask(&seen.operator)?,
    };
    printed::line(format_args!("{}", text.trim_end()))?;
    Ok(ExitCode::SUCCESS)
}

fn list(catalog: &Catalog, ask: &Ask<'_>) -> String {
    let (provider, part) = (ask.provider.to_lowercase(), ask.model.to_lowercase());
    let mut rows = vec![
        ["PROVIDER", "MODEL", "INPUT", "CACHE READ", "CACHE WRITE", "OUTPUT", "IN FORCE", "SOURCE"]
            .map(str::to_owned),
    ];
    let wanted = |line: &InForce<'_>| {
        (provider.is_empty() || line.provider == provider)
            && line.model.to_lowercase().contains(&part)
    };
    rows.extend(catalog.in_force(ask.at).filter(wanted).map(|line| {
        let cell = |component| line.card.get(component).map_or("-".to_owned(), price);
        [
            line.provider.to_owned(),
            line.model.to_owned(),
            cell(Component::Input),
            cell(Component::CacheRead),
            cell(Component::CacheWrite),
            cell(Component::Output),
            in_force(&line.when),
            format!("{}, {}", line.source.as_str(), line.origin),
        ]
    }));
    let count = rows.len() - 1;
    let mut text = table(&rows);
    writeln!(text, "\nmodels: {count}, dollars per million tokens on {}", date(ask.at)).ok();
    text
}

fn explain(catalog: &Catalog, ask: &Ask<'_>, call: &CallArgs) -> Result<String> {
    let ask = Ask {
        tier: &call.tier,
        cache_write_1h: call.cache_write_1h,
        input_audio: call.input_audio,
        output_audio: call.output_audio,
        ..*ask
    };
    let usage = Usage {
        input: call.input,
        cache_read: call.cache_read,
        cache_write: call.cache_write,
        output: call.output,
        reasoning: call.reasoning,
    };
    let bill = catalog.bill(&ask, &usage).map_err(|why| {
        let (provider, model) = (ask.provider, ask.model);
        anyhow!("{why} (provider {provider:?}, model {model:?}); prices can be added with --prices")
    })?;
    let tier = if bill.tier { format!(", {} tier", ask.tier) } else { String::new() };
    let mut text = format!(
        "{} {} on {}{tier}\nprices {}, {} ({})\n\n",
        bill.provider,
        bill.model,
        date(ask.at),
        in_force(&bill.when),
        bill.source.as_str(),
        bill.origin,
    );
    let mut rows = vec![["", "COUNT", "DOLLARS", "PER", "AMOUNT", ""].map(str::to_owned)];
    rows.extend(bill.lines.iter().map(|line| {
        let (figure, per) = if line.component == Component::Request {
            (line.rate.of_one(), "request")
        } else {
            (line.rate.per_million(), "million")
        };
        let cliff = line.cliff.map(|above| format!("input above {above}"));
        [
            line.component.as_str().to_owned(),
            line.count.to_string(),
            figure.to_string(),
            per.to_owned(),
            line.amount.to_string(),
            cliff.unwrap_or_default(),
        ]
    }));
    let sum = bill.sum.to_string();
    rows.push(["sum", "", "", "", &sum, ""].map(str::to_owned));
    text += &table(&rows);
    if bill.total().to_string() != sum {
        writeln!(text, "booked as {}, the nearest picodollar", bill.total()).ok();
    }
    Ok(text)
}

/// A price per million, with its cliffs: `3 (6 >200000)`.
fn price(price: &Price) -> String {
    let mut text = price.base.per_million().to_string();
    for cliff in &price.cliffs {
        write!(text, " ({} >{})", cliff.rate.per_million(), cliff.above).ok();
    }
    text
}

fn in_force(when: &When) -> String {
    let mut text = match (when.from, when.to) {
        (None, None) => "always".to_owned(),
        (Some(from), None) => format!("from {}", date(from)),
        (None, Some(to)) => format!("to {}", date(to)),
        (Some(from), Some(to)) => format!("{} to {}", date(from), date(to)),
    };
    if let Some((start, end)) = when.daily {
        const MINUTE: u64 = 60_000_000_000;
        let clock = |time: u64| format!("{:02}:{:02}", time / MINUTE / 60, time / MINUTE % 60);
        write!(text, ", {}-{} UTC", clock(start), clock(end)).ok();
    }
    text
}

/// Columns under each other, two spaces apart.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in rows {
        let line: String =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}  ")).collect();
        text += line.trim_end();
        text.push('\n');
    }
    text
}

fn time(text: &str) -> Result<UnixNanos, String> {
    parse_time(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use expect_test::{Expect, expect};

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: PricesArgs,
    }

    fn check(line: &str, expected: &Expect) {
        let words = ["prices"].into_iter().chain(line.split_whitespace());
        let args = Line::try_parse_from(words).unwrap().args;
        let catalog = prices::catalog(&args.prices).unwrap();
        let at = args.at.unwrap();
        let ask = Ask { provider: &args.provider, model: &args.model, at, ..Ask::default() };
        let text = match args.question {
            None | Some(Question::List) => list(&catalog, &ask),
            Some(Question::Explain(call)) => {
                explain(&catalog, &ask, &call).unwrap_or_else(|error| format!("error: {error}\n"))
            }
            Some(Question::Seen(_)) => panic!("asks a server"),
        };
        expected.assert_eq(&text);
    }

    #[test]
    fn says_why_a_call_cost_what_it_did() {
        check(
            "explain --provider openai --model gpt-4o-mini-2024-07-18 --input 1100 \
             --cache-read 512 --output 51 --at 2026-11-22",
            &expect![[r#"
                openai gpt-4o-mini on 2026-11-22
                prices always, catalog (genai-prices 0.2.1)

                            COUNT  DOLLARS  PER      AMOUNT
                input       588    0.15     million  0.0000882
                cache_read  512    0.075    million  0.0000384
                output      51     0.6      million  0.0000306
                sum                                  0.0001572
            "#]],
        );
        check(
            "explain --model claude-sonnet-4-5 --input 200001 --cache-write 400 \
             --cache-write-1h 100 --output 61 --at 2026-11-22",
            &expect![[r#"
                anthropic claude-sonnet-4-5 on 2026-11-22
                prices always, catalog (genai-prices 0.2.1)

                                COUNT   DOLLARS  PER      AMOUNT
                input           199601  6        million  1.197606   input above 200000
                cache_write     300     7.5      million  0.00225    input above 200000
                cache_write_1h  100     12       million  0.0012     input above 200000
                output          61      22.5     million  0.0013725  input above 200000
                sum                                       1.2024285
            "#]],
        );
        check(
            "explain --provider openai --model o3 --tier flex --input 7 --at 2026-11-22",
            &expect![[r#"
                openai o3 on 2026-11-22, flex tier
                prices from 2025-06-10, catalog (genai-prices 0.2.1)

                       COUNT  DOLLARS  PER      AMOUNT
                input  7      1        million  0.000007
                sum                             0.000007
            "#]],
        );
        check(
            "explain --model nobody-knows --at 2026-11-22",
            &expect![[r#"
            error: no price sheet lists this model (provider "", model "nobody-knows"); prices can be added with --prices
        "#]],
        );
    }

    #[test]
    fn lists_the_prices_in_force() {
        check(
            "--provider deepseek --at 2026-11-22T03:00:00Z",
            &expect![[r#"
            PROVIDER  MODEL                   INPUT   CACHE READ  CACHE WRITE  OUTPUT  IN FORCE                 SOURCE
            deepseek  deepseek-chat           0.27    0.07        -            1.1     always, 00:30-16:30 UTC  catalog, genai-prices 0.2.1
            deepseek  deepseek-flash          0.3     0.006       -            1.2     always, 01:00-04:00 UTC  catalog, genai-prices 0.2.1
            deepseek  deepseek-reasoner       0.55    0.14        -            2.19    always, 00:30-16:30 UTC  catalog, genai-prices 0.2.1
            deepseek  deepseek-v3.1-terminus  0.27    0.13        -            0.95    always                   catalog, genai-prices 0.2.1
            deepseek  deepseek-v3.2           0.2288  -           -            0.3432  always                   catalog, genai-prices 0.2.1
            deepseek  deepseek-v3.2-exp       0.27    -           -            0.41    always                   catalog, genai-prices 0.2.1
            deepseek  deepseek-v4-flash       0.3     0.006       -            1.2     always, 01:00-04:00 UTC  catalog, genai-prices 0.2.1
            deepseek  deepseek-v4-pro         1.32    0.044       -            3.96    always, 01:00-04:00 UTC  catalog, genai-prices 0.2.1

            models: 8, dollars per million tokens on 2026-11-22
        "#]],
        );
        check(
            "--provider anthropic --model sonnet-4-5 --at 2026-11-22",
            &expect![[r#"
            PROVIDER   MODEL              INPUT          CACHE READ         CACHE WRITE         OUTPUT             IN FORCE  SOURCE
            anthropic  claude-sonnet-4-5  3 (6 >200000)  0.3 (0.6 >200000)  3.75 (7.5 >200000)  15 (22.5 >200000)  always    catalog, genai-prices 0.2.1

            models: 1, dollars per million tokens on 2026-11-22
        "#]],
        );
    }
}
