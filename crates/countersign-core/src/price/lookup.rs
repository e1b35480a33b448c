//! Lookup: the listed model that a provider's and a model's name on the wire mean.

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use super::catalog::{Catalog, Listed};
use super::memo::Memo;
use super::sheet::{Clause, Provider};
use super::spelling::spellings;
use crate::key::Set;

/// Providers that make models. A model that is named without its provider is its maker's; of
/// makers that list the same name the first in this order holds.
const MAKERS: &[&str] = &[
    "openai",
    "anthropic",
    "google",
    "mistral",
    "cohere",
    "deepseek",
    "x-ai",
    "meta",
    "moonshotai",
    "minimax",
    "zai",
    "perplexity",
    "voyageai",
];

/// Names on the wire that price sheets do not know, and the ids they mean.
const ALSO_KNOWN_AS: &[(&str, &str)] = &[("gcp.gen_ai", "google"), ("x_ai", "x-ai")];

/// What a platform's name contains, and its id. Tried before the rules of price sheets, which
/// would take `azure.ai.openai` for the maker of its models.
const PLATFORMS: &[(&str, &str)] =
    &[("azure", "azure"), ("az.ai.", "azure"), ("bedrock", "aws"), ("vertex", "google")];

/// Where a model may be listed.
struct Place<'c> {
    host: &'c Host,
    /// Another provider serves its models at its prices.
    served: bool,
}

/// A provider in the catalog: its rules and its models in the order in which they are tried.
#[derive(Clone, Debug, Default)]
pub(super) struct Host {
    pub(super) id: String,
    pub(super) named: Option<Clause>,
    pub(super) makes: Option<Clause>,
    pub(super) serves: Vec<String>,
    /// Places in the catalog's models.
    models: Vec<usize>,
    /// Names that a model's rule spells out.
    spelled: Set<String>,
    /// Those of `models` with rules beyond spelled-out names.
    ruled: Vec<usize>,
}

impl Host {
    /// Puts new models before those that are there.
    pub(super) fn put_first(&mut self, new: Range<usize>, all: &[Listed]) {
        self.models.splice(0..0, new);
        self.spelled.clear();
        self.ruled.clear();
        for index in &self.models {
            let Some(listed) = all.get(*index) else { continue };
            self.spelled.extend(listed.model.named.spelled().map(String::from));
            if !listed.model.named.is_spelled_out() {
                self.ruled.push(*index);
            }
        }
    }

    /// Places in the catalog's models, in the order in which they are tried.
    pub(super) fn models(&self) -> impl Iterator<Item = usize> {
        self.models.iter().copied()
    }

    /// Whether the rule of any of its models holds for the name.
    fn lists(&self, name: &str, all: &[Listed]) -> bool {
        let holds =
            |index: &usize| all.get(*index).is_some_and(|listed| listed.model.named.holds(name));
        self.spelled.contains(name) || self.ruled.iter().any(holds)
    }
}

impl Catalog {
    /// The model that the names mean, remembered; below it, at greater depth, the next one that
    /// they could mean.
    pub(super) fn resolve(&self, provider: &str, model: &str, depth: usize) -> Option<&Listed> {
        if model.is_empty() {
            return None;
        }
        let question = Memo::question(provider, model, depth);
        if let Some(answer) = self.memo.recall(question) {
            return answer.and_then(|index| self.models.get(index as usize));
        }
        let found = self.find(provider, model, depth);
        self.memo.keep(question, found.and_then(|index| u32::try_from(index).ok()));
        found.and_then(|index| self.models.get(index))
    }

    /// The host of an id or a name on the wire, made if there is none.
    pub(super) fn host_for(&mut self, provider: &str) -> usize {
        if let Some(host) = self.host_named(provider) {
            return host;
        }
        self.hosts.push(Host { id: provider.to_lowercase(), ..Host::default() });
        self.hosts.len() - 1
    }

