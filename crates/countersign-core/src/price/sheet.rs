//! Price sheets: what one source says about prices, before it is laid into a catalog.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::card::Card;
use crate::fact::{CostSource, UnixNanos};

/// Nanoseconds of a day.
const DAY: u64 = 86_400_000_000_000;

/// What one source says.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// What it is called in listings: a file, a data set with its version.
    pub origin: String,
    /// What costs computed from it are called.
    pub source: CostSource,
    /// Its providers, in the order in which their rules are tried.
    pub providers: Vec<Provider>,
    /// Names that stand for models, as Azure deployments do.
    pub deployments: Vec<Deployment>,
}

/// A provider and what it charges for its models.
#[derive(Clone, Debug, Default)]
pub struct Provider {
    /// Its id, lower case; [`Provider::ANY`] for prices that hold wherever a model is served.
    pub id: String,
    /// Which provider names on the wire mean this one, besides its id.
    pub named: Option<Clause>,
    /// Which models are this provider's own: found without a provider's name.
    pub makes: Option<Clause>,
    /// Providers whose models this one serves at their prices.
    pub serves: Vec<String>,
    /// Its models, in the order in which their rules are tried.
    pub models: Vec<Model>,
}

impl Provider {
    /// The id of no provider in particular.
    pub const ANY: &'static str = "*";
}

/// A model and its prices over time.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its id, as listed.
    pub id: String,
    /// Which model names on the wire mean it.
    pub named: Clause,
    /// Prices; of those in force at a time the last one holds.
    pub periods: Vec<Period>,
    /// Prices of service tiers on top; of those in force the first one with a price holds.
    pub tiers: Vec<Tier>,
}

/// Prices and when they are in force.
#[derive(Clone, Debug)]
pub struct Period {
    /// When they hold.
    pub when: When,
    /// The prices.
    pub card: Card,
}

/// A service tier's prices and when they are in force.
#[derive(Clone, Debug)]
pub struct Tier {
    /// `batch`, `flex`, `priority` …, lower case.
    pub name: String,
    /// When they hold.
    pub when: When,
    /// The prices; what is absent costs what it costs in the standard tier.
    pub card: Card,
}

/// A time at which a price is in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct When {
    /// From this time on.
    pub from: Option<UnixNanos>,
    /// Up to this time, itself excluded.
    pub to: Option<UnixNanos>,
    /// Between two times of the day in UTC, in nanoseconds; past midnight if the first is later.
    pub daily: Option<(u64, u64)>,
}

impl When {
    /// Whether the time is within.
    #[must_use]
    pub fn holds(&self, at: UnixNanos) -> bool {
        let daily = self.daily.is_none_or(|(start, end)| {
            let time = at % DAY;
            if end < start { time >= start || time < end } else { (start..end).contains(&time) }
        });
        daily && self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at < to)
    }
}

/// A name that stands for a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// The name on the wire, lower case.
    pub name: String,
    /// The model it is.
    pub model: String,
}

/// A rule about names. Letters of either case are the same, except in a pattern.
#[derive(Clone, Debug)]
pub enum Clause {
    /// All of these hold.
    And(Vec<Clause>),
    /// One of these holds.
    Or(Vec<Clause>),
    /// The name is this; lower case.
    Equals(Box<str>),
    /// The name begins with this; lower case.
    StartsWith(Box<str>),
    /// The name ends with this; lower case.
    EndsWith(Box<str>),
    /// The name contains this; lower case.
    Contains(Box<str>),
    /// The name matches a pattern that the source of the sheet brought with it.
    Pattern(Pattern),
}

impl Clause {
    /// Whether the rule holds for a name in lower case.
    #[must_use]
    pub fn holds(&self, name: &str) -> bool {
        match self {
            Clause::And(clauses) => clauses.iter().all(|clause| clause.holds(name)),
            Clause::Or(clauses) => clauses.iter().any(|clause| clause.holds(name)),
            Clause::Equals(text) => name == &**text,
            Clause::StartsWith(text) => name.starts_with(&**text),
            Clause::EndsWith(text) => name.ends_with(&**text),
            Clause::Contains(text) => name.contains(&**text),
            Clause::Pattern(pattern) => (pattern.matches)(name),
        }
    }

    /// The rule that one of the two holds.
    pub(super) fn or(self, other: Clause) -> Clause {
        let mut all = Vec::new();
        for clause in [self, other] {
            if let Clause::Or(clauses) = clause {
                all.extend(clauses);
            } else {
                all.push(clause);
            }
        }
        Clause::Or(all)
    }

    /// Whether the rule says no more than the names that it spells out.
    pub(super) fn is_spelled_out(&self) -> bool {
        match self {
            Clause::Equals(_) => true,
            Clause::Or(clauses) => clauses.iter().all(|clause| matches!(clause, Clause::Equals(_))),
            Clause::And(_)
            | Clause::StartsWith(_)
            | Clause::EndsWith(_)
            | Clause::Contains(_)
            | Clause::Pattern(_) => false,
        }
    }

    /// The names that the rule spells out.
    pub(super) fn spelled(&self) -> impl Iterator<Item = &str> {
        let own = core::slice::from_ref(self);
        let clauses = if let Clause::Or(clauses) = self { clauses } else { own };
        clauses.iter().filter_map(|clause| match clause {
            Clause::Equals(text) => Some(&**text),
            Clause::And(_)
            | Clause::Or(_)
            | Clause::StartsWith(_)
            | Clause::EndsWith(_)
            | Clause::Contains(_)
            | Clause::Pattern(_) => None,
        })
    }
}

/// A pattern in a language that the core does not know: a regular expression, compiled by
/// whoever read the sheet.
#[derive(Clone)]
pub struct Pattern {
    /// The pattern as written.
    pub text: Box<str>,
    /// Whether a name in lower case matches it. Must be a pure function.
    pub matches: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.text).finish()
    }
}
