//! Span: one span without its content, its name rebuilt, its cost added.

use alloc::vec::Vec;

use super::attributes::{self, Passed, Policy, Ruled};
use super::keys::{self, Rule};
use super::shape;
use super::splice::{Run, Walked, close, open, unknown};
use super::{Frame, Note, name};
use crate::decode::wire::{Field, Fields, Malformed, Wire, put_bytes};
use crate::limits;
use crate::names::cut;

const ATTRIBUTES: u32 = 9;
/// The tag of an attribute: its field's number, length-delimited.
const ATTRIBUTE: u8 = 9 << 3 | 2;
/// What is marked with when it was booked and is relayed.
pub(super) const BOOKED_BY: &str = "countersign.booked_by";
const COST_USD: &str = "countersign.cost.usd";
const COST_SOURCE: &str = "countersign.cost.source";

/// What of a span's attributes may name it.
#[derive(Clone, Copy, Default)]
pub(super) struct Naming<'a> {
    pub(super) operation: &'a [u8],
    pub(super) request_model: &'a [u8],
    pub(super) response_model: &'a [u8],
    pub(super) agent: &'a [u8],
    pub(super) workflow: &'a [u8],
    pub(super) tool: &'a [u8],
}

impl<'a> Naming<'a> {
    fn see(&mut self, passed: Passed<'a>) {
        let Some((rule, text)) = passed else { return };
        let slot = match rule {
            Rule::Operation => &mut self.operation,
            Rule::RequestModel => &mut self.request_model,
            Rule::ResponseModel => &mut self.response_model,
            Rule::Agent => &mut self.agent,
            Rule::Workflow => &mut self.workflow,
            Rule::Tool => &mut self.tool,
            Rule::Number
            | Rule::Id
            | Rule::Name
            | Rule::Word
            | Rule::Reasons
            | Rule::Counts
            | Rule::Link
            | Rule::Place
            | Rule::Denied => return,
        };
        if slot.is_empty() {
            *slot = text;
        }
    }
}

