//! JSON inside attributes: a scanner that borrows, keeps no tree and does not recurse.
//!
//! Instrumentations put usage and responses into strings, cut them anywhere, and some write
//! Python's notation (`'single quotes'`, `None`). The scanner takes what it can read and ends
//! at the first thing that it cannot.

/// How deep objects and arrays are followed; below it members are passed over.
const DEPTH_MAX: usize = 24;

/// A scalar member of an object somewhere in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    /// The key of the object that the member stands in; empty at the top and in arrays.
    pub parent: &'a str,
    /// The key.
    pub key: &'a str,
    /// A string without its quotes, or a number or word as it is written. A string with
    /// escapes is empty: ids and numbers have none.
    pub value: &'a str,
    /// 1 for members of the outermost object.
    pub depth: usize,
}

/// The scalar members of all objects in the text, in order.
#[derive(Debug)]
pub struct Members<'a> {
    text: &'a str,
    at: usize,
    /// The key that each open object or array stands under.
    parents: [&'a str; DEPTH_MAX],
    depth: usize,
    key: &'a str,
}

impl<'a> Members<'a> {
    /// Scans this text.
    #[must_use]
    pub fn of(text: &'a str) -> Members<'a> {
        Members { text, at: 0, parents: [""; DEPTH_MAX], depth: 0, key: "" }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Reads a quoted text whose opening quote is at the current place.
    fn quoted(&mut self, quote: u8) -> Option<&'a str> {
        let from = self.at + 1;
        let rest = self.text.as_bytes().get(from..)?;
        let mut escaped = false;
        let mut skip = false;
        for (index, byte) in rest.iter().enumerate() {
            if skip {
                skip = false;
            } else if *byte == b'\\' {
                (escaped, skip) = (true, true);
            } else if *byte == quote {
                self.at = from + index + 1;
                let text = if escaped { Some("") } else { self.text.get(from..from + index) };
                return text;
            }
        }
        None
    }

    fn word(&mut self) -> Option<&'a str> {
        let from = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_alphanumeric() || b"+-._".contains(&b)) {
            self.at += 1;
        }
        if self.at == from { None } else { self.text.get(from..self.at) }
    }

    fn open(&mut self) {
        if let Some(parent) = self.parents.get_mut(self.depth) {
            *parent = self.key;
        }
        self.depth += 1;
        self.key = "";
        self.at += 1;
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.key = "";
        self.at += 1;
    }

    fn after_colon(&mut self) -> bool {
        while self.peek().is_some_and(|b| b.is_ascii_whitespace()) {
            self.at += 1;
        }
        let colon = self.peek() == Some(b':');
        if colon {
            self.at += 1;
        }
        colon
    }

    fn member(&mut self, value: &'a str) -> Option<Member<'a>> {
        let key = core::mem::take(&mut self.key);
        let parent = self.parents.get(self.depth.checked_sub(1)?).copied()?;
        (!key.is_empty()).then_some(Member { parent, key, value, depth: self.depth })
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Member<'a>> {
        loop {
            match self.peek()? {
                b'{' | b'[' => self.open(),
                b'}' | b']' => self.close(),
                quote @ (b'"' | b'\'') => {
                    let text = self.quoted(quote)?;
                    if self.key.is_empty() && self.after_colon() {
                        self.key = text;
                    } else if let Some(member) = self.member(text) {
                        return Some(member);
                    }
                }
                b',' => {
                    self.key = "";
                    self.at += 1;
                }
                byte if byte.is_ascii_whitespace() || byte == b':' => self.at += 1,
                _ => {
                    let word = self.word()?;
                    if let Some(member) = self.member(word) {
                        return Some(member);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;

    fn shown(text: &str) -> String {
        let mut out = String::new();
        for Member { parent, key, value, depth } in Members::of(text) {
            out += &format!("{depth} {parent}.{key}={value}; ");
        }
        out
    }

    #[test]
    fn reads_members_at_every_depth() {
        assert_eq!(
            shown(r#"{"id":"x", "n": {"a": 1.5e3, "b":[{"c":null}]}, "s":"q\"q", "z":true}"#),
            "1 .id=x; 2 n.a=1.5e3; 4 .c=null; 1 .s=; 1 .z=true; "
        );
    }

    #[test]
    fn reads_python_notation() {
        assert_eq!(shown("{'a': 51, 'd': {'b': None}}"), "1 .a=51; 2 d.b=None; ");
    }

    #[test]
    fn takes_what_there_is_of_a_cut_text() {
        assert_eq!(shown(r#"{"a":1,"b":"cu"#), "1 .a=1; ");
        assert_eq!(shown(&format!("{}1", "[".repeat(100_000))), "");
    }
}
