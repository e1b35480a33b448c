//! A pull reader over JSON text: no tree, no recursion, every position checked.

use std::borrow::Cow;

use super::JsonError;

/// Reads JSON text from front to back.
#[derive(Debug)]
pub(super) struct Pull<'a> {
    input: &'a [u8],
    at: usize,
    /// Where a text may end at the latest in what it is appended to: a text that is repaired
    /// grows threefold.
    most: usize,
    /// Whether a text had to be repaired: bytes that are not UTF-8, a lone surrogate, a bare
    /// control character.
    pub(super) repaired: bool,
}

impl<'a> Pull<'a> {
    /// A reader at the start of the text, that makes what it appends to no longer than `most`.
    pub(super) fn of(input: &'a [u8], most: usize) -> Pull<'a> {
        Pull { input, at: 0, most, repaired: false }
    }

    /// How many bytes were taken.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The error of this place.
    pub(super) fn syntax(&self) -> JsonError {
        JsonError::Syntax(self.at)
    }

    /// The next byte that is not white space, left where it is.
    pub(super) fn peek(&mut self) -> Result<u8, JsonError> {
        while let Some(&byte) = self.input.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Ok(byte);
            }
            self.at += 1;
        }
        Err(self.syntax())
    }

    /// Takes exactly this byte, after white space.
    pub(super) fn take(&mut self, wanted: u8) -> Result<(), JsonError> {
        if self.peek()? != wanted {
            return Err(self.syntax());
        }
        self.at += 1;
        Ok(())
    }

    /// Whether nothing but white space is left.
    pub(super) fn at_end(&mut self) -> bool {
        self.peek().is_err()
    }

    /// Goes to the next member or element of the container that `close` ends; `false` at its
    /// end, which is taken. `first` is true before the first one.
    pub(super) fn another(&mut self, close: u8, first: &mut bool) -> Result<bool, JsonError> {
        if self.peek()? == close {
            self.at += 1;
            return Ok(false);
        }
        if !std::mem::take(first) {
            self.take(b',')?;
            // A comma wants something behind it.
            if self.peek()? == close {
                return Err(self.syntax());
            }
        }
        Ok(true)
    }

    /// Takes `null`, `true` or `false`.
    pub(super) fn literal(&mut self) -> Result<Option<bool>, JsonError> {
        let rest = self.input.get(self.at..).unwrap_or_default();
        for (word, value) in [("null", None), ("true", Some(true)), ("false", Some(false))] {
            if rest.starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.syntax())
    }

    /// Takes a number and gives its text.
    pub(super) fn number(&mut self) -> Result<&'a str, JsonError> {
        let start = self.at;
        self.at += usize::from(self.here() == Some(b'-'));
        match self.here() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return Err(self.syntax()),
        }
        if self.here() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.here(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.here(), Some(b'+' | b'-')));
            self.digits()?;
        }
        let text = self.input.get(start..self.at).unwrap_or_default();
        std::str::from_utf8(text).map_err(|_| JsonError::Syntax(start))
    }

    /// Takes a text that is short as a rule (a key, an id, a number in quotes); borrowed when
    /// nothing in it is escaped.
    pub(super) fn short(&mut self) -> Result<Cow<'a, [u8]>, JsonError> {
        let start = self.at + 1;
        let plain = self.input.get(start..).unwrap_or_default();
        let length = plain.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
        if let (Some(b'"'), Some(length)) = (self.here(), length)
            && plain.get(length) == Some(&b'"')
        {
            self.at = start + length + 1;
            return Ok(Cow::Borrowed(plain.get(..length).unwrap_or_default()));
        }
        let mut text = Vec::new();
        self.text(&mut text)?;
        Ok(Cow::Owned(text))
    }

    /// Takes a text and appends it, unescaped and as valid UTF-8.
    pub(super) fn text(&mut self, out: &mut Vec<u8>) -> Result<(), JsonError> {
        self.take(b'"')?;
        loop {
            let rest = self.input.get(self.at..).unwrap_or_default();
            let plain = rest
                .iter()
                .position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))
                .ok_or(JsonError::Syntax(self.input.len()))?;
            let run = rest.get(..plain).unwrap_or_default();
            self.at += plain + 1;
            self.repaired |= put_utf8(run, out, self.most)?;
            match rest.get(plain) {
                Some(b'"') => return Ok(()),
                Some(b'\\') => self.escape(out)?,
                _ => {
                    self.repaired = true;
                    put_char(char::REPLACEMENT_CHARACTER, out);
                }
            }
        }
    }

    /// Takes any value and forgets it. Nesting costs one bit a level.
    pub(super) fn skip(&mut self) -> Result<(), JsonError> {
        let mut open = Nesting::default();
        loop {
            match self.peek()? {
                b'{' => {
                    self.at += 1;
                    if self.peek()? == b'}' {
                        self.at += 1;
                    } else {
                        open.push(true);
                        self.skip_key()?;
                        continue;
                    }
                }
                b'[' => {
                    self.at += 1;
                    if self.peek()? == b']' {
                        self.at += 1;
                    } else {
                        open.push(false);
                        continue;
                    }
                }
                b'"' => self.skip_text()?,
                b'-' | b'0'..=b'9' => drop(self.number()?),
                _ => drop(self.literal()?),
            }
            // A value has ended: close what ends with it, or go to the next one.
            loop {
                let Some(object) = open.top() else { return Ok(()) };
                match self.peek()? {
                    b'}' if object => {}
                    b']' if !object => {}
                    b',' => {
                        self.at += 1;
                        if object {
                            self.skip_key()?;
                        }
                        break;
                    }
                    _ => return Err(self.syntax()),
                }
                self.at += 1;
                open.pop();
            }
        }
    }

    fn skip_key(&mut self) -> Result<(), JsonError> {
        if self.peek()? != b'"' {
            return Err(self.syntax());
        }
        self.skip_text()?;
        self.take(b':')
    }

    fn skip_text(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        loop {
            match self.here().ok_or(self.syntax())? {
                b'"' => break,
                b'\\' => self.skip_escape()?,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Ok(())
    }

    fn skip_escape(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        match self.here() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                self.hex4().ok_or(self.syntax())?;
                self.at += 4;
            }
            _ => return Err(self.syntax()),
        }
        Ok(())
    }

    fn here(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        if !matches!(self.here(), Some(b'0'..=b'9')) {
            return Err(self.syntax());
        }
        while matches!(self.here(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    /// Takes what follows a backslash.
    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), JsonError> {
        let escaped = match self.here().ok_or(self.syntax())? {
            byte @ (b'"' | b'\\' | b'/') => byte,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                self.at += 1;
                return self.unicode(out);
            }
            _ => return Err(self.syntax()),
        };
        self.at += 1;
        out.push(escaped);
        Ok(())
    }

    /// Takes four hexadecimal digits, and the second half of a surrogate pair if it follows.
    fn unicode(&mut self, out: &mut Vec<u8>) -> Result<(), JsonError> {
        let unit = self.hex4().ok_or(self.syntax())?;
        self.at += 4;
        let mut code = unit;
        if (0xd800..0xdc00).contains(&unit) {
            let follows = self.input.get(self.at..self.at + 2) == Some(br"\u");
            self.at += 2;
            match self.hex4().filter(|low| follows && (0xdc00..0xe000).contains(low)) {
                Some(low) => {
                    self.at += 4;
                    code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                }
                None => self.at -= 2,
            }
        }
        let character = char::from_u32(code);
        self.repaired |= character.is_none();
        put_char(character.unwrap_or(char::REPLACEMENT_CHARACTER), out);
        Ok(())
    }

    fn hex4(&self) -> Option<u32> {
        let digits = self.input.get(self.at..self.at + 4)?;
        let mut value = 0;
        for &digit in digits {
            value = value * 16 + char::from(digit).to_digit(16)?;
        }
        Some(value)
    }
}

