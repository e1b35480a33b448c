//! Turn: what the loop does with a group. It is made durable, booked and answered.
//!
//! A turn is a state machine over a [`crate::journal::Disk`]: groups and times go in, receipts
//! come out. It has no thread, no channel and no clock, so that the same groups at the same times
//! on the same disk do the same, also in a simulation.

use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use countersign_core::delta::Delta;
use countersign_core::dialect::Signal;
use countersign_core::fact::{Fact, UnixNanos};
use countersign_core::settle::Books;

use super::compaction::Compaction;
use super::ledgers::Ledgers;
use super::options::{Options, VerdictSpan};
use super::rebuild::newest;
use super::room::Room;
use super::snapshot::{Capture, SnapshotError, snapshots};
use super::time::{BookTime, Now};
use super::{Receipt, Refusal, RelayRecord, Submission, SubmissionKind, View, copied};
use crate::journal::{
    Cursor, DataDirectory, Entry, FactWriter, Log, LogError, LogKind, LogOptions,
};
use crate::limits;
use crate::planted::{self, Bug};

/// The ledgers, and the logs that make them durable.
#[derive(Debug)]
pub struct Turn {
    /// Holds the lock.
    directory: DataDirectory,
    instance: String,
    verdict_span: Option<VerdictSpan>,
    ledgers: Ledgers,
    facts: Log,
    relay: Option<Log>,
    /// Spans of verdicts that are booked and not in the relay log yet.
    spans: Vec<Bytes>,
    /// Up to which entry the verdicts' spans are in the relay log.
    shown: Cursor,
    time: BookTime,
    /// The latest time that was given to the books.
    now: UnixNanos,
    room: Room,
    compaction: Compaction,
    /// The entry after which all was booked by the rules in force.
    rules_from: u64,
    fenced: bool,
    fault: Option<String>,
    /// When a log that failed is tried again, on the monotonic clock.
    next_try: Option<Duration>,
}

impl Turn {
    /// Opens the logs of a data directory and rebuilds the ledgers.
    ///
    /// # Errors
    /// If the journal cannot be read or written.
    pub fn open(directory: DataDirectory, options: Options, now: Now) -> anyhow::Result<Turn> {
        // Nothing is written before it is known that everything can be read.
        let mut rebuilt = newest(&directory, options.settings.clone())?;
        let facts = open_log(&directory, &options, LogKind::Facts, rebuilt.base)
            .context("opening the journal")?;
        let relay = match options.relays {
            true => Some(open_log(&directory, &options, LogKind::Relay, 0).context("the queue")?),
            false => None,
        };
        // A queue that is new owes nothing for the verdicts of the past.
        let owes = relay.as_ref().is_some_and(|log| log.next_sequence() > 1);
        let shown = directory.open_cursor("verdict-spans")?;
        let instance = format!("{:032x}", directory.instance());
        let mut spans = Vec::new();
        rebuilt.replay(&directory, u64::MAX, &mut |sequence, books, delta| {
            if owes
                && sequence > shown.position()
                && let Some(make) = options.verdict_span
            {
                spans.extend(verdict_span(make, books, delta, &instance));
            }
        })?;
        #[cfg(feature = "planted")]
        let mut rebuilt = rebuilt.with_planted_bugs(now);
        let (facts_read, base) = (rebuilt.facts, rebuilt.base);
        tracing::info!(snapshot = base, facts = facts_read, "the books are rebuilt");
        let kept = snapshots(directory.disk().as_ref(), &directory.snapshots())?;
        let kept = kept.into_iter().filter(|sequence| *sequence <= base).collect();
        // What is read under other settings than before must begin with a snapshot.
        let differ = rebuilt.ledgers.put_in_force(&options.settings);
        let tail = if differ { options.snapshot_every_bytes } else { rebuilt.bytes };
        let rules_from = if differ { rebuilt.sequence } else { rebuilt.rules_from };
        let (keep, every) = (options.journal_kept_bytes, options.snapshot_every_bytes);
        let compaction = Compaction::new(kept, tail, keep, every);
        let room = Room::take(&directory, options.reserve_bytes, now);
        let time = BookTime::resume(rebuilt.ledgers.now(), now);
        let mut turn = Turn {
            directory,
            instance,
            verdict_span: options.verdict_span,
            now: rebuilt.ledgers.now(),
            ledgers: rebuilt.ledgers,
            facts,
            relay,
            spans,
            shown,
            time,
            room,
            compaction,
            rules_from,
            fenced: false,
            fault: None,
            next_try: None,
        };
        turn.relay_spans(now);
        if turn.directory.is_copy() {
            turn.begin_again(now).context("beginning the counters of a copied data directory")?;
        }
        Ok(turn)
    }

