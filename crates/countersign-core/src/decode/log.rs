//! Records of a log request.

use alloc::vec::Vec;

use super::attribute::{self, Attribute, Value};
use super::span::{span_id, trace_id};
use super::wire::{Fields, Wire};
use super::{Budget, Fault, Node, walk};
use crate::key::{SpanId, TraceId};

/// A log record.
#[derive(Debug)]
pub struct LogRecord<'s, 'a> {
    /// All its bytes, as they came: what a digest is made of.
    pub bytes: &'a [u8],
    /// Nanoseconds since 1970; 0 if only `observed` is known.
    pub time: u64,
    /// Nanoseconds since 1970, or 0.
    pub observed: u64,
    /// The trace, or 0.
    pub trace: TraceId,
    /// The span, or 0.
    pub span: SpanId,
    /// The name of the event, or empty.
    pub event: &'a [u8],
    /// The body; it may carry content.
    pub body: Value<'a>,
    /// The attributes, in order.
    pub attributes: &'s [Attribute<'a>],
}

/// Walks an `ExportLogsServiceRequest`.
///
/// # Errors
/// [`Fault`] at the first byte that is no such message, or when the budget is spent. Records
/// before it have been visited by then.
pub fn logs<'a>(
    bytes: &'a [u8],
    budget: &mut Budget,
    mut visit: impl FnMut(Node<'_, 'a>, &mut Budget) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut attributes = Vec::new();
    walk(bytes, budget, &mut visit, |record, budget, visit| {
        budget.spend_record()?;
        attributes.clear();
        let record = read(record, budget, &mut attributes)?;
        visit(Node::Log(&record), budget)
    })
}

fn read<'s, 'a>(
    bytes: &'a [u8],
    budget: &mut Budget,
    attributes: &'s mut Vec<Attribute<'a>>,
) -> Result<LogRecord<'s, 'a>, Fault> {
    let (mut time, mut observed, mut event, mut body) = (0, 0, &[][..], Value::Empty);
    let (mut trace, mut span) = (TraceId::NONE, SpanId::NONE);
    for field in Fields::of(bytes) {
        let field = field.map_err(|error| budget.malformed(bytes, error))?;
        match (field.number, field.value) {
            (1, Wire::Fixed64(nanos)) => time = nanos,
            (11, Wire::Fixed64(nanos)) => observed = nanos,
            (5, Wire::Bytes(any)) => body = attribute::read(any, body, budget)?,
            (6, Wire::Bytes(bytes)) => attribute::push(attributes, bytes, budget)?,
            (9, Wire::Bytes(id)) => trace = trace_id(id),
            (10, Wire::Bytes(id)) => span = span_id(id),
            (12, Wire::Bytes(text)) => event = text,
            _ => {}
        }
    }
    Ok(LogRecord { bytes, time, observed, trace, span, event, body, attributes })
}
