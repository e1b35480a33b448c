//! Log: one log record without its content.

use alloc::vec::Vec;

use super::attributes::{self, Policy, Value};
use super::span::marked;
use super::splice::{Walked, close, open};
use super::{Frame, keys, name, shape};
use crate::decode::wire::{Fields, Malformed, Wire};
use crate::limits;

const ATTRIBUTES: u32 = 6;

/// Bodies that repeat an event's name begin so.
const BODY_FAMILIES: [&[u8]; 5] =
    [b"claude_code.", b"codex.", b"gemini_cli.", b"gen_ai.", b"qwen-code."];

/// Copies a log record.
pub(super) fn copy(bytes: &[u8], frame: &mut Frame<'_, '_>, out: &mut Vec<u8>) -> Walked {
    let gen_ai = frame.gen_ai || names_gen_ai(bytes)? || marked(bytes, ATTRIBUTES)?;
    frame.summary.count(gen_ai);
    let policy = frame.policy(gen_ai);
    let log = open(out, 2, bytes.len());
    for field in Fields::of(bytes) {
        let field = field?;
        let Wire::Bytes(inner) = field.value else {
            out.extend_from_slice(field.raw);
            continue;
        };
        let passes = match field.number {
            3 => shape::is_word(inner),
            5 => body(inner, policy)?,
            ATTRIBUTES => {
                attributes::copy(field, policy, out)?;
                false
            }
            9 => matches!(inner.len(), 0 | 16),
            10 => matches!(inner.len(), 0 | 8),
            12 => name::log(inner),
            _ => false,
        };
        if passes {
            out.extend_from_slice(field.raw);
        }
    }
    close(out, log);
    Ok(())
}

/// Whether the record's name or its body's text belongs to an emitter of this field.
fn names_gen_ai(bytes: &[u8]) -> Result<bool, Malformed> {
    for field in Fields::of(bytes) {
        let field = field?;
        match (field.number, field.value) {
            (12, Wire::Bytes(name)) if keys::marks(name) => return Ok(true),
            (5, Wire::Bytes(body)) => {
                if let Value::Text(text) = attributes::parse_value(body)?
                    && is_family(text)
                {
                    return Ok(true);
                }
            }
            _ => {}
        }
    }
    Ok(false)
}

fn is_family(text: &[u8]) -> bool {
    BODY_FAMILIES.iter().any(|family| text.starts_with(family))
}

fn body(bytes: &[u8], policy: Policy<'_>) -> Result<bool, Malformed> {
    let value = attributes::parse_value(bytes)?;
    Ok(match (policy, value) {
        (Policy::AllowList(_), Value::Text(text)) => is_family(text) && shape::is_word(text),
        (Policy::AllowList(_), Value::Number) => true,
        (Policy::AllowList(_), Value::List(_) | Value::Other(_) | Value::Void) => false,
        (Policy::DenyList, value) => {
            bytes.len() <= limits::RELAYED_VALUE_BYTES_MAX && attributes::harmless(value, 0)?
        }
    })
}
