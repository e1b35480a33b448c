//! Metric points: tokens, calls and cost of services that send nothing better.

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::Reading;
use crate::decode::{Attribute, Number, Point, Value};
use crate::diagnostic::Diagnostic;
use crate::dialect::DIALECTS;
use crate::dialect::draft::whole;
use crate::dialect::field::Field;
use crate::dialect::table::{Counted, Dialect, MetricRule, Tokens};
use crate::fact::{Fact, Measure, Temporality};
use crate::key::{Key, TraceId};
use crate::money::Money;
use crate::price::Ask;

/// Operations that are no model requests: their durations count no calls.
const NOT_CALLS: [&str; 5] =
    ["invoke_agent", "create_agent", "execute_tool", "invoke_workflow", "plan"];

impl<'a> Reading<'a, '_> {
    /// Makes a point's fact, if its metric is one that counts.
    pub(super) fn point(&mut self, point: &Point<'_, 'a>) {
        let Ok(metric) = core::str::from_utf8(point.metric) else { return };
        let found = DIALECTS.iter().find_map(|dialect| {
            let rule = dialect.metrics.iter().find(|rule| rule.metric == metric)?;
            Some((dialect, rule))
        });
        let Some((dialect, rule)) = found else { return };
        self.record.clear();
        self.keys.sort(point.attributes, self.scope, &mut self.meanings, &mut self.record);
        if self.record.has(Field::BookedBy) || self.resource.has(Field::BookedBy) {
            return self.notice(Diagnostic::BookedElsewhere, 1);
        }
        let Some(measure) = self.measure(rule, point) else { return };
        // The metric may be a common one in the scope of a family with habits of its own.
        let habits = self.scope.and_then(|place| DIALECTS.get(place)).unwrap_or(dialect);
        self.push_point(habits, rule, point, measure);
    }

    fn push_point(
        &mut self,
        habits: &'static Dialect,
        rule: &MetricRule,
        point: &Point<'_, 'a>,
        measure: Measure,
    ) {
        let time = self.plausible(point.time, self.received);
        let identity = self.identity(TraceId::NONE);
        let (provider, model) = (self.provider(habits), self.model());
        let error = self.error(false);
        let at = if point.time == 0 { self.received } else { point.time };
        let tier = self.record.text(Field::Tier);
        let counts_dollars =
            habits.metrics.iter().any(|rule| matches!(rule.counts, Counted::Dollars));
        let rate = if counts_dollars {
            Some(Money::ZERO)
        } else {
            self.catalog.rate(&Ask { provider, model, at, tier, ..Ask::default() }, &measure)
        };
        let fact = crate::fact::Point {
            rank: rule.rank,
            service: self.sender(habits, identity.conversation),
            series: self.series(point),
            temporality: point.temporality,
            start: point.start,
            time,
            measure,
            rate,
            identity,
            model,
            provider,
            operation: self.operation(),
            error,
        };
        self.note_resource();
        self.facts.push(Fact::Point(fact));
    }

    fn measure(&mut self, rule: &MetricRule, point: &Point<'_, 'a>) -> Option<Measure> {
        let value = match point.number {
            Number::None => Value::Empty,
            Number::Int(number) => Value::Int(number),
            Number::Double(number) => Value::Double(number),
        };
        let (tokens, value) = match rule.counts {
            Counted::Tokens(tokens) => (tokens, value),
            Counted::TokensByType(types) => {
                let word = self.record.text(Field::TokenType);
                (types.iter().find(|(name, _)| *name == word)?.1, value)
            }
            Counted::Calls => {
                // The families that count so count a failure twice, once without its type.
                let again = !self.record.has(Field::ErrorType) && !self.error(false).is_empty();
                return self.counted(value).filter(|_| !again).map(Measure::Calls);
            }
            Counted::Measurements => {
                let operation = self.record.text(Field::Operation);
                let is_call = !NOT_CALLS.contains(&operation);
                return point.count.filter(|_| is_call).map(Measure::Calls);
            }
            Counted::Dollars => return self.amount(point.number).map(Measure::Cost),
        };
        let count = self.counted(value)?;
        Some(match tokens {
            Tokens::Input => Measure::Input(count),
            Tokens::FreshInput => Measure::FreshInput(count),
            Tokens::CacheRead => Measure::CacheRead(count),
            Tokens::CacheWrite => Measure::CacheWrite(count),
            Tokens::CacheReadApart => Measure::CacheReadApart(count),
            Tokens::CacheWriteApart => Measure::CacheWriteApart(count),
            Tokens::Output => Measure::Output(count),
            Tokens::PlainOutput => Measure::PlainOutput(count),
            Tokens::Reasoning => Measure::Reasoning(count),
            Tokens::ReasoningApart => Measure::ReasoningApart(count),
        })
    }

    fn counted(&mut self, value: Value<'_>) -> Option<u64> {
        if value == Value::Empty {
            return None;
        }
        let count = whole(value);
        if count.is_none() {
            self.record.invalid += 1;
        }
        count
    }

    fn amount(&mut self, number: Number) -> Option<Money> {
        let dollars = match number {
            Number::None => return None,
            #[allow(clippy::cast_precision_loss, reason = "whole dollars are few")]
            Number::Int(dollars) => dollars as f64,
            Number::Double(dollars) => dollars,
        };
        let amount = Money::from_dollars(dollars);
        if amount.is_none() {
            self.record.invalid += 1;
        }
        amount
    }

    /// The key of a point's series. A cumulative series that began anew is another series: so
    /// two processes that share all attributes are not mistaken for one that restarts.
    fn series(&self, point: &Point<'_, 'a>) -> Key {
        let start = match point.temporality {
            Temporality::Cumulative => point.start,
            Temporality::Delta => 0,
        };
        let mut parts = [0; 64];
        let fields = [
            xxh3_128(point.metric).to_le_bytes(),
            digest(point.attributes).to_le_bytes(),
            self.resource_digest.to_le_bytes(),
            (u128::from(start) << 64 | u128::from(xxh3_64(self.scope_name))).to_le_bytes(),
        ];
        parts.iter_mut().zip(fields.iter().flatten()).for_each(|(to, from)| *to = *from);
        Key(xxh3_128(&parts))
    }
}

/// A digest of attributes in any order: emitters do not keep one.
pub(super) fn digest(attributes: &[Attribute<'_>]) -> u128 {
    attributes.iter().fold(0, |sum: u128, Attribute { key, value }| {
        let bits = match value {
            Value::Empty => 0,
            Value::Text(text) | Value::Opaque(text) => xxh3_64(text),
            Value::Bool(truth) => u64::from(*truth),
            #[allow(clippy::cast_sign_loss, reason = "only the bits matter")]
            Value::Int(number) => *number as u64,
            Value::Double(number) => number.to_bits(),
        };
        let both = u128::from(xxh3_64(key)) << 64 | u128::from(bits);
        sum.wrapping_add(xxh3_128(&both.to_le_bytes()))
    })
}
