//! The catalog: sheets on top of each other, and what a call costs by them.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::Ask;
use super::bill::Bill;
use super::card::{Card, Cards, Component};
use super::lookup::Host;
use super::memo::Memo;
use super::rate::{Atto, Rate};
use super::sheet::{Clause, Deployment, Model, Period, Sheet, When};
use crate::fact::{Cost, CostSource, Measure, UnixNanos, Usage};
use crate::key::Map;
use crate::money::Money;

/// Prices by provider, model and time.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    pub(super) origins: Vec<(String, CostSource)>,
    pub(super) hosts: Vec<Host>,
    pub(super) models: Vec<Listed>,
    pub(super) deployments: Map<String, String>,
    pub(super) memo: Memo,
}

/// A model with the host that serves it and the sheet that lists it.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) model: Model,
    pub(super) host: usize,
    pub(super) origin: usize,
}

/// One line of a catalog: a model and its prices at a time.
#[derive(Clone, Copy, Debug)]
pub struct InForce<'c> {
    /// The provider's id.
    pub provider: &'c str,
    /// The model's id.
    pub model: &'c str,
    /// When the prices hold.
    pub when: When,
    /// The prices of the standard tier.
    pub card: &'c Card,
    /// What costs computed from it are called.
    pub source: CostSource,
    /// The sheet that says so.
    pub origin: &'c str,
}

impl Catalog {
    /// Lays a sheet on top: where it has a price in force, that one holds.
    pub fn lay(&mut self, sheet: Sheet) {
        let origin = self.origins.len();
        self.origins.push((sheet.origin, sheet.source));
        for Deployment { name, model } in sheet.deployments {
            self.deployments.insert(name.to_lowercase(), model);
        }
        for provider in sheet.providers {
            let host = self.host_for(&provider.id);
            let mut models = provider.models;
            for model in &mut models {
                model.periods.retain(|period| !period.card.is_empty());
            }
            if sheet.source == CostSource::Contract {
                models.iter_mut().for_each(|model| self.widen(&provider.id, model));
            }
            let first = self.models.len();
            let listed = |model| Listed { model, host, origin };
            self.models.extend(models.into_iter().map(listed));
            if let Some(host) = self.hosts.get_mut(host) {
                host.named = provider.named.or(host.named.take());
                host.makes = provider.makes.or(host.makes.take());
                if !provider.serves.is_empty() {
                    host.serves = provider.serves;
                }
                host.put_first(first..self.models.len(), &self.models);
            }
        }
        self.memo = Memo::default();
    }

    /// What a call with this usage costs; [`Cost::Unpriced`] if no price was in force.
    ///
    /// The sum of its components is exact and rounded to a picodollar once.
    #[must_use]
    pub fn cost(&self, ask: &Ask<'_>, usage: &Usage) -> Cost {
        let Some((listed, _, cards)) = self.cards(ask) else { return Cost::Unpriced };
        match cards.charge(ask, usage, |_, _, _, _| ()) {
            Ok(sum) => Cost::Priced(sum.money(), self.origin(listed).1),
            Err(_) => Cost::Unpriced,
        }
    }

    /// What one unit of a metric's measure adds to the cost, to the nearest picodollar; `None` if
    /// unpriced.
    ///
    /// Of tokens that another series of the emitter counts as well (of the input, read from a
    /// cache) it is the difference to what they cost there: below zero, as a rule. A metric does
    /// not say how large each call was: cliffs are not seen. A measure of cost has no price: it
    /// is money already.
    #[must_use]
    pub fn rate(&self, ask: &Ask<'_>, measure: &Measure) -> Option<Money> {
        let (_, _, cards) = self.cards(ask)?;
        let price = |component| cards.price(component).map(|price| price.base.money());
        let within = |component, whole| Some(price(component)? - price(whole)?);
        match measure {
            Measure::Calls(_) => Some(price(Component::Request).unwrap_or(Money::ZERO)),
            Measure::Input(_) | Measure::FreshInput(_) => price(Component::Input),
            Measure::CacheRead(_) => within(Component::CacheRead, Component::Input),
            Measure::CacheWrite(_) => within(Component::CacheWrite, Component::Input),
            Measure::CacheReadApart(_) => price(Component::CacheRead),
            Measure::CacheWriteApart(_) => price(Component::CacheWrite),
            Measure::Output(_) | Measure::PlainOutput(_) => price(Component::Output),
            Measure::Reasoning(_) => within(Component::Reasoning, Component::Output),
            Measure::ReasoningApart(_) => price(Component::Reasoning),
            Measure::Cost(_) => None,
        }
    }

