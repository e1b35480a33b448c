//! Makes the plan of a seed: worlds, the networks they send through, disks and accidents.

use super::plan::{Fate, Parcel, Plan, Step, What};
use crate::dice::Dice;
use crate::disk::{Faults, Survival};
use crate::script::Says;
use crate::world::{Delivery, World};

const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;
const DAY: u64 = 24 * HOUR;
/// A sender tries so often, waiting longer each time.
const TRIES: u32 = 9;

/// The plan of a seed.
pub(super) fn plan_of(seed: u64) -> Plan {
    let mut maker = Maker {
        dice: Dice::new(seed ^ 0x0005_7041),
        plan: Plan { segment_bytes: 0, destinations: 0, parcels: Vec::new(), steps: Vec::new() },
        busy_ms: Vec::new(),
    };
    maker.plan.segment_bytes = maker.dice.pick(&[300, 700, 2_000, 10_000]);
    maker.plan.destinations = maker.dice.pick(&[0, 1, 2]);
    maker.plan.steps.push(Step { at_ms: 0, what: What::Start });
    maker.world(seed, "");
    if maker.dice.percent(25) {
        // The same names, in somebody else's books.
        maker.world(seed.wrapping_add(1), "other");
    }
    maker.accidents();
    maker.observers();
    // The sort is stable: what was planned first comes first.
    maker.plan.steps.sort_by_key(|step| step.at_ms);
    maker.plan
}

struct Maker {
    dice: Dice,
    plan: Plan,
    /// When something is sent for the first time.
    busy_ms: Vec<u64>,
}

impl Maker {
    fn step(&mut self, at_ms: u64, what: What) {
        // Even, so that time at half speed is whole.
        self.plan.steps.push(Step { at_ms: at_ms & !1, what });
    }

    fn fate(&mut self) -> Fate {
        match self.dice.below(100) {
            0..12 => Fate::Lost,
            12..25 => Fate::Unanswered,
            _ => Fate::Answered,
        }
    }

    /// The deliveries of a world, each sent until it is acknowledged.
    fn world(&mut self, seed: u64, tenant: &str) {
        let first = self.plan.parcels.len();
        let mut times: Vec<u64> = Vec::new();
        for Delivery { window_ms, after, facts } in World::small(seed).deliveries {
            let (earliest, spread) = window_ms;
            let mut at_ms = SECOND + earliest + self.dice.below(spread.max(1));
            if let Some(before) = after.and_then(|index| times.get(index)) {
                at_ms = before + 70 * SECOND + self.dice.below(15 * HOUR);
            }
            if let Some(busy) = self.busy_ms.last().filter(|_| after.is_none())
                && self.dice.percent(15)
            {
                // Others send at the same moment.
                at_ms = *busy;
            }
            times.push(at_ms);
            self.busy_ms.push(at_ms);
            let mut facts = facts;
            self.dice.shuffle(&mut facts);
            for says in &mut facts {
                if let Says::Verdict(verdict) = says {
                    // Destinations know verdicts by their ids.
                    verdict.id = format!("{tenant}{}", verdict.id);
                    if !verdict.supersedes.is_empty() {
                        verdict.supersedes = format!("{tenant}{}", verdict.supersedes);
                    }
                }
            }
            let after = after.map(|index| first + index);
            self.plan.parcels.push(Parcel { tenant: tenant.to_owned(), after, facts });
            self.send(first, &times, at_ms);
        }
    }

    /// Sends the last of the parcels that were first tried at these times.
    fn send(&mut self, first: usize, times: &[u64], at_ms: u64) {
        let mut at_ms = at_ms;
        let parcel = self.plan.parcels.len() - 1;
        for attempt in 0..TRIES {
            let mut parcels = vec![parcel];
            if self.dice.percent(20) {
                // Whoever gathers requests puts others in, which may be on their way for long.
                let other = self.below(times.len());
                if times.get(other).is_some_and(|tried| *tried <= at_ms) {
                    parcels.push(first + other);
                }
            }
            let fate = self.fate();
            self.step(at_ms, What::Send { parcels, fate, again: false });
            at_ms += (SECOND << attempt) + self.dice.below(SECOND);
        }
        if self.dice.percent(20) {
            let later = [5 * SECOND, DAY, 20 * DAY, 100 * DAY].map(|most| self.dice.below(most));
            let at_ms = at_ms + self.dice.pick(&later);
            let parcels = vec![parcel];
            self.step(at_ms, What::Send { parcels, fate: Fate::Unanswered, again: true });
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.dice.below(bound as u64)).unwrap_or(0)
    }

