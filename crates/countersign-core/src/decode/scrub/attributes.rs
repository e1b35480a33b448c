//! Attributes: key-value pairs that pass, are cut, or are left out.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::keys::{self, Rule};
use super::shape;
use super::splice::{close, open};
use crate::decode::wire::{Field, Fields, Malformed, Wire, put_bytes};
use crate::limits;

/// Which attributes of a record pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy<'k> {
    /// Those whose key is listed, if the value looks as it should; and those that the operator
    /// named, as ids.
    AllowList(&'k [Box<str>]),
    /// Those whose key is not known to carry content or secrets, if the value is short.
    DenyList,
}

/// The value of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// A string.
    Text(&'a [u8]),
    /// A boolean, an integer or a double.
    Number,
    /// An array's members.
    List(&'a [u8]),
    /// A map's members, or bytes.
    Other(&'a [u8]),
    /// Nothing, or several values at once, of which readers may take either.
    Void,
}

/// One attribute, borrowed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attribute<'a> {
    /// Its key.
    pub(super) key: &'a [u8],
    /// Its value.
    pub(super) value: Value<'a>,
    /// Bytes of the encoded value.
    size: usize,
    /// Whether the message has a key and a value and nothing else.
    pub(super) plain: bool,
}

/// What passed of an attribute whose key is listed: how it may be used to name the span.
pub(super) type Passed<'a> = Option<(Rule, &'a [u8])>;

/// Reads a `KeyValue`.
#[inline(always)]
pub(super) fn parse(bytes: &[u8]) -> Result<Attribute<'_>, Malformed> {
    match usual(bytes) {
        Some(attribute) => Ok(attribute),
        None => parse_any(bytes),
    }
}

/// A key of less than 128 bytes, then a value that fills the rest: what all encoders write.
#[inline(always)]
fn usual(bytes: &[u8]) -> Option<Attribute<'_>> {
    let [0x0a, length, rest @ ..] = bytes else { return None };
    if *length >= 0x80 {
        return None;
    }
    let (key, rest) = rest.split_at_checked(usize::from(*length))?;
    let encoded = match rest {
        [0x12, length, rest @ ..] if *length < 0x80 && usize::from(*length) == rest.len() => rest,
        [0x12, low, high, rest @ ..]
            if *low >= 0x80
                && *high < 0x80
                && usize::from(*low & 0x7f) | usize::from(*high) << 7 == rest.len() =>
        {
            rest
        }
        _ => return None,
    };
    let value = match encoded {
        [0x0a, length, text @ ..] if *length < 0x80 && usize::from(*length) == text.len() => {
            Value::Text(text)
        }
        [0x0a, low, high, text @ ..]
            if *low >= 0x80
                && *high < 0x80
                && usize::from(*low & 0x7f) | usize::from(*high) << 7 == text.len() =>
        {
            Value::Text(text)
        }
        [0x10 | 0x18, small] if *small < 0x80 => Value::Number,
        [0x18, low, high] if *low >= 0x80 && *high < 0x80 => Value::Number,
        [0x21, _, _, _, _, _, _, _, _] => Value::Number,
        _ => return None,
    };
    Some(Attribute { key, value, size: encoded.len(), plain: true })
}

fn parse_any(bytes: &[u8]) -> Result<Attribute<'_>, Malformed> {
    let mut attribute = Attribute { key: b"", value: Value::Void, size: 0, plain: true };
    let (mut keys, mut values) = (0, 0);
    for field in Fields::of(bytes) {
        let field = field?;
        match (field.number, field.value) {
            (1, Wire::Bytes(key)) => {
                attribute.key = key;
                keys += 1;
            }
            (2, Wire::Bytes(value)) => {
                attribute.value = parse_value(value)?;
                attribute.size = value.len();
                values += 1;
            }
            _ => attribute.plain = false,
        }
    }
    attribute.plain &= keys == 1 && values == 1;
    Ok(attribute)
}

/// The key of a `KeyValue`, without a look at its value.
#[inline(always)]
pub(super) fn key_of(bytes: &[u8]) -> Result<&[u8], Malformed> {
    if let [0x0a, length, rest @ ..] = bytes
        && *length < 0x80
        && let Some(key) = rest.get(..usize::from(*length))
    {
        return Ok(key);
    }
    Ok(parse_any(bytes)?.key)
}

/// Reads an `AnyValue`.
pub(super) fn parse_value(bytes: &[u8]) -> Result<Value<'_>, Malformed> {
    let mut fields = Fields::of(bytes);
    let Some(field) = fields.next() else { return Ok(Value::Void) };
    let field = field?;
    if fields.next().transpose()?.is_some() {
        return Ok(Value::Void);
    }
    Ok(match (field.number, field.value) {
        (1, Wire::Bytes(text)) => Value::Text(text),
        (2 | 3, Wire::Varint(_)) | (4, Wire::Fixed64(_)) => Value::Number,
        (5, Wire::Bytes(members)) => Value::List(members),
        (6 | 7, Wire::Bytes(members)) => Value::Other(members),
        _ => Value::Void,
    })
}

/// What is to be done with an attribute.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Ruled<'a> {
    /// It is left out.
    #[default]
    Out,
    /// It passes as it came.
    Whole(Passed<'a>),
    /// It passes with this key and this beginning of its text.
    Cut(Rule, &'a [u8], &'a [u8]),
}

/// Writes one attribute if the policy lets it pass.
#[inline]
pub(super) fn copy<'a>(
    field: Field<'a>,
    policy: Policy<'_>,
    out: &mut Vec<u8>,
) -> Result<Passed<'a>, Malformed> {
    let Wire::Bytes(bytes) = field.value else { return Ok(None) };
    Ok(match judge(bytes, policy)? {
        Ruled::Out => None,
        Ruled::Whole(passed) => {
            out.extend_from_slice(field.raw);
            passed
        }
        Ruled::Cut(rule, key, kept) => {
            put_text(out, field.number, key, kept);
            Some((rule, kept))
        }
    })
}