    fn find(&self, provider: &str, model: &str, depth: usize) -> Option<usize> {
        let names = self.names(model);
        let places = self.places(provider, &names);
        let pairs = places.iter().flat_map(|place| names.iter().map(move |name| (place, name)));
        // Most names are nowhere: asking each host's index first spares the walk.
        let listed = pairs.filter(|(place, name)| place.host.lists(name, &self.models));
        let mut candidates = listed.flat_map(|(place, name)| {
            place.host.models().filter(move |index| {
                let holds = |listed: &Listed| listed.model.named.holds(name);
                let listed = self.models.get(*index);
                listed.is_some_and(|listed| holds(listed) && self.may_hold(place, listed))
            })
        });
        candidates.nth(depth)
    }

    /// A contract is with one provider: where another serves the model, its own prices hold.
    fn may_hold(&self, place: &Place<'_>, listed: &Listed) -> bool {
        !place.served || !self.is_contract(listed)
    }

    /// The spellings of a model's name, or of the model that a deployment's name stands for.
    fn names(&self, model: &str) -> Vec<String> {
        let model =
            self.deployments.get(&model.trim().to_lowercase()).map_or(model, String::as_str);
        spellings(model)
    }

    /// Where the model may be listed, in order of preference: prices that hold anywhere; the
    /// provider on the wire and whose models it serves; the provider in the name
    /// (`openai/gpt-4o`); the model's maker; the only provider that spells the name out.
    fn places(&self, provider: &str, names: &[String]) -> Vec<Place<'_>> {
        let mut places: Vec<(usize, bool)> = Vec::new();
        let mut add = |host: Option<usize>, served| {
            let new = host.filter(|host| places.iter().all(|(known, _)| known != host));
            places.extend(new.map(|host| (host, served)));
        };
        add(self.host_with_id(Provider::ANY), false);
        let prefix = names.first().and_then(|name| name.split_once('/')).map(|(prefix, _)| prefix);
        for provider in [Some(provider), prefix].into_iter().flatten() {
            let Some(host) = self.host_named(provider) else { continue };
            add(Some(host), false);
            let serves = self.hosts.get(host).map_or(&[][..], |host| &host.serves);
            serves.iter().for_each(|id| add(self.host_with_id(id), true));
        }
        let spells = |host: &Host| names.iter().any(|name| host.spelled.contains(name));
        for name in names {
            let makes = |host: &Host| host.makes.as_ref().is_some_and(|makes| makes.holds(name));
            add(self.hosts.iter().position(makes), false);
        }
        let mut makers = MAKERS.iter().filter_map(|id| self.host_with_id(id));
        add(makers.find(|host| self.hosts.get(*host).is_some_and(spells)), false);
        let mut others = (0..self.hosts.len()).filter(|at| self.hosts.get(*at).is_some_and(spells));
        add(others.next().filter(|_| others.next().is_none()), false);
        let host = |(host, served)| Some(Place { host: self.hosts.get(host)?, served });
        places.into_iter().filter_map(host).collect()
    }

    fn host_with_id(&self, id: &str) -> Option<usize> {
        self.hosts.iter().position(|host| host.id == id)
    }

    /// The host with this id, or the first whose rule holds for the name.
    fn host_named(&self, provider: &str) -> Option<usize> {
        let name = provider.trim().to_lowercase();
        if name.is_empty() {
            return None;
        }
        let also = ALSO_KNOWN_AS.iter().find(|(known, _)| *known == name);
        let alias = || {
            let platform = || PLATFORMS.iter().find(|(part, _)| name.contains(part));
            also.or_else(platform).and_then(|(_, id)| self.host_with_id(id))
        };
        let ruled = || {
            let holds = |host: &Host| host.named.as_ref().is_some_and(|named| named.holds(&name));
            self.hosts.iter().position(holds)
        };
        self.host_with_id(&name).or_else(alias).or_else(ruled)
    }
}
