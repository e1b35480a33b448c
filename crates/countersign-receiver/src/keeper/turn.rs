//! The loop itself: gather a group, make it durable, book it, answer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use countersign_core::delta::{Delta, VerdictBooked};
use countersign_core::dialect::Signal;
use countersign_core::fact::{Fact, UnixNanos};
use countersign_core::settle::{Settings, TaskView};
use tokio::sync::watch;

use super::pulse::Pulse;
use super::rebuild::{Rebuilt, rebuild};
use super::{
    Keeper, Message, Receipt, Refusal, RelayFeed, RelayRecord, SubmissionKind, View, Waiting,
};
use crate::clock;
use crate::journal::{
    Cursor, DataDirectory, Entry, FactWriter, Log, LogError, LogKind, LogOptions,
};
use crate::limits;

/// Makes a trace request of one span for a verdict, to stand beside the work it judges; the text
/// is the data directory's instance in hexadecimal.
pub type VerdictSpan = fn(&VerdictBooked, &TaskView<'_>, &str) -> Option<Bytes>;

/// How the keeper is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// The books' settings.
    pub settings: Settings,
    /// If there are destinations for traces: how a verdict becomes a span.
    pub verdict_span: Option<VerdictSpan>,
    /// Whether there are destinations for anything at all.
    pub relays: bool,
}

/// The running loop.
#[derive(Debug)]
pub struct Running {
    thread: JoinHandle<()>,
}

impl Running {
    /// Waits until the loop has stopped ([`Keeper::stop`]).
    pub fn join(self) {
        self.thread.join().expect("a panic of the loop ends the program");
    }
}

impl Keeper {
    /// Rebuilds the books from the journal and starts the loop on a thread of its own.
    ///
    /// # Errors
    /// If the journal cannot be read or written.
    pub fn start(directory: DataDirectory, options: Options) -> anyhow::Result<(Keeper, Running)> {
        let log_options = |kind| LogOptions { epoch: directory.epoch(), ..LogOptions::of(kind) };
        let open = |path: &std::path::Path, kind| -> Result<Log, LogError> {
            let (log, recovery) = Log::open_with(directory.disk(), path, log_options(kind))?;
            if recovery.damaged_bytes > 0 {
                tracing::error!(
                    bytes = recovery.damaged_bytes,
                    ranges = recovery.damages.len(),
                    "the journal is damaged; the ranges are in its quarantine folder"
                );
            }
            Ok(log)
        };
        let facts = open(&directory.facts(), LogKind::Facts).context("opening the journal")?;
        let relay = match options.relays {
            true => Some(open(&directory.relay(), LogKind::Relay).context("opening the queue")?),
            false => None,
        };
        // A queue that is new owes nothing for the verdicts of the past.
        let owes = relay.as_ref().is_some_and(|log| log.next_sequence() > 1);
        let shown = Cursor::open_with(directory.disk(), &directory.cursor("verdict-spans"))?;
        let instance = format!("{:032x}", directory.instance());
        let mut late_spans = Vec::new();
        let rebuilt = rebuild(&directory, options.settings, &mut |sequence, books, delta| {
            if owes
                && sequence > shown.position()
                && let Some(make) = options.verdict_span
            {
                late_spans.extend(verdict_span(make, books, delta, &instance));
            }
        })?;
        tracing::info!(facts = rebuilt.facts, "the books are rebuilt");

        let (sender, receiver) = sync_channel(limits::KEEPER_QUEUE_MAX);
        let (told, changed) = watch::channel(0);
        let feed = relay.as_ref().map(|log| RelayFeed {
            disk: directory.disk(),
            directory: directory.relay(),
            synced: log.synced(),
            changed,
        });
        let mut turn = Turn {
            directory,
            instance,
            verdict_span: options.verdict_span,
            now: rebuilt.now,
            rebuilt,
            facts,
            relay,
            told,
            spans: late_spans,
            shown,
            fault: None,
            next_try: None,
            space: Space::Enough,
            pulse: Pulse::default(),
        };
        let pulse = turn.pulse.clone();
        turn.relay_spans();
        let thread = std::thread::Builder::new().name("keeper".into()).spawn(move || {
            let _abort = AbortOnPanic;
            turn.run(&receiver);
        })?;
        let queued = Arc::default();
        Ok((Keeper { sender, queued, pulse, relay: feed }, Running { thread }))
    }
}

/// Half-applied books must never answer: a panic of the loop is a crash of the program, after
/// which the journal rebuilds them.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

fn verdict_span(
    make: VerdictSpan,
    books: &countersign_core::settle::Books,
    delta: &Delta,
    instance: &str,
) -> Option<Bytes> {
    let Delta::Verdict(verdict) = delta else { return None };
    make(verdict, &books.task(verdict.task)?, instance)
}