    /// The time of some step, so that accidents meet work.
    fn busy(&mut self) -> u64 {
        let index = self.below(self.busy_ms.len().max(1));
        self.busy_ms.get(index).copied().unwrap_or(SECOND)
    }

    fn accidents(&mut self) {
        for _ in 0..self.dice.below(5) {
            let at_ms = self.busy();
            match self.dice.below(5) {
                0 => self.stop(at_ms),
                1 | 2 => self.crash(at_ms),
                _ => {
                    // In the middle of something that the disk is doing.
                    let crash = Some(self.dice.between(1, 16));
                    self.step(at_ms - 2, What::Disk(Faults { crash, ..Faults::default() }));
                    self.crash(at_ms + 2);
                }
            }
        }
        for _ in 0..self.dice.below(4) {
            let at_ms = self.busy();
            let faults = self.faults();
            self.step(at_ms - 2, What::Disk(faults));
            let healed = at_ms + self.dice.pick(&[2, 10 * SECOND, HOUR]);
            self.step(healed, What::Disk(Faults::default()));
        }
        if self.dice.percent(30) {
            let at_ms = self.busy();
            let (by, lasts) = self.dice.pick(&[
                (-(HOUR as i64), 3 * HOUR),
                (HOUR as i64, 3 * HOUR),
                (3_650 * DAY as i64, 300 * SECOND),
                (-3_650 * DAY as i64, 2 * HOUR),
            ]);
            self.step(at_ms, What::Clock(by));
            self.step(at_ms + lasts, What::Clock(0));
        }
    }

    fn stop(&mut self, at_ms: u64) {
        self.step(at_ms, What::Stop);
        let down = self.dice.pick(&[2, 20 * SECOND, HOUR]);
        self.step(at_ms + down, What::Start);
    }

    fn crash(&mut self, at_ms: u64) {
        let survival = match self.dice.below(4) {
            0 => Survival::Nothing,
            1 => Survival::Everything,
            _ => Survival::Some(self.dice.next()),
        };
        self.step(at_ms, What::Crash(survival));
        let down = self.dice.pick(&[2, 20 * SECOND, HOUR]);
        if self.dice.percent(20) {
            let faults = self.faults();
            self.step(at_ms + down, What::Disk(faults));
            self.step(at_ms + down, What::Start);
        } else if self.dice.percent(30) {
            // It may happen again while the journal is made whole.
            let crash = Some(self.dice.between(1, 40));
            self.step(at_ms + down, What::Disk(Faults { crash, ..Faults::default() }));
            self.step(at_ms + down, What::Start);
            let survival = Survival::Some(self.dice.next());
            self.step(at_ms + down + 2, What::Crash(survival));
        }
        self.step(at_ms + down + 4, What::Disk(Faults::default()));
        self.step(at_ms + down + 4, What::Start);
    }

    fn faults(&mut self) -> Faults {
        let none = Faults::default();
        match self.dice.below(6) {
            0 => Faults { write: Some(self.dice.between(1, 4)), ..none },
            1 => Faults { sync: Some(self.dice.between(1, 4)), ..none },
            2 => Faults { room: Some(self.dice.below(2_000)), ..none },
            3 => Faults { short: Some(self.dice.between(1, 40)), ..none },
            4 => Faults { slow_ms: Some(self.dice.pick(&[1_000, 10_000])), ..none },
            _ => Faults {
                write: Some(self.dice.between(1, 4)),
                read: Some(self.dice.between(1, 9)),
                ..none
            },
        }
    }

    fn observers(&mut self) {
        for _ in 0..self.dice.between(3, 6) {
            let at_ms = self.busy() + 2 * self.dice.below(30 * SECOND);
            self.step(at_ms, What::Look);
        }
        if self.dice.percent(30) {
            let at_ms = self.busy();
            self.step(at_ms - 2, What::Rival);
        }
        for to in 0..self.plan.destinations {
            for _ in 0..self.dice.between(3, 10) {
                let at_ms = self.busy() + 2 * self.dice.below(30 * SECOND);
                let fate = self.fate();
                self.step(at_ms, What::Relay { to, fate });
            }
        }
    }
}
