//! Signals: the same tokens in spans, logs and metrics of one service count once.

use alloc::boxed::Box;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::delta::Delta;
use crate::diagnostic::Diagnostic;
use crate::fact::{
    Call, Cost, CostSource, Measure, Place, Point, Rank, Retries, Role, Temporality, UnixNanos,
    Usage,
};
use crate::key::{Key, TraceId};
use crate::limits;
use crate::money::Money;
use crate::names::Name;
use crate::planted::{self, Bug};
use crate::settle::TaskIndex;
use crate::settle::aliases::Alias;
use crate::settle::books::{Books, MS};
use crate::settle::subject::Subject;
use crate::settle::trace::HeldCall;

/// The ranks that a service has used so far.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Service {
    /// The best rank that reported a call.
    pub(super) calls: Rank,
    /// The best rank that reported usage.
    pub(super) usage: Rank,
}

impl Response {
    pub(super) fn is_of(&self, trace: TraceId) -> bool {
        self.trace == trace
    }
}

const NO_RANK: Rank = Rank(u8::MAX);

/// Keeps response ids apart from other remembered keys.
const RESPONSE_SALT: u128 = 0x7265_7370_6f6e_7365_0000_0000_0000_0001;

/// The open trace whose report of a response is the best so far: one with usage, the nearest
/// to the provider, the first by id.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Response {
    without_usage: bool,
    distance: u8,
    trace: TraceId,
}

/// Something that waits to see whether a better signal repeats it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Held {
    /// A call that a log record reported.
    Call(Box<HeldCall>, Box<Subject>),
    /// An increment of a metric.
    Increment(Box<Increment>),
}

/// How far a series of an emitter has come.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct SeriesState {
    pub(super) value: i128,
}

/// What a metric point added to its series.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Increment {
    service: Key,
    rank: Rank,
    measure: Measure,
    cost: Cost,
    model: Name,
    provider: Name,
    operation: Name,
    error: Name,
    time: UnixNanos,
    subject: Subject,
}

impl Books {
    pub(super) fn service_reports(
        &mut self,
        service: Key,
        rank: Rank,
        usage: bool,
        deltas: &mut Vec<Delta>,
    ) {
        if self.services.len() >= limits::SERVICES_MAX && !self.services.contains_key(&service) {
            Self::notice(Diagnostic::MemoryFull, deltas);
            self.services.clear();
        }
        let first = Service { calls: NO_RANK, usage: NO_RANK };
        let known = self.services.entry(service).or_insert(first);
        known.calls = known.calls.min(rank);
        if usage {
            known.usage = known.usage.min(rank);
        }
    }

    /// Whether a better signal of the service reports the same.
    pub(super) fn is_repeated(&self, service: Key, rank: Rank, usage: bool) -> bool {
        if planted::on(Bug::SignalsAdded) {
            return false;
        }
        let best = self.services.get(&service);
        best.is_some_and(|best| if usage { best.usage < rank } else { best.calls < rank })
    }

    /// Whether a span without usage is reported with usage by a log record or metric.
    pub(super) fn is_better_reported(&self, service: Key, rank: Rank) -> bool {
        let best = self.services.get(&service).map_or(NO_RANK, |best| best.usage);
        best != NO_RANK && best > rank
    }

    pub(super) fn response_seen(&mut self, call: &Call<'_>) {
        if call.response.is_none() {
            return;
        }
        let without_usage = call.usage.is_none();
        let mine = Response { without_usage, distance: call.distance, trace: call.place.trace };
        let best = self.responses.entry(call.response).or_insert(mine);
        let order = |report: &Response| (report.without_usage, report.distance, report.trace);
        if order(&mine) < order(best) {
            *best = mine;
        }
    }

    /// Whether this trace's report of a response is the one that counts.
    pub(super) fn take_response(&mut self, response: Key, trace: TraceId) -> bool {
        if response.is_none() || planted::on(Bug::ResponseCountedTwice) {
            return true;
        }
        if let Some(best) = self.responses.get(&response) {
            if best.trace != trace && self.open.contains_key(&best.trace) {
                return false;
            }
            self.responses.remove(&response);
        }
        let taken = self.aliases.get(&response).is_some_and(|alias| alias.taken);
        !taken && !self.remembered.contains(Key(response.0 ^ RESPONSE_SALT))
    }

    /// A call of the response is booked: another report of it is the same call.
    pub(super) fn response_booked(&mut self, response: Key) {
        if response.is_none() {
            return;
        }
        if let Some(alias) = self.aliases.get(&response) {
            self.aliases.insert(self.at, response, Alias { taken: true, ..alias });
        } else {
            let key = Key(response.0 ^ RESPONSE_SALT);
            self.remembered.insert(self.at, key, limits::REMEMBERED_MAX, &mut false);
        }
    }

