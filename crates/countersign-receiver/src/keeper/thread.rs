//! The keeper's thread: channels and clocks around the turns.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::watch;

use super::options::Options;
use super::pulse::Pulse;
use super::snapshot::SnapshotError;
use super::time::Now;
use super::turn::Turn;
use super::{Keeper, Message, Question, Refusal, RelayFeed, Submission, Unanswered};
use crate::clock;
use crate::journal::{DataDirectory, DirectoryError};
use crate::limits;

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
        let clocks = Clocks { origin: clock::instant() };
        let turn = Turn::open(directory, options, clocks.now())?;
        let (sender, receiver) = sync_channel(limits::KEEPER_QUEUE_MAX);
        let (told, changed) = watch::channel(0);
        let feed = turn.relay().map(|log| RelayFeed {
            disk: turn.directory().disk(),
            directory: turn.directory().relay(),
            synced: log.synced(),
            changed,
        });
        let pulse = Pulse::default();
        let mut shell = Shell { turn, clocks, told, pulse: pulse.clone(), writing: None };
        let thread = std::thread::Builder::new().name("keeper".into()).spawn(move || {
            let _abort = AbortOnPanic;
            shell.run(&receiver);
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

/// The clocks of the machine.
struct Clocks {
    origin: Instant,
}

impl Clocks {
    fn now(&self) -> Now {
        Now { wall: clock::now(), monotonic: clock::instant().duration_since(self.origin) }
    }
}

/// Messages that came together.
#[derive(Default)]
struct Gathered {
    group: Vec<Submission>,
    unanswered: Vec<Unanswered>,
    questions: VecDeque<Question>,
    relayed: Option<u64>,
    stopping: bool,
}

struct Shell {
    turn: Turn,
    clocks: Clocks,
    told: watch::Sender<u64>,
    pulse: Pulse,
    /// The thread that writes a snapshot.
    writing: Option<JoinHandle<Result<u64, SnapshotError>>>,
}

impl Shell {
    fn run(&mut self, receiver: &Receiver<Message>) {
        loop {
            let gathered = self.gather(receiver);
            self.pulse.commit_begins();
            let receipts = self.turn.take(&gathered.group, self.clocks.now());
            self.pulse.commit_ends(self.turn.fault());
            if self.turn.is_fenced() {
                end_fenced(&self.turn);
            }
            for (receipt, unanswered) in receipts.into_iter().zip(gathered.unanswered) {
                // Whoever sent it may have gone away; it is booked all the same.
                drop(unanswered.answer.send(receipt));
            }
            if let Some(sequence) = gathered.relayed {
                self.turn.relayed(sequence);
            }
            let queued = self.turn.relay().map_or(0, |log| log.next_sequence() - 1);
            self.told.send_if_modified(|told| std::mem::replace(told, queued) != queued);
            let view = self.turn.view(self.clocks.now());
            gathered.questions.into_iter().for_each(|question| question(&view));
            self.snapshot(false);
            if gathered.stopping {
                break;
            }
        }
        tracing::debug!("the keeper stops");
        refuse_rest(receiver);
        self.snapshot(true);
        self.turn.close();
        self.pulse.stops();
    }

    /// Sees to the snapshot that is being written, or begins one if it is time.
    fn snapshot(&mut self, stopping: bool) {
        if let Some(writing) = self.writing.take_if(|writing| stopping || writing.is_finished()) {
            let outcome = writing.join().expect("a panic of a snapshot ends the program");
            self.turn.captured(outcome);
        }
        if stopping || self.writing.is_some() {
            return;
        }
        let Some(capture) = self.turn.capture(self.clocks.now()) else { return };
        let thread = std::thread::Builder::new().name("snapshot".into());
        match thread.spawn(move || capture.write()) {
            Ok(writing) => self.writing = Some(writing),
            Err(error) => {
                let directory = self.turn.directory().snapshots();
                self.turn.captured(Err(SnapshotError::io("write", &directory)(error)));
            }
        }
    }

    /// Waits for messages; takes those that are there, as far as they fit into a group.
    fn gather(&self, receiver: &Receiver<Message>) -> Gathered {
        let mut gathered = Gathered::default();
        let mut next = match receiver.recv_timeout(self.turn.patience(self.clocks.now())) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Message::Stop),
        };
        let mut bytes = 0;
        while let Some(message) = next.take() {
            match message {
                Message::Submit(submission, unanswered) => {
                    bytes += submission.bytes();
                    gathered.group.push(submission);
                    gathered.unanswered.push(unanswered);
                }
                Message::Ask(question) => gathered.questions.push_back(question),
                Message::Relayed(sequence) => gathered.relayed = Some(sequence),
                Message::Stop => gathered.stopping = true,
            }
            if bytes < limits::GROUP_BYTES_MAX && !gathered.stopping {
                next = receiver.try_recv().ok();
            }
        }
        gathered
    }
}

/// Ends the program: what it has in memory is not what is on disk any more.
fn end_fenced(turn: &Turn) -> ! {
    let path = turn.directory().path().to_path_buf();
    tracing::error!(data = %path.display(), "another countersign has opened the data directory");
    std::process::exit(DirectoryError::InUse { path }.exit_code().into())
}

fn refuse_rest(receiver: &Receiver<Message>) {
    for message in receiver.try_iter() {
        if let Message::Submit(_, unanswered) = message {
            drop(unanswered.answer.send(Err(Refusal::Stopping)));
        }
    }
}
