//! Relay: destinations that take, lose and answer, and what they must have got.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use countersign_core::delta::VerdictBooked;
use countersign_core::settle::TaskView;
use countersign_receiver::config::Signals;
use countersign_receiver::journal::{LogKind, LogReader};
use countersign_receiver::keeper::{RelayRecord, Turn};
use countersign_receiver::publish::relay::{Joined, Source};

use super::plan::Fate;
use crate::disk::SimDisk;
use crate::judge::{Fault, fault};
use crate::reach::Reach;

/// The loop of a destination as long as the program runs, and what the destination has.
#[derive(Debug, Default)]
pub(super) struct Destination {
    source: Option<Source>,
    /// What was taken from the log and is not known to have arrived.
    in_flight: Option<(Option<Joined>, u64)>,
    /// What arrived, in the order of the first time.
    received: Vec<Bytes>,
    /// What is known on both sides to have arrived.
    confirmed: BTreeSet<Bytes>,
}

/// A verdict as the queue carries it.
pub(super) fn verdict_span(verdict: &VerdictBooked, _: &TaskView<'_>, _: &str) -> Option<Bytes> {
    Some(Bytes::from(format!("verdict {}", verdict.id.0)))
}

impl Destination {
    /// The loop begins where its cursor stands.
    pub(super) fn start(&mut self, turn: &Turn, number: usize) -> Result<(), String> {
        let told = |error: countersign_receiver::journal::LogError| error.to_string();
        let directory = turn.directory();
        let cursor = directory.open_cursor(&format!("destination {number}")).map_err(told)?;
        let synced = turn.relay().map(|log| log.synced());
        let from = cursor.position();
        let relay = directory.relay();
        let reader = LogReader::open_with(directory.disk(), &relay, LogKind::Relay, from, synced);
        self.source = Some(Source::new(reader.map_err(told)?, cursor, Signals::ALL));
        Ok(())
    }

    pub(super) fn stop(&mut self) {
        self.source = None;
        self.in_flight = None;
    }

    /// Sends what is there; whether anything was.
    /// After an accident the span of a verdict may come twice, since it is made anew.
    pub(super) fn send(
        &mut self,
        fate: Fate,
        accident: bool,
        reach: &mut Reach,
    ) -> Result<bool, Fault> {
        let Some(source) = &mut self.source else { return Ok(false) };
        if self.in_flight.is_none() {
            // A disk that fails is waited for.
            self.in_flight = source.take().unwrap_or(None);
        }
        let Some((joined, position)) = &self.in_flight else { return Ok(false) };
        let requests = joined.as_ref().map(|joined| joined.requests.clone()).unwrap_or_default();
        match fate {
            Fate::Lost => {
                reach.add("relay: a request was lost", 1);
                return Ok(true);
            }
            Fate::Answered | Fate::Unanswered => {
                let once = |request: &&Bytes| !(accident && request.starts_with(b"verdict"));
                let mut once = requests.iter().filter(once);
                if let Some(twice) = once.find(|request| self.confirmed.contains(*request)) {
                    let detail = String::from_utf8_lossy(twice).into_owned();
                    return Err(fault("what a destination answered for is not sent again", detail));
                }
                for request in &requests {
                    if self.received.contains(request) {
                        reach.add("relay: a request was sent again", 1);
                    } else {
                        self.received.push(request.clone());
                    }
                }
            }
        }
        if fate == Fate::Unanswered {
            reach.add("relay: an answer was lost", 1);
        } else if source.delivered(*position).is_ok() {
            self.confirmed.extend(requests);
            self.in_flight = None;
        } else {
            reach.add("relay: a cursor could not move", 1);
        }
        Ok(true)
    }

    /// Where the loop would go on; everything before is delivered.
    pub(super) fn position(&self) -> u64 {
        self.source.as_ref().map_or(0, Source::position)
    }

    /// Everything that it must have is there, in the order of the log.
    pub(super) fn check(
        &self,
        must: &BTreeSet<Bytes>,
        order: &BTreeMap<Bytes, u64>,
        accident: bool,
    ) -> Result<(), Fault> {
        if let Some(missing) = must.iter().find(|request| !self.received.contains(*request)) {
            let detail = String::from_utf8_lossy(missing).into_owned();
            return Err(fault("destinations get everything", detail));
        }
        // After an accident the span of a verdict is made anew and gets another place.
        let placed = |request: &&Bytes| !(accident && request.starts_with(b"verdict"));
        let sequences = self.received.iter().filter(placed).filter_map(|r| order.get(r));
        if !sequences.is_sorted() {
            let detail = format!("{:?}", self.received);
            return Err(fault("destinations get it in order", detail));
        }
        Ok(())
    }
}

/// What the queue on a disk holds: each request's first place.
pub(super) fn queue(disk: &SimDisk, directory: &Path) -> BTreeMap<Bytes, u64> {
    let mut order = BTreeMap::new();
    let relay = directory.join("relay");
    let disk = Arc::new(disk.clone());
    let Ok(mut reader) = LogReader::open_with(disk, &relay, LogKind::Relay, 1, None) else {
        return order;
    };
    while let Ok(Some(record)) = reader.next() {
        if let Some(entry) = RelayRecord::decode(record.payload) {
            order.entry(Bytes::copy_from_slice(entry.request)).or_insert(record.sequence);
        }
    }
    order
}
