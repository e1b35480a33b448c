//! The rules: what the records of any dialect stand for. Once, in one place.

mod cost;
mod identity;
mod logs;
mod points;
mod response;
mod spans;
mod usage;
mod verdicts;

use alloc::vec::Vec;

use super::draft::{Draft, NO_DIALECT};
use super::field::Field;
use super::otel::OTEL;
use super::reader::{Keys, Meanings};
use super::table::Dialect;
use super::{DIALECTS, Outcome};
use crate::decode::scrub::Note;
use crate::decode::{Attribute, Budget, Fault, Node};
use crate::diagnostic::Diagnostic;
use crate::fact::{CostSource, Fact, Links, Noticed, UnixNanos, plausible_time};
use crate::key::{Key, Map, TraceId};
use crate::money::Money;
use crate::price::Catalog;

/// Words in the names of scopes that instrument frameworks, which call SDKs in their turn.
const FRAMEWORKS: [&str; 8] =
    ["langchain", "llama", "crewai", "agent", "dspy", "haystack", "smolagents", "agno"];

/// A request being read. Facts wait here until the last byte has proved to be well formed.
pub(super) struct Reading<'a, 'r> {
    keys: &'r Keys,
    catalog: &'r Catalog,
    received: UnixNanos,
    facts: Vec<Fact<'a>>,
    links: Vec<Links>,
    /// Place in `links` by trace.
    linked: Map<TraceId, usize>,
    meanings: Meanings<'a>,
    resource: Draft<'a>,
    record: Draft<'a>,
    /// Order-independent digest of the resource's attributes: part of a metric series.
    resource_digest: u128,
    /// The service's name and instance.
    service: Service<'a>,
    /// Place in `DIALECTS` of the scope's dialect, if the scope tells one.
    scope: Option<usize>,
    scope_name: &'a [u8],
    /// Least distance from the provider that the scope's name tells of.
    scope_distance: u8,
    /// What was booked and is marked so when it is relayed.
    notes: Vec<Note>,
    /// How many resources there have been.
    resources: u32,
    accepted: u64,
    rejected: u64,
    noticed: Vec<Noticed>,
    event_attributes: Vec<Attribute<'a>>,
}

/// Who sends: what tells services apart that send the same tokens in several signals.
#[derive(Clone, Copy, Debug, Default)]
struct Service<'a> {
    name: &'a str,
    instance: &'a str,
    key: Key,
    /// The conversation that `session_key` was made for.
    session: &'a str,
    session_key: Key,
}

impl<'a, 'r> Reading<'a, 'r> {
    pub(super) fn new(
        keys: &'r Keys,
        catalog: &'r Catalog,
        received: UnixNanos,
        facts_expected: usize,
    ) -> Self {
        Reading {
            keys,
            catalog,
            received,
            facts: Vec::with_capacity(facts_expected),
            links: Vec::new(),
            linked: Map::default(),
            meanings: Meanings::new(),
            resource: Draft::new(),
            record: Draft::new(),
            resource_digest: 0,
            service: Service::default(),
            scope: None,
            scope_name: &[],
            scope_distance: 0,
            notes: Vec::new(),
            resources: 0,
            accepted: 0,
            rejected: 0,
            noticed: Vec::new(),
            event_attributes: Vec::new(),
        }
    }

    /// Takes what the walk came upon.
    #[inline]
    pub(super) fn visit(&mut self, node: Node<'_, 'a>, budget: &mut Budget) -> Result<(), Fault> {
        match node {
            Node::Resource(attributes) => self.resource(attributes),
            Node::Scope(name) => self.scope(name),
            Node::Span(span) => {
                self.accepted += 1;
                self.record.repaired += u64::from(core::str::from_utf8(span.name).is_err());
                return self.span(span, budget);
            }
            Node::Log(record) => {
                self.accepted += 1;
                self.log(record);
            }
            Node::Point(point) => {
                self.accepted += 1;
                self.point(point);
            }
            Node::Refused => {
                self.rejected += 1;
                self.notice(Diagnostic::InvalidId, 1);
            }
        }
        Ok(())
    }

    /// How many facts there are so far.
    pub(super) fn facts(&self) -> usize {
        self.facts.len()
    }