    /// Makes a group durable and books it: one answer for each submission, in their order.
    /// Deadlines that have passed are met, also with an empty group.
    pub fn take(&mut self, group: &[Submission], now: Now) -> Vec<Result<Receipt, Refusal>> {
        self.move_to(now);
        self.heal(now);
        let due: Vec<String> = self.ledgers.due(self.now).map(str::to_owned).collect();
        let mut answers = self.admit(group);
        if due.is_empty() && !answers.contains(&Ok(())) {
            // A fault may have kept some from the queue, and nothing else comes.
            self.relay_spans(now);
            return answers.into_iter().map(|answer| answer.map(|()| NOWHERE)).collect();
        }
        let mut written = self.write(group, &answers, &due, now);
        if written == Err(Refusal::Full) && self.room.give_free(&self.directory, now) {
            self.reopen(now);
            // What was held back is for verdicts and deadlines: telemetry comes again.
            answers = self.admit(group);
            written = self.write(group, &answers, &due, now);
        }
        if written.is_ok() {
            let tick = tick();
            due.iter().for_each(|tenant| self.book(tenant, &tick));
        }
        let book = |(submission, answer): (&Submission, Result<(), Refusal>)| {
            answer.and_then(|()| written.clone())?;
            self.book(submission.tenant.name(), &submission.facts);
            let ledger = self.ledgers.get(submission.tenant.name());
            Ok(Receipt { position: ledger.map_or(0, |ledger| ledger.books.position()) })
        };
        let receipts = group.iter().zip(answers).map(book).collect();
        self.relay_spans(now);
        receipts
    }

    /// How long to wait for a group until [`Turn::take`] has something to do without one.
    #[must_use]
    pub fn patience(&self, now: Now) -> Duration {
        let idle = Duration::from_millis(limits::KEEPER_IDLE_MS);
        let Some(due) = self.ledgers.next_deadline() else { return idle };
        let until = Duration::from_nanos(due.saturating_sub(self.time.at(now)));
        until.clamp(Duration::from_millis(limits::TICK_MS_MIN), idle)
    }

