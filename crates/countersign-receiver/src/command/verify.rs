//! `countersign verify`: recounts the books from the journal and compares every sum.

use std::fmt::{self, Display};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use countersign_core::fact::ReviewState;
use countersign_core::money::Money;
use countersign_core::settle::Books;
use countersign_core::tally::{Series, Value};

use super::recount::recount;
use super::{client, printed};
use crate::clock;
use crate::config::{Config, Overrides};
use crate::keeper::{Difference, Ledger, Recounted};
use crate::publish::figures;

/// Arguments of `verify`.
#[derive(Args, Debug)]
pub struct VerifyArgs {
    /// Data directory [default: ./countersign-data]; a server may be running on it.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The configuration that the server runs with: patience and rates are part of the books.
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_CONFIG")]
    config: Option<PathBuf>,
    /// Compare with the server at this operator port, too.
    #[arg(long, value_name = "URL")]
    operator: Option<String>,
}

/// Two numbers that must be equal.
#[derive(Debug)]
struct Check {
    what: &'static str,
    left: (&'static str, Number),
    right: (&'static str, Number),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    Count(i128),
    Dollars(Money),
}

impl Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Count(count) => write!(f, "{count}"),
            Number::Dollars(money) => write!(f, "${money}"),
        }
    }
}

impl From<u64> for Number {
    fn from(count: u64) -> Number {
        Number::Count(count.into())
    }
}

impl From<Money> for Number {
    fn from(money: Money) -> Number {
        Number::Dollars(money)
    }
}

pub(super) fn run(args: VerifyArgs) -> anyhow::Result<ExitCode> {
    let overrides = Overrides { data: args.data, ..Overrides::default() };
    let config = Config::load(args.config.as_deref(), overrides)?;
    // Asked first: what the server has by now is in the journal by then.
    let server = args.operator.as_deref().map(ask_server).transpose()?;
    let recount = recount(&config.data, config.books)?;

    let mut wrong = 0_u32;
    let rebuilt = &recount.rebuilt;
    printed::line(format_args!(
        "recounted {} facts, of the entries {} to {}",
        rebuilt.facts,
        rebuilt.base + 1,
        rebuilt.sequence
    ))?;
    if rebuilt.damaged_bytes > 0 {
        printed::line(format_args!(
            "DAMAGED: {} bytes of the journal have a wrong checksum",
            rebuilt.damaged_bytes
        ))?;
        wrong += 1;
    }
    for (sequence, what) in &recount.snapshots {
        wrong += compare_with_snapshot(*sequence, what)?;
    }
    for (tenant, ledger) in rebuilt.ledgers.iter() {
        let of = if tenant.is_empty() { String::new() } else { format!("{tenant}: ") };
        for check in checks(ledger) {
            let Check { what, left, right } = check;
            if left.1 == right.1 {
                printed::line(format_args!("ok    {of}{what}: {}", left.1))?;
            } else {
                printed::line(format_args!(
                    "WRONG {of}{what}: {} {}, {} {}",
                    left.0, left.1, right.0, right.1
                ))?;
                wrong += 1;
            }
        }
    }
    if let Some(server) = server {
        wrong += compare_with_server(&server, &rebuilt.ledgers.default_ledger().books)?;
    }
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn checks(ledger: &Ledger) -> Vec<Check> {
    let books = &ledger.books;
    let totals = books.totals();
    let accounted = totals.settled + totals.pending + totals.unattributed;
    let mut checks = vec![Check {
        what: "money is conserved",
        left: ("incurred", totals.incurred.into()),
        right: ("settled + pending + unattributed", accounted.into()),
    }];
    let mut against = |what, total: Number, metric, only: Only| {
        let counted = match total {
            Number::Count(_) => Number::Count(sum(ledger, metric, only)),
            Number::Dollars(_) => Number::Dollars(Money::from_pico(sum(ledger, metric, only))),
        };
        checks.push(Check { what, left: ("total", total), right: ("counter", counted) });
    };
    let calls = totals.calls_ok + totals.calls_failed;
    against("calls", calls.into(), "countersign.calls", Only::All);
    against(
        "unpriced calls",
        totals.unpriced_calls.into(),
        "countersign.unpriced.calls",
        Only::All,
    );
    let (usage, tokens) = (&totals.usage, "countersign.tokens");
    against("input tokens", usage.input.into(), tokens, token("input"));
    against("cache read tokens", usage.cache_read.into(), tokens, token("cache_read"));
    against("cache write tokens", usage.cache_write.into(), tokens, token("cache_write"));
    against("output tokens", usage.output.into(), tokens, token("output"));
    against("reasoning tokens", usage.reasoning.into(), tokens, token("reasoning"));
    against("incurred cost", totals.incurred.into(), "countersign.cost.incurred", Only::All);
    against("pending cost", totals.pending.into(), "countersign.cost.pending", Only::All);
    let unattributed = totals.unattributed.into();
    against("unattributed cost", unattributed, "countersign.cost.unattributed", Only::All);
    let (settled, component) = ("countersign.cost.settled", "countersign.cost.component");
    let work = Only::Without(component, "review");
    against("settled cost", totals.settled.into(), settled, work);
    let review = Only::With(component, "review");
    against("review cost", totals.review.into(), settled, review);
    let pending = totals.tasks_in(ReviewState::Pending).into();
    against("pending tasks", pending, "countersign.pending.tasks", Only::All);
    checks.extend(task_checks(books));
    checks
}

/// Which series of a metric are summed.
#[derive(Clone, Copy)]
enum Only {
    All,
    With(&'static str, &'static str),
    Without(&'static str, &'static str),
}

impl Only {
    fn counts(self, attributes: &[(&str, &str)]) -> bool {
        match self {
            Only::All => true,
            Only::With(key, value) => attributes.contains(&(key, value)),
            Only::Without(key, value) => !attributes.contains(&(key, value)),
        }
    }
}

const fn token(kind: &'static str) -> Only {
    Only::With("gen_ai.token.type", kind)
}

/// The sum over all series of a metric, in the raw unit.
fn sum(ledger: &Ledger, metric: &str, only: Only) -> i128 {
    let mut sum = 0;
    let mut add = |series: Series<'_>| {
        if series.metric.name == metric && only.counts(series.attributes) {
            sum += match series.value {
                Value::Count(count) => i128::from(count),
                Value::Level(level) => i128::from(level),
                Value::Money(money) => money.pico(),
                Value::Millis(millis) => i128::from(millis),
                Value::Share(ppm) => i128::from(ppm),
                Value::Histogram(_) => 0,
            };
        }
    };
    ledger.tally.visit(&ledger.books, clock::now(), &mut add);
    ledger.tally.visit_ended(&ledger.books, &mut add);
    sum
}

