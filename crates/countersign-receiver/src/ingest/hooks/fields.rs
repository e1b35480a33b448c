//! Fields: single values out of a delivery's JSON, by their place.

use countersign_core::fact::UnixNanos;
use serde_json::Value;

use crate::publish::calendar;

/// A delivery's JSON. Places are JSON pointers; what is not there is empty.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(transparent)]
pub(super) struct Fields(pub(super) Value);

impl Fields {
    /// A text.
    pub(super) fn text(&self, place: &str) -> &str {
        self.0.pointer(place).and_then(Value::as_str).unwrap_or_default()
    }

    /// A text, or a number or truth as text.
    pub(super) fn word(&self, place: &str) -> String {
        self.0.pointer(place).map(word).unwrap_or_default()
    }

    /// A time.
    pub(super) fn time(&self, place: &str) -> Option<UnixNanos> {
        self.0.pointer(place).and_then(time)
    }

    /// Whether something is there that is not null.
    pub(super) fn has(&self, place: &str) -> bool {
        self.0.pointer(place).is_some_and(|value| !value.is_null())
    }

    /// The elements of a list.
    pub(super) fn list(&self, place: &str) -> impl Iterator<Item = Fields> + use<'_> {
        let list = self.0.pointer(place).and_then(Value::as_array);
        list.into_iter().flatten().map(|value| Fields(value.clone()))
    }
}

/// A text, or a number or truth as text; empty for anything else.
pub(super) fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

/// A time: RFC 3339, or a number of seconds, milliseconds, microseconds or nanoseconds, told
/// apart by their size.
#[must_use]
pub(super) fn time(value: &Value) -> Option<UnixNanos> {
    let number = match value {
        Value::String(text) => match calendar::read(text) {
            Some(time) => return Some(time),
            None => text.parse::<f64>().ok()?,
        },
        Value::Number(number) => number.as_f64()?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    // A time of this century is 1e9 to 1e10 seconds; each smaller unit is a thousand times that.
    let nanos = match number {
        0.0..1e11 => number * 1e9,
        1e11..1e14 => number * 1e6,
        1e14..1e17 => number * 1e3,
        1e17..1e19 => number,
        _ => return None,
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
    Some((nanos / 1e3).round() as u64 * 1000)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_told_apart() {
        let second = Some(1_769_860_800_000_000_000);
        for spelling in [
            json!("2026-01-31T12:00:00Z"),
            json!(1_769_860_800),
            json!("1769860800"),
            json!(1_769_860_800_000_u64),
            json!(1_769_860_800_000_000_u64),
            json!(1_769_860_800_000_000_000_u64),
        ] {
            assert_eq!(time(&spelling), second, "{spelling}");
        }
        for wrong in [json!("soon"), json!(-1), json!(1e300), json!(null), json!([])] {
            assert_eq!(time(&wrong), None, "{wrong}");
        }
    }
}
