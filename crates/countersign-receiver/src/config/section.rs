//! Reading a section of the configuration: typed keys, and every mistake with its place.

use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};

use super::yaml::{Node, Value};
use crate::access::files::{self, Held};
use crate::access::secret::{Digest, Secret};

/// Why a configuration was refused: everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The file, if there is one.
    pub file: Option<PathBuf>,
    /// What is wrong, in the order of the file where the place is known.
    pub mistakes: Vec<Mistake>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Line in the file, from 1.
    pub line: Option<u64>,
    /// Path of the key, with dots; empty for the file as a whole.
    pub key: String,
    /// What was expected, and what to do.
    pub text: String,
}

impl Refused {
    /// One mistake that has no line.
    #[must_use]
    pub fn of_text(file: Option<PathBuf>, text: String) -> Refused {
        Refused { file, mistakes: vec![Mistake { line: None, key: String::new(), text }] }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{}: ", file.display())?,
            None => f.write_str("configuration: ")?,
        }
        match self.mistakes.len() {
            1 => f.write_str("1 mistake")?,
            count => write!(f, "{count} mistakes")?,
        }
        for mistake in &self.mistakes {
            f.write_str("\n  ")?;
            if let Some(line) = mistake.line {
                write!(f, "line {line}: ")?;
            }
            if !mistake.key.is_empty() {
                write!(f, "{}: ", mistake.key)?;
            }
            f.write_str(&mistake.text.replace('\n', "\n      "))?;
        }
        Ok(())
    }
}

impl std::error::Error for Refused {}

/// Looks an environment variable up.
pub(super) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What all sections of one file share.
pub(super) struct Reading<'a> {
    pub(super) environment: Environment<'a>,
    pub(super) mistakes: RefCell<Vec<Mistake>>,
}

impl Reading<'_> {
    pub(super) fn mistake(&self, line: Option<u64>, key: &str, text: impl Into<String>) {
        let mistake = Mistake { line, key: key.to_owned(), text: text.into() };
        self.mistakes.borrow_mut().push(mistake);
    }
}

