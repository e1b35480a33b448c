//! Ledgers: the books and the series of each tenant.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use anyhow::Context;
use countersign_core::delta::Delta;
use countersign_core::fact::UnixNanos;
use countersign_core::settle::{Books, Settings};
use countersign_core::tally::Tally;

use crate::journal::{Entry, FactReader};
use crate::limits::{TENANT_BYTES_MAX, TENANTS_MAX};

/// Whose books a submission is for. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tenant(Option<Arc<str>>);

impl Tenant {
    /// The tenant with a name of at most [`TENANT_BYTES_MAX`] bytes; the empty one is the default
    /// tenant.
    #[must_use]
    pub fn named(name: &str) -> Option<Tenant> {
        let named = (!name.is_empty()).then(|| name.into());
        (name.len() <= TENANT_BYTES_MAX).then_some(Tenant(named))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { self.name() } else { "(default)" })
    }
}

/// The books of one tenant, and the series that came of them.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// The books.
    pub books: Books,
    /// The series.
    pub tally: Tally,
}

impl Ledger {
    fn new(settings: &Settings) -> Ledger {
        Ledger { books: Books::new(settings.clone()), tally: Tally::default() }
    }

    /// Applies facts at a time. `see` is shown each delta with the books after the fact. The
    /// count of facts.
    fn apply(
        &mut self,
        now: UnixNanos,
        facts: &[u8],
        see: &mut dyn FnMut(&Books, &Delta),
    ) -> anyhow::Result<u64> {
        let (mut deltas, mut count) = (Vec::new(), 0);
        for fact in FactReader::of(facts) {
            let fact =
                fact.context("a fact cannot be read; a newer Countersign may have written it")?;
            self.books.apply(now, &fact, &mut deltas);
            for delta in deltas.drain(..) {
                self.tally.apply(self.books.now(), &delta);
                see(&self.books, &delta);
            }
            count += 1;
        }
        Ok(count)
    }
}

/// One ledger for each tenant, at most [`TENANTS_MAX`] of them. The default tenant has one
/// always.
#[derive(Clone, Debug)]
pub struct Ledgers {
    settings: Settings,
    default: Ledger,
    named: BTreeMap<Arc<str>, Ledger>,
}

impl Ledgers {
    /// Empty ones.
    #[must_use]
    pub fn new(settings: Settings) -> Ledgers {
        let default = Ledger::new(&settings);
        Ledgers { settings, default, named: BTreeMap::new() }
    }

    /// The ledgers with these names; `None` if none of them is the default tenant's.
    #[must_use]
    pub fn of(ledgers: Vec<(String, Ledger)>) -> Option<Ledgers> {
        let mut named: BTreeMap<Arc<str>, Ledger> =
            ledgers.into_iter().map(|(name, ledger)| (name.into(), ledger)).collect();
        let default = named.remove("")?;
        Some(Ledgers { settings: default.books.settings().clone(), default, named })
    }

    /// Puts settings in force, for what happens from now on. Whether they are other ones.
    pub fn put_in_force(&mut self, settings: &Settings) -> bool {
        let differ = self.settings != *settings;
        if differ {
            self.settings = settings.clone();
            let ledgers = std::iter::once(&mut self.default).chain(self.named.values_mut());
            ledgers.for_each(|ledger| ledger.books.put_in_force(settings.clone()));
        }
        differ
    }

    /// The ledger of the default tenant.
    #[must_use]
    pub fn default_ledger(&self) -> &Ledger {
        &self.default
    }

    /// A ledger of a tenant that never had facts.
    #[must_use]
    pub fn empty(&self) -> Ledger {
        Ledger::new(&self.settings)
    }

    /// The ledger of a tenant, if it ever had facts.
    #[must_use]
    pub fn get(&self, tenant: &str) -> Option<&Ledger> {
        if tenant.is_empty() { Some(&self.default) } else { self.named.get(tenant) }
    }

    /// All ledgers with their tenants' names, the default one first.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Ledger)> {
        let named = self.named.iter().map(|(name, ledger)| (name.as_ref(), ledger));
        std::iter::once(("", &self.default)).chain(named)
    }

    /// The latest time of any of the books.
    #[must_use]
    pub fn now(&self) -> UnixNanos {
        self.iter().map(|(_, ledger)| ledger.books.now()).max().unwrap_or(0)
    }

    /// When the first of the books has something to do.
    #[must_use]
    pub fn next_deadline(&self) -> Option<UnixNanos> {
        self.iter().filter_map(|(_, ledger)| ledger.books.next_deadline()).min()
    }

    /// Those whose books have something to do by now.
    pub fn due(&self, now: UnixNanos) -> impl Iterator<Item = &str> {
        let due = move |ledger: &Ledger| ledger.books.next_deadline().is_some_and(|at| at <= now);
        self.iter().filter(move |(_, ledger)| due(ledger)).map(|(name, _)| name)
    }

    /// Sees to it that a tenant has a ledger; `false` if there is no room for one more.
    pub fn make_room_for(&mut self, tenant: &Tenant) -> bool {
        self.ledger(tenant.name()).is_ok()
    }

    /// Applies the facts of one entry; how many they were. `see` is shown each delta with the
    /// books after the fact.
    ///
    /// # Errors
    /// If the bytes are no facts, although their checksum was right, or there is no room for the
    /// tenant: another version wrote them.
    pub fn apply(
        &mut self,
        entry: &Entry<'_>,
        see: &mut dyn FnMut(&Books, &Delta),
    ) -> anyhow::Result<u64> {
        self.ledger(entry.tenant)?.apply(entry.now, entry.facts, see)
    }

    #[cfg(feature = "planted")]
    pub(super) fn begin_series_at(&mut self, now: UnixNanos) {
        let named = self.named.values_mut();
        named.chain([&mut self.default]).for_each(|ledger| ledger.tally.begin_at(now));
    }

    fn ledger(&mut self, tenant: &str) -> anyhow::Result<&mut Ledger> {
        if tenant.is_empty() {
            return Ok(&mut self.default);
        }
        if !self.named.contains_key(tenant) {
            if self.named.len() + 1 >= TENANTS_MAX {
                anyhow::bail!("the journal has more than {TENANTS_MAX} tenants");
            }
            self.named.insert(tenant.into(), Ledger::new(&self.settings));
        }
        self.named.get_mut(tenant).context("just made")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_a_length_and_tenants_a_number() {
        assert_eq!(Tenant::named(""), Some(Tenant::default()));
        assert_eq!(Tenant::named(&"x".repeat(65)), None);
        let mut ledgers = Ledgers::new(Settings::default());
        let mut apply = |tenant: &str| {
            ledgers.apply(&Entry { now: 1, tenant, facts: b"" }, &mut |_, _| {}).is_ok()
        };
        let names: Vec<String> = (1..=TENANTS_MAX).map(|number| format!("t{number}")).collect();
        let taken = names.iter().filter(|name| apply(name)).count();
        assert_eq!(taken, TENANTS_MAX - 1, "one is the default tenant");
        assert!(apply("") && apply("t1") && !apply("other"));
    }
}
