//! What a record of the relay log holds: the signal of a request, then the request's bytes.

use countersign_core::dialect::Signal;

use crate::journal::{Log, LogError};

/// One request that waits to be relayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayEntry<'a> {
    /// Which OTLP request it is.
    pub signal: Signal,
    /// Its bytes, scrubbed.
    pub request: &'a [u8],
}

impl<'a> RelayEntry<'a> {
    /// Appends to the relay log without a copy.
    ///
    /// # Errors
    /// See [`Log::append`].
    pub fn append_to(&self, log: &mut Log) -> Result<u64, LogError> {
        log.append_parts(&[&[tag(self.signal)], self.request])
    }

    /// Reads a record's payload; `None` for what no version of ours has written.
    #[must_use]
    pub fn decode(payload: &'a [u8]) -> Option<RelayEntry<'a>> {
        let (first, request) = payload.split_first()?;
        let signals = [Signal::Traces, Signal::Logs, Signal::Metrics];
        let signal = signals.into_iter().find(|signal| tag(*signal) == *first)?;
        Some(RelayEntry { signal, request })
    }
}

const fn tag(signal: Signal) -> u8 {
    match signal {
        Signal::Traces => 1,
        Signal::Logs => 2,
        Signal::Metrics => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::LogKind;

    #[test]
    fn entries_come_back_as_they_went() {
        let directory = tempfile::tempdir().unwrap();
        let (mut log, _) = Log::open(directory.path(), LogKind::Relay).unwrap();
        let entries = [Signal::Traces, Signal::Logs, Signal::Metrics]
            .map(|signal| RelayEntry { signal, request: b"bytes" });
        for entry in &entries {
            entry.append_to(&mut log).unwrap();
        }
        log.sync().unwrap();
        let mut reader = log.reader(0).unwrap();
        for entry in entries {
            let record = reader.next().unwrap().unwrap();
            assert_eq!(RelayEntry::decode(record.payload), Some(entry));
        }
        assert_eq!(RelayEntry::decode(b""), None);
        assert_eq!(RelayEntry::decode(&[9, 1]), None);
    }
}