    pub(super) fn point_arrives(
        &mut self,
        now: UnixNanos,
        point: &Point<'_>,
        deltas: &mut Vec<Delta>,
    ) {
        let Some(measure) = self.increment(point, deltas) else { return };
        let reports_usage = !matches!(measure, Measure::Calls(_) | Measure::Cost(_));
        self.service_reports(point.service, point.rank, reports_usage, deltas);
        let mut subject = Subject::named(point.identity.task);
        subject.add(&point.identity, &mut self.names);
        let cost = match (measure, point.rate) {
            (Measure::Cost(amount), _) => Cost::Priced(amount, CostSource::Reported),
            (Measure::Calls(_), _) => Cost::Unknown,
            (measure, Some(rate)) => {
                let amount = rate.times(u64::try_from(amount_of(measure)).unwrap_or(0));
                Cost::Priced(amount, CostSource::Catalog)
            }
            (_, None) => Cost::Unknown,
        };
        let increment = Increment {
            service: point.service,
            rank: point.rank,
            measure,
            cost,
            model: self.names.intern(point.model),
            provider: self.names.intern(point.provider),
            operation: self.names.intern(point.operation),
            error: self.names.intern(point.error),
            time: point.time,
            subject,
        };
        let due = now + limits::SIGNAL_HOLD_MS * MS;
        let is_discount = matches!(cost, Cost::Priced(amount, _) if amount < Money::ZERO);
        // Discounts go first, so that the cost they belong to is booked without them.
        let place = if is_discount {
            self.held.partition_point(|held| held.0 < due)
        } else {
            self.held.len()
        };
        self.held.insert(place, (due, self.position, Held::Increment(increment.into())));
    }

    /// What is left of an amount after the discounts that came before it. Tokens that another
    /// series counts at the full price (cached ones among the input) have a price below zero;
    /// counters never fall, so it is kept until cost comes that it can be taken from.
    fn after_discounts(&mut self, task: Option<TaskIndex>, model: Name, amount: Money) -> Money {
        let left = amount + self.discounts.remove(&(task, model)).unwrap_or(Money::ZERO);
        if left < Money::ZERO {
            self.discounts.insert((task, model), left);
        }
        left.max(Money::ZERO)
    }

    /// What a point adds to its series; `None` if that is nothing.
    fn increment(&mut self, point: &Point<'_>, deltas: &mut Vec<Delta>) -> Option<Measure> {
        // A stream is a series and its start: one that begins again is another stream.
        let start = u128::from(point.start).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let stream = Key(point.series.0 ^ start);
        let value = amount_of(point.measure);
        if point.temporality == Temporality::Delta {
            let time = u128::from(point.time).rotate_left(64);
            let record =
                Key(stream.0 ^ time.wrapping_mul(0xc2b2_ae3d_27d4_eb4f_1656_67b1_9e37_79f9));
            return (self.is_new(record, deltas) && value > 0).then_some(point.measure);
        }
        if self.series.len() >= limits::POINT_SERIES_MAX && !self.series.contains_key(&stream) {
            Self::notice(Diagnostic::SeriesOverflow, deltas);
            return None;
        }
        let state = self.series.entry(stream).or_default();
        if value <= state.value {
            Self::notice(Diagnostic::Duplicate, deltas);
            return None;
        }
        let known = if planted::on(Bug::CumulativeAddedWhole) { 0 } else { state.value };
        let added = value - known;
        state.value = value;
        Some(with_amount(point.measure, added))
    }

    pub(super) fn hold_ends(&mut self, at: UnixNanos, held: Held, deltas: &mut Vec<Delta>) {
        match held {
            Held::Call(call, subject) => self.log_call_due(at, &call, &subject, deltas),
            Held::Increment(increment) => self.increment_due(at, &increment, deltas),
        }
    }

    fn log_call_due(
        &mut self,
        at: UnixNanos,
        call: &HeldCall,
        subject: &Subject,
        deltas: &mut Vec<Delta>,
    ) {
        if self.is_repeated(call.service, call.rank, call.usage.is_some()) {
            return Self::notice(Diagnostic::RepeatedSignal, deltas);
        }
        if !self.take_response(call.response, TraceId::NONE) {
            return Self::notice(Diagnostic::SameCall, deltas);
        }
        let mut subject = subject.clone();
        let trace = call.place.trace;
        if let Some(said) = self.closed.take_subject(trace) {
            subject.join(&said, &self.names);
        }
        let task = self.task_of(at, &subject, trace, call.response, deltas);
        self.book_call(at, task, subject.labels.workflow, call, 1, deltas);
        self.response_booked(call.response);
    }