/// Whether an attribute of this message, under field `number`, marks it as a gen-AI record.
pub(super) fn marked(bytes: &[u8], number: u32) -> Result<bool, Malformed> {
    for field in Fields::of(bytes) {
        let field = field?;
        let Wire::Bytes(pair) = field.value else { continue };
        if field.number != number {
            continue;
        }
        if keys::marks(attributes::key_of(pair)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Copies a span. Its name is written last, when its attributes are known.
pub(super) fn copy<'r>(
    bytes: &'r [u8],
    frame: &mut Frame<'_, 'r>,
    note: Option<&Note>,
    out: &mut Vec<u8>,
) -> Walked {
    let gen_ai = frame.gen_ai || marked(bytes, ATTRIBUTES)?;
    frame.summary.count(gen_ai);
    frame.memory.enter();
    let policy = frame.policy(gen_ai);
    let mut naming = Naming::default();
    let mut name: &[u8] = b"";
    let span = open(out, 2, bytes.len());
    // Before its other attributes, where no limit on their number can cut the mark off.
    if let Some(note) = note {
        put_note(note, frame.booked_by, out);
    }
    let mut run = Run::of(bytes);
    let mut fields = Fields::of(bytes);
    loop {
        while let Some((inner, place)) = fields.next_of(ATTRIBUTE) {
            let key = attributes::key_of(inner)?;
            if note.is_some() && noted(key) {
                continue;
            }
            match frame.memory.judge(key, inner, policy)? {
                Ruled::Out => {}
                Ruled::Whole(passed) => {
                    naming.see(passed);
                    run.pass(place, out);
                }
                Ruled::Cut(rule, key, kept) => {
                    naming.see(Some((rule, kept)));
                    run.flush(out);
                    attributes::put_text(out, ATTRIBUTES, key, kept);
                }
            }
        }
        let Some((field, place)) = fields.next_placed()? else { break };
        let Wire::Bytes(inner) = field.value else {
            run.pass(place, out);
            continue;
        };
        match field.number {
            ATTRIBUTES if note.is_some() && noted(attributes::key_of(inner)?) => {}
            ATTRIBUTES => {
                run.flush(out);
                naming.see(attributes::copy(field, policy, out)?);
            }
            1 if matches!(inner.len(), 0 | 16) => run.pass(place, out),
            2 | 4 if matches!(inner.len(), 0 | 8) => run.pass(place, out),
            3 if shape::trace_state(inner) => run.pass(place, out),
            5 => name = inner,
            11 => {
                // An event may be a gen-AI record where its span is none.
                let gen_ai = gen_ai || names_gen_ai(inner)? || marked(inner, 3)?;
                run.flush(out);
                copy_event(inner, frame.policy(gen_ai), gen_ai, out)?;
            }
            13 => {
                run.flush(out);
                copy_link(inner, out)?;
            }
            15 => {
                run.flush(out);
                copy_status(inner, out)?;
            }
            _ => {}
        }
    }
    run.flush(out);
    if policy != Policy::DenyList {
        name::put(name, &naming, gen_ai, out);
    } else if let Ok(name) = core::str::from_utf8(name) {
        put_bytes(out, 5, cut(name, limits::RELAYED_TEXT_BYTES_MAX).as_bytes());
    }
    close(out, span);
    Ok(())
}

/// Whether an attribute with this key is one that the note is going to say.
fn noted(key: &[u8]) -> bool {
    key.starts_with(b"countersign.")
        && [COST_USD, COST_SOURCE, BOOKED_BY].iter().any(|own| own.as_bytes() == key)
}

fn put_note(note: &Note, booked_by: &[u8], out: &mut Vec<u8>) {
    if let Some((cost, source)) = note.cost {
        attributes::put_double(out, ATTRIBUTES, COST_USD.as_bytes(), cost.dollars());
        let source = source.as_str().as_bytes();
        attributes::put_text(out, ATTRIBUTES, COST_SOURCE.as_bytes(), source);
    }
    put_bytes(out, ATTRIBUTES, booked_by);
}

fn names_gen_ai(event: &[u8]) -> Result<bool, Malformed> {
    for field in Fields::of(event) {
        if let Field { number: 2, value: Wire::Bytes(name), .. } = field?
            && keys::marks(name)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn copy_event(bytes: &[u8], policy: Policy<'_>, gen_ai: bool, out: &mut Vec<u8>) -> Walked {
    let before = out.len();
    let event = open(out, 11, bytes.len());
    let mut known = policy == Policy::DenyList;
    for field in Fields::of(bytes) {
        let field = field?;
        match (field.number, field.value) {
            (2, Wire::Bytes(name)) if policy != Policy::DenyList => {
                known = name::event(name) || !gen_ai && shape::is_word(name);
                if known {
                    out.extend_from_slice(field.raw);
                }
            }
            (2, Wire::Bytes(name)) => {
                if let Ok(name) = core::str::from_utf8(name) {
                    put_bytes(out, 2, cut(name, limits::RELAYED_TEXT_BYTES_MAX).as_bytes());
                }
            }
            (3, Wire::Bytes(_)) => {
                attributes::copy(field, policy, out)?;
            }
            (_, value) => unknown(out, value, field.raw),
        }
    }
    if known {
        close(out, event);
    } else {
        out.truncate(before);
    }
    Ok(())
}

fn copy_link(bytes: &[u8], out: &mut Vec<u8>) -> Walked {
    let link = open(out, 13, bytes.len());
    for field in Fields::of(bytes) {
        let field = field?;
        match (field.number, field.value) {
            (1, Wire::Bytes(id)) if matches!(id.len(), 0 | 16) => out.extend_from_slice(field.raw),
            (2, Wire::Bytes(id)) if matches!(id.len(), 0 | 8) => out.extend_from_slice(field.raw),
            (3, Wire::Bytes(state)) if shape::trace_state(state) => {
                out.extend_from_slice(field.raw);
            }
            (_, value) => unknown(out, value, field.raw),
        }
    }
    close(out, link);
    Ok(())
}

/// The code passes, the message never: it repeats the message of an exception.
fn copy_status(bytes: &[u8], out: &mut Vec<u8>) -> Walked {
    let status = open(out, 15, bytes.len());
    for field in Fields::of(bytes) {
        let field = field?;
        unknown(out, field.value, field.raw);
    }
    close(out, status);
    Ok(())
}
