//! Bytes: whole numbers, keys and texts in as few bytes as they need.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

use crate::key::Key;
use crate::money::Money;

/// Writes a whole number in groups of seven bits, the low ones first.
#[allow(clippy::cast_possible_truncation, reason = "masked")]
pub(crate) fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Writes an amount: those up to four million dollars as one number, others in full.
pub(crate) fn put_money(out: &mut Vec<u8>, amount: Money) {
    match u64::try_from(amount.pico()) {
        Ok(pico) if pico < u64::MAX / 4 => put(out, pico + 1),
        _ => {
            out.push(0);
            put_key(out, amount.pico().cast_unsigned());
        }
    }
}

/// Writes 128 bits as they are.
pub(crate) fn put_key(out: &mut Vec<u8>, key: u128) {
    out.extend_from_slice(&key.to_le_bytes());
}

/// Writes a text after its length.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Reads what was written. `None` if the bytes end too early, or are none that were written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    pub(crate) fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    pub(crate) fn length(&mut self) -> Option<usize> {
        // No more than there are bytes, so that nobody makes room for what is not there.
        usize::try_from(self.number()?).ok().filter(|length| *length <= self.0.len())
    }

    pub(crate) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }

    pub(crate) fn money(&mut self) -> Option<Money> {
        let pico = match self.number()? {
            0 => self.wide()?.cast_signed(),
            more => i128::from(more - 1),
        };
        Some(Money::from_pico(pico))
    }

    pub(crate) fn wide(&mut self) -> Option<u128> {
        let bytes = self.take(16)?;
        Some(u128::from_le_bytes(bytes.try_into().ok()?))
    }

    pub(crate) fn key(&mut self) -> Option<Key> {
        self.wide().map(Key)
    }

    pub(crate) fn half(&mut self) -> Option<u64> {
        let bytes = self.take(8)?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let length = self.length()?;
        core::str::from_utf8(self.take(length)?).ok()
    }
}

/// A string of bytes of a snapshot, borrowed from it where that is possible.
#[derive(Debug)]
pub(super) struct Blob<'a>(pub(super) Cow<'a, [u8]>);

impl Blob<'_> {
    pub(super) fn broken<E: Error>() -> E {
        E::custom("the snapshot's packed bytes are broken")
    }
}

impl<'de> Deserialize<'de> for Blob<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Blob<'de>, D::Error> {
        struct Bytes;
        impl<'de> Visitor<'de> for Bytes {
            type Value = Blob<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Blob<'de>, E> {
                Ok(Blob(Cow::Borrowed(bytes)))
            }
            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Blob<'de>, E> {
                Ok(Blob(Cow::Owned(bytes.to_vec())))
            }
            fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Blob<'de>, E> {
                Ok(Blob(Cow::Owned(bytes)))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}
