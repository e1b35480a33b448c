//! Judge: runs the books over a script, checks the invariants at every step, and compares the
//! end with the naive answer.

mod series;

pub(crate) use series::{check_books, read_tally};

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use countersign_core::delta::Delta;
use countersign_core::limits;
use countersign_core::settle::{Books, Settings};
use countersign_core::tally::Tally;

use crate::cohorts;
use crate::model::{Answer, TaskAnswer, answer};
use crate::script::{CallLine, Line, Says, nanos};

/// After this all traces of a script are closed.
const SETTLING_MS: u64 = 10 * 60_000;

/// The series are read after so many facts, or so often in a long script, and at the end.
const EVERY: u64 = 8;
const READINGS: u64 = 16;

/// What is wrong with the books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which promise was broken, in a few words; the same fault has the same words.
    pub promise: &'static str,
    /// The figures.
    pub detail: String,
}

pub(crate) fn fault(promise: &'static str, detail: String) -> Fault {
    Fault { promise, detail }
}

/// Runs the books over a script and checks everything.
///
/// # Errors
/// The first promise that is broken.
pub fn judge(script: &[Line]) -> Result<(), Fault> {
    let settings = Settings::default();
    let end_ms = end_of(script, &settings);
    let expected = answer(script, &settings, end_ms);
    let (books, deltas) = run(script, end_ms)?;
    compare(&books, &expected, end_ms)?;
    check_liveness(&books, end_ms)?;
    check_waking(script, end_ms, &books, &deltas)?;
    check_restart(script, end_ms, &deltas)
}

/// A time after the script at which nothing is just about to happen: soon after it, or shortly
/// before the last task expires.
fn end_of(script: &[Line], settings: &Settings) -> u64 {
    let soon = script.last().map_or(0, |line| line.at_ms) + SETTLING_MS;
    let deadlines = answer(script, settings, soon).deadlines_ms;
    let last = deadlines.iter().max().map_or(0, |deadline| deadline - 2 * SETTLING_MS);
    let mut end = if script.len().is_multiple_of(2) { soon } else { soon.max(last) };
    while deadlines.iter().any(|deadline| deadline.abs_diff(end) <= SETTLING_MS) {
        end += SETTLING_MS;
    }
    end
}

/// Whether a script keeps to what the books may count on: a service's spans come with its other
/// signals, and a sum comes with one of the calls it sums up. Shrinking must not break it.
#[must_use]
pub fn is_possible(script: &[Line]) -> bool {
    let mut seen = BTreeSet::new();
    let firsts: Vec<&Line> =
        script.iter().filter(|line| seen.insert(format!("{:?}", line.says))).collect();
    if firsts.iter().any(|line| line.at_ms >= limits::HORIZON_MS) {
        return false;
    }
    let calls = || {
        firsts.iter().filter_map(|line| {
            let Says::Call(call) = &line.says else { return None };
            call.usage.is_some().then_some((line.at_ms, call))
        })
    };
    let with_span = |at: u64, service: &str| {
        calls().any(|(other, call)| {
            call.rank == 0 && call.service == service && other.abs_diff(at) <= 4_000
        })
    };
    let uses_spans = |service: &str| calls().any(|(_, c)| c.rank == 0 && c.service == service);
    let signals = firsts.iter().all(|line| {
        let service = match &line.says {
            Says::Call(call) if call.rank > 0 => &call.service,
            Says::Point(point) => &point.service,
            Says::Call(_) | Says::Step(_) | Says::Links(..) | Says::Verdict(_) | Says::Tick => {
                return true;
            }
        };
        !uses_spans(service) || with_span(line.at_ms, service)
    });
    let late = |at: u64, sum: &CallLine| {
        firsts.iter().any(|line| match &line.says {
            Says::Call(call) => call.place.0 == sum.place.0 && line.at_ms + 4_000 < at,
            Says::Step(_) | Says::Links(..) | Says::Point(_) | Says::Verdict(_) | Says::Tick => {
                false
            }
        })
    };
    let sums = calls().filter(|(_, call)| call.rank == 0 && call.place.2 == 0).all(|(at, sum)| {
        let mut below = calls()
            .filter(|(_, c)| c.rank == 0 && c.place.0 == sum.place.0 && c.place.2 != 0)
            .peekable();
        // Not before its calls, or it would be taken for one, nor after those that failed alone.
        below.peek().is_none() && !late(at, sum) || below.any(|(other, _)| other <= at + 4_000)
    });
    signals && sums
}

/// Applies a script and then lets time go on until `end_ms`.
fn run(script: &[Line], end_ms: u64) -> Result<(Books, Vec<Delta>), Fault> {
    let mut books = Books::new(Settings::default());
    let mut all = Vec::new();
    let every = EVERY.max(script.len() as u64 / READINGS);
    let mut watch = Watch { every, steps: 0, counters: BTreeMap::new() };
    let mut tally = Tally::default();
    for line in script {
        let mut deltas = Vec::new();
        books.apply(nanos(line.at_ms), &line.says.fact(), &mut deltas);
        watch.after(&books, &mut tally, &deltas, line.at_ms, false)?;
        all.extend(deltas);
    }
    let mut deltas = Vec::new();
    books.tick(nanos(end_ms), &mut deltas);
    watch.after(&books, &mut tally, &deltas, end_ms, true)?;
    all.extend(deltas);
    Ok((books, all))
}