struct Turn {
    /// Holds the lock.
    directory: DataDirectory,
    instance: String,
    verdict_span: Option<VerdictSpan>,
    rebuilt: Rebuilt,
    facts: Log,
    relay: Option<Log>,
    told: watch::Sender<u64>,
    /// Spans of verdicts that are booked and not in the relay log yet.
    spans: Vec<Bytes>,
    /// Up to which entry the verdicts' spans are in the relay log.
    shown: Cursor,
    /// The latest time that was given to the books.
    now: UnixNanos,
    fault: Option<String>,
    /// When a faulty log is tried again.
    next_try: Option<Instant>,
    space: Space,
    pulse: Pulse,
}

/// How full the disk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Space {
    Enough,
    /// Full. The space that was held back is given free for verdicts and deadlines; telemetry is
    /// refused until as much can be held back again.
    Held,
}

impl Turn {
    fn run(&mut self, receiver: &Receiver<Message>) {
        let mut stopping = false;
        while !stopping {
            let mut group: Vec<Waiting> = Vec::new();
            let mut questions = VecDeque::new();
            let mut next = match receiver.recv_timeout(self.patience()) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => Some(Message::Stop),
            };
            let mut bytes = 0;
            while let Some(message) = next.take() {
                match message {
                    Message::Submit(waiting) => {
                        bytes += waiting.submission.bytes();
                        group.push(waiting);
                    }
                    Message::Ask(question) => questions.push_back(question),
                    Message::Relayed(sequence) => self.forget_relayed(sequence),
                    Message::Stop => stopping = true,
                }
                if bytes < limits::GROUP_BYTES_MAX && !stopping {
                    next = receiver.try_recv().ok();
                }
            }
            self.heal();
            self.commit(group);
            let view = View {
                books: &self.rebuilt.books,
                tally: &self.rebuilt.tally,
                now: self.now.max(clock::now()),
                fault: self.fault.as_deref(),
            };
            questions.into_iter().for_each(|question| question(&view));
        }
        self.refuse_rest(receiver);
        self.mark_shown();
        self.pulse.stops();
    }

    /// How long to wait for a message: until the books have something to do.
    fn patience(&self) -> Duration {
        let idle = Duration::from_millis(limits::KEEPER_IDLE_MS);
        let Some(due) = self.rebuilt.books.next_deadline() else { return idle };
        let until = Duration::from_nanos(due.saturating_sub(clock::now()));
        until.clamp(Duration::from_millis(limits::TICK_MS_MIN), idle)
    }

    /// Makes a group durable, books it and answers.
    fn commit(&mut self, group: Vec<Waiting>) {
        self.now = self.now.max(clock::now());
        let due = self.rebuilt.books.next_deadline().is_some_and(|due| due <= self.now);
        if group.is_empty() && !due {
            return;
        }
        let group = self.admit(group);
        if group.is_empty() && !due {
            return;
        }
        self.pulse.commit_begins();
        let written = self.write(&group, due);
        self.pulse.commit_ends(self.fault.as_deref());
        if let Err(refusal) = written {
            group.into_iter().for_each(|waiting| refuse(waiting, &refusal));
            return;
        }
        if due {
            self.book(&tick());
        }
        for waiting in group {
            self.book(&waiting.submission.facts);
            // Whoever sent it may have gone away; it is booked all the same.
            drop(waiting.answer.send(Ok(Receipt { position: self.rebuilt.books.position() })));
        }
        if let Some(relay) = &self.relay {
            self.told.send_replace(relay.next_sequence() - 1);
        }
        self.relay_spans();
    }

    fn write(&mut self, group: &[Waiting], due: bool) -> Result<(), Refusal> {
        self.recover()?;
        let outcome = self.try_write(group, due);
        match &outcome {
            Ok(()) if self.space == Space::Enough => self.fault = None,
            // Some is refused still, until there is space.
            Ok(()) => {}
            Err(error) => {
                tracing::error!(%error, "the journal takes nothing: requests are refused");
                self.fault = Some(error.to_string());
                self.next_try = Some(clock::instant() + limits::REOPEN_AFTER);
                if matches!(error, LogError::Full) {
                    self.give_reserve_free();
                }
            }
        }
        outcome.map_err(|error| Refusal::Disk(error.to_string()))
    }

    /// The disk is full: what was held back is for what cannot be said again.
    fn give_reserve_free(&mut self) {
        let held = match self.directory.release_reserve() {
            Ok(held) => held,
            Err(error) => {
                tracing::error!(%error, "the space that was held back cannot be given free");
                false
            }
        };
        // Where nothing could be held back, each request tries for itself.
        if held {
            self.space = Space::Held;
        }
    }

    /// Refuses what the disk has no space for, and gives back the rest.
    fn admit(&self, group: Vec<Waiting>) -> Vec<Waiting> {
        if self.space == Space::Enough {
            return group;
        }
        let urgent = |waiting: &Waiting| waiting.submission.kind == SubmissionKind::Verdicts;
        let (admitted, refused): (Vec<_>, Vec<_>) = group.into_iter().partition(urgent);
        let refusal = Refusal::Disk(LogError::Full.to_string());
        refused.into_iter().for_each(|waiting| refuse(waiting, &refusal));
        admitted
    }

    fn try_write(&mut self, group: &[Waiting], due: bool) -> Result<(), LogError> {
        if let Some(relay) = &mut self.relay {
            for (signal, request) in group.iter().filter_map(|w| w.submission.relay.as_ref()) {
                relay.append_parts(&[&RelayRecord::head(*signal), request])?;
            }
            // First what is relayed: a request that is refused then is sent again, and a
            // destination gets a span twice rather than never.
            relay.sync()?;
        }
        if due {
            Entry { now: self.now, facts: &tick() }.append_to(&mut self.facts)?;
        }
        for waiting in group {
            Entry { now: self.now, facts: &waiting.submission.facts }.append_to(&mut self.facts)?;
        }
        self.facts.sync()
    }

    /// Refuses while a log is poisoned.
    fn recover(&mut self) -> Result<(), Refusal> {
        if self.is_poisoned() {
            return Err(Refusal::Disk(self.fault.clone().unwrap_or_default()));
        }
        Ok(())
    }

    fn is_poisoned(&self) -> bool {
        self.facts.is_poisoned() || self.relay.as_ref().is_some_and(Log::is_poisoned)
    }

    /// After a fault: whether the disk takes something again, also when nobody sends. Readiness
    /// is false meanwhile, and a sender that obeys it would never find out.
    fn heal(&mut self) {
        if self.fault.is_none() || self.next_try.is_some_and(|at| clock::instant() < at) {
            return;
        }
        self.next_try = Some(clock::instant() + limits::REOPEN_AFTER);
        if let Err(why) = self.try_again() {
            tracing::debug!(%why, "the journal takes nothing yet");
            return;
        }
        tracing::info!("the journal is written again");
        self.space = Space::Enough;
        self.fault = None;
        self.pulse.mended();
    }

    fn try_again(&mut self) -> anyhow::Result<()> {
        let logs = [Some(&mut self.facts), self.relay.as_mut()];
        for log in logs.into_iter().flatten().filter(|log| log.is_poisoned()) {
            log.reopen()?;
        }
        match self.space {
            Space::Held => self.directory.reserve(limits::RESERVE_BYTES)?,
            Space::Enough => {
                let free = self.directory.disk().free_bytes(self.directory.path())?;
                anyhow::ensure!(free >= limits::GROUP_BYTES_MAX as u64, "the disk is full");
            }
        }
        Ok(())
    }

    fn book(&mut self, facts: &[u8]) {
        let entry = Entry { now: self.now, facts };
        let (make, spans, instance) = (self.verdict_span, &mut self.spans, &self.instance);
        let booked = self.rebuilt.apply(entry, &mut |books, delta| {
            if let Some(make) = make {
                spans.extend(verdict_span(make, books, delta, instance));
            }
        });
        booked.expect("facts that this process wrote can be read");
    }

    /// Puts the spans of booked verdicts into the relay log. If that fails they are tried again
    /// with the next group, and after a restart.
    fn relay_spans(&mut self) {
        let Some(relay) = &mut self.relay else { return self.spans.clear() };
        if self.spans.is_empty() || relay.is_poisoned() {
            return;
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
                self.told.send_replace(relay.next_sequence() - 1);
                self.mark_shown();
            }
            Err(error) => {
                tracing::error!(%error, "verdicts' spans wait: the queue takes nothing");
                self.fault = Some(error.to_string());
                self.next_try = Some(clock::instant() + limits::REOPEN_AFTER);
                self.pulse.fails(&error.to_string());
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

    fn forget_relayed(&mut self, sequence: u64) {
        if let Some(relay) = &mut self.relay
            && let Err(error) = relay.remove_before(sequence)
        {
            tracing::warn!(%error, "delivered requests stay on disk");
        }
    }

    fn refuse_rest(&self, receiver: &Receiver<Message>) {
        tracing::debug!(directory = %self.directory.path().display(), "the keeper stops");
        for message in receiver.try_iter() {
            if let Message::Submit(waiting) = message {
                refuse(waiting, &Refusal::Stopping);
            }
        }
    }
}

fn refuse(waiting: Waiting, refusal: &Refusal) {
    // Whoever sent it may have gone away.
    drop(waiting.answer.send(Err(refusal.clone())));
}

fn tick() -> Vec<u8> {
    let mut writer = FactWriter::default();
    writer.push(&Fact::Tick);
    writer.into_bytes()
}