    /// Why a call costs what it costs: every component times its price.
    ///
    /// # Errors
    /// What is missing, in words: the model's name is not listed, no price was in force, or a
    /// component has no price.
    pub fn bill(&self, ask: &Ask<'_>, usage: &Usage) -> Result<Bill<'_>, String> {
        let Some((listed, when, cards)) = self.cards(ask) else {
            return Err(match self.resolve(ask.provider, ask.model, 0) {
                None => "no price sheet lists this model".to_string(),
                Some(listed) => {
                    alloc::format!("{} has no price in force at that time", listed.model.id)
                }
            });
        };
        let (origin, source) = self.origin(listed);
        let mut bill = Bill {
            provider: self.hosts.get(listed.host).map_or("", |host| &host.id),
            model: &listed.model.id,
            when,
            tier: cards.tier.is_some(),
            source,
            origin,
            lines: Vec::new(),
            sum: Atto::default(),
        };
        let lines = &mut bill.lines;
        let sum = cards.charge(ask, usage, |component, count, rate: Rate, cliff| {
            lines.push(super::Line { component, count, rate, cliff, amount: rate.times(count) });
        });
        bill.sum = sum.map_err(|component| {
            alloc::format!("{} has no price for {}", listed.model.id, component.as_str())
        })?;
        Ok(bill)
    }

    /// Every model that has a price in force at a time, provider by provider. What a later sheet
    /// overrides under the same id is left out.
    pub fn in_force(&self, at: UnixNanos) -> impl Iterator<Item = InForce<'_>> {
        self.hosts.iter().flat_map(move |host| {
            let mut seen = crate::key::Set::default();
            host.models().filter_map(move |index| {
                let listed = self.models.get(index)?;
                let period = listed.period(at)?;
                let (origin, source) = self.origin(listed);
                seen.insert(listed.model.id.as_str()).then_some(InForce {
                    provider: &host.id,
                    model: &listed.model.id,
                    when: period.when,
                    card: &period.card,
                    source,
                    origin,
                })
            })
        })
    }

    /// The sheets in it, the lowest first.
    pub fn origins(&self) -> impl Iterator<Item = (&str, CostSource)> {
        self.origins.iter().map(|(origin, source)| (origin.as_str(), *source))
    }

    /// The model that is meant, the time its prices hold, and the prices.
    fn cards(&self, ask: &Ask<'_>) -> Option<(&Listed, When, Cards<'_>)> {
        let (listed, period) = self.holding(ask)?;
        let mut tier = None;
        if !ask.tier.is_empty() {
            let tiers = &mut listed.model.tiers.iter();
            let named = |name: &str| name.eq_ignore_ascii_case(ask.tier);
            tier = tiers.find(|tier| named(&tier.name) && tier.when.holds(ask.at));
        }
        let cards = Cards { standard: &period.card, tier: tier.map(|tier| &tier.card) };
        Some((listed, period.when, cards))
    }

    /// A contract names a model by its id: the other names of the model mean it too.
    fn widen(&self, provider: &str, model: &mut Model) {
        if let Some(known) = self.resolve(provider, &model.id, 0)
            && known.model.id.eq_ignore_ascii_case(&model.id)
        {
            let named = core::mem::replace(&mut model.named, Clause::Or(Vec::new()));
            model.named = named.or(known.model.named.clone());
        }
    }

    /// The first model meant that has a price in force. A contract for other times lets through
    /// to what is below it; a model of the catalog without a price has none.
    fn holding(&self, ask: &Ask<'_>) -> Option<(&Listed, &Period)> {
        let mut depth = 0;
        loop {
            let listed = self.resolve(ask.provider, ask.model, depth)?;
            if let Some(period) = listed.period(ask.at) {
                return Some((listed, period));
            }
            if !self.is_contract(listed) {
                return None;
            }
            depth += 1;
        }
    }

    pub(super) fn is_contract(&self, listed: &Listed) -> bool {
        self.origin(listed).1 == CostSource::Contract
    }

    fn origin(&self, listed: &Listed) -> (&str, CostSource) {
        let origin = self.origins.get(listed.origin);
        origin.map_or(("", CostSource::Catalog), |(origin, source)| (origin, *source))
    }
}

impl Listed {
    /// The last of the periods that hold.
    fn period(&self, at: UnixNanos) -> Option<&Period> {
        self.model.periods.iter().rev().find(|period| period.when.holds(at))
    }
}