/// Watches the books at every step.
struct Watch {
    every: u64,
    steps: u64,
    counters: BTreeMap<String, (u64, i128)>,
}

impl Watch {
    fn after(
        &mut self,
        books: &Books,
        tally: &mut Tally,
        deltas: &[Delta],
        at_ms: u64,
        last: bool,
    ) -> Result<(), Fault> {
        for delta in deltas {
            tally.apply(nanos(at_ms), delta);
        }
        series::check_conservation(books)?;
        self.steps += 1;
        if !self.steps.is_multiple_of(self.every) && !last {
            return Ok(());
        }
        if let Some(detail) = cohorts::difference(books) {
            return Err(fault("cohorts are those of the tasks", detail));
        }
        let (counters, sums) = read_tally(tally, books);
        for (name, (start, before)) in &self.counters {
            let (now_start, now) = counters.get(name).copied().unwrap_or_default();
            if now < *before || now_start != *start {
                let detail =
                    format!("{name}: {before} since {start}, then {now} since {now_start}");
                return Err(fault("counters never fall", detail));
            }
        }
        self.counters = counters;
        check_books(books, &sums)
    }
}

/// The books at the end are the naive answer.
pub(crate) fn compare(books: &Books, expected: &Answer, end_ms: u64) -> Result<(), Fault> {
    let mut detail = String::new();
    for wanted in &expected.tasks {
        for name in &wanted.names {
            let found = books.find(name).map(|task| {
                let verdicts = task.verdicts().len();
                let retries = task.retries().step;
                (task.state(), task.cost(), task.review_ms(), verdicts, retries)
            });
            let TaskAnswer { state, cost, review_ms, verdicts, retries, .. } = *wanted;
            let answer = (state, cost, review_ms, verdicts, retries);
            // What nobody touched for so long may be gone: its sums are not.
            let may_be_gone = wanted.last_ms + limits::HORIZON_MS <= end_ms;
            if found != Some(answer) && !(may_be_gone && found.is_none()) {
                writeln!(detail, "{name}: books {found:?}, model {answer:?}")
                    .expect("a String takes all");
            }
        }
    }
    if books.totals() != &expected.totals {
        writeln!(detail, "books {:?}\nmodel {:?}", books.totals(), expected.totals)
            .expect("a String takes all");
    }
    if detail.is_empty() { Ok(()) } else { Err(fault("the books are right", detail)) }
}

/// Nothing waits past its time.
pub(crate) fn check_liveness(books: &Books, end_ms: u64) -> Result<(), Fault> {
    if books.open_traces() > 0 {
        return Err(fault("traces close", format!("{} are open", books.open_traces())));
    }
    match books.next_deadline() {
        Some(deadline) if deadline <= nanos(end_ms) => {
            Err(fault("deadlines are met", format!("{deadline} has passed")))
        }
        _ => Ok(()),
    }
}

/// Waking up at any time between the facts makes no difference.
fn check_waking(
    script: &[Line],
    end_ms: u64,
    books: &Books,
    deltas: &[Delta],
) -> Result<(), Fault> {
    let mut woken = Books::new(Settings::default());
    let mut seen = Vec::new();
    let mut last = 0;
    for line in script {
        for part in 1..4 {
            woken.tick(nanos(last + (line.at_ms - last) * part / 4), &mut seen);
        }
        woken.apply(nanos(line.at_ms), &line.says.fact(), &mut seen);
        last = line.at_ms;
    }
    while let Some(deadline) = woken.next_deadline().filter(|d| *d <= nanos(end_ms)) {
        woken.tick(deadline, &mut seen);
    }
    woken.tick(nanos(end_ms), &mut seen);
    if woken.totals() != books.totals() {
        let detail = format!("{:?}\nwoken {:?}", books.totals(), woken.totals());
        return Err(fault("waking up makes no difference", detail));
    }
    same_deltas("waking up makes no difference", deltas, &seen)
}

/// Books that were saved, read back and went on are as if they had never stopped.
fn check_restart(script: &[Line], end_ms: u64, deltas: &[Delta]) -> Result<(), Fault> {
    let mut books = Books::new(Settings::default());
    let mut seen = Vec::new();
    for (index, line) in script.iter().enumerate() {
        if index % 5 == 4 {
            let saved = postcard::to_allocvec(&books.snapshot()).expect("books can be saved");
            let read = postcard::from_bytes(&saved).map_err(|error| {
                fault("saved books can be read", format!("before fact {index}: {error}"))
            })?;
            books = Books::restore(read);
        }
        books.apply(nanos(line.at_ms), &line.says.fact(), &mut seen);
    }
    books.tick(nanos(end_ms), &mut seen);
    same_deltas("a restart makes no difference", deltas, &seen)
}

fn same_deltas(promise: &'static str, one: &[Delta], other: &[Delta]) -> Result<(), Fault> {
    let first = one.iter().zip(other).find(|(one, other)| one != other);
    match first {
        Some((one, other)) => Err(fault(promise, format!("{one:?}\nis not {other:?}"))),
        None if one.len() != other.len() => {
            Err(fault(promise, format!("{} deltas, then {}", one.len(), other.len())))
        }
        None => Ok(()),
    }
}