/// The totals once more, from the tasks themselves.
fn task_checks(books: &Books) -> Vec<Check> {
    let totals = books.totals();
    // What is gone has its sums.
    let removed = books.removed();
    let (mut settled, mut pending) = (removed.cost.into_iter().sum::<Money>(), Money::ZERO);
    let (mut review, mut states) = (removed.review, removed.tasks);
    for task in books.tasks() {
        if task.state() == ReviewState::Pending {
            pending += task.cost();
        } else {
            settled += task.cost();
        }
        review += task.review_cost();
        if let Some(count) = states.get_mut(task.state() as usize) {
            *count += 1;
        }
    }
    let of = |what, total: Number, tasks: Number| Check {
        what,
        left: ("total", total),
        right: ("tasks", tasks),
    };
    let judged = |states: &[u64]| states.iter().skip(1).sum::<u64>();
    vec![
        of("settled cost, by task", totals.settled.into(), settled.into()),
        of("pending cost, by task", totals.pending.into(), pending.into()),
        of("review cost, by task", totals.review.into(), review.into()),
        of("judged tasks, by task", judged(&totals.tasks).into(), judged(&states).into()),
    ]
}

/// Says how a snapshot compares with the journal; how many mistakes there are.
fn compare_with_snapshot(sequence: u64, what: &Recounted) -> anyhow::Result<u32> {
    let of = format!("snapshot after entry {sequence}");
    match what {
        Recounted::Begun => printed::line(format_args!("ok    {of}: the recount begins here"))?,
        Recounted::OtherRules(from) => printed::line(format_args!(
            "note  {of}: not compared with what came before; settings or program changed after \
             entry {from}"
        ))?,
        Recounted::Damaged(why) => {
            printed::line(format_args!("DAMAGED {why}"))?;
            return Ok(1);
        }
        Recounted::Compared(numbers, differences) => {
            for Difference { what, left, right } in differences {
                printed::line(format_args!("WRONG {of}: {what}: recounted {left}, kept {right}"))?;
            }
            if differences.is_empty() {
                printed::line(format_args!("ok    {of}: {numbers} numbers are the same"))?;
            }
            return Ok(u32::try_from(differences.len()).unwrap_or(u32::MAX));
        }
    }
    Ok(0)
}

/// What a running server says of itself: its position and its totals.
struct Server {
    position: u64,
    totals: serde_json::Value,
}

fn ask_server(operator: &str) -> anyhow::Result<Server> {
    let client = client::client()?;
    let status = client::get(&client, operator, "/api/v1/status", &[])?;
    let totals = client::get(&client, operator, "/api/v1/totals", &[])?;
    let position = status.get("position").and_then(serde_json::Value::as_u64).unwrap_or(0);
    Ok(Server { position, totals })
}

fn compare_with_server(server: &Server, books: &Books) -> anyhow::Result<u32> {
    if server.position != books.position() {
        printed::line(format_args!(
            "note  the server was at fact {}, the journal is at {}: not compared while it works",
            server.position,
            books.position()
        ))?;
        return Ok(0);
    }
    let recounted = serde_json::to_value(figures::totals(books.totals())).unwrap_or_default();
    if recounted == server.totals {
        printed::line(format_args!("ok    the server's totals"))?;
        return Ok(0);
    }
    printed::line(format_args!(
        "WRONG the server's totals: {}, recounted {recounted}",
        server.totals
    ))?;
    Ok(1)
}
