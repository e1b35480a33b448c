//! Verdicts as JSON: one object or an array of objects.

use std::fmt;

use countersign_core::fact::{Basis, Judgement, SourceKind, UnixNanos};
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::given::{self, Given};
use super::{Judged, gather};
use crate::ingest::refused::Refused;
use crate::journal::FactWriter;
use crate::limits::{VERDICT_BYTES_MAX, VERDICTS_PER_REQUEST_MAX};
use crate::publish::calendar;

const FIELDS: [&str; 11] = [
    "id",
    "task",
    "state",
    "effective_at",
    "source",
    "basis",
    "round",
    "reason",
    "edit_ratio",
    "review_seconds",
    "supersedes",
];
const TIME: &str =
    "effective_at: expected RFC 3339 (2026-01-31T12:00:00Z), Unix seconds or nanoseconds";
/// A number below is Unix seconds: up to the year 5138.
const SECONDS_BELOW: f64 = 1e11;
/// A number from here on is Unix nanoseconds: from 1973 on.
const NANOS_FROM: u64 = 100_000_000_000_000_000;

/// Reads one verdict or many.
pub(crate) fn read_json(body: &[u8], received: UnixNanos) -> Result<(Judged, FactWriter), Refused> {
    let malformed = |error: serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        let why = if error.is_data() {
            "expected an object or an array of objects"
        } else {
            "not valid JSON"
        };
        Refused::Malformed(format!("{why}: line {line}, column {column}").into())
    };
    let mut verdicts = Vec::new();
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        let mut reader = serde_json::Deserializer::from_slice(body);
        let read = Elements(&mut verdicts).deserialize(&mut reader).and_then(|()| reader.end());
        if verdicts.len() > VERDICTS_PER_REQUEST_MAX {
            return Err(Refused::TooLarge);
        }
        read.map_err(malformed)?;
    } else {
        verdicts.push(serde_json::from_slice(body).map_err(malformed)?);
    }
    Ok(gather(verdicts, |verdict, take| read_one(verdict, received, take), received))
}

/// The elements of an array, as texts; stops behind the most that a request may have.
struct Elements<'v, 'de>(&'v mut Vec<&'de RawValue>);

impl<'de> DeserializeSeed<'de> for Elements<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, array: D) -> Result<(), D::Error> {
        array.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        while let Some(element) = array.next_element()? {
            self.0.push(element);
            if self.0.len() > VERDICTS_PER_REQUEST_MAX {
                return Err(A::Error::custom("too many elements"));
            }
        }
        Ok(())
    }
}

/// Reads one verdict.
pub(in crate::ingest) fn read_one(
    verdict: &RawValue,
    received: UnixNanos,
    take: &mut dyn FnMut(Given<'_>),
) -> Result<(), String> {
    if verdict.get().len() > VERDICT_BYTES_MAX {
        return Err(format!("expected a verdict of at most {VERDICT_BYTES_MAX} bytes"));
    }
    let fields: Map<String, Value> =
        serde_json::from_str(verdict.get()).map_err(|_| "expected an object".to_owned())?;
    known(&fields, "", &FIELDS)?;
    let task = given::task(text(&fields, "task")?)?;
    let state = text(&fields, "state")?;
    let state = Judgement::parse(state)
        .ok_or_else(|| one_of("state", &Judgement::ALL.map(Judgement::as_str)))?;
    let mut given = Given::new(task, state);
    given.id = given::name("id", text(&fields, "id")?)?;
    given.reason = given::reason(text(&fields, "reason")?)?;
    given.supersedes = given::name("supersedes", text(&fields, "supersedes")?)?;
    given.effective = match present(&fields, "effective_at") {
        Some(value) => Some(given::effective(time(value).ok_or(TIME)?, received)?),
        None => None,
    };
    match present(&fields, "source") {
        None => {}
        Some(Value::Object(source)) => {
            known(source, "source.", &["kind", "system"])?;
            let kinds = SourceKind::ALL.map(SourceKind::as_str);
            given.source = word(source, "kind", "source.kind", SourceKind::parse, &kinds)?
                .unwrap_or(given.source);
            let system = present(source, "system").map(|value| value.as_str().ok_or(value));
            given.system = match system {
                None => "",
                Some(Ok(system)) => given::name("source.system", system)?,
                Some(Err(_)) => return Err("source.system: expected a text".into()),
            };
        }
        Some(_) => return Err("source: expected an object with kind and system".into()),
    }
    let bases = Basis::ALL.map(Basis::as_str);
    given.basis = word(&fields, "basis", "basis", Basis::parse, &bases)?.unwrap_or(given.basis);
    if let Some(value) = present(&fields, "round") {
        given.round = given::round(value.as_u64().unwrap_or(0))?;
    }
    if let Some(value) = present(&fields, "edit_ratio") {
        given.edit_ppm = Some(given::edit_ppm(value.as_f64().unwrap_or(f64::NAN))?);
    }
    if let Some(value) = present(&fields, "review_seconds") {
        given.review_ms = Some(given::review_ms(value.as_f64().unwrap_or(f64::NAN))?);
    }
    take(given);
    Ok(())
}

/// A field's value; `null` is no value.
fn present<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields.get(name).filter(|value| !value.is_null())
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a str, String> {
    match present(fields, name) {
        None => Ok(""),
        Some(value) => value.as_str().ok_or_else(|| format!("{name}: expected a text")),
    }
}

fn word<T>(
    fields: &Map<String, Value>,
    name: &str,
    shown: &str,
    parse: impl FnOnce(&str) -> Option<T>,
    words: &[&str],
) -> Result<Option<T>, String> {
    match present(fields, name) {
        None => Ok(None),
        Some(value) => value.as_str().and_then(parse).map(Some).ok_or_else(|| one_of(shown, words)),
    }
}

fn one_of(name: &str, words: &[&str]) -> String {
    format!("{name}: expected one of {}", words.join(", "))
}

/// Names that are not ours are mistakes: a misspelt field would be lost without a word.
fn known(fields: &Map<String, Value>, under: &str, names: &[&str]) -> Result<(), String> {
    if fields.keys().all(|key| names.contains(&key.as_str())) {
        return Ok(());
    }
    let names: Vec<String> = names.iter().map(|name| format!("{under}{name}")).collect();
    Err(format!("unknown field: expected {}", names.join(", ")))
}

/// A time as text or as a number, which may be in quotes.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
fn time(value: &Value) -> Option<UnixNanos> {
    let number = match value {
        Value::Number(number) => number.clone(),
        Value::String(text) => match calendar::read(text) {
            Some(time) => return Some(time),
            None => serde_json::from_str(text).ok()?,
        },
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    match (number.as_u64(), number.as_f64()) {
        (Some(nanos), _) if nanos >= NANOS_FROM => Some(nanos),
        (Some(seconds), _) if (seconds as f64) < SECONDS_BELOW => Some(seconds * 1_000_000_000),
        // To the microsecond: a double has no more.
        (None, Some(seconds)) if (0.0..SECONDS_BELOW).contains(&seconds) => {
            Some((seconds * 1e6).round() as u64 * 1000)
        }
        _ => None,
    }
}
