//! The protobuf wire: fields of a message as borrowed values, one after the other.
//!
//! No recursion, no allocation, no trust: a length is checked against the bytes there are.

use core::ops::Range;

/// Bytes that are no protobuf message, at this offset from the start of the walked message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub usize);

/// The value of a field, by wire type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1.
    Fixed64(u64),
    /// Wire type 2: a string, bytes, a message or packed numbers.
    Bytes(&'a [u8]),
    /// Wire type 5.
    Fixed32(u32),
}

/// One field of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its number.
    pub number: u32,
    /// Its value.
    pub value: Wire<'a>,
    /// All its bytes, tag included: what a splice copies.
    pub raw: &'a [u8],
}

/// Walks the fields of one message. After an error it ends.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Fields<'a> {
    /// The fields of these bytes.
    #[must_use]
    #[inline]
    pub fn of(bytes: &'a [u8]) -> Fields<'a> {
        Fields { rest: bytes, length: bytes.len() }
    }

    /// Takes the next field if it begins with this tag of one byte, which is that of a
    /// length-delimited field, and tells where all its bytes stand in the message. `None` leaves
    /// it to [`Fields::next_placed`].
    #[inline(always)]
    pub(super) fn next_of(&mut self, tag: u8) -> Option<(&'a [u8], Range<usize>)> {
        let (first, rest) = self.rest.split_first()?;
        if *first != tag {
            return None;
        }
        let (length, rest) = split_varint(rest)?;
        let (bytes, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        let start = self.place();
        self.rest = rest;
        Some((bytes, start..self.place()))
    }

    /// The next field, and where all its bytes stand in the message.
    #[inline(always)]
    pub(super) fn next_placed(&mut self) -> Result<Option<(Field<'a>, Range<usize>)>, Malformed> {
        let start = self.place();
        let field = self.next().transpose()?;
        Ok(field.map(|field| (field, start..self.place())))
    }

    fn place(&self) -> usize {
        self.length - self.rest.len()
    }

    /// Takes one field; `None` if there is no whole one.
    #[inline(always)]
    fn take(&mut self) -> Option<Field<'a>> {
        let before = self.rest;
        let (tag, rest) = split_varint(before)?;
        let number = u32::try_from(tag >> 3).ok().filter(|n| (1..1 << 29).contains(n))?;
        let (value, rest) = match tag & 7 {
            2 => {
                let (length, rest) = split_varint(rest)?;
                let (bytes, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
                (Wire::Bytes(bytes), rest)
            }
            0 => {
                let (value, rest) = split_varint(rest)?;
                (Wire::Varint(value), rest)
            }
            1 => {
                let (bytes, rest) = rest.split_first_chunk()?;
                (Wire::Fixed64(u64::from_le_bytes(*bytes)), rest)
            }
            5 => {
                let (bytes, rest) = rest.split_first_chunk()?;
                (Wire::Fixed32(u32::from_le_bytes(*bytes)), rest)
            }
            _ => return None,
        };
        self.rest = rest;
        let raw = before.get(..before.len() - rest.len())?;
        Some(Field { number, value, raw })
    }

    #[cold]
    fn fail(&mut self) -> Malformed {
        let at = self.place();
        self.rest = &[];
        Malformed(at)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Malformed>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        Some(self.take().ok_or_else(|| self.fail()))
    }
}

/// Splits a varint off the front; `None` if it does not end, or not within 64 bits.
#[inline]
pub(super) fn split_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    match bytes {
        [one, rest @ ..] if *one < 0x80 => Some((u64::from(*one), rest)),
        [one, two, rest @ ..] if *two < 0x80 => {
            Some((u64::from(*one & 0x7f) | u64::from(*two) << 7, rest))
        }
        _ => split_long_varint(bytes),
    }
}

fn split_long_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        let bits = u64::from(byte & 0x7f);
        if index == 9 && bits > 1 {
            return None;
        }
        value |= bits << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(index + 1..)?));
        }
    }
    None
}

/// Appends a varint.
pub fn put_varint(out: &mut alloc::vec::Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        #[allow(clippy::cast_possible_truncation, reason = "seven bits are taken")]
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    #[allow(clippy::cast_possible_truncation, reason = "less than 128")]
    out.push(value as u8);
}

/// Appends a length-delimited field.
pub fn put_bytes(out: &mut alloc::vec::Vec<u8>, number: u32, bytes: &[u8]) {
    put_varint(out, u64::from(number) << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn walks_every_wire_type() {
        let bytes = [0x08, 0x96, 0x01, 0x11, 1, 0, 0, 0, 0, 0, 0, 0, 0x1a, 1, 7, 0x25, 2, 0, 0, 0];
        let seen: Vec<_> = Fields::of(&bytes).map(|f| f.map(|f| (f.number, f.value))).collect();
        assert_eq!(
            seen,
            [
                Ok((1, Wire::Varint(150))),
                Ok((2, Wire::Fixed64(1))),
                Ok((3, Wire::Bytes(&[7]))),
                Ok((4, Wire::Fixed32(2))),
            ]
        );
    }

    #[test]
    fn ends_after_an_error() {
        for bytes in [&[0x00][..], &[0x08], &[0x0a, 5, 1], &[0x0b], &[0x0a, 0xff, 0xff, 0xff]] {
            let mut fields = Fields::of(bytes);
            assert!(fields.next().unwrap().is_err(), "{bytes:?}");
            assert!(fields.next().is_none(), "{bytes:?}");
        }
    }
}
