//! OTLP/JSON: transcodes a request to protobuf bytes, so that the core has one input.
//!
//! One pass over the text, driven by the tables of [`schema`]; nothing is kept but the output.
//! A value that does not fit its field spoils the span, log record or point that holds it, and
//! nothing else.

mod number;
mod pull;
mod schema;
mod write;

use std::fmt;

use countersign_core::dialect::Signal;

/// What a transcoded request says about its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transcoded {
    /// Records left out because a value in them does not fit its field.
    pub rejected: u64,
    /// Whether text was repaired, a value outside a record left out or a value cut for its
    /// depth.
    pub repaired: bool,
    /// Whether there were unknown fields in `snake_case`, which OTLP/JSON does not have.
    pub snake_case: bool,
}

/// Why a text is no OTLP/JSON request. Positions are byte offsets; no input is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonError {
    /// Not JSON from here on, or something behind its end.
    Syntax(usize),
    /// What leads to the records has another type than OTLP gives it.
    Shape(usize),
    /// The request would be larger than [`crate::limits::REQUEST_BYTES_MAX`].
    TooLarge,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JsonError::Syntax(at) => write!(f, "not valid JSON at byte {at}"),
            JsonError::Shape(at) => write!(f, "not an OTLP request at byte {at}: wrong type"),
            JsonError::TooLarge => f.write_str("the request is too large"),
        }
    }
}

impl std::error::Error for JsonError {}

/// Appends the protobuf bytes of an export request given as OTLP/JSON.
///
/// # Errors
/// [`JsonError`] if nothing of it can be taken; then `out` is as it was.
pub fn transcode(signal: Signal, json: &[u8], out: &mut Vec<u8>) -> Result<Transcoded, JsonError> {
    let start = out.len();
    let result = write::Transcoder::new(json, out).request(schema::request(signal));
    if result.is_err() {
        out.truncate(start);
    }
    result
}

#[cfg(test)]
mod tests;