    /// What is to be said of what was booked, in its order.
    pub(super) fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Gives the facts away: the whole request has been read.
    pub(super) fn finish(mut self, budget: &Budget, facts: &mut dyn FnMut(Fact<'_>)) -> Outcome {
        let repaired = self.resource.repaired + self.record.repaired;
        self.notice(Diagnostic::RepairedText, repaired);
        let invalid = self.resource.invalid + self.record.invalid;
        self.notice(Diagnostic::InvalidValue, invalid);
        self.notice(Diagnostic::OverBudget, budget.ignored);
        self.links.into_iter().for_each(|links| facts(Fact::Links(links)));
        self.facts.into_iter().for_each(&mut *facts);
        self.noticed.into_iter().for_each(|noticed| facts(Fact::Noticed(noticed)));
        let message = match (self.rejected, repaired) {
            (1.., _) => "records without a valid id",
            (0, 1..) => "some texts were not UTF-8",
            (0, 0) => "",
        };
        Outcome { accepted: self.accepted, rejected: self.rejected, message }
    }

    /// Marks the current span as booked, with what it cost.
    fn note(&mut self, cost: Option<(Money, CostSource)>) {
        // The current span is among the accepted ones already.
        let ordinal = (self.accepted + self.rejected).saturating_sub(1);
        if let Ok(ordinal) = u32::try_from(ordinal) {
            self.push_note(Note { ordinal, cost });
        }
    }

    /// Marks the resource of the current log record or point as one that had something booked.
    fn note_resource(&mut self) {
        // The current resource is among the counted ones already.
        self.push_note(Note { ordinal: self.resources.saturating_sub(1), cost: None });
    }

    /// One note for each is enough: the first.
    fn push_note(&mut self, note: Note) {
        if self.notes.last().is_none_or(|last| last.ordinal != note.ordinal) {
            self.notes.push(note);
        }
    }

    fn notice(&mut self, what: Diagnostic, count: u64) {
        if count == 0 {
            return;
        }
        match self.noticed.iter_mut().find(|noticed| noticed.what == what) {
            Some(noticed) => noticed.count += count,
            None => self.noticed.push(Noticed { what, count }),
        }
    }

    fn resource(&mut self, attributes: &[Attribute<'a>]) {
        self.resource.clear();
        self.resources += 1;
        self.keys.sort(attributes, None, &mut self.meanings, &mut self.resource);
        let name = self.resource.text(Field::Service);
        let instance = self.resource.text(Field::Instance);
        self.service =
            Service { name, instance, key: Key::of_parts(&[name, instance]), ..Service::default() };
        self.resource_digest = points::digest(attributes);
    }

    fn scope(&mut self, name: &'a [u8]) {
        self.scope_name = name;
        let text = core::str::from_utf8(name).unwrap_or_default();
        self.scope = DIALECTS.iter().position(|dialect| dialect.speaks_in(text));
        // Instrumentation of a framework says so in its name.
        let of_framework = FRAMEWORKS.iter().any(|name| text.contains(name));
        self.scope_distance = if of_framework { 2 } else { 0 };
    }

    /// The dialect of the current record: its scope's, or that of its keys, or the common one.
    fn dialect(&self) -> &'static Dialect {
        let of_keys = (self.record.dialect != NO_DIALECT).then_some(self.record.dialect.into());
        self.scope.or(of_keys).and_then(|place| DIALECTS.get(place)).unwrap_or(&OTEL)
    }

    /// The key of who sends the current record. Where several processes share a name and say
    /// no instance, the conversation tells them apart, if all their signals carry it.
    fn sender(&mut self, dialect: &Dialect, conversation: &'a str) -> Key {
        let alone = !self.service.instance.is_empty() || !dialect.session_everywhere;
        if alone || conversation.is_empty() {
            return self.service.key;
        }
        if self.service.session != conversation {
            self.service.session = conversation;
            self.service.session_key = Key::of_parts(&[self.service.name, conversation]);
        }
        self.service.session_key
    }

    /// A time within the plausible range; `otherwise` for a time that was not said.
    fn plausible(&mut self, time: UnixNanos, otherwise: UnixNanos) -> UnixNanos {
        if time == 0 {
            return otherwise;
        }
        let clamped = plausible_time(time, self.received);
        if clamped != time {
            self.notice(Diagnostic::ClockSkew, 1);
        }
        clamped
    }
}
