//! Entry: what a record of the fact log holds, the facts of one submission and their time.

use std::fmt;

use countersign_core::fact::UnixNanos;

/// One submission: the time as u64, little-endian, then the facts' bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// When the facts are applied to the books, also when the books are built anew.
    pub now: UnixNanos,
    /// Facts, as [`super::FactWriter`] wrote them.
    pub facts: &'a [u8],
}

impl<'a> Entry<'a> {
    /// The payload, for [`super::Log::append`].
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        [self.now.to_le_bytes().as_slice(), self.facts].concat()
    }

    /// Appends to a log without a copy; see [`super::Log::append`].
    ///
    /// # Errors
    /// See [`super::Log::append`].
    pub fn append_to(&self, log: &mut super::Log) -> Result<u64, super::LogError> {
        log.append_parts(&[&self.now.to_le_bytes(), self.facts])
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// If it is shorter than a time.
    pub fn decode(payload: &'a [u8]) -> Result<Entry<'a>, EntryTooShort> {
        let (now, facts) = payload.split_first_chunk().ok_or(EntryTooShort)?;
        Ok(Entry { now: u64::from_le_bytes(*now), facts })
    }
}

/// A payload that is no entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryTooShort;

impl fmt::Display for EntryTooShort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a record of the fact log is shorter than its time")
    }
}

impl std::error::Error for EntryTooShort {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_comes_back_as_it_went() {
        let entry = Entry { now: 7, facts: b"facts" };
        let payload = entry.encode();
        assert_eq!(Entry::decode(&payload), Ok(entry));
        assert_eq!(Entry::decode(&payload[..7]), Err(EntryTooShort));
    }
}
