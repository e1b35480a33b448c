//! Series against totals: what is published adds up to what the books hold.

use std::collections::BTreeMap;

use countersign_core::fact::ReviewState;
use countersign_core::money::Money;
use countersign_core::settle::Books;
use countersign_core::tally::{Kind, Tally, Value};

use super::{Fault, fault};

const STATE: &str = "countersign.review.state";
const FROM: &str = "countersign.review.state.from";
const TO: &str = "countersign.review.state.to";

/// Counters by metric and attributes, each with its start.
pub(crate) type Counters = BTreeMap<String, (u64, i128)>;

/// Every counter by series, and the sum of every metric.
pub(crate) fn read_tally(tally: &Tally, books: &Books) -> (Counters, BTreeMap<String, i128>) {
    let mut counters = BTreeMap::new();
    let mut sums = BTreeMap::new();
    tally.visit(books, books.now(), &mut |series| {
        let value = match series.value {
            Value::Count(count) => i128::from(count),
            Value::Level(level) => i128::from(level),
            Value::Money(money) => money.pico(),
            Value::Millis(millis) => i128::from(millis),
            Value::Share(ppm) => i128::from(ppm),
            Value::Histogram(histogram) => i128::from(histogram.count),
        };
        let name = series.metric.name;
        if series.metric.kind != Kind::Gauge {
            counters.insert(format!("{name} {:?}", series.attributes), (series.start, value));
        }
        *sums.entry(name.to_owned()).or_default() += value;
        if series.attributes.contains(&("otel.metric.overflow", "true")) {
            *sums.entry(format!("{name} overflow")).or_default() += value;
        }
        let part = |key: &str| series.attributes.iter().find(|(k, _)| *k == key);
        for key in
            ["countersign.cost.component", "gen_ai.token.type", "countersign.diagnostic.kind"]
        {
            if let Some((_, part)) = part(key) {
                *sums.entry(format!("{name} {part}")).or_default() += value;
            }
        }
        let review = part("countersign.cost.component").is_some_and(|(_, c)| *c == "review");
        for (key, direction) in [(STATE, "in"), (FROM, "from"), (TO, "to")] {
            if let Some((_, state)) = part(key).filter(|_| !review) {
                *sums.entry(format!("{name} {direction} {state}")).or_default() += value;
            }
        }
    });
    (counters, sums)
}

pub(super) fn check_conservation(books: &Books) -> Result<(), Fault> {
    let totals = books.totals();
    let parts = totals.settled + totals.pending + totals.unattributed;
    if totals.incurred != parts {
        return Err(fault("money is conserved", format!("{} is not {parts}", totals.incurred)));
    }
    let mut counts = books.removed().tasks;
    let mut pending = Money::ZERO;
    let mut settled = books.removed().cost.into_iter().sum::<Money>();
    for task in books.tasks() {
        if let Some(count) = counts.get_mut(task.state() as usize) {
            *count += 1;
        }
        let sum = if task.state() == ReviewState::Pending { &mut pending } else { &mut settled };
        *sum += task.cost();
    }
    if (counts, pending, settled) != (totals.tasks, totals.pending, totals.settled) {
        let detail = format!(
            "tasks {counts:?} {pending} {settled}, totals {:?} {} {}",
            totals.tasks, totals.pending, totals.settled
        );
        return Err(fault("the sums are those of the tasks", detail));
    }
    Ok(())
}

/// Money is conserved, and the series say what the totals say.
pub(crate) fn check_books(books: &Books, sums: &BTreeMap<String, i128>) -> Result<(), Fault> {
    check_conservation(books)?;
    let totals = books.totals();
    let settled = sums.get("countersign.cost.settled").copied().unwrap_or(0)
        - sums.get("countersign.cost.settled review").copied().unwrap_or(0);
    let get = |name: &str| sums.get(name).copied().unwrap_or(0);
    let calls = totals.calls_ok + totals.calls_failed;
    let usage = totals.usage;
    // All types together, since what is over the limit has no type.
    let tokens = [usage.input, usage.cache_read, usage.cache_write, usage.output, usage.reasoning];
    let pending = totals.tasks_in(ReviewState::Pending);
    for (name, series, total) in [
        ("incurred", get("countersign.cost.incurred"), totals.incurred.pico()),
        ("settled", settled, totals.settled.pico()),
        ("pending", get("countersign.cost.pending"), totals.pending.pico()),
        ("unattributed", get("countersign.cost.unattributed"), totals.unattributed.pico()),
        ("review", get("countersign.cost.settled review"), totals.review.pico()),
        ("calls", get("countersign.calls"), i128::from(calls)),
        ("unpriced", get("countersign.unpriced.calls"), i128::from(totals.unpriced_calls)),
        ("pending tasks", get("countersign.pending.tasks"), i128::from(pending)),
        ("tokens", get("countersign.tokens"), tokens.into_iter().map(i128::from).sum()),
    ] {
        if series != total {
            let detail = format!("{name}: series {series}, totals {total}");
            return Err(fault("the series say what the totals say", detail));
        }
    }
    if get("countersign.tokens overflow") == 0 {
        for (series, total) in [("input", usage.input), ("cache_read", usage.cache_read)] {
            let series = get(&format!("countersign.tokens {series}"));
            if series != i128::from(total) {
                let detail = format!("tokens: series {series}, totals {usage:?}");
                return Err(fault("the series say what the totals say", detail));
            }
        }
    }
    check_states(books, &get)
}

/// What came into a state and did not leave it is there.
fn check_states(books: &Books, get: &dyn Fn(&str) -> i128) -> Result<(), Fault> {
    for state in ReviewState::ALL.into_iter().skip(1) {
        let word = state.as_str();
        let tasks = get(&format!("countersign.outcomes in {word}"))
            - get(&format!("countersign.reclassified from {word}"));
        let cost = get(&format!("countersign.cost.settled in {word}"))
            + get(&format!("countersign.cost.reclassified to {word}"))
            - get(&format!("countersign.cost.reclassified from {word}"));
        let there = books.tasks().filter(|task| task.state() == state);
        let of_state =
            |count: usize| (books.removed().tasks.get(count), books.removed().cost.get(count));
        let gone = match of_state(state as usize) {
            (Some(count), Some(cost)) => (i128::from(*count), cost.pico()),
            _ => (0, 0),
        };
        let there = there.fold(gone, |(count, sum), task| (count + 1, sum + task.cost().pico()));
        if (tasks, cost) != there {
            let detail = format!("{word}: series ({tasks}, {cost}), tasks {there:?}");
            return Err(fault("the series say what the states hold", detail));
        }
    }
    Ok(())
}
