//! Decode: walks OTLP bytes without building a tree.
//!
//! [`traces`], [`logs`] and [`metrics`] hand out one record after the other with borrowed
//! fields. Nothing is copied, nested values are skipped by their length, and a [`Budget`]
//! bounds the work that a request can cause.

mod attribute;
mod budget;
pub mod json;
mod log;
pub(crate) mod path;
mod point;
pub mod scrub;
mod span;
pub mod wire;

pub use attribute::{Attribute, Value};
pub use budget::{Budget, Fault};
pub use log::{LogRecord, logs};
pub use point::{Number, Point, metrics};
pub use span::{Span, SpanEvent, event, link_trace, traces};

use alloc::vec::Vec;

/// What a walk comes upon, in the order of the bytes.
#[derive(Clone, Copy, Debug)]
pub enum Node<'s, 'a> {
    /// The attributes of a resource: they hold for every record until the next resource.
    Resource(&'s [Attribute<'a>]),
    /// The name of a scope: it holds for every record until the next scope.
    Scope(&'a [u8]),
    /// A span of a trace request.
    Span(&'s Span<'s, 'a>),
    /// A record of a log request.
    Log(&'s LogRecord<'s, 'a>),
    /// A point of a metric request.
    Point(&'s Point<'s, 'a>),
    /// A record that was refused, for want of a valid id.
    Refused,
}

/// Walks the envelopes that all three signals share (`ResourceSpans` and `ScopeSpans`, and
/// their like) and gives each record's bytes to `records`.
///
/// What describes an envelope may stand anywhere in it, and in pieces: it is read first.
fn walk<'a, V: FnMut(Node<'_, 'a>, &mut Budget) -> Result<(), Fault>>(
    bytes: &'a [u8],
    budget: &mut Budget,
    visit: &mut V,
    mut records: impl FnMut(&'a [u8], &mut Budget, &mut V) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut attributes = Vec::new();
    each(bytes, 1, budget, |resource_records, budget| {
        attributes.clear();
        each(resource_records, 1, budget, |resource, budget| {
            each(resource, 1, budget, |bytes, budget| {
                attribute::push(&mut attributes, bytes, budget)
            })
        })?;
        visit(Node::Resource(&attributes), budget)?;
        each(resource_records, 2, budget, |scope_records, budget| {
            let mut name: &[u8] = &[];
            each(scope_records, 1, budget, |scope, budget| {
                each(scope, 1, budget, |text, _| {
                    name = text;
                    Ok(())
                })
            })?;
            visit(Node::Scope(name), budget)?;
            each(scope_records, 2, budget, |record, budget| records(record, budget, visit))
        })
    })
}

/// Visits the length-delimited fields of one number in a message. The number with another wire
/// type is an error: what is behind it would be lost in silence.
fn each<'a>(
    bytes: &'a [u8],
    number: u32,
    budget: &mut Budget,
    mut visit: impl FnMut(&'a [u8], &mut Budget) -> Result<(), Fault>,
) -> Result<(), Fault> {
    for field in wire::Fields::of(bytes) {
        let field = field.map_err(|error| budget.malformed(bytes, error))?;
        if field.number != number {
            continue;
        }
        let wire::Wire::Bytes(child) = field.value else {
            let at = field.raw.as_ptr() as usize - bytes.as_ptr() as usize;
            return Err(budget.malformed(bytes, wire::Malformed(at)));
        };
        budget.spend(1)?;
        visit(child, budget)?;
    }
    Ok(())
}
