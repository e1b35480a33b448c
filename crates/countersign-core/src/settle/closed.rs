//! Closed traces: what is remembered of them for spans that come late.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::fact::{Link, UnixNanos};
use crate::key::{SpanId, TraceId};
use crate::limits;
use crate::settle::books::MS;
use crate::settle::store::{Index, Pack, Packed, Reader, hash_of, put, put_key};
use crate::settle::subject::Subject;

/// Closed traces that are unpacked at a time.
const HOT_MAX: usize = 64;

/// Traces that closed in so long are forgotten at the same time.
const FORGOTTEN_TOGETHER_MS: u64 = 60_000;

/// What is remembered of a closed trace.
#[derive(Clone, Debug, Default)]
pub(super) struct ClosedTrace {
    /// Spans that have a span with usage below them, sorted.
    pub(super) above: Vec<SpanId>,
    /// Spans that were booked with usage, sorted.
    pub(super) booked: Vec<SpanId>,
    /// Parents of calls and steps, sorted by span.
    pub(super) parents: Vec<Link>,
    /// Whose work it is, if none of its work has come yet.
    pub(super) subject: Option<Box<Subject>>,
}

impl ClosedTrace {
    pub(super) fn is_booked(&self, span: SpanId) -> bool {
        self.booked.binary_search(&span).is_ok()
    }
}

#[derive(Clone, Debug)]
struct Item {
    id: TraceId,
    closed: ClosedTrace,
}

/// The closed traces, in the order of closing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Closed {
    items: Packed<Item>,
    #[serde(skip)]
    index: Index,
    /// The oldest one's number.
    oldest: u32,
    /// What is forgotten when: everything before a number.
    forgettings: VecDeque<(UnixNanos, u32)>,
}

impl Default for Closed {
    fn default() -> Closed {
        let (index, forgettings) = (Index::default(), VecDeque::new());
        Closed { items: Packed::new(HOT_MAX), index, oldest: 0, forgettings }
    }
}

impl Closed {
    pub(super) fn contains(&self, id: TraceId) -> bool {
        self.find(id).is_some()
    }

    pub(super) fn insert(&mut self, now: UnixNanos, id: TraceId, closed: ClosedTrace) {
        self.remove(id);
        let number = self.items.push(Item { id, closed });
        let items = &self.items;
        self.index.insert(hash_of(id.0), number, |number| hash_at(items, number));
        let due = (now / MS / FORGOTTEN_TOGETHER_MS + 1) * FORGOTTEN_TOGETHER_MS * MS
            + limits::CLOSED_TRACE_MS * MS;
        let end = self.items.next_number();
        match self.forgettings.back_mut().filter(|(last, _)| *last == due) {
            Some((_, last)) => *last = end,
            None => self.forgettings.push_back((due, end)),
        }
    }

    pub(super) fn remove(&mut self, id: TraceId) -> Option<ClosedTrace> {
        let number = self.find(id)?;
        self.index.remove(hash_of(id.0), number);
        self.items.remove(number).map(|item| item.closed)
    }

    /// Takes what a trace without work has said of its task.
    pub(super) fn take_subject(&mut self, id: TraceId) -> Option<Box<Subject>> {
        let number = self.find(id)?;
        // Most have none: then there is nothing to unpack for good.
        self.items.get(number)?.closed.subject.as_ref()?;
        self.items.get_mut(number)?.closed.subject.take()
    }

    /// Forgets those whose time has come. `true` if more had to go before their time.
    pub(super) fn forget(&mut self, now: UnixNanos) -> bool {
        while let Some((_, end)) = self.forgettings.pop_front_if(|(due, _)| *due <= now) {
            while self.oldest != end {
                self.forget_oldest();
            }
        }
        let full = self.items.len() >= limits::CLOSED_TRACES_MAX;
        while self.items.len() >= limits::CLOSED_TRACES_MAX {
            self.forget_oldest();
        }
        full
    }