/// Which containers are open, one bit each: 1 for an object.
#[derive(Default)]
struct Nesting {
    words: Vec<u64>,
    depth: usize,
}

impl Nesting {
    fn push(&mut self, object: bool) {
        if self.depth.is_multiple_of(64) {
            self.words.push(0);
        }
        self.depth += 1;
        if let Some(word) = self.words.last_mut() {
            *word = *word << 1 | u64::from(object);
        }
    }

    fn top(&self) -> Option<bool> {
        self.words.last().map(|word| word & 1 == 1)
    }

    fn pop(&mut self) {
        self.depth -= 1;
        if self.depth.is_multiple_of(64) {
            self.words.pop();
        } else if let Some(word) = self.words.last_mut() {
            *word >>= 1;
        }
    }
}

/// Appends bytes as UTF-8, at most to a length of `most`; true if some had to be replaced.
fn put_utf8(run: &[u8], out: &mut Vec<u8>, most: usize) -> Result<bool, JsonError> {
    let fits = |out: &Vec<u8>, more: usize| {
        if out.len() + more > most { Err(JsonError::TooLarge) } else { Ok(()) }
    };
    if std::str::from_utf8(run).is_ok() {
        fits(out, run.len())?;
        out.extend_from_slice(run);
        return Ok(false);
    }
    for chunk in run.utf8_chunks() {
        fits(out, chunk.valid().len() + char::REPLACEMENT_CHARACTER.len_utf8())?;
        out.extend_from_slice(chunk.valid().as_bytes());
        if !chunk.invalid().is_empty() {
            put_char(char::REPLACEMENT_CHARACTER, out);
        }
    }
    Ok(true)
}

fn put_char(character: char, out: &mut Vec<u8>) {
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}
