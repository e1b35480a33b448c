//! Splice: nested messages written in one go, their lengths patched afterwards.

use alloc::vec::Vec;
use core::ops::Range;

use crate::decode::wire::{Malformed, Wire, put_varint};

/// A message under construction: where its length stands and how wide it was guessed.
#[must_use]
pub(super) struct Open {
    length_at: usize,
    width: usize,
}

/// Starts a length-delimited field. `guess` is the length it will probably have: when the
/// length takes as many bytes as the guess's, nothing is moved.
pub(super) fn open(out: &mut Vec<u8>, number: u32, guess: usize) -> Open {
    put_varint(out, u64::from(number) << 3 | 2);
    let length_at = out.len();
    put_varint(out, guess as u64);
    Open { length_at, width: out.len() - length_at }
}

/// Ends the field: the shortest encoding of its length stands before it, so that equal
/// messages are equal bytes.
pub(super) fn close(out: &mut Vec<u8>, open: Open) {
    let start = open.length_at + open.width;
    let length = out.len().saturating_sub(start);
    let mut digits = [0_u8; 10];
    let width = encode(length as u64, &mut digits);
    let digits = digits.iter().take(width).copied();
    if width == open.width {
        for (slot, digit) in out.iter_mut().skip(open.length_at).zip(digits) {
            *slot = digit;
        }
    } else {
        out.splice(open.length_at..start, digits);
    }
}

fn encode(mut value: u64, digits: &mut [u8; 10]) -> usize {
    for (index, digit) in digits.iter_mut().enumerate() {
        #[allow(clippy::cast_possible_truncation, reason = "seven bits are taken")]
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            *digit = low;
            return index + 1;
        }
        *digit = low | 0x80;
    }
    digits.len()
}

/// A field that the message's definition does not name: numbers pass, text cannot.
pub(super) fn unknown(out: &mut Vec<u8>, value: Wire<'_>, raw: &[u8]) {
    if !matches!(value, Wire::Bytes(_)) {
        out.extend_from_slice(raw);
    }
}

/// Neighbouring parts of a message that pass as they came: they are copied in one go.
pub(super) struct Run<'a> {
    message: &'a [u8],
    start: usize,
    end: usize,
}

impl<'a> Run<'a> {
    pub(super) fn of(message: &'a [u8]) -> Run<'a> {
        Run { message, start: 0, end: 0 }
    }

    /// Lets the bytes of this place pass, after all that passed before.
    #[inline]
    pub(super) fn pass(&mut self, place: Range<usize>, out: &mut Vec<u8>) {
        if place.start != self.end {
            self.flush(out);
            self.start = place.start;
        }
        self.end = place.end;
    }

    /// Writes what passed so far: before anything else is written.
    #[inline]
    pub(super) fn flush(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.message.get(self.start..self.end).unwrap_or_default());
        self.start = self.end;
    }
}

/// What a walk over one message may end with.
pub(super) type Walked = Result<(), Malformed>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::wire::Fields;

    #[test]
    fn lengths_are_minimal_whatever_was_guessed() {
        for guess in [0, 1, 127, 128, 20_000, 3_000_000] {
            for length in [0, 1, 127, 128, 300, 16_383, 16_384] {
                let mut out = alloc::vec![7; 3];
                let message = open(&mut out, 2, guess);
                out.extend(core::iter::repeat_n(9, length));
                close(&mut out, message);
                let mut expected = alloc::vec![7; 3];
                crate::decode::wire::put_bytes(&mut expected, 2, &alloc::vec![9; length]);
                assert_eq!(out, expected, "{guess} {length}");
                assert!(Fields::of(&out[3..]).all(|field| field.is_ok()));
            }
        }
    }
}