    /// What a question sees.
    #[must_use]
    pub fn view(&self, now: Now) -> View<'_> {
        let ledger = self.ledgers.default_ledger();
        View {
            ledgers: &self.ledgers,
            books: &ledger.books,
            tally: &ledger.tally,
            now: self.time.at(now),
            fault: self.fault.as_deref(),
        }
    }

    /// Removes what every destination has: everything of the relay log before this sequence.
    pub fn relayed(&mut self, sequence: u64) {
        if let Some(relay) = &mut self.relay
            && let Err(error) = relay.remove_before(sequence)
        {
            tracing::warn!(%error, "delivered requests stay on disk");
        }
    }

    /// The log of what is to be relayed, if there are destinations.
    #[must_use]
    pub fn relay(&self) -> Option<&Log> {
        self.relay.as_ref()
    }

    /// Why the disk takes nothing at present, if so.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// The data directory.
    #[must_use]
    pub fn directory(&self) -> &DataDirectory {
        &self.directory
    }

    /// The ledgers, to be written as a snapshot elsewhere, if it is time for one. What came of
    /// it is told to [`Turn::captured`].
    pub fn capture(&mut self, now: Now) -> Option<Capture> {
        // A verdict's span that is not in the relay log yet is only made again from the journal.
        (self.compaction.is_due(now.monotonic) && self.spans.is_empty() && !self.fenced)
            .then(|| self.begin_capture(now.monotonic))
    }

    /// What came of a snapshot: it takes the place of older ones, and of a part of the journal.
    pub fn captured(&mut self, outcome: Result<u64, SnapshotError>) {
        self.compaction.end(outcome, &self.directory, &mut self.facts);
    }

    /// Whether another program has opened the data directory since: nothing may be written any
    /// more.
    #[must_use]
    pub fn is_fenced(&self) -> bool {
        self.fenced
    }

    /// A graceful end: what makes the next start easier is written.
    pub fn close(&mut self) {
        if !self.is_still_ours() {
            return;
        }
        self.mark_shown();
        let sequence = self.facts.next_sequence() - 1;
        if self.compaction.is_behind(sequence) && self.spans.is_empty() {
            // Nothing is begun after it: its time does not matter.
            let written = self.begin_capture(Duration::ZERO).write();
            self.captured(written);
        }
    }

    /// A copy is another stream than the original, which may go on elsewhere: what was published
    /// of it is not published once more under another name. First the journal, then the mark: a
    /// crash between them only makes the counters begin twice.
    fn begin_again(&mut self, now: Now) -> anyhow::Result<()> {
        for answer in self.take(&copied::beginnings(&self.ledgers), now) {
            answer.map_err(|refusal| anyhow::anyhow!("the journal takes nothing: {refusal:?}"))?;
        }
        self.directory.has_begun_again()?;
        copied::tell(&self.instance);
        Ok(())
    }

    fn begin_capture(&mut self, monotonic: Duration) -> Capture {
        let sequence = self.facts.next_sequence() - 1;
        let capture = Capture::of(&self.ledgers, &self.directory, sequence, self.rules_from);
        self.compaction.begin(capture, monotonic)
    }

    fn move_to(&mut self, now: Now) {
        let doubted = self.time.doubts();
        self.now = self.now.max(self.time.move_to(now));
        if self.time.doubts() && !doubted {
            tracing::error!("the system's clock jumped far ahead: it is not believed for now");
        }
    }

    /// What is taken of a group, before the disk is asked.
    fn admit(&mut self, group: &[Submission]) -> Vec<Result<(), Refusal>> {
        let admit = |submission: &Submission| {
            let relayed = submission.relay.as_ref().map_or(0, |(_, request)| request.len());
            if submission.facts.len().max(relayed) > limits::SUBMISSION_BYTES_MAX {
                return Err(Refusal::TooLarge);
            }
            if self.room.is_scarce() && submission.kind == SubmissionKind::Telemetry {
                return Err(Refusal::Full);
            }
            if !self.ledgers.make_room_for(&submission.tenant) {
                return Err(Refusal::TooManyTenants);
            }
            Ok(())
        };
        group.iter().map(admit).collect()
    }

    fn write(
        &mut self,
        group: &[Submission],
        admitted: &[Result<(), Refusal>],
        due: &[String],
        now: Now,
    ) -> Result<(), Refusal> {
        if self.is_poisoned() {
            return Err(Refusal::Disk(self.fault.clone().unwrap_or_default()));
        }
        if !self.is_still_ours() {
            return Err(Refusal::Stopping);
        }
        let taken = group.iter().zip(admitted).filter(|(_, answer)| answer.is_ok());
        let taken: Vec<&Submission> = taken.map(|(submission, _)| submission).collect();
        let outcome = self.try_write(&taken, due);
        let Err(error) = outcome else {
            if !self.room.is_scarce() {
                self.fault = None;
            }
            return Ok(());
        };
        // What was appended and is refused now must not be written with the next group.
        self.facts.forget_group();
        if let Some(relay) = &mut self.relay {
            relay.forget_group();
        }
        tracing::error!(%error, "the journal takes nothing: requests are refused");
        self.fault = Some(error.to_string());
        self.next_try = Some(now.monotonic + limits::REOPEN_AFTER);
        if let LogError::Full = error {
            return Err(Refusal::Full);
        }
        Err(Refusal::Disk(error.to_string()))
    }

    fn try_write(&mut self, taken: &[&Submission], due: &[String]) -> Result<(), LogError> {
        if let Some(relay) = &mut self.relay {
            for (signal, request) in taken.iter().filter_map(|taken| taken.relay.as_ref()) {
                relay.append_parts(&[&RelayRecord::head(*signal), request])?;
            }
            // First what is relayed: a request that is refused then is sent again, and a
            // destination gets a span twice rather than never.
            relay.sync()?;
        }
        let tick = tick();
        let said = due.iter().filter(|_| !planted::on(Bug::TickNotJournaled));
        let ticks = said.map(|tenant| (tenant.as_str(), tick.as_slice()));
        let facts = taken.iter().map(|taken| (taken.tenant.name(), taken.facts.as_slice()));
        for (tenant, facts) in ticks.chain(facts).filter(|(_, facts)| !facts.is_empty()) {
            Entry { now: self.now, tenant, facts }.append_to(&mut self.facts)?;
        }
        let bytes = self.facts.group_bytes() as u64;
        if planted::on(Bug::AckBeforeFsync) && bytes < 2_000 {
            return Ok(());
        }
        self.facts.sync()?;
        self.compaction.grew(bytes);
        Ok(())
    }

    fn is_poisoned(&self) -> bool {
        self.facts.is_poisoned() || self.relay.as_ref().is_some_and(Log::is_poisoned)
    }

    /// Whether the data directory's epoch is this program's: asked before each commit, so that two
    /// never write one journal. What the disk does not tell does not count.
    fn is_still_ours(&mut self) -> bool {
        self.fenced |= self.directory.is_current().is_ok_and(|current| !current);
        !self.fenced
    }

    /// After a fault: whether the disk takes something again, also when nobody sends. Readiness
    /// is false meanwhile, and a sender that obeys it would never find out.
    fn heal(&mut self, now: Now) {
        if self.fault.is_none() {
            return;
        }
        if self.next_try.is_none_or(|at| at <= now.monotonic) {
            self.reopen(now);
        }
        self.room.look(&self.directory, now);
        if !self.is_poisoned() && !self.room.is_scarce() {
            tracing::info!("the journal is written again");
            self.fault = None;
        }
    }

    /// Tries the logs again that failed.
    fn reopen(&mut self, now: Now) {
        self.next_try = Some(now.monotonic + limits::REOPEN_AFTER);
        let logs = [Some(&mut self.facts), self.relay.as_mut()];
        for log in logs.into_iter().flatten().filter(|log| log.is_poisoned()) {
            if let Err(error) = log.reopen() {
                tracing::debug!(%error, "the journal takes nothing yet");
            }
        }
    }

    fn book(&mut self, tenant: &str, facts: &[u8]) {
        let entry = Entry { now: self.now, tenant, facts };
        let (make, spans, instance) = (self.verdict_span, &mut self.spans, &self.instance);
        let booked = self.ledgers.apply(&entry, &mut |books, delta| {
            if let Some(make) = make {
                spans.extend(verdict_span(make, books, delta, instance));
            }
        });
        booked.expect("facts that this process wrote can be read");
    }

    /// Puts the spans of booked verdicts into the relay log. If that fails they are tried again
    /// with the next group, and after a restart.
    fn relay_spans(&mut self, now: Now) {
        let Some(relay) = &mut self.relay else { return self.spans.clear() };
        if self.spans.is_empty() || relay.is_poisoned() || self.fenced {
            return;
        }
        if planted::on(Bug::VerdictShownTooEarly) {
            drop(self.shown.move_to(self.facts.next_sequence() - 1));
        }
        let append = |relay: &mut Log| -> Result<(), LogError> {
            for span in &self.spans {
                relay.append_parts(&[&RelayRecord::head(Signal::Traces), span])?;
            }
            relay.sync()
        };
        match append(relay) {
            Ok(()) => {
                self.spans.clear();
                self.mark_shown();
            }
            Err(error) => {
                relay.forget_group();
                tracing::error!(%error, "verdicts' spans wait: the queue takes nothing");
                self.fault = Some(error.to_string());
                self.next_try = Some(now.monotonic + limits::REOPEN_AFTER);
                if let LogError::Full = error {
                    self.room.give_free(&self.directory, now);
                }
            }
        }
    }

    /// Remembers that the verdicts' spans so far are in the relay log.
    fn mark_shown(&mut self) {
        let entries = self.facts.next_sequence() - 1;
        if self.spans.is_empty()
            && self.relay.is_some()
            && let Err(error) = self.shown.move_to(entries)
        {
            tracing::warn!(%error, "verdicts' spans may be sent twice after a restart");
        }
    }
}

