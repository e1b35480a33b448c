//! The protobuf wire: fields of a message as borrowed values, one after the other.
//!
//! No recursion, no allocation, no trust: a length is checked against the bytes there are.

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
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    /// The fields of these bytes.
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> Fields<'a> {
        Fields { bytes, at: 0 }
    }

    #[cold]
    fn fail(&mut self) -> Malformed {
        let at = self.at;
        self.at = self.bytes.len();
        Malformed(at)
    }

    /// Nearly all tags and lengths have one byte, and most others two.
    #[inline(always)]
    fn varint(&mut self) -> Result<u64, Malformed> {
        match self.bytes.get(self.at..) {
            Some([low, ..]) if *low < 0x80 => {
                self.at += 1;
                Ok(u64::from(*low))
            }
            Some([low, high, ..]) if *high < 0x80 => {
                self.at += 2;
                Ok(u64::from(*low & 0x7f) | u64::from(*high) << 7)
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0_u64;
        let mut shift = 0_u32;
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        for (index, byte) in rest.iter().take(10).enumerate() {
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                self.at += index + 1;
                return Ok(value);
            }
            shift += 7;
        }
        Err(self.fail())
    }

    #[inline(always)]
    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let end = self.at.checked_add(length);
        match end.and_then(|end| self.bytes.get(self.at..end)) {
            Some(bytes) => {
                self.at += length;
                Ok(bytes)
            }
            None => Err(self.fail()),
        }
    }

    #[inline(always)]
    fn field(&mut self) -> Result<Field<'a>, Malformed> {
        let from = self.at;
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).ok().filter(|n| (1..1 << 29).contains(n));
        let Some(number) = number else { return Err(self.fail()) };
        let value = match tag & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = self.varint()?;
                let Ok(length) = usize::try_from(length) else { return Err(self.fail()) };
                Wire::Bytes(self.take(length)?)
            }
            5 => Wire::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return Err(self.fail()),
        };
        let raw = self.bytes.get(from..self.at).unwrap_or_default();
        Ok(Field { number, value, raw })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let bytes = self.take(N)?;
        bytes.try_into().map_err(|_| Malformed(self.at))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Malformed>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        (self.at < self.bytes.len()).then(|| self.field())
    }
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
