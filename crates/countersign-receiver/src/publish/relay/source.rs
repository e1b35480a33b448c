//! Source: where a destination's loop reads, and where it remembers how far it is.

use bytes::{Bytes, BytesMut};
use countersign_core::dialect::Signal;

use crate::config::Signals;
use crate::journal::{Cursor, LogError, LogReader};
use crate::keeper::RelayRecord;
use crate::limits::RELAY_JOINED_BYTES_MAX;
use crate::planted::{self, Bug};

/// The relay log as one destination sees it. Blocking.
#[derive(Debug)]
pub struct Source {
    reader: LogReader,
    cursor: Cursor,
    signals: Signals,
    /// A record that was read and did not fit the requests before it.
    ahead: Option<(u64, Signal, Bytes)>,
}

/// Requests of one signal that are sent together.
#[derive(Clone, Debug)]
pub struct Joined {
    /// Their signal.
    pub signal: Signal,
    /// The requests, in the order of the log.
    pub requests: Vec<Bytes>,
}

impl Source {
    /// Reads for a destination that takes these signals. The reader stands where the cursor
    /// points.
    #[must_use]
    pub fn new(reader: LogReader, cursor: Cursor, signals: Signals) -> Source {
        Source { reader, cursor, signals, ahead: None }
    }

    /// The next requests and the position after them; `None` if there is nothing yet. Records
    /// that do not concern the destination only move the position.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn take(&mut self) -> Result<Option<(Option<Joined>, u64)>, LogError> {
        let mut joined: Option<Joined> = None;
        let (mut bytes, mut position) = (0, None);
        loop {
            let (sequence, signal, request) = match self.next() {
                Ok(Some(next)) => next,
                Ok(None) => break,
                // What was read before the fault goes out first; the fault will show again.
                Err(_) if position.is_some() => break,
                Err(error) => return Err(error),
            };
            if self.signals.takes(signal) {
                let fits = |joined: &Joined| {
                    joined.signal == signal && bytes + request.len() <= RELAY_JOINED_BYTES_MAX
                };
                if !joined.as_ref().is_none_or(fits) {
                    self.ahead = Some((sequence, signal, request));
                    break;
                }
                bytes += request.len();
                let begun = joined.get_or_insert(Joined { signal, requests: Vec::new() });
                begun.requests.push(request);
            }
            position = Some(sequence + 1);
        }
        if let Some(position) = position.filter(|_| planted::on(Bug::CursorBeforeAnswer)) {
            self.cursor.move_to(position)?;
        }
        Ok(position.map(|position| (joined, position)))
    }

    /// The destination has everything before this position: after a crash it goes on here.
    ///
    /// # Errors
    /// If the disk fails; then it would go on where it was.
    pub fn delivered(&mut self, position: u64) -> Result<(), LogError> {
        self.cursor.move_to(position)
    }

    /// Where it would go on after a crash.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.cursor.position()
    }

    fn next(&mut self) -> Result<Option<(u64, Signal, Bytes)>, LogError> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(Some(ahead));
        }
        while let Some(record) = self.reader.next()? {
            if let Some(entry) = RelayRecord::decode(record.payload) {
                let request = Bytes::copy_from_slice(entry.request);
                return Ok(Some((record.sequence, entry.signal, request)));
            }
        }
        Ok(None)
    }
}

impl Joined {
    /// One request: OTLP requests that are written one after the other are one.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        match self.requests.as_slice() {
            [one] => one.clone(),
            many => {
                let mut all = BytesMut::with_capacity(many.iter().map(Bytes::len).sum());
                many.iter().for_each(|request| all.extend_from_slice(request));
                all.freeze()
            }
        }
    }
}
