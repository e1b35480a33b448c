//! Worlds: what agents, reviewers and networks could have sent, made from a seed.
//!
//! A world is a list of deliveries (a trace's spans, a late call, a verdict). Deliveries come
//! in any order that the world allows, facts within one delivery in any order at all, and any
//! fact may come again.

mod maker;

mod calls;
mod reviews;

use self::maker::Maker;
use crate::dice::Dice;
use crate::script::{Line, Says};

const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;
const DAY: u64 = 24 * HOUR;
/// A fact may come again for so long, and is known for what it is.
pub(crate) const REPEATED_MS_MAX: u64 = 100 * DAY;
/// All of a trace arrives within this, so that it is together when it closes.
const BURST_MS: u64 = 4 * SECOND;

/// What arrives together.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// When it arrives at the earliest, and how much later it may.
    pub(crate) window_ms: (u64, u64),
    /// The delivery that has to come before.
    pub(crate) after: Option<usize>,
    pub(crate) facts: Vec<Says>,
}

/// The same facts can arrive in many ways.
#[derive(Clone, Debug)]
pub struct World {
    dice: Dice,
    pub(crate) deliveries: Vec<Delivery>,
}

/// How facts arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Each once.
    Once,
    /// Some again: soon, or days later.
    Repeated,
}

impl World {
    /// A world with few tasks.
    pub(crate) fn small(seed: u64) -> World {
        let mut maker = Maker::new(seed ^ 0x5_3a11);
        for task in 1..=maker.dice.between(1, 3) {
            maker.task(task);
        }
        World { dice: Dice::new(seed), deliveries: maker.deliveries }
    }

    /// The world of a seed.
    #[must_use]
    pub fn of(seed: u64) -> World {
        let mut maker = Maker::new(seed);
        if maker.dice.percent(1) {
            maker.crowd();
        } else {
            for task in 1..=maker.dice.between(1, 6) {
                maker.task(task);
            }
        }
        if maker.dice.percent(30) {
            maker.stray_verdict();
        }
        World { dice: Dice::new(seed ^ 0x5eed), deliveries: maker.deliveries }
    }

    /// One way in which its facts may arrive; another one each time.
    pub fn script(&mut self, arrival: Arrival) -> Vec<Line> {
        let mut times: Vec<u64> = Vec::new();
        let mut lines = Vec::new();
        for delivery in &self.deliveries {
            let (earliest, spread) = delivery.window_ms;
            let floor = delivery.after.and_then(|index| times.get(index).copied());
            let mut time = earliest + self.dice.below(spread.max(1));
            if let Some(floor) = floor {
                // A minute after the spans it belongs to, and while their trace is remembered.
                time = floor + 2 * BURST_MS + 60 * SECOND + self.dice.below(20 * HOUR);
            }
            times.push(time);
            let mut facts = delivery.facts.clone();
            self.dice.shuffle(&mut facts);
            for says in facts {
                let at_ms = time + self.dice.below(BURST_MS);
                if arrival == Arrival::Repeated && self.dice.percent(30) {
                    let later =
                        [BURST_MS, 20 * DAY, REPEATED_MS_MAX].map(|most| self.dice.below(most));
                    let at_ms = at_ms + self.dice.pick(&later);
                    lines.push(Line { at_ms, says: says.clone() });
                }
                lines.push(Line { at_ms, says });
            }
        }
        self.dice.shuffle(&mut lines);
        lines.sort_by_key(|line| line.at_ms);
        lines
    }
}