/// A map of the file that is being read. What nobody asked for is a mistake in the end.
pub(super) struct Section<'a> {
    reading: &'a Reading<'a>,
    path: String,
    line: u64,
    entries: &'a [(String, u64, Node)],
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// The file's outermost section.
    pub(super) fn root(reading: &'a Reading<'a>, node: &'a Node) -> Section<'a> {
        Section::of(reading, String::new(), node.line, node)
    }

    /// The line is that of the section's key.
    fn of(reading: &'a Reading<'a>, path: String, line: u64, node: &'a Node) -> Section<'a> {
        let entries: &[_] = match &node.value {
            Value::Map(entries) => entries,
            Value::Empty => &[],
            Value::Scalar(_) | Value::List(_) => {
                let text = format!("expected a section, found {}", node.value.kind());
                reading.mistake(Some(line), &path, text);
                &[]
            }
        };
        Section { reading, path, line, entries, asked: Vec::new() }
    }

    /// A section below this one.
    pub(super) fn section(&mut self, key: &'static str) -> Option<Section<'a>> {
        let (line, node) = self.ask(key)?;
        Some(Section::of(self.reading, self.path_of(key), line, node))
    }

    /// The section as one of freely named sections: each name with its section.
    pub(super) fn named(self) -> impl Iterator<Item = (&'a str, Section<'a>)> {
        let Section { reading, path, entries, .. } = self;
        entries.iter().map(move |(key, line, node)| {
            (key.as_str(), Section::of(reading, join(&path, key), *line, node))
        })
    }

    /// A value, read by a function that gives `None` for what it does not understand.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let (line, node) = self.ask(key)?;
        let path = self.path_of(key);
        read_scalar(self.reading, &path, line, node, expected, parse)
    }

    /// A list of values.
    pub(super) fn list<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let (line, node) = self.ask(key)?;
        let path = self.path_of(key);
        let Value::List(items) = &node.value else {
            let text = format!("expected a list, found {}", node.value.kind());
            self.reading.mistake(Some(line), &path, text);
            return None;
        };
        let read = |item| read_scalar(self.reading, &path, line, item, expected, &parse);
        Some(items.iter().filter_map(read).collect())
    }

    /// A map of freely named values; the values are never shown.
    pub(super) fn secrets<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        parse: impl Fn(&str, &str) -> Option<T>,
    ) -> Vec<T> {
        let Some((line, node)) = self.ask(key) else { return Vec::new() };
        let path = self.path_of(key);
        let Value::Map(entries) = &node.value else {
            let text = format!("expected a section, found {}", node.value.kind());
            self.reading.mistake(Some(line), &path, text);
            return Vec::new();
        };
        let mut all = Vec::new();
        for (name, line, node) in entries {
            let path = join(&path, name);
            let text = match &node.value {
                Value::Scalar(text) => fill_in(text, self.reading.environment),
                Value::Empty | Value::List(_) | Value::Map(_) => {
                    Err(format!("expected {expected}, found {}", node.value.kind()))
                }
            };
            let parsed = text
                .and_then(|text| parse(name, &text).ok_or_else(|| format!("expected {expected}")));
            match parsed {
                Ok(value) => all.push(value),
                Err(text) => self.reading.mistake(Some(*line), &path, text),
            }
        }
        all
    }

    /// A secret, from the environment or a file: `${env:NAME}` or `file:PATH`. Only its digest
    /// is kept.
    pub(super) fn secret(&mut self, key: &'static str) -> Option<Digest> {
        let (line, node) = self.ask(key)?;
        let path = self.path_of(key);
        let given = match &node.value {
            Value::Scalar(raw) => secret(raw, self.reading.environment),
            Value::Empty | Value::List(_) | Value::Map(_) => {
                Err(format!("expected {SECRET}, found {}", node.value.kind()))
            }
        };
        given.map_err(|text| self.reading.mistake(Some(line), &path, text)).ok()
    }

    /// Says that a key's value cannot be used.
    pub(super) fn mistake(&self, key: &str, text: impl Into<String>) {
        let line = self.entries.iter().find(|(name, ..)| name == key).map(|(_, line, _)| *line);
        self.reading.mistake(line, &join(&self.path, key), text);
    }

    /// Says that the section as a whole cannot be used.
    pub(super) fn reject(&self, text: &str) {
        self.reading.mistake(Some(self.line), &self.path, text);
    }

    /// Whether the file has this key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(name, ..)| name == key)
    }

    /// Refuses a key that users may look for, with the reason.
    pub(super) fn refuse(&self, key: &str, why: &str) {
        if self.has(key) {
            self.mistake(key, why);
        }
    }

    /// The end of the section: what is left are unknown keys.
    pub(super) fn end(self) {
        let known = self.asked.join(", ");
        for (key, line, _) in self.entries {
            let path = join(&self.path, key);
            let told = self.reading.mistakes.borrow().iter().any(|told| told.key == path);
            if !self.asked.contains(&key.as_str()) && !told {
                let text = format!("unknown key; known here: {known}");
                self.reading.mistake(Some(*line), &path, text);
            }
        }
    }

    /// The path of a key of this section.
    fn path_of(&self, key: &str) -> String {
        join(&self.path, key)
    }

    fn ask(&mut self, key: &'static str) -> Option<(u64, &'a Node)> {
        self.asked.push(key);
        self.entries.iter().find(|(name, _, _)| name == key).map(|(_, line, node)| (*line, node))
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn read_scalar<T>(
    reading: &Reading<'_>,
    path: &str,
    line: u64,
    node: &Node,
    expected: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let read = match &node.value {
        Value::Scalar(raw) => fill_in(raw, reading.environment).and_then(|text| {
            // The text before the environment was filled in: what came from there may be secret.
            parse(&text).ok_or_else(|| format!("expected {expected}, found `{raw}`"))
        }),
        other @ (Value::Empty | Value::List(_) | Value::Map(_)) => {
            Err(format!("expected {expected}, found {}", other.kind()))
        }
    };
    match read {
        Ok(value) => Some(value),
        Err(text) => {
            reading.mistake(Some(line), path, text);
            None
        }
    }
}

/// What [`Section::secret`] understands.
const SECRET: &str = "`${env:NAME}` or `file:PATH`";

fn secret(raw: &str, environment: Environment<'_>) -> Result<Digest, String> {
    let bytes = if let Some(path) = raw.strip_prefix("file:") {
        files::read(Path::new(path), Held::Secretly)?
    } else if raw.starts_with("${env:") && raw.find('}') == Some(raw.len() - 1) {
        fill_in(raw, environment)?.into_bytes()
    } else {
        // Without the value: it may be one.
        return Err(format!(
            "expected {SECRET}: who reads this file must not learn the secret itself"
        ));
    };
    Secret::given(bytes).map(|secret| secret.digest())
}

/// Puts environment variables in the place of `${env:NAME}` and `${env:NAME:-default}`. A `$$`
/// is a dollar sign.
fn fill_in(text: &str, environment: Environment<'_>) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        filled.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            filled.push('$');
            rest = after;
        } else if let Some(after) = after.strip_prefix('{') {
            let (reference, after) =
                after.split_once('}').ok_or("`${` without `}`; a dollar sign is written `$$`")?;
            let variable = reference
                .strip_prefix("env:")
                .ok_or_else(|| format!("expected `${{env:NAME}}`, found `${{{reference}}}`"))?;
            let (name, default) = match variable.split_once(":-") {
                Some((name, default)) => (name, Some(default)),
                None => (variable, None),
            };
            let value = environment(name)
                .or_else(|| default.map(str::to_owned))
                .ok_or_else(|| format!("the environment variable {name} is not set"))?;
            filled.push_str(&value);
            rest = after;
        } else {
            filled.push('$');
            rest = after;
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::fill_in;

    #[test]
    fn the_environment_is_filled_in() {
        let environment = |name: &str| (name == "HOME").then(|| "/home/a".to_owned());
        let filled = |text: &str| fill_in(text, &environment);
        assert_eq!(filled("x").as_deref(), Ok("x"));
        assert_eq!(filled("${env:HOME}/b").as_deref(), Ok("/home/a/b"));
        assert_eq!(filled("${env:NONE:-d}${env:HOME}").as_deref(), Ok("d/home/a"));
        assert_eq!(filled("${env:NONE:-}").as_deref(), Ok(""));
        assert_eq!(filled("$${env:HOME} $5").as_deref(), Ok("${env:HOME} $5"));
        assert!(filled("${env:NONE}").is_err());
        assert!(filled("${HOME}").is_err());
        assert!(filled("${env:HOME").is_err());
    }
}
