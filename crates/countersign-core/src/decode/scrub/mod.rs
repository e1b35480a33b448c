//! Scrub: an OTLP request without its content, spliced together from its own bytes.
//!
//! Records of models and agents pass by allow-list: a key nobody vouched for is dropped, and a
//! value that does not look as its key promises is dropped too. Other records keep what is not
//! known to carry content or secrets. Nothing is decoded into a tree; what passes is copied as
//! it came, and the lengths around it are patched. Scrubbing twice gives the same bytes.

mod attributes;
mod keys;
mod log;
mod memory;
mod metric;
mod name;
mod resource;
mod shape;
mod span;
mod splice;
mod table;

use alloc::boxed::Box;
use alloc::vec::Vec;

use self::attributes::Policy;
use self::memory::Memory;
use self::splice::{Walked, close, open, unknown};
use crate::decode::wire::{Field, Fields, Malformed, Wire};
use crate::dialect::{Scrub, Signal};
use crate::fact::CostSource;
use crate::money::Money;

/// What is added to something that was booked and is relayed: the mark of who booked it, so that
/// nobody down the line books it again. Spans are marked one by one. Records of logs and points
/// of metrics are marked by their resource: a mark on each would make other series of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// Which span of a trace request, or which resource of any other request, counted from 0 in
    /// the order of the bytes.
    pub ordinal: u32,
    /// What the span cost and who says so.
    pub cost: Option<(Money, CostSource)>,
}

/// What a scrubbed request held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Spans, log records or points.
    pub seen: u64,
    /// Those that passed by the allow-list of gen-AI records.
    pub gen_ai: u64,
}

impl Summary {
    fn count(&mut self, gen_ai: bool) {
        self.seen += 1;
        self.gen_ai += u64::from(gen_ai);
    }
}

/// Scrubs requests for one instance of Countersign.
#[derive(Clone, Debug)]
pub struct Scrubber {
    /// The encoded pair of key and value that says who booked something.
    booked_by: Box<[u8]>,
    /// Keys that the operator lets pass.
    named: Box<[Box<str>]>,
}

/// What holds for all records of a scope, and the figures of the whole request.
struct Frame<'a, 'r> {
    signal: Signal,
    strict: bool,
    gen_ai: bool,
    booked_by: &'a [u8],
    named: &'a [Box<str>],
    notes: core::iter::Peekable<core::slice::Iter<'a, Note>>,
    /// How many spans, or resources, came before.
    ordinal: u32,
    memory: Memory<'r>,
    summary: Summary,
}

impl<'a> Frame<'a, '_> {
    fn policy(&self, gen_ai: bool) -> Policy<'a> {
        if gen_ai || self.strict { Policy::AllowList(self.named) } else { Policy::DenyList }
    }

    /// Counts a span or a resource: what is to be added to it.
    fn next_note(&mut self) -> Option<&'a Note> {
        let ordinal = self.ordinal;
        self.ordinal += 1;
        let note = self.notes.next_if(|note| note.ordinal <= ordinal);
        note.filter(|note| note.ordinal == ordinal)
    }
}

impl Scrubber {
    /// A scrubber for the instance with this id.
    #[must_use]
    pub fn new(instance: &str) -> Scrubber {
        let mut booked_by = Vec::new();
        attributes::put_pair(&mut booked_by, span::BOOKED_BY.as_bytes(), instance.as_bytes());
        Scrubber { booked_by: booked_by.into_boxed_slice(), named: Box::default() }
    }

    /// Lets attributes with these keys pass too, if their values look like ids: the operator
    /// named them, for example because they say which task a call belongs to.
    #[must_use]
    pub fn keeping<'k>(mut self, keys: impl IntoIterator<Item = &'k str>) -> Scrubber {
        self.named = keys.into_iter().map(Box::from).collect();
        self
    }

    /// Appends the request to `out`, scrubbed. `notes` are sorted by ordinal, one for each; they
    /// say what was booked. [`Scrub::Off`] copies the bytes and adds nothing.
    ///
    /// # Errors
    /// [`Malformed`] if the bytes are no such message, at an offset within the message that is
    /// broken; then `out` is as it was.
    pub fn scrub(
        &mut self,
        signal: Signal,
        bytes: &[u8],
        mode: Scrub,
        notes: &[Note],
        out: &mut Vec<u8>,
    ) -> Result<Summary, Malformed> {
        if mode == Scrub::Off {
            out.extend_from_slice(bytes);
            return Ok(Summary::default());
        }
        debug_assert!(notes.is_sorted_by_key(|note| note.ordinal), "notes are sorted");
        let before = out.len();
        out.reserve(bytes.len());
        let mut frame = Frame {
            signal,
            strict: mode == Scrub::Strict,
            gen_ai: false,
            booked_by: &self.booked_by,
            named: &self.named,
            notes: notes.iter().peekable(),
            ordinal: 0,
            memory: Memory::new(),
            summary: Summary::default(),
        };
        match copy_request(bytes, &mut frame, out) {
            Ok(()) => Ok(frame.summary),
            Err(malformed) => {
                out.truncate(before);
                Err(malformed)
            }
        }
    }
}

