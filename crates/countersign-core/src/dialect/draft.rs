//! A record being read: one value per field, before the rules make a fact of it.

use super::field::Field;
use super::index::Entry;
use crate::decode::Value;
use crate::limits;
use crate::names::cut;

// One bit of `Draft::present` per field.
const _: () = assert!(Field::COUNT <= 128);

/// The values of one record, and what was wrong with them.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    /// Bit per field: whether the record has it.
    present: u128,
    values: [Value<'a>; Field::COUNT],
    ranks: [u16; Field::COUNT],
    /// By field: the last bytes that were read as text, and that text. Neighbouring records
    /// mostly say the same, and a comparison is cheaper than a look at every byte.
    texts: [(&'a [u8], &'a str); Field::COUNT],
    /// Place in `DIALECTS` of the key that gave [`Field::Kind`].
    pub(super) kind_dialect: u8,
    /// The first dialect of which a key was seen.
    pub(super) dialect: u8,
    /// Texts that are not UTF-8 and were cut at the first wrong byte.
    pub(super) repaired: u64,
    /// Numbers that are none, negative or too large.
    pub(super) invalid: u64,
}

/// A number that a record should have and has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Invalid;

/// No dialect: what [`Draft::dialect`] is without any known key.
pub(super) const NO_DIALECT: u8 = u8::MAX;

impl<'a> Draft<'a> {
    pub(super) fn new() -> Draft<'a> {
        Draft {
            present: 0,
            values: [Value::Empty; Field::COUNT],
            ranks: [0; Field::COUNT],
            texts: [(&[], ""); Field::COUNT],
            kind_dialect: NO_DIALECT,
            dialect: NO_DIALECT,
            repaired: 0,
            invalid: 0,
        }
    }

    /// Forgets the record; the counts of what was wrong stay.
    pub(super) fn clear(&mut self) {
        self.present = 0;
        self.kind_dialect = NO_DIALECT;
        self.dialect = NO_DIALECT;
    }

    /// Whether the record has none of the known keys.
    pub(super) fn is_empty(&self) -> bool {
        self.present == 0
    }

    /// Takes the value of a known key, unless a better key gave the field already.
    #[inline(always)]
    pub(super) fn set(&mut self, entry: Entry, value: Value<'a>) {
        if matches!(value, Value::Empty) {
            return;
        }
        let place = entry.field as usize;
        let bit = 1 << place;
        let (Some(slot), Some(rank)) = (self.values.get_mut(place), self.ranks.get_mut(place))
        else {
            return;
        };
        if entry.tells {
            self.dialect = self.dialect.min(entry.dialect);
        }
        if self.present & bit != 0 && *rank <= entry.rank {
            return;
        }
        if entry.field as u8 == Field::Kind as u8 {
            self.kind_dialect = entry.dialect;
        }
        self.present |= bit;
        *slot = value;
        *rank = entry.rank;
    }

    /// Whether the record has the field.
    #[inline]
    pub(super) fn has(&self, field: Field) -> bool {
        self.present & 1 << (field as usize) != 0
    }

    /// The value of a field.
    #[inline]
    pub(super) fn value(&self, field: Field) -> Value<'a> {
        if !self.has(field) {
            return Value::Empty;
        }
        self.values.get(field as usize).copied().unwrap_or_default()
    }

    /// The text of a field, without quotes around it; empty if it has none.
    #[inline]
    pub(super) fn text(&mut self, field: Field) -> &'a str {
        match self.value(field) {
            Value::Text(bytes) => self.short_text(field, bytes),
            Value::Empty | Value::Bool(_) | Value::Int(_) | Value::Double(_) | Value::Opaque(_) => {
                ""
            }
        }
    }

    #[inline]
    fn short_text(&mut self, field: Field, bytes: &'a [u8]) -> &'a str {
        match self.texts.get(field as usize) {
            Some((known, text)) if *known == bytes => text,
            _ => self.new_text(field, bytes),
        }
    }

    fn new_text(&mut self, field: Field, bytes: &'a [u8]) -> &'a str {
        let repaired = self.repaired;
        let text = self.utf8(bytes);
        let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        let text = cut(inner.unwrap_or(text), limits::VALUE_BYTES_MAX);
        // What had to be repaired is counted each time.
        if let (Some(slot), true) = (self.texts.get_mut(field as usize), repaired == self.repaired)
        {
            *slot = (bytes, text);
        }
        text
    }

    /// The text of a field as it is, at any length.
    pub(super) fn long_text(&mut self, field: Field) -> &'a str {
        match self.value(field) {
            Value::Text(bytes) => self.utf8(bytes),
            Value::Empty | Value::Bool(_) | Value::Int(_) | Value::Double(_) | Value::Opaque(_) => {
                ""
            }
        }
    }

    /// Bytes as text, up to the first byte that is not UTF-8.
    pub(super) fn utf8(&mut self, bytes: &'a [u8]) -> &'a str {
        match core::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                self.repaired += 1;
                let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
                core::str::from_utf8(valid).unwrap_or_default()
            }
        }
    }

    /// A number of tokens, or of anything else that is counted.
    pub(super) fn count(&mut self, field: Field) -> Result<Option<u64>, Invalid> {
        let counted = match self.value(field) {
            Value::Empty | Value::Bool(_) | Value::Opaque(_) => return Ok(None),
            value @ (Value::Text(_) | Value::Int(_) | Value::Double(_)) => whole(value),
        };
        if counted.is_none() {
            self.invalid += 1;
        }
        counted.map(Some).ok_or(Invalid)
    }

    /// A small number such as an attempt; 0 if there is none.
    pub(super) fn small(&mut self, field: Field) -> u32 {
        let count = self.count(field).ok().flatten().unwrap_or(0);
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// A number that is not negative and finite.
    pub(super) fn number(&mut self, field: Field) -> Option<f64> {
        let number = match self.value(field) {
            Value::Empty | Value::Bool(_) | Value::Opaque(_) => return None,
            Value::Double(number) => Some(number),
            #[allow(clippy::cast_precision_loss, reason = "no such number needs 53 bits")]
            Value::Int(number) => Some(number as f64),
            Value::Text(bytes) => text_number(bytes),
        };
        let number = number.filter(|number| number.is_finite() && *number >= 0.0);
        if number.is_none() {
            self.invalid += 1;
        }
        number
    }
}

/// A whole number of things, from an integer, a double or a text of either.
pub(super) fn whole(value: Value<'_>) -> Option<u64> {
    match value {
        Value::Int(number) => u64::try_from(number).ok(),
        Value::Double(number) => whole_double(number),
        Value::Text(bytes) => {
            let text = core::str::from_utf8(bytes).ok()?.trim();
            text.parse().ok().or_else(|| whole_double(text.parse().ok()?))
        }
        Value::Empty | Value::Bool(_) | Value::Opaque(_) => None,
    }
    .filter(|count| *count <= limits::TOKENS_PER_CALL_MAX)
}

fn whole_double(number: f64) -> Option<u64> {
    #[allow(clippy::cast_precision_loss, reason = "the limit is far below 2^53")]
    let fits = (0.0..=limits::TOKENS_PER_CALL_MAX as f64).contains(&number);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    let whole = number as u64;
    #[allow(clippy::cast_precision_loss, reason = "as above")]
    let exact = fits && whole as f64 == number;
    exact.then_some(whole)
}

fn text_number(bytes: &[u8]) -> Option<f64> {
    core::str::from_utf8(bytes).ok()?.trim().parse().ok()
}
