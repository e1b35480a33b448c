//! The series themselves: one value for each metric and set of attributes.

use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use crate::delta::{CallBooked, Delta, OutcomeReached, VerdictBooked};
use crate::diagnostic::Diagnostic;
use crate::fact::{Basis, Component, Retries, ReviewState, SourceKind, UnixNanos, Usage};
use crate::key::{Map, SpanId, TraceId};
use crate::limits;
use crate::money::Money;
use crate::names::{Name, Names};
use crate::planted::{self, Bug};
use crate::settle::Books;
use crate::tally::cohorts::Cohorts;
use crate::tally::metrics::Id;
use crate::tally::{Histogram, Kind, METRICS, Metric, ages};

/// The value of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A count.
    Count(u64),
    /// A signed count (gauges).
    Level(i64),
    /// Dollars, exact.
    Money(Money),
    /// A duration in milliseconds (gauges).
    Millis(u64),
    /// A share in millionths (gauges).
    Share(u32),
    /// A distribution; its raw unit is nanoseconds where the metric's unit is `s`,
    /// picodollars where it is `USD`, and one elsewhere.
    Histogram(&'a Histogram),
}

/// A trace that a series' last increment came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exemplar {
    /// The trace.
    pub trace: TraceId,
    /// The span, or none.
    pub span: SpanId,
    /// The increment or the observed value, in the raw unit.
    pub value: i128,
    /// When it was booked.
    pub time: UnixNanos,
}

/// One series, as readers see it. Attributes with empty values are left out.
pub struct Series<'a> {
    /// Its metric.
    pub metric: &'static Metric,
    /// Attribute keys and values, in the order of the metric's table row.
    pub attributes: &'a [(&'static str, &'a str)],
    /// When it began: with the value, so that no restart looks like a reset.
    pub start: UnixNanos,
    /// Its value.
    pub value: Value<'a>,
    /// An example of what it counts.
    pub exemplar: Option<Exemplar>,
}

/// The value of an attribute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Label {
    #[default]
    Absent,
    Name(Name),
    State(ReviewState),
    Source(SourceKind),
    Basis(Basis),
    Component(Component),
    Diagnostic(Diagnostic),
    Token(TokenType),
    Layer(Layer),
    /// The series that takes what is over the limit.
    Overflow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum TokenType {
    Input,
    CacheRead,
    CacheWrite,
    Output,
    Reasoning,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Layer {
    Transport,
    Step,
    Regeneration,
}

/// One word for the hasher: every label of every delta goes through it.
impl Hash for Label {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (kind, value) = match *self {
            Label::Absent => (0, 0),
            Label::Name(name) => (1, name.index()),
            Label::State(value) => (2, value as u32),
            Label::Source(value) => (3, value as u32),
            Label::Basis(value) => (4, value as u32),
            Label::Component(value) => (5, value as u32),
            Label::Diagnostic(value) => (6, value as u32),
            Label::Token(value) => (7, value as u32),
            Label::Layer(value) => (8, value as u32),
            Label::Overflow => (9, 0),
        };
        state.write_u64(u64::from(value) << 8 | kind);
    }
}

impl Label {
    fn text(self, names: &Names) -> &str {
        match self {
            Label::Absent | Label::Overflow => "",
            Label::Name(name) => names.text(name),
            Label::State(state) => state.as_str(),
            Label::Source(source) => source.as_str(),
            Label::Basis(basis) => basis.as_str(),
            Label::Component(component) => component.as_str(),
            Label::Diagnostic(diagnostic) => diagnostic.as_str(),
            Label::Token(TokenType::Input) => "input",
            Label::Token(TokenType::CacheRead) => "cache_read",
            Label::Token(TokenType::CacheWrite) => "cache_write",
            Label::Token(TokenType::Output) => "output",
            Label::Token(TokenType::Reasoning) => "reasoning",
            Label::Layer(Layer::Transport) => "transport",
            Label::Layer(Layer::Step) => "step",
            Label::Layer(Layer::Regeneration) => "regeneration",
        }
    }
}