/// Decides about an attribute.
pub(super) fn judge<'a>(bytes: &'a [u8], policy: Policy<'_>) -> Result<Ruled<'a>, Malformed> {
    let attribute = parse(bytes)?;
    if !attribute.plain {
        return Ok(Ruled::Out);
    }
    match policy {
        Policy::AllowList(named) => allow(attribute, rule_of(attribute.key, named)),
        Policy::DenyList => Ok(if tolerated(attribute)? { Ruled::Whole(None) } else { Ruled::Out }),
    }
}

/// What the allow-list, or else the operator, says of a key.
pub(super) fn rule_of(key: &[u8], named: &[Box<str>]) -> Option<Rule> {
    let by_operator = || named.iter().any(|known| known.as_bytes() == key).then_some(Rule::Id);
    keys::allowed(key).or_else(by_operator)
}

/// Decides about a plain attribute by the rule of its key.
pub(super) fn allow(attribute: Attribute<'_>, rule: Option<Rule>) -> Result<Ruled<'_>, Malformed> {
    let Some(rule) = rule else { return Ok(Ruled::Out) };
    Ok(match attribute.value {
        Value::Number => Ruled::Whole(None),
        Value::Text(text) => match fitting(rule, text) {
            Some(kept) if kept.len() == text.len() => Ruled::Whole(Some((rule, kept))),
            Some(kept) => Ruled::Cut(rule, attribute.key, kept),
            None => Ruled::Out,
        },
        Value::List(members) if rule == Rule::Reasons && are_reasons(members)? => {
            Ruled::Whole(None)
        }
        Value::List(_) | Value::Other(_) | Value::Void => Ruled::Out,
    })
}

fn fitting(rule: Rule, text: &[u8]) -> Option<&[u8]> {
    match rule {
        Rule::Number => shape::number(text),
        Rule::Id | Rule::RequestModel | Rule::ResponseModel | Rule::Tool => shape::id(text),
        Rule::Name | Rule::Agent | Rule::Workflow => shape::name(text),
        Rule::Word | Rule::Operation => shape::word(text),
        Rule::Reasons => shape::reasons(text),
        Rule::Counts => shape::counts(text),
        Rule::Link => shape::link(text),
        Rule::Place => shape::place(text),
        Rule::Denied => None,
    }
}

fn are_reasons(members: &[u8]) -> Result<bool, Malformed> {
    if members.len() > limits::RELAYED_TEXT_BYTES_MAX {
        return Ok(false);
    }
    for member in Fields::of(members) {
        let Wire::Bytes(member) = member?.value else { return Ok(false) };
        match parse_value(member)? {
            Value::Text(text) if shape::reasons(text).is_some() => {}
            Value::Number => {}
            Value::Text(_) | Value::List(_) | Value::Other(_) | Value::Void => return Ok(false),
        }
    }
    Ok(true)
}

fn tolerated(attribute: Attribute<'_>) -> Result<bool, Malformed> {
    if attribute.size > limits::RELAYED_VALUE_BYTES_MAX {
        return Ok(false);
    }
    let numeric = attribute.value == Value::Number;
    Ok(keys::tolerated(attribute.key, numeric) && harmless(attribute.value, 0)?)
}

/// How deep arrays and maps of records that are no gen-AI records are looked into; what is
/// nested deeper does not pass.
const NESTING_MAX: u8 = 4;

/// Whether a value is valid text and nothing in it has a key that is denied.
pub(super) fn harmless(value: Value<'_>, depth: u8) -> Result<bool, Malformed> {
    let members = match value {
        Value::Text(text) => return Ok(core::str::from_utf8(text).is_ok()),
        Value::Number => return Ok(true),
        Value::Void => return Ok(false),
        Value::List(members) | Value::Other(members) if depth < NESTING_MAX => members,
        Value::List(_) | Value::Other(_) => return Ok(false),
    };
    let list = matches!(value, Value::List(_));
    for member in Fields::of(members) {
        let Ok(Field { number: 1, value: Wire::Bytes(member), .. }) = member else {
            return Ok(false);
        };
        let ok = if list {
            harmless(parse_value(member)?, depth + 1)?
        } else {
            let member = parse(member)?;
            let numeric = member.value == Value::Number;
            member.plain
                && keys::tolerated(member.key, numeric)
                && harmless(member.value, depth + 1)?
        };
        if !ok {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Writes an attribute with a text value.
pub(super) fn put_text(out: &mut Vec<u8>, number: u32, key: &[u8], text: &[u8]) {
    let attribute = open(out, number, key.len() + text.len() + 6);
    put_pair(out, key, text);
    close(out, attribute);
}

/// Writes what is in an attribute with a text value.
pub(super) fn put_pair(out: &mut Vec<u8>, key: &[u8], text: &[u8]) {
    put_bytes(out, 1, key);
    let value = open(out, 2, text.len() + 2);
    put_bytes(out, 1, text);
    close(out, value);
}

/// Writes an attribute with a double value.
pub(super) fn put_double(out: &mut Vec<u8>, number: u32, key: &[u8], value: f64) {
    let attribute = open(out, number, key.len() + 13);
    put_bytes(out, 1, key);
    let mut encoded = [0x21, 0, 0, 0, 0, 0, 0, 0, 0];
    for (slot, byte) in encoded.iter_mut().skip(1).zip(value.to_le_bytes()) {
        *slot = byte;
    }
    put_bytes(out, 2, &encoded);
    close(out, attribute);
}
