//! Attributes: keys with values of which only the outermost layer is read.

use alloc::vec::Vec;

use super::wire::{Fields, Wire, split_varint};
use super::{Budget, Fault};
use crate::limits;

/// The value of an attribute, borrowed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Value<'a> {
    /// Nothing, or a kind of value that is not known here.
    #[default]
    Empty,
    /// A string; its bytes need not be UTF-8.
    Text(&'a [u8]),
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Double(f64),
    /// An array, a list of keys and values, or plain bytes: skipped by length, not looked at.
    Opaque(&'a [u8]),
}

/// A key and its value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attribute<'a> {
    /// Its bytes need not be UTF-8.
    pub key: &'a [u8],
    /// The value.
    pub value: Value<'a>,
}

/// Reads a `KeyValue` message and appends it, up to the limit of attributes of a record.
#[inline(always)]
pub(super) fn push<'a>(
    attributes: &mut Vec<Attribute<'a>>,
    bytes: &'a [u8],
    budget: &mut Budget,
) -> Result<(), Fault> {
    budget.spend(1)?;
    if attributes.len() >= limits::ATTRIBUTES_PER_RECORD_MAX {
        budget.ignored += 1;
        return Ok(());
    }
    attributes.push(match short(bytes) {
        Some(attribute) => attribute,
        None => long(bytes, budget)?,
    });
    Ok(())
}

#[inline(never)]
fn long<'a>(bytes: &'a [u8], budget: &Budget) -> Result<Attribute<'a>, Fault> {
    match plain(bytes) {
        Some(attribute) => Ok(attribute),
        None => any_order(bytes, budget),
    }
}

/// Reads a `KeyValue` message as every encoder writes it, if every length in it takes one byte.
/// `None` for anything else.
#[inline(always)]
fn short(bytes: &[u8]) -> Option<Attribute<'_>> {
    let [0x0a, key_length @ ..0x80, rest @ ..] = bytes else { return None };
    let (key, any) = rest.split_at_checked(usize::from(*key_length))?;
    let value = match any {
        [0x12, any_length @ ..0x80, 0x0a, length, text @ ..]
            if usize::from(*length) == text.len() && usize::from(*any_length) == text.len() + 2 =>
        {
            Value::Text(text)
        }
        [0x12, any_length @ ..0x80, 0x18, number @ ..]
            if usize::from(*any_length) == number.len() + 1 =>
        {
            let (number, rest) = split_varint(number)?;
            #[allow(clippy::cast_possible_wrap, reason = "the wire's int64 is two's complement")]
            rest.is_empty().then_some(Value::Int(number as i64))?
        }
        _ => return None,
    };
    Some(Attribute { key, value })
}

/// Reads a `KeyValue` message as every encoder writes it: the key, the value, nothing else.
/// `None` for anything unusual.
#[inline]
fn plain(bytes: &[u8]) -> Option<Attribute<'_>> {
    let (key, rest) = split_field(bytes, 1)?;
    let (any, rest) = split_field(rest, 2)?;
    let value = match any {
        [0x0a, ..] => {
            let (text, rest) = split_field(any, 1)?;
            rest.is_empty().then_some(Value::Text(text))?
        }
        [0x10, truth @ (0 | 1)] => Value::Bool(*truth != 0),
        [0x18, number @ ..] => {
            let (number, rest) = split_varint(number)?;
            #[allow(clippy::cast_possible_wrap, reason = "the wire's int64 is two's complement")]
            rest.is_empty().then_some(Value::Int(number as i64))?
        }
        _ => return None,
    };
    rest.is_empty().then_some(Attribute { key, value })
}

/// Splits a length-delimited field of this number off the front.
#[inline]
fn split_field(bytes: &[u8], number: u8) -> Option<(&[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    if *tag != number << 3 | 2 {
        return None;
    }
    let (length, rest) = split_varint(rest)?;
    rest.split_at_checked(usize::try_from(length).ok()?)
}

fn any_order<'a>(bytes: &'a [u8], budget: &Budget) -> Result<Attribute<'a>, Fault> {
    let mut key: &[u8] = &[];
    let mut value = Value::Empty;
    for field in Fields::of(bytes) {
        let field = field.map_err(|error| budget.malformed(bytes, error))?;
        match (field.number, field.value) {
            (1, Wire::Bytes(text)) => key = text,
            (2, Wire::Bytes(any)) => value = read(any, value, budget)?,
            _ => {}
        }
    }
    Ok(Attribute { key, value })
}

/// Reads an `AnyValue` message; of several members the last one holds.
pub(super) fn read<'a>(
    bytes: &'a [u8],
    before: Value<'a>,
    budget: &Budget,
) -> Result<Value<'a>, Fault> {
    let mut value = before;
    for field in Fields::of(bytes) {
        let field = field.map_err(|error| budget.malformed(bytes, error))?;
        value = match (field.number, field.value) {
            (1, Wire::Bytes(text)) => Value::Text(text),
            (2, Wire::Varint(truth)) => Value::Bool(truth != 0),
            #[allow(clippy::cast_possible_wrap, reason = "the wire's int64 is two's complement")]
            (3, Wire::Varint(number)) => Value::Int(number as i64),
            (4, Wire::Fixed64(bits)) => Value::Double(f64::from_bits(bits)),
            (5..=7, Wire::Bytes(nested)) => Value::Opaque(nested),
            _ => value,
        };
    }
    Ok(value)
}
