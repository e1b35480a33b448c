//! Entry: what a record of the fact log holds, the facts of one submission, whose and when.

use std::fmt;

use countersign_core::fact::UnixNanos;

use super::{Log, LogError, Record};
use crate::limits::TENANT_BYTES_MAX;

/// One submission: the time as u64, little-endian, the length of the tenant's name as u8, the
/// name, then the facts' bytes. Version 1 had no tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// When the facts are applied to the books, also when the books are built anew.
    pub now: UnixNanos,
    /// Whose books they are for, at most [`TENANT_BYTES_MAX`] bytes; empty is the default tenant.
    pub tenant: &'a str,
    /// Facts, as [`super::FactWriter`] wrote them.
    pub facts: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Appends to a log; see [`Log::append`].
    ///
    /// # Errors
    /// See [`Log::append`].
    pub fn append_to(&self, log: &mut Log) -> Result<u64, LogError> {
        let tenant = self.tenant.as_bytes();
        debug_assert!(tenant.len() <= TENANT_BYTES_MAX, "names are checked when they come in");
        let length = u8::try_from(tenant.len()).unwrap_or(u8::MAX);
        let tenant = tenant.get(..usize::from(length)).unwrap_or_default();
        log.append_parts(&[&self.now.to_le_bytes(), &[length], tenant, self.facts])
    }

    /// Reads what a record of the fact log holds.
    ///
    /// # Errors
    /// If it is no entry.
    pub fn decode(record: &Record<'a>) -> Result<Entry<'a>, NoEntry> {
        let (now, rest) = record.payload.split_first_chunk().ok_or(NoEntry)?;
        let now = u64::from_le_bytes(*now);
        if record.version == 1 {
            return Ok(Entry { now, tenant: "", facts: rest });
        }
        let (length, rest) = rest.split_first().ok_or(NoEntry)?;
        let (tenant, facts) = rest.split_at_checked(usize::from(*length)).ok_or(NoEntry)?;
        if tenant.len() > TENANT_BYTES_MAX {
            return Err(NoEntry);
        }
        let tenant = str::from_utf8(tenant).map_err(|_| NoEntry)?;
        Ok(Entry { now, tenant, facts })
    }
}

/// A payload that is no entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoEntry;

impl fmt::Display for NoEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a record of the fact log holds no time, tenant and facts")
    }
}

impl std::error::Error for NoEntry {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::LogKind;

    #[test]
    fn an_entry_comes_back_as_it_went() {
        let directory = tempfile::tempdir().unwrap();
        let (mut log, _) = Log::open(directory.path(), LogKind::Facts).unwrap();
        let entries = [
            Entry { now: 7, tenant: "", facts: b"facts" },
            Entry { now: u64::MAX, tenant: "a team", facts: b"" },
        ];
        for entry in entries {
            entry.append_to(&mut log).unwrap();
        }
        log.sync().unwrap();
        let mut reader = log.reader(1).unwrap();
        for entry in entries {
            assert_eq!(Entry::decode(&reader.next().unwrap().unwrap()), Ok(entry));
        }
    }

    #[test]
    fn older_and_wrong_payloads() {
        let decode = |version, payload: &'static [u8]| {
            Entry::decode(&Record { sequence: 1, version, payload })
        };
        let old = Entry { now: 1, tenant: "", facts: b"facts" };
        assert_eq!(decode(1, b"\x01\0\0\0\0\0\0\0facts"), Ok(old));
        let new = Entry { tenant: "t", ..old };
        assert_eq!(decode(2, b"\x01\0\0\0\0\0\0\0\x01tfacts"), Ok(new));
        assert_eq!(decode(1, b"\x01\0\0\0\0\0\0"), Err(NoEntry));
        assert_eq!(decode(2, b"\x01\0\0\0\0\0\0\0"), Err(NoEntry));
        assert_eq!(decode(2, b"\x01\0\0\0\0\0\0\0\x06facts"), Err(NoEntry));
        assert_eq!(decode(2, b"\x01\0\0\0\0\0\0\0\x01\xfffacts"), Err(NoEntry));
    }
}
