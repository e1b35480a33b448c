//! What a call cost: the emitter's own figure, or else the catalog's.

use super::Reading;
use crate::decode::Value;
use crate::decode::json::Members;
use crate::dialect::field::Field;
use crate::fact::{Cost, CostSource, UnixNanos, Usage};
use crate::money::Money;
use crate::price::Ask;

impl<'a> Reading<'a, '_> {
    /// The cost of the current record's call and, where that is the emitter's own figure, what
    /// the catalog says.
    pub(super) fn cost(
        &mut self,
        provider: &'a str,
        model: &'a str,
        at: UnixNanos,
        usage: Option<&Usage>,
    ) -> (Cost, Option<Money>) {
        // Emitters write zero where they know no price: a call that used tokens is not free.
        let reported = self.reported().filter(|reported| !reported.is_zero());
        let reported = reported.map(|amount| Cost::Priced(amount, CostSource::Reported));
        let listed = usage.map_or(Cost::Unknown, |usage| self.listed(provider, model, at, usage));
        match (reported, listed) {
            (None, listed) => (listed, None),
            (Some(reported), Cost::Priced(listed, _)) => (reported, Some(listed)),
            (Some(reported), Cost::Unknown | Cost::Unpriced) => (reported, None),
        }
    }

    fn listed(&mut self, provider: &'a str, model: &'a str, at: UnixNanos, usage: &Usage) -> Cost {
        let ask = Ask {
            provider,
            model,
            at,
            tier: self.record.text(Field::Tier),
            cache_write_1h: self.part(Field::CacheWriteHour),
            input_audio: self.part(Field::InputAudio),
            output_audio: self.part(Field::OutputAudio),
        };
        self.catalog.cost(&ask, usage)
    }

    fn part(&mut self, field: Field) -> u64 {
        self.record.count(field).ok().flatten().unwrap_or(0)
    }

    fn reported(&mut self) -> Option<Money> {
        if self.record.has(Field::Cost) {
            return self.dollars(Field::Cost, 1.0);
        }
        if self.record.has(Field::CostMicros) {
            return self.dollars(Field::CostMicros, 1e-6);
        }
        let text = self.record.long_text(Field::CostIn);
        let total = Members::of(text).find(|member| {
            member.depth == 1 && matches!(member.key, "total" | "total_cost" | "totalCost")
        })?;
        Money::from_dollars(total.value.parse().ok()?)
    }

    /// An amount in dollars or a part of them.
    pub(super) fn dollars(&mut self, field: Field, unit: f64) -> Option<Money> {
        if matches!(self.record.value(field), Value::Empty) {
            return None;
        }
        let amount = self.record.number(field)?;
        let money = Money::from_dollars(amount * unit);
        if money.is_none() {
            self.record.invalid += 1;
        }
        money
    }
}