/// More attributes than any metric has.
const LABELS: usize = 5;
type Labels = [Label; LABELS];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kept {
    Count(u64),
    Level(i64),
    Money(Money),
    Histogram(Histogram),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Slot {
    labels: Labels,
    start: UnixNanos,
    kept: Kept,
    exemplar: Option<Exemplar>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Family {
    slots: Vec<Slot>,
    by_labels: Map<Labels, u32>,
}

/// The start of a series that is not published any more. No other one begins then.
const ENDED: UnixNanos = UnixNanos::MAX;

impl Family {
    /// Ends all series: those with the same labels become one, with what they counted.
    fn end(&mut self) {
        let mut places: Map<Labels, usize> = Map::default();
        let mut ended: Vec<Slot> = Vec::new();
        for slot in core::mem::take(&mut self.slots) {
            let full = ended.len() >= limits::SERIES_PER_METRIC_MAX;
            let labels = match full && !places.contains_key(&slot.labels) {
                true => [Label::Overflow; LABELS],
                false => slot.labels,
            };
            let place = *places.entry(labels).or_insert(ended.len());
            match ended.get_mut(place) {
                Some(earlier) => earlier.kept.add(&slot.kept),
                None => ended.push(Slot { labels, start: ENDED, exemplar: None, ..slot }),
            }
        }
        *self = Family { slots: ended, by_labels: Map::default() };
    }
}

impl Kept {
    fn add(&mut self, other: &Kept) {
        match (self, other) {
            (Kept::Count(count), Kept::Count(more)) => *count = count.saturating_add(*more),
            (Kept::Money(money), Kept::Money(more)) => *money += *more,
            (Kept::Count(_) | Kept::Level(_) | Kept::Money(_) | Kept::Histogram(_), _) => {}
        }
    }
}

/// All series.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tally {
    families: Vec<Family>,
}

impl Default for Tally {
    fn default() -> Self {
        Tally { families: alloc::vec![Family::default(); METRICS.len()] }
    }
}

/// Where an increment came from, for the exemplar.
#[derive(Clone, Copy)]
struct Origin {
    trace: TraceId,
    span: SpanId,
}

const NOWHERE: Origin = Origin { trace: TraceId::NONE, span: SpanId::NONE };

impl Tally {
    /// Folds one delta.
    pub fn apply(&mut self, now: UnixNanos, delta: &Delta) {
        use Label::{Component as Part, Name as N, State as S};
        match delta {
            Delta::Call(call) => self.call(now, call),
            Delta::Incurred { workflow, model, provider, component, amount } => {
                let labels = [N(*workflow), N(*model), N(*provider), Part(*component)];
                self.money(now, Id::Incurred, &labels, *amount);
            }
            Delta::Settled { workflow, route, model, state, component, amount } => {
                let labels = [N(*workflow), N(*route), N(*model), S(*state), Part(*component)];
                self.money(now, Id::Settled, &labels, *amount);
            }
            Delta::CostReclassified { workflow, from, to, amount } => {
                let labels = [N(*workflow), S(*from), S(*to)];
                self.money(now, Id::CostReclassified, &labels, *amount);
            }
            Delta::Pending { workflow, tasks, cost } => {
                self.level(now, Id::PendingTasks, &[N(*workflow)], *tasks);
                self.money(now, Id::CostPending, &[N(*workflow)], *cost);
            }
            Delta::Unattributed { workflow, cost } => {
                self.money(now, Id::CostUnattributed, &[N(*workflow)], *cost);
            }
            Delta::Verdict(verdict) => self.verdict(now, verdict),
            Delta::Outcome(outcome) => self.outcome(now, outcome),
            Delta::Reclassified { workflow, from, to } => {
                self.count(now, Id::Reclassified, &[N(*workflow), S(*from), S(*to)], 1, NOWHERE);
            }
            Delta::Provisional { workflow, basis, tasks, cost } => {
                let labels = [N(*workflow), Label::Basis(*basis)];
                self.level(now, Id::ProvisionalTasks, &labels, *tasks);
                self.money(now, Id::ProvisionalCost, &labels, *cost);
            }
            Delta::Confirmed { workflow, route, state } => {
                let labels = [N(*workflow), N(*route), S(*state)];
                self.count(now, Id::Confirmed, &labels, 1, NOWHERE);
            }
            Delta::Defect { workflow, route } => {
                self.count(now, Id::Defects, &[N(*workflow), N(*route)], 1, NOWHERE);
            }
            Delta::Retried { workflow, retries } => {
                self.retries(now, *workflow, Name::EMPTY, *retries, NOWHERE);
            }
            Delta::Unpriced { model } => {
                self.count(now, Id::UnpricedCalls, &[N(*model)], 1, NOWHERE);
            }
            Delta::Noticed { what, count } => {
                self.count(now, Id::Diagnostics, &[Label::Diagnostic(*what)], *count, NOWHERE);
            }
            Delta::Evaluated { workflow, name, label } => {
                let labels = [N(*workflow), N(*name), N(*label)];
                self.count(now, Id::Evaluations, &labels, 1, NOWHERE);
            }
            Delta::BegunAgain => self.begin_again(),
        }
    }

    /// Shows every series, in the order of [`METRICS`], then of creation. Ages are those at
    /// `now`.
    pub fn visit(&self, books: &Books, now: UnixNanos, see: &mut dyn FnMut(Series<'_>)) {
        let ages = ages::of_pending(books, now);
        let cohorts = Cohorts::of(books, now);
        for (index, (metric, family)) in METRICS.iter().zip(&self.families).enumerate() {
            for slot in family.slots.iter().filter(|slot| slot.start != ENDED) {
                slot.show(metric, books.names(), see);
            }
            if index == Id::PendingAge as usize {
                ages.iter().for_each(|age| age.show(metric, see));
            }
            cohorts.show(index, metric, see);
        }
    }

    /// Forgets when the series began, as a bug would.
    #[cfg(feature = "planted")]
    pub fn begin_at(&mut self, now: UnixNanos) {
        let slots = self.families.iter_mut().flat_map(|family| &mut family.slots);
        slots.filter(|slot| slot.start != ENDED).for_each(|slot| slot.start = now);
    }

    /// Ends what rises only; gauges say what is, whoever publishes them.
    fn begin_again(&mut self) {
        for (metric, family) in METRICS.iter().zip(&mut self.families) {
            match metric.kind {
                Kind::Counter => family.end(),
                Kind::Histogram => *family = Family::default(),
                Kind::Gauge => {}
            }
        }
    }

    /// Shows what counters had counted before they began again, which is not published.
    pub fn visit_ended(&self, books: &Books, see: &mut dyn FnMut(Series<'_>)) {
        for (metric, family) in METRICS.iter().zip(&self.families) {
            for slot in family.slots.iter().filter(|slot| slot.start == ENDED) {
                slot.show(metric, books.names(), see);
            }
        }
    }

    fn call(&mut self, now: UnixNanos, call: &CallBooked) {
        use Label::Name as N;
        let CallBooked { workflow, model, provider, operation, error, .. } = *call;
        let origin = Origin { trace: call.trace, span: call.span };
        let labels = [N(workflow), N(model), N(provider), N(operation), N(error)];
        if call.count > 0 {
            self.count(now, Id::Calls, &labels, call.count, origin);
        }
        let of_model = [N(workflow), N(model)];
        if let Some(duration) = call.duration {
            self.observe(now, Id::CallDuration, &of_model, duration.into(), origin);
        }
        if let Some(first) = call.first_token {
            self.observe(now, Id::TimeToFirstToken, &of_model, first.into(), origin);
        }
        self.retries(now, workflow, model, call.retries, origin);
        for (token, count) in token_types(call.usage.unwrap_or_default()) {
            if count > 0 {
                let labels = [N(workflow), N(model), Label::Token(token)];
                self.count(now, Id::Tokens, &labels, count, NOWHERE);
            }
        }
    }

    fn retries(
        &mut self,
        now: UnixNanos,
        workflow: Name,
        model: Name,
        retries: Retries,
        origin: Origin,
    ) {
        let layers = [
            (Layer::Transport, retries.transport),
            (Layer::Step, retries.step),
            (Layer::Regeneration, retries.regeneration),
        ];
        for (layer, count) in layers.into_iter().filter(|(_, count)| *count > 0) {
            let labels = [Label::Name(workflow), Label::Name(model), Label::Layer(layer)];
            self.count(now, Id::Retries, &labels, count.into(), origin);
        }
    }

    fn verdict(&mut self, now: UnixNanos, verdict: &VerdictBooked) {
        use Label::Name as N;
        let origin = Origin { trace: verdict.trace, span: SpanId::NONE };
        let state = Label::State(verdict.judgement.into());
        let source = Label::Source(verdict.source);
        let basis = Label::Basis(verdict.basis);
        let labels = [N(verdict.workflow), N(verdict.route), state, source, basis];
        self.count(now, Id::Verdicts, &labels, 1, origin);
        if let Some(review_ms) = verdict.review_ms {
            let nanos = i128::from(review_ms) * 1_000_000;
            self.observe(now, Id::ReviewDuration, &[N(verdict.workflow), source], nanos, origin);
        }
    }

    fn outcome(&mut self, now: UnixNanos, outcome: &OutcomeReached) {
        use Label::Name as N;
        let origin = Origin { trace: outcome.trace, span: SpanId::NONE };
        let labels = [N(outcome.workflow), N(outcome.route), Label::State(outcome.state)];
        let of_route = [N(outcome.workflow), N(outcome.route)];
        self.count(now, Id::Outcomes, &labels, 1, origin);
        self.observe(now, Id::TaskCost, &labels, outcome.cost.pico(), origin);
        self.observe(now, Id::TaskDuration, &labels, outcome.duration.into(), origin);
        self.observe(now, Id::TimeToVerdict, &labels, outcome.time_to_verdict.into(), origin);
        self.observe(now, Id::ReworkRounds, &of_route, outcome.rounds.into(), origin);
    }

    fn count(&mut self, now: UnixNanos, id: Id, labels: &[Label], by: u64, origin: Origin) {
        let slot = self.slot(now, id, labels, || Kept::Count(0));
        if let Kept::Count(count) = &mut slot.kept {
            *count = count.saturating_add(by);
        }
        slot.show_origin(now, origin, by.into());
    }

    fn level(&mut self, now: UnixNanos, id: Id, labels: &[Label], by: i64) {
        let slot = self.slot(now, id, labels, || Kept::Level(0));
        if let Kept::Level(level) = &mut slot.kept {
            *level = level.saturating_add(by);
        }
    }

    fn money(&mut self, now: UnixNanos, id: Id, labels: &[Label], by: Money) {
        let slot = self.slot(now, id, labels, || Kept::Money(Money::ZERO));
        if let Kept::Money(money) = &mut slot.kept {
            *money += by;
        }
    }

    fn observe(&mut self, now: UnixNanos, id: Id, labels: &[Label], raw: i128, origin: Origin) {
        let per_unit = METRICS.get(id as usize).map_or(1, Metric::raw_per_unit);
        let slot = self.slot(now, id, labels, || Kept::Histogram(Histogram::default()));
        if let Kept::Histogram(histogram) = &mut slot.kept {
            histogram.record(raw, per_unit);
        }
        slot.show_origin(now, origin, raw);
    }

    /// The series with these labels, made if need be; the overflow series if there are too many.
    fn slot(
        &mut self,
        now: UnixNanos,
        id: Id,
        labels: &[Label],
        first: impl Fn() -> Kept,
    ) -> &mut Slot {
        let family = self.families.get_mut(id as usize).expect("one family a metric");
        let mut key = Labels::default();
        key.iter_mut().zip(labels).for_each(|(place, label)| *place = *label);
        let full = family.by_labels.len() >= limits::SERIES_PER_METRIC_MAX;
        if full && !family.by_labels.contains_key(&key) {
            key = [Label::Overflow; LABELS];
        }
        let slots = &mut family.slots;
        let index = *family.by_labels.entry(key).or_insert_with(|| {
            slots.push(Slot { labels: key, start: now, kept: first(), exemplar: None });
            u32::try_from(slots.len() - 1).expect("bounded by the limit")
        });
        let slot = slots.get_mut(index as usize).expect("just found or made");
        if planted::on(Bug::OverflowLosesValue) && key == [Label::Overflow; LABELS] {
            slot.kept = first();
        }
        slot
    }
}

fn token_types(usage: Usage) -> [(TokenType, u64); 5] {
    [
        (TokenType::Input, usage.input),
        (TokenType::CacheRead, usage.cache_read),
        (TokenType::CacheWrite, usage.cache_write),
        (TokenType::Output, usage.output),
        (TokenType::Reasoning, usage.reasoning),
    ]
}

impl Slot {
    fn show_origin(&mut self, now: UnixNanos, origin: Origin, value: i128) {
        if !origin.trace.is_none() {
            let Origin { trace, span } = origin;
            self.exemplar = Some(Exemplar { trace, span, value, time: now });
        }
    }

    fn show(&self, metric: &'static Metric, names: &Names, see: &mut dyn FnMut(Series<'_>)) {
        let mut attributes = [("", ""); LABELS];
        let mut count = 0;
        let mut add = |key, value| {
            if let Some(place) = attributes.get_mut(count) {
                *place = (key, value);
                count += 1;
            }
        };
        if self.labels == [Label::Overflow; LABELS] {
            add("otel.metric.overflow", "true");
        }
        for (key, label) in metric.attributes.iter().zip(self.labels) {
            let value = label.text(names);
            if !value.is_empty() {
                add(*key, value);
            }
        }
        see(Series {
            metric,
            attributes: attributes.get(..count).unwrap_or_default(),
            start: self.start,
            value: match &self.kept {
                Kept::Count(count) => Value::Count(*count),
                Kept::Level(level) => Value::Level(*level),
                Kept::Money(money) => Value::Money(*money),
                Kept::Histogram(histogram) => Value::Histogram(histogram),
            },
            exemplar: self.exemplar,
        });
    }
}