    fn increment_due(&mut self, at: UnixNanos, increment: &Increment, deltas: &mut Vec<Delta>) {
        let usage = !matches!(increment.measure, Measure::Calls(_));
        if self.is_repeated(increment.service, increment.rank, usage) {
            return Self::notice(Diagnostic::RepeatedSignal, deltas);
        }
        let subject = &increment.subject;
        let places_it = !subject.id.is_empty() || !subject.conversation.is_empty();
        let task = if places_it {
            self.task_of(at, subject, TraceId::NONE, Key::NONE, deltas)
        } else {
            None
        };
        let (count, usage) = as_usage(increment.measure);
        let cost = match increment.cost {
            Cost::Priced(amount, source) => {
                Cost::Priced(self.after_discounts(task, increment.model, amount), source)
            }
            cost @ (Cost::Unknown | Cost::Unpriced) => cost,
        };
        let call = HeldCall {
            rank: increment.rank,
            role: Role::Call,
            place: Place::default(),
            service: increment.service,
            response: Key::NONE,
            distance: 0,
            start: increment.time,
            end: increment.time,
            model: increment.model,
            provider: increment.provider,
            operation: increment.operation,
            error: increment.error,
            usage: Some(usage),
            cost,
            listed: None,
            first_token: None,
            retries: Retries::default(),
            round: 0,
            subject: 0,
        };
        self.book_call(at, task, subject.labels.workflow, &call, count, deltas);
    }

    /// The task that a subject is, found or made; `None` if there are too many tasks.
    pub(super) fn task_of(
        &mut self,
        at: UnixNanos,
        subject: &Subject,
        trace: TraceId,
        response: Key,
        deltas: &mut Vec<Delta>,
    ) -> Option<TaskIndex> {
        let task = self.identify(at, subject, trace, response, deltas)?;
        self.describe(task, subject, deltas);
        Some(task)
    }
}

fn amount_of(measure: Measure) -> i128 {
    match measure {
        Measure::Calls(count)
        | Measure::Input(count)
        | Measure::FreshInput(count)
        | Measure::CacheRead(count)
        | Measure::CacheWrite(count)
        | Measure::CacheReadApart(count)
        | Measure::CacheWriteApart(count)
        | Measure::Output(count)
        | Measure::PlainOutput(count)
        | Measure::Reasoning(count)
        | Measure::ReasoningApart(count) => i128::from(count),
        Measure::Cost(amount) => amount.pico(),
    }
}

fn with_amount(measure: Measure, amount: i128) -> Measure {
    let count = u64::try_from(amount).unwrap_or(0);
    match measure {
        Measure::Calls(_) => Measure::Calls(count),
        Measure::Input(_) => Measure::Input(count),
        Measure::FreshInput(_) => Measure::FreshInput(count),
        Measure::CacheRead(_) => Measure::CacheRead(count),
        Measure::CacheWrite(_) => Measure::CacheWrite(count),
        Measure::CacheReadApart(_) => Measure::CacheReadApart(count),
        Measure::CacheWriteApart(_) => Measure::CacheWriteApart(count),
        Measure::Output(_) => Measure::Output(count),
        Measure::PlainOutput(_) => Measure::PlainOutput(count),
        Measure::Reasoning(_) => Measure::Reasoning(count),
        Measure::ReasoningApart(_) => Measure::ReasoningApart(count),
        Measure::Cost(_) => Measure::Cost(Money::from_pico(amount)),
    }
}

/// How many calls an increment counts, and which tokens.
fn as_usage(measure: Measure) -> (u64, Usage) {
    let none = Usage::default();
    match measure {
        Measure::Calls(count) => (count, none),
        Measure::Input(count) | Measure::FreshInput(count) => (0, Usage { input: count, ..none }),
        Measure::CacheRead(count) => (0, Usage { cache_read: count, ..none }),
        Measure::CacheWrite(count) => (0, Usage { cache_write: count, ..none }),
        Measure::CacheReadApart(count) => (0, Usage { input: count, cache_read: count, ..none }),
        Measure::CacheWriteApart(count) => (0, Usage { input: count, cache_write: count, ..none }),
        Measure::Output(count) | Measure::PlainOutput(count) => {
            (0, Usage { output: count, ..none })
        }
        Measure::Reasoning(count) => (0, Usage { reasoning: count, ..none }),
        Measure::ReasoningApart(count) => (0, Usage { output: count, reasoning: count, ..none }),
        Measure::Cost(_) => (0, none),
    }
}