fn copy_request<'r>(bytes: &'r [u8], frame: &mut Frame<'_, 'r>, out: &mut Vec<u8>) -> Walked {
    for field in Fields::of(bytes) {
        let field = field?;
        match (field.number, field.value) {
            (1, Wire::Bytes(group)) => copy_resource_group(group, frame, out)?,
            (_, value) => unknown(out, value, field.raw),
        }
    }
    Ok(())
}

/// `ResourceSpans`, `ResourceLogs` or `ResourceMetrics`: they have one shape.
fn copy_resource_group<'r>(
    bytes: &'r [u8],
    frame: &mut Frame<'_, 'r>,
    out: &mut Vec<u8>,
) -> Walked {
    let marked = frame.signal != Signal::Traces && frame.next_note().is_some();
    let group = open(out, 1, bytes.len());
    // The resource may come in pieces, or not at all: the mark stands before all of it.
    let mut mark = marked.then_some(frame.booked_by);
    if marked && !names_resource(bytes)? {
        resource::copy(&[], frame, mark.take(), marked, out)?;
    }
    for field in Fields::of(bytes) {
        let field = field?;
        match (field.number, field.value) {
            (1, Wire::Bytes(resource)) => {
                resource::copy(resource, frame, mark.take(), marked, out)?;
            }
            (2, Wire::Bytes(scope_group)) => copy_scope_group(scope_group, frame, out)?,
            (3, Wire::Bytes(url)) => copy_schema(field, url, out),
            (_, value) => unknown(out, value, field.raw),
        }
    }
    close(out, group);
    Ok(())
}

fn names_resource(group: &[u8]) -> Result<bool, Malformed> {
    for field in Fields::of(group) {
        if let Field { number: 1, value: Wire::Bytes(_), .. } = field? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `ScopeSpans`, `ScopeLogs` or `ScopeMetrics`.
fn copy_scope_group<'r>(bytes: &'r [u8], frame: &mut Frame<'_, 'r>, out: &mut Vec<u8>) -> Walked {
    frame.gen_ai = scope_is_gen_ai(bytes)?;
    let group = open(out, 2, bytes.len());
    for field in Fields::of(bytes) {
        let field = field?;
        match (field.number, field.value) {
            (1, Wire::Bytes(scope)) => copy_scope(scope, frame, out)?,
            (2, Wire::Bytes(inner)) => match frame.signal {
                Signal::Traces => {
                    let note = frame.next_note();
                    span::copy(inner, frame, note, out)?;
                }
                Signal::Logs => log::copy(inner, frame, out)?,
                Signal::Metrics => metric::copy(inner, frame, out)?,
            },
            (3, Wire::Bytes(url)) => copy_schema(field, url, out),
            (_, value) => unknown(out, value, field.raw),
        }
    }
    close(out, group);
    Ok(())
}

fn scope_is_gen_ai(bytes: &[u8]) -> Result<bool, Malformed> {
    for field in Fields::of(bytes) {
        let field = field?;
        let (1, Wire::Bytes(scope)) = (field.number, field.value) else { continue };
        for part in Fields::of(scope) {
            if let Field { number: 1, value: Wire::Bytes(name), .. } = part?
                && keys::gen_ai_name(name)
            {
                return Ok(true);
            }
        }
        if span::marked(scope, 3)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn copy_scope(bytes: &[u8], frame: &Frame<'_, '_>, out: &mut Vec<u8>) -> Walked {
    let policy = frame.policy(frame.gen_ai);
    let scope = open(out, 1, bytes.len());
    for field in Fields::of(bytes) {
        let field = field?;
        match (field.number, field.value) {
            (1 | 2, Wire::Bytes(text)) => {
                if shape::id(text).is_some_and(|kept| kept.len() == text.len()) {
                    out.extend_from_slice(field.raw);
                }
            }
            (3, Wire::Bytes(_)) => {
                attributes::copy(field, policy, out)?;
            }
            (_, value) => unknown(out, value, field.raw),
        }
    }
    close(out, scope);
    Ok(())
}

fn copy_schema(field: Field<'_>, url: &[u8], out: &mut Vec<u8>) {
    let whole = shape::link(url).is_some_and(|kept| kept.len() == url.len());
    if whole && (url.is_empty() || url.starts_with(b"http")) {
        out.extend_from_slice(field.raw);
    }
}

#[cfg(test)]
mod tests;
