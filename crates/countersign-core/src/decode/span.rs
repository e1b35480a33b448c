//! Spans of a trace request.

use alloc::vec::Vec;

use super::attribute::{self, Attribute};
use super::wire::{Fields, Wire};
use super::{Budget, Fault, Node, walk};
use crate::key::{SpanId, TraceId};

/// A span with a valid id.
#[derive(Debug)]
pub struct Span<'s, 'a> {
    /// Never 0.
    pub trace: TraceId,
    /// Never 0.
    pub span: SpanId,
    /// 0 for a root; also when the parent's id has a wrong length.
    pub parent: SpanId,
    /// The name; it may carry content.
    pub name: &'a [u8],
    /// The wire's number: 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    pub kind: u64,
    /// Nanoseconds since 1970.
    pub start: u64,
    /// Nanoseconds since 1970.
    pub end: u64,
    /// The wire's number: 0 unset, 1 ok, 2 error.
    pub status: u64,
    /// The attributes, in order.
    pub attributes: &'s [Attribute<'a>],
    /// Its events, unread: see [`event`].
    pub events: &'s [&'a [u8]],
    /// Its links, unread: see [`link_trace`].
    pub links: &'s [&'a [u8]],
}

/// An event of a span.
#[derive(Debug)]
pub struct SpanEvent<'a> {
    /// Nanoseconds since 1970.
    pub time: u64,
    /// The name.
    pub name: &'a [u8],
}

/// The tag of an attribute: field 9, length-delimited.
const ATTRIBUTES: u8 = 9 << 3 | 2;

#[derive(Default)]
struct Scratch<'a> {
    attributes: Vec<Attribute<'a>>,
    events: Vec<&'a [u8]>,
    links: Vec<&'a [u8]>,
}

/// Walks an `ExportTraceServiceRequest`.
///
/// # Errors
/// [`Fault`] at the first byte that is no such message, or when the budget is spent. Records
/// before it have been visited by then.
pub fn traces<'a>(
    bytes: &'a [u8],
    budget: &mut Budget,
    mut visit: impl FnMut(Node<'_, 'a>, &mut Budget) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut scratch = Scratch::default();
    walk(bytes, budget, &mut visit, |record, budget, visit| {
        budget.spend_record()?;
        match read(record, budget, &mut scratch)? {
            Some(span) => visit(Node::Span(&span), budget),
            None => visit(Node::Refused, budget),
        }
    })
}

/// Reads the bytes of an event. Attributes come in `attributes`, which is cleared first.
///
/// # Errors
/// [`Fault`] if the bytes are no event.
pub fn event<'a>(
    bytes: &'a [u8],
    attributes: &mut Vec<Attribute<'a>>,
    budget: &mut Budget,
) -> Result<SpanEvent<'a>, Fault> {
    attributes.clear();
    let mut event = SpanEvent { time: 0, name: &[] };
    for field in Fields::of(bytes) {
        let field = field.map_err(|error| budget.malformed(bytes, error))?;
        match (field.number, field.value) {
            (1, Wire::Fixed64(time)) => event.time = time,
            (2, Wire::Bytes(name)) => event.name = name,
            (3, Wire::Bytes(bytes)) => attribute::push(attributes, bytes, budget)?,
            _ => {}
        }
    }
    Ok(event)
}

/// The trace that a link leads to; none if its id is not valid.
///
/// # Errors
/// [`Fault`] if the bytes are no link.
pub fn link_trace(bytes: &[u8], budget: &Budget) -> Result<TraceId, Fault> {
    let mut trace = TraceId::NONE;
    for field in Fields::of(bytes) {
        let field = field.map_err(|error| budget.malformed(bytes, error))?;
        if let (1, Wire::Bytes(id)) = (field.number, field.value) {
            trace = trace_id(id);
        }
    }
    Ok(trace)
}

/// A trace id of the right length, or none.
pub(super) fn trace_id(bytes: &[u8]) -> TraceId {
    bytes.try_into().map_or(TraceId::NONE, |id| TraceId(u128::from_be_bytes(id)))
}

/// A span id of the right length, or none.
pub(super) fn span_id(bytes: &[u8]) -> SpanId {
    bytes.try_into().map_or(SpanId::NONE, |id| SpanId(u64::from_be_bytes(id)))
}

fn read<'s, 'a>(
    bytes: &'a [u8],
    budget: &mut Budget,
    scratch: &'s mut Scratch<'a>,
) -> Result<Option<Span<'s, 'a>>, Fault> {
    scratch.attributes.clear();
    scratch.events.clear();
    scratch.links.clear();
    let (mut trace, mut span, mut parent) = (TraceId::NONE, SpanId::NONE, SpanId::NONE);
    let (mut name, mut kind, mut start, mut end, mut status) = (&[][..], 0, 0, 0, 0);
    let mut fields = Fields::of(bytes);
    loop {
        // Most fields of a span are its attributes, one after the other.
        while let Some((bytes, _)) = fields.next_of(ATTRIBUTES) {
            attribute::push(&mut scratch.attributes, bytes, budget)?;
        }
        let Some(field) = fields.next() else { break };
        let field = field.map_err(|error| budget.malformed(bytes, error))?;
        match (field.number, field.value) {
            (9, Wire::Bytes(bytes)) => attribute::push(&mut scratch.attributes, bytes, budget)?,
            (1, Wire::Bytes(id)) => trace = trace_id(id),
            (2, Wire::Bytes(id)) => span = span_id(id),
            (4, Wire::Bytes(id)) => parent = span_id(id),
            (5, Wire::Bytes(text)) => name = text,
            (6, Wire::Varint(number)) => kind = number,
            (7, Wire::Fixed64(time)) => start = time,
            (8, Wire::Fixed64(time)) => end = time,
            (11, Wire::Bytes(bytes)) => {
                budget.spend(1)?;
                scratch.events.push(bytes);
            }
            (13, Wire::Bytes(bytes)) => {
                budget.spend(1)?;
                scratch.links.push(bytes);
            }
            (15, Wire::Bytes(bytes)) => status = status_code(bytes, status, budget)?,
            _ => {}
        }
    }
    if trace.is_none() || span.is_none() {
        return Ok(None);
    }
    let Scratch { attributes, events, links } = scratch;
    Ok(Some(Span {
        trace,
        span,
        parent,
        name,
        kind,
        start,
        end,
        status,
        attributes,
        events,
        links,
    }))
}

fn status_code(bytes: &[u8], before: u64, budget: &Budget) -> Result<u64, Fault> {
    let mut code = before;
    for field in Fields::of(bytes) {
        let field = field.map_err(|error| budget.malformed(bytes, error))?;
        if let (3, Wire::Varint(number)) = (field.number, field.value) {
            code = number;
        }
    }
    Ok(code)
}
