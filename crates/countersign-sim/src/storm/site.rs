//! Site: one program on one machine with its disk. It starts, takes groups, crashes and starts
//! again, on virtual time.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use countersign_core::settle::Settings;
use countersign_receiver::journal::{DataDirectory, DirectoryError};
use countersign_receiver::keeper::{Now, Options, Receipt, Refusal, Submission, Turn};

use super::plan::Plan;
use super::relay::{Destination, verdict_span};
use crate::disk::{Faults, SimDisk, Survival};
use crate::judge::{Fault, fault};
use crate::reach::Reach;
use crate::script::nanos;

/// Where the data is.
pub(super) const DATA: &str = "/srv/data";
/// Deadlines that are met before a step that is far away, at most: faults may keep them from
/// being met at all.
const WAKES_MAX: u32 = 400;
/// With a wrong clock, time is looked at so often.
const WATCH_MS: u64 = 60_000;

/// The site.
pub(super) struct Site {
    pub(super) disk: SimDisk,
    pub(super) turn: Option<Turn>,
    pub(super) destinations: Vec<Destination>,
    /// True time.
    pub(super) clock_ms: u64,
    /// By how much the wall clock is wrong.
    pub(super) wrong_ms: i64,
    options: Options,
    /// What survived the last crash, until the program starts again.
    crashed: Option<Survival>,
    instance: Option<u128>,
    starts: u128,
}

impl Site {
    pub(super) fn of(plan: &Plan) -> Site {
        let relays = plan.destinations > 0;
        Site {
            disk: SimDisk::default(),
            turn: None,
            destinations: (0..plan.destinations).map(|_| Destination::default()).collect(),
            clock_ms: 0,
            wrong_ms: 0,
            options: Options {
                relays,
                verdict_span: relays.then_some(verdict_span),
                reserve_bytes: 3_000,
                segment_bytes: plan.segment_bytes,
                ..Options::of(Settings::default())
            },
            crashed: None,
            instance: None,
            starts: 0,
        }
    }

    /// What the clocks show.
    pub(super) fn now(&self) -> Now {
        Now {
            wall: nanos(self.clock_ms).saturating_add_signed(self.wrong_ms * 1_000_000),
            monotonic: Duration::from_millis(self.clock_ms + 1_000),
        }
    }

    /// Lets time go on; deadlines on the way are met as the program's loop would meet them.
    pub(super) fn wait_until(&mut self, at_ms: u64) {
        for _ in 0..WAKES_MAX {
            let Some(due_ms) = self.next_wake() else { break };
            if due_ms >= at_ms {
                break;
            }
            self.clock_ms = due_ms;
            self.take(&[]);
        }
        self.clock_ms = self.clock_ms.max(at_ms);
    }

    fn next_wake(&self) -> Option<u64> {
        let turn = self.turn.as_ref()?;
        let now = self.now();
        let due = turn.view(now).ledgers.next_deadline()?;
        let wait_ms = due.saturating_sub(turn.view(now).now) / 1_000_000;
        // What was due already and was not met is tried again after a while.
        let wait_ms = if wait_ms == 0 { 1_000 } else { wait_ms + 2 };
        let wait_ms = if self.wrong_ms == 0 { wait_ms } else { wait_ms.min(WATCH_MS) };
        Some((self.clock_ms + wait_ms) & !1)
    }

    /// Gives the program a group; `None` if it is down, or goes down over it.
    pub(super) fn take(&mut self, group: &[Submission]) -> Option<Vec<Result<Receipt, Refusal>>> {
        let now = self.now();
        let answers = self.turn.as_mut()?.take(group, now);
        self.clock_ms += self.disk.take_delay_ms();
        if self.disk.is_off() {
            self.crash(Survival::Nothing);
            return None;
        }
        Some(answers)
    }

    /// The machine goes off.
    pub(super) fn crash(&mut self, survival: Survival) {
        self.turn = None;
        self.destinations.iter_mut().for_each(Destination::stop);
        self.crashed = Some(survival);
    }

    /// The program ends as it should.
    pub(super) fn stop(&mut self) {
        if let Some(mut turn) = self.turn.take() {
            turn.close();
        }
        self.destinations.iter_mut().for_each(Destination::stop);
        if self.disk.is_off() {
            self.crashed = Some(Survival::Nothing);
        }
    }

    /// Starts the program, unless it runs; whether it runs then.
    pub(super) fn start(&mut self, reach: &mut Reach) -> Result<bool, Fault> {
        if self.turn.is_some() {
            return Ok(true);
        }
        if let Some(survival) = self.crashed.take() {
            self.restore(survival, reach);
        }
        let now = self.now();
        self.starts += 1;
        let was_faulty = self.disk.is_faulty();
        let opened = self.open();
        let turn = opened.and_then(|directory| {
            Turn::open(directory, self.options.clone(), now).map_err(|error| format!("{error:#}"))
        });
        self.clock_ms += self.disk.take_delay_ms();
        if self.disk.is_off() {
            reach.add("start: the power failed while the journal was made whole", 1);
            self.crash(Survival::Nothing);
            return Ok(false);
        }
        match turn {
            Ok(turn) => self.started(turn, reach),
            Err(_) if was_faulty => {
                reach.add("start: a faulty disk kept the program from starting", 1);
                Ok(false)
            }
            Err(error) => Err(fault("it starts again after anything", error)),
        }
    }

    fn started(&mut self, turn: Turn, reach: &mut Reach) -> Result<bool, Fault> {
        let instance = turn.directory().instance();
        if self.instance.replace(instance).is_some_and(|before| before != instance) {
            return Err(fault("books are never begun beside books", format!("{instance:x}")));
        }
        for (number, destination) in self.destinations.iter_mut().enumerate() {
            if destination.start(&turn, number).is_err() {
                // The program would not run without its destinations.
                reach.add("start: a faulty disk kept the program from starting", 1);
                self.destinations.iter_mut().for_each(Destination::stop);
                return Ok(false);
            }
        }
        self.turn = Some(turn);
        Ok(true)
    }

    fn open(&self) -> Result<DataDirectory, String> {
        let disk = Arc::new(self.disk.clone());
        let fresh = 0xc0de_0000 + self.starts;
        DataDirectory::open_with(disk, Path::new(DATA), fresh).map_err(|error| error.to_string())
    }

    /// A second program wants the same data.
    pub(super) fn rival(&mut self, reach: &mut Reach) -> Result<(), Fault> {
        let disk = Arc::new(self.disk.clone());
        match DataDirectory::open_with(disk, Path::new(DATA), 1) {
            Err(DirectoryError::InUse { .. }) => {
                reach.add("start: a second program was refused", 1);
                Ok(())
            }
            Ok(_) if self.turn.is_some() => {
                Err(fault("one program has the data at a time", "both have it".to_owned()))
            }
            Ok(_) | Err(_) => {
                // Nobody had it, or the disk failed.
                if self.disk.is_off() {
                    self.crash(Survival::Nothing);
                }
                Ok(())
            }
        }
    }

    /// The disk as it is when the power comes back.
    fn restore(&mut self, survival: Survival, reach: &mut Reach) {
        reach.add_disk(&self.disk.counts());
        self.disk = self.disk.image(survival);
        reach.add(
            match survival {
                Survival::Nothing => "crash: nothing survived that was not synced",
                Survival::Everything => "crash: everything survived",
                Survival::Some(_) => "crash: some of what was not synced survived",
            },
            1,
        );
    }

    /// Whatever happens to the disk from now on.
    pub(super) fn plan(&mut self, faults: Faults) {
        self.disk.plan(faults);
    }
}