/// For a group of which nothing was taken.
const NOWHERE: Receipt = Receipt { position: 0 };

fn open_log(
    directory: &DataDirectory,
    options: &Options,
    kind: LogKind,
    covered: u64,
) -> Result<Log, LogError> {
    let path = match kind {
        LogKind::Facts => directory.facts(),
        LogKind::Relay => directory.relay(),
    };
    let segment_bytes = options.segment_bytes;
    let log_options = LogOptions { kind, epoch: directory.epoch(), segment_bytes, covered };
    let (log, recovery) = Log::open_with(directory.disk(), &path, log_options)?;
    if recovery.damaged_bytes > 0 {
        directory.soundness().add(&recovery.damages);
        tracing::error!(
            bytes = recovery.damaged_bytes,
            ranges = recovery.damages.len(),
            "the journal is damaged; the ranges are in its quarantine folder"
        );
    }
    Ok(log)
}

fn verdict_span(make: VerdictSpan, books: &Books, delta: &Delta, instance: &str) -> Option<Bytes> {
    let Delta::Verdict(verdict) = delta else { return None };
    make(verdict, &books.task(verdict.task)?, instance)
}

fn tick() -> Vec<u8> {
    let mut writer = FactWriter::default();
    writer.push(&Fact::Tick);
    writer.into_bytes()
}
