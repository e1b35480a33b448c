//! Writes protobuf as the text is read.
//!
//! The length of a message is known only behind its last field: one byte is kept free for it,
//! and what was written moves on by the few bytes that a longer length needs.

use countersign_core::decode::wire::put_varint;

use super::number::{double, integer, put_base64, put_id};
use super::pull::Pull;
use super::schema::{Field, Kind, Level, Message, Number, SLOTS};
use super::{JsonError, Transcoded};
use crate::limits::{JSON_MESSAGE_DEPTH_MAX, REQUEST_BYTES_MAX};

const VARINT: u32 = 0;
const EIGHT_BYTES: u32 = 1;
const LENGTH: u32 = 2;
const FOUR_BYTES: u32 = 5;

/// One request on its way from text to bytes.
pub(super) struct Transcoder<'a> {
    text: Pull<'a>,
    out: &'a mut Vec<u8>,
    /// Whether what is being read belongs to a record.
    in_record: bool,
    /// Whether a value of the record, or of the field outside a record, did not fit.
    spoilt: bool,
    depth: usize,
    /// Length of `out` before the request.
    origin: usize,
    done: Transcoded,
}

impl<'a> Transcoder<'a> {
    pub(super) fn new(json: &'a [u8], out: &'a mut Vec<u8>) -> Transcoder<'a> {
        Transcoder {
            text: Pull::of(json, out.len() + REQUEST_BYTES_MAX),
            origin: out.len(),
            out,
            in_record: false,
            spoilt: false,
            depth: 0,
            done: Transcoded::default(),
        }
    }

    /// The whole request.
    pub(super) fn request(mut self, message: &Message) -> Result<Transcoded, JsonError> {
        if self.text.peek()? != b'{' {
            let at = self.text.at();
            self.text.skip()?;
            return Err(JsonError::Shape(at));
        }
        self.fields(message)?;
        if !self.text.at_end() {
            return Err(self.text.syntax());
        }
        self.done.repaired |= self.text.repaired;
        Ok(self.done)
    }

    /// The members of an object, the brace included.
    fn fields(&mut self, message: &Message) -> Result<(), JsonError> {
        self.text.take(b'{')?;
        let mut written = [(0_usize, 0_usize); SLOTS];
        let mut first = true;
        while self.text.another(b'}', &mut first)? {
            if self.text.peek()? != b'"' {
                return Err(self.text.syntax());
            }
            let name = self.text.short()?;
            self.text.take(b':')?;
            let Some(field) = message.fields.iter().find(|field| field.name.as_bytes() == &*name)
            else {
                self.done.snake_case |= name.contains(&b'_');
                self.text.skip()?;
                continue;
            };
            self.forget(field.slot, &mut written);
            let start = self.out.len();
            self.field(field)?;
            if let Some(range) = written.get_mut(field.slot) {
                *range = (start, self.out.len());
            }
            self.check_size()?;
        }
        Ok(())
    }

    /// Takes back what an earlier member of the same slot wrote. Each byte moves at most once
    /// for each slot before it, because what comes later is written behind everything.
    fn forget(&mut self, slot: usize, written: &mut [(usize, usize); SLOTS]) {
        let Some((start, end)) = written.get(slot).copied() else { return };
        if start == end {
            return;
        }
        self.out.drain(start..end);
        for range in written.iter_mut().filter(|range| range.0 >= end) {
            *range = (range.0 - (end - start), range.1 - (end - start));
        }
        if let Some(range) = written.get_mut(slot) {
            *range = (0, 0);
        }
    }

    /// One field's value. Outside records a value that does not fit is left out, unless it
    /// leads to records.
    fn field(&mut self, field: &Field) -> Result<(), JsonError> {
        let start = self.out.len();
        let next = self.text.peek()?;
        if next == b'n' {
            self.text.literal()?;
            return Ok(());
        }
        match field.kind {
            Kind::Many(inner) => self.many(field.number, inner)?,
            Kind::One(inner) => self.one(field.number, inner)?,
            Kind::Text => self.string(field.number)?,
            Kind::Texts => self.each(|it| it.string(field.number))?,
            Kind::Id => self.id(field.number)?,
            Kind::Bytes => self.bytes(field.number)?,
            Kind::Plain(number) => self.plain(field.number, number)?,
            Kind::Packed(number) => self.packed(field.number, number)?,
        }
        if self.spoilt && !self.in_record {
            if let Kind::Many(inner) | Kind::One(inner) = field.kind
                && inner.level != Level::Part
            {
                return Err(JsonError::Shape(self.text.at()));
            }
            self.spoilt = false;
            self.done.repaired = true;
            self.out.truncate(start);
        }
        Ok(())
    }

    /// A list, element by element; anything else does not fit.
    fn each(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        if self.text.peek()? != b'[' {
            return self.spoil();
        }
        self.text.take(b'[')?;
        let mut first = true;
        while self.text.another(b']', &mut first)? {
            element(self)?;
        }
        Ok(())
    }

    /// Passes over a value that does not fit.
    fn spoil(&mut self) -> Result<(), JsonError> {
        self.spoilt = true;
        self.text.skip()
    }

    /// A list of messages. `null` in it is an empty message.
    fn many(&mut self, number: u32, message: &'static Message) -> Result<(), JsonError> {
        self.each(|it| match (it.text.peek()?, message.level) {
            (_, Level::Record) => it.record(number, message),
            (b'n', _) => {
                it.text.literal()?;
                it.tag(number, LENGTH);
                it.out.push(0);
                Ok(())
            }
            _ => it.one(number, message),
        })
    }

    /// A span, log record or point: written whole or counted and left out.
    fn record(&mut self, number: u32, message: &Message) -> Result<(), JsonError> {
        let start = self.out.len();
        self.in_record = true;
        self.one(number, message)?;
        self.in_record = false;
        if std::mem::take(&mut self.spoilt) {
            self.out.truncate(start);
            self.done.rejected += 1;
        }
        Ok(())
    }

    /// One message. Below the depth that anybody sends it is passed over and left empty.
    fn one(&mut self, number: u32, message: &Message) -> Result<(), JsonError> {
        if self.text.peek()? != b'{' {
            return self.spoil();
        }
        self.tag(number, LENGTH);
        if self.depth == JSON_MESSAGE_DEPTH_MAX {
            self.done.repaired = true;
            self.out.push(0);
            return self.text.skip();
        }
        self.depth += 1;
        let start = self.begin();
        self.fields(message)?;
        self.end(start);
        self.depth -= 1;
        Ok(())
    }

    fn string(&mut self, number: u32) -> Result<(), JsonError> {
        if self.text.peek()? != b'"' {
            return self.spoil();
        }
        self.tag(number, LENGTH);
        let start = self.begin();
        self.text.text(self.out)?;
        self.end(start);
        Ok(())
    }

    fn id(&mut self, number: u32) -> Result<(), JsonError> {
        if self.text.peek()? != b'"' {
            return self.spoil();
        }
        let text = self.text.short()?;
        if !text.is_empty() {
            self.tag(number, LENGTH);
            let start = self.begin();
            put_id(&text, self.out);
            self.end(start);
        }
        Ok(())
    }

    fn bytes(&mut self, number: u32) -> Result<(), JsonError> {
        if self.text.peek()? != b'"' {
            return self.spoil();
        }
        let text = self.text.short()?;
        self.tag(number, LENGTH);
        let start = self.begin();
        self.spoilt |= put_base64(&text, self.out).is_none();
        self.end(start);
        Ok(())
    }

    fn packed(&mut self, number: u32, kind: Number) -> Result<(), JsonError> {
        self.tag(number, LENGTH);
        let start = self.begin();
        self.each(|it| {
            it.value(kind)?;
            it.check_size()
        })?;
        self.end(start);
        Ok(())
    }

    fn plain(&mut self, number: u32, kind: Number) -> Result<(), JsonError> {
        let wire = match kind {
            Number::Double | Number::Fixed64 | Number::Sfixed64 => EIGHT_BYTES,
            Number::Fixed32 => FOUR_BYTES,
            Number::Bool
            | Number::Int64
            | Number::Uint32
            | Number::Uint64
            | Number::Sint32
            | Number::Enum(_) => VARINT,
        };
        self.tag(number, wire);
        self.value(kind)
    }

    /// The bytes of a number, boolean or enumeration value, without its tag.
    fn value(&mut self, kind: Number) -> Result<(), JsonError> {
        let text = match self.text.peek()? {
            b'"' => self.text.short()?,
            b'-' | b'0'..=b'9' => self.text.number()?.as_bytes().into(),
            b't' | b'f' if matches!(kind, Number::Bool) => {
                let value = self.text.literal()?;
                self.out.push(u8::from(value == Some(true)));
                return Ok(());
            }
            _ => return self.spoil(),
        };
        let names = if let Number::Enum(names) = kind { names } else { &[] };
        let named = names.iter().position(|name| name.as_bytes() == &*text);
        self.done.repaired |= named.is_some();
        let value = named.and_then(|at| i128::try_from(at).ok()).or_else(|| integer(&text));
        self.spoilt |= self.put(kind, &text, value).is_none();
        Ok(())
    }

    /// Appends a number as its kind wants it; `None` if it is out of the kind's range.
    fn put(&mut self, kind: Number, text: &[u8], value: Option<i128>) -> Option<()> {
        match kind {
            Number::Bool => return None,
            Number::Double => self.out.extend(double(text)?.to_le_bytes()),
            Number::Int64 => self.varint(i64::try_from(value?).ok()?.cast_unsigned()),
            Number::Enum(_) => {
                self.varint(i64::from(i32::try_from(value?).ok()?).cast_unsigned());
            }
            Number::Uint32 => self.varint(u32::try_from(value?).ok()?.into()),
            Number::Uint64 => self.varint(u64::try_from(value?).ok()?),
            Number::Sint32 => {
                let value = i32::try_from(value?).ok()?;
                self.varint(((value << 1) ^ (value >> 31)).cast_unsigned().into());
            }
            Number::Fixed32 => self.out.extend(u32::try_from(value?).ok()?.to_le_bytes()),
            Number::Fixed64 => self.out.extend(u64::try_from(value?).ok()?.to_le_bytes()),
            Number::Sfixed64 => self.out.extend(i64::try_from(value?).ok()?.to_le_bytes()),
        }
        Some(())
    }

    fn varint(&mut self, value: u64) {
        put_varint(self.out, value);
    }

    fn check_size(&self) -> Result<(), JsonError> {
        let size = self.out.len() - self.origin;
        if size > REQUEST_BYTES_MAX { Err(JsonError::TooLarge) } else { Ok(()) }
    }

    fn tag(&mut self, number: u32, wire: u32) {
        put_varint(self.out, u64::from(number << 3 | wire));
    }

    /// Keeps a byte free for a length and gives where the content begins.
    fn begin(&mut self) -> usize {
        self.out.push(0);
        self.out.len()
    }

    /// Writes the length of what came since.
    fn end(&mut self, start: usize) {
        let mut length = self.out.len() - start;
        let mut bytes = [0_u8; 10];
        let mut used = 0;
        for byte in &mut bytes {
            used += 1;
            *byte = (length & 0x7f) as u8 | if length > 0x7f { 0x80 } else { 0 };
            length >>= 7;
            if length == 0 {
                break;
            }
        }
        let bytes = bytes.get(..used).unwrap_or_default();
        if let ([only], Some(place)) = (bytes, self.out.get_mut(start - 1)) {
            *place = *only;
        } else {
            self.out.splice(start - 1..start, bytes.iter().copied());
        }
    }
}
