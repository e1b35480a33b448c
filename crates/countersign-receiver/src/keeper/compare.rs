//! Comparing: everything that can be read of two ledgers, number by number.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use countersign_core::fact::ReviewState;
use countersign_core::settle::{Books, TaskView};
use countersign_core::tally::Value;

use super::ledgers::{Ledger, Ledgers};

/// Two numbers that should be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What was counted.
    pub what: String,
    /// In the first ledger.
    pub left: String,
    /// In the second.
    pub right: String,
}

/// Shows every difference between two sets of ledgers. A tenant without facts is as none. The
/// count of numbers that were compared.
pub fn compare(left: &Ledgers, right: &Ledgers, see: &mut dyn FnMut(Difference)) -> u64 {
    let empty = Ledgers::new(left.default_ledger().books.settings().clone());
    let mut tenants: Vec<&str> = left.iter().chain(right.iter()).map(|(name, _)| name).collect();
    tenants.sort_unstable();
    tenants.dedup();
    let mut compared = 0;
    for tenant in tenants {
        let of = |ledgers: &'_ Ledgers| ledgers.get(tenant).is_some();
        let none = empty.default_ledger();
        let sides = [
            if of(left) { left.get(tenant) } else { None },
            if of(right) { right.get(tenant) } else { None },
        ];
        let [left, right] = sides.map(|side| side.unwrap_or(none));
        compared += compare_ledgers(left, right, &mut |difference| {
            let Difference { what, left, right } = difference;
            let what = if tenant.is_empty() { what } else { format!("{tenant}: {what}") };
            see(Difference { what, left, right });
        });
    }
    compared
}

fn compare_ledgers(left: &Ledger, right: &Ledger, see: &mut dyn FnMut(Difference)) -> u64 {
    let (sums, other_sums) = (sums(&left.books), sums(&right.books));
    let mut compared = compare_maps(&sums, &other_sums, see);
    compared += compare_maps(&series(left), &series(right), see);
    let mut tasks = left.books.tasks();
    let mut others = right.books.tasks();
    loop {
        let (task, other) = (tasks.next(), others.next());
        if task.is_none() && other.is_none() {
            return compared;
        }
        compared += 1;
        if task.as_ref().map(digest) != other.as_ref().map(digest) {
            let named = task.as_ref().or(other.as_ref());
            see(Difference {
                what: named.map_or_else(String::new, |task| format!("task {}", task.id())),
                left: shown(task.as_ref()),
                right: shown(other.as_ref()),
            });
        }
    }
}

fn compare_maps(
    left: &BTreeMap<String, String>,
    right: &BTreeMap<String, String>,
    see: &mut dyn FnMut(Difference),
) -> u64 {
    let added = right.keys().filter(|key| !left.contains_key(*key));
    let mut compared = 0;
    for what in left.keys().chain(added) {
        compared += 1;
        if left.get(what) != right.get(what) {
            let of = |side: &BTreeMap<String, String>| {
                side.get(what).cloned().unwrap_or_else(|| "none".to_owned())
            };
            see(Difference { what: what.clone(), left: of(left), right: of(right) });
        }
    }
    compared
}

/// The books' sums, each with its name.
fn sums(books: &Books) -> BTreeMap<String, String> {
    let totals = books.totals();
    let mut sums = BTreeMap::new();
    let mut say = |what: &str, value: &dyn fmt::Display| {
        sums.insert(format!("sum of {what}"), value.to_string());
    };
    say("calls that worked", &totals.calls_ok);
    say("calls that failed", &totals.calls_failed);
    say("input tokens", &totals.usage.input);
    say("cache read tokens", &totals.usage.cache_read);
    say("cache write tokens", &totals.usage.cache_write);
    say("output tokens", &totals.usage.output);
    say("reasoning tokens", &totals.usage.reasoning);
    say("incurred cost", &totals.incurred);
    say("settled cost", &totals.settled);
    say("pending cost", &totals.pending);
    say("unattributed cost", &totals.unattributed);
    say("review cost", &totals.review);
    say("unpriced calls", &totals.unpriced_calls);
    say("calls of unknown usage", &totals.unknown_usage_calls);
    for state in ReviewState::ALL {
        say(&format!("tasks {}", state.as_str()), &totals.tasks_in(state));
    }
    say("facts", &books.position());
    say("facts that are booked for good", &books.booked_to());
    say("open traces", &books.open_traces());
    say("waiting verdicts", &books.waiting_verdicts());
    say("time", &books.now());
    say("the next deadline", &books.next_deadline().unwrap_or(0));
    sums
}

/// Every series with its value and when it began.
fn series(ledger: &Ledger) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    ledger.tally.visit(&ledger.books, ledger.books.now(), &mut |series| {
        let mut name = format!("series {}", series.metric.name);
        for (key, value) in series.attributes {
            write!(name, " {key}={value}").expect("a String takes all");
        }
        let value = match series.value {
            Value::Count(count) => count.to_string(),
            Value::Level(level) => level.to_string(),
            Value::Money(money) => money.to_string(),
            Value::Millis(millis) => millis.to_string(),
            Value::Share(share) => format!("{share:?}"),
            Value::Histogram(histogram) => format!("{histogram:?}"),
        };
        all.insert(name, format!("{value} since {}", series.start));
    });
    all
}

/// A number that is another one if anything that can be read of the task is.
fn digest(task: &TaskView<'_>) -> u64 {
    let mut crc = Crc::default();
    let whole = (task.index(), task.id(), task.state(), task.standing(), task.confidence());
    let work = (task.workflow(), task.team(), task.project(), task.purpose(), task.route());
    let times = (task.route_reason(), task.started(), task.ended(), task.decided());
    let counts = (task.attempts(), task.rounds(), task.review_ms(), task.retries());
    let money = (task.cost(), task.review_cost(), task.traces());
    write!(crc, "{whole:?}{work:?}{times:?}{counts:?}{money:?}").expect("it takes all");
    task.aliases().for_each(|alias| crc.take(alias.as_bytes()));
    write!(crc, "{:?}{:?}", task.lines(), task.verdicts()).expect("it takes all");
    u64::from(crc.crc) << 32 | u64::from(crc.length)
}

#[derive(Default)]
struct Crc {
    crc: u32,
    length: u32,
}

impl Crc {
    fn take(&mut self, bytes: &[u8]) {
        self.crc = crc32c::crc32c_append(self.crc, bytes);
        self.length = self.length.wrapping_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    }
}

impl fmt::Write for Crc {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.take(text.as_bytes());
        Ok(())
    }
}

fn shown(task: Option<&TaskView<'_>>) -> String {
    let Some(task) = task else { return "none".to_owned() };
    let (state, cost, digest) = (task.state().as_str(), task.cost(), digest(task));
    format!("{state}, ${cost}, {} verdicts, digest {digest:016x}", task.verdicts().len())
}
