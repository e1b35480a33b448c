//! Attributes: keys with values of which only the outermost layer is read.

use alloc::vec::Vec;

use super::wire::{Fields, Wire};
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
    attributes.push(Attribute { key, value });
    Ok(())
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