    fn forget_oldest(&mut self) {
        if let Some(item) = self.items.remove(self.oldest) {
            self.index.remove(hash_of(item.id.0), self.oldest);
        }
        self.oldest = self.oldest.wrapping_add(1);
        while self.forgettings.front().is_some_and(|(_, end)| *end == self.oldest) {
            self.forgettings.pop_front();
        }
    }

    pub(super) fn without_index(&self) -> Closed {
        let Closed { items, index: _, oldest, forgettings } = self;
        Closed {
            items: items.packed(),
            index: Index::default(),
            oldest: *oldest,
            forgettings: forgettings.clone(),
        }
    }

    pub(super) fn reindex(&mut self) {
        let mut index = Index::default();
        let at = |number| hash_at(&self.items, number);
        index.reserve(self.items.len(), at);
        for number in self.items.numbers() {
            if let Some(id) = id_at(&self.items, number) {
                index.insert(hash_of(id.0), number, at);
            }
        }
        self.index = index;
    }

    fn find(&self, id: TraceId) -> Option<u32> {
        self.index.find(hash_of(id.0), |number| id_at(&self.items, number) == Some(id))
    }
}

fn id_at(items: &Packed<Item>, number: u32) -> Option<TraceId> {
    items.peek(number, |item| item.id, |mut bytes| bytes.wide().map(TraceId))
}

fn hash_at(items: &Packed<Item>, number: u32) -> u64 {
    id_at(items, number).map_or(0, |id| hash_of(id.0))
}

/// Bits of a span.
const ABOVE: u8 = 1;
const BOOKED: u8 = 2;

impl Pack for Item {
    /// The trace's id, its spans, and the rest in places among these.
    fn pack(&self, out: &mut Vec<u8>) {
        let ClosedTrace { above, booked, parents, subject } = &self.closed;
        put_key(out, self.id.0);
        let linked = parents.iter().flat_map(|link| [link.span, link.parent]);
        let mut spans: Vec<SpanId> = above.iter().chain(booked).copied().chain(linked).collect();
        spans.sort_unstable();
        spans.dedup();
        put(out, (spans.len() as u64) << 1 | u64::from(subject.is_some()));
        for span in &spans {
            out.extend_from_slice(&span.0.to_le_bytes());
        }
        for span in &spans {
            let bit = |spans: &[SpanId], bit| {
                if spans.binary_search(span).is_ok() { bit } else { 0 }
            };
            out.push(bit(above, ABOVE) | bit(booked, BOOKED));
        }
        let place = |span: &SpanId| spans.binary_search(span).unwrap_or_default() as u64;
        put(out, parents.len() as u64);
        for link in parents {
            put(out, place(&link.span));
            put(out, place(&link.parent));
        }
        if let Some(subject) = subject {
            let packed = postcard::to_extend(subject, core::mem::take(out));
            *out = packed.expect("a vector takes all");
        }
    }

    fn unpack(mut bytes: Reader<'_>) -> Option<Item> {
        let id = TraceId(bytes.wide()?);
        let counted = bytes.number()?;
        let count = usize::try_from(counted >> 1).ok().filter(|count| *count <= bytes.0.len())?;
        let spans: Vec<SpanId> =
            (0..count).map(|_| bytes.half().map(SpanId)).collect::<Option<_>>()?;
        let bits = bytes.take(count)?;
        let with = |bit| {
            let bits = bits.iter().zip(&spans).filter(move |(bits, _)| *bits & bit != 0);
            bits.map(|(_, span)| *span).collect()
        };
        let mut closed =
            ClosedTrace { above: with(ABOVE), booked: with(BOOKED), ..Default::default() };
        for _ in 0..bytes.length()? {
            let mut span = || spans.get(usize::try_from(bytes.number()?).ok()?).copied();
            closed.parents.push(Link { span: span()?, parent: span()? });
        }
        if counted & 1 != 0 {
            closed.subject = Some(postcard::from_bytes(bytes.0).ok()?);
        }
        Some(Item { id, closed })
    }
}
