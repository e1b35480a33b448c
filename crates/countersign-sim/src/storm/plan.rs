//! Plan: what happens in a storm, made from a seed before it begins, so that parts of it can be
//! left out and the rest stays as it is.

use crate::disk::{Faults, Survival};
use crate::script::Says;

/// A storm.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Length at which logs begin a new segment.
    pub segment_bytes: u64,
    /// Destinations of the relay.
    pub destinations: usize,
    /// What agents and reviewers have to say.
    pub parcels: Vec<Parcel>,
    /// What happens, in the order of time.
    pub steps: Vec<Step>,
}

/// Facts that travel together, and again and again until they are acknowledged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parcel {
    /// Whose books they are for; empty is the default tenant.
    pub tenant: String,
    /// The parcel of the same sender that has to be acknowledged before, and at most
    /// [`super::run::TOGETHER_MS`] ago.
    pub after: Option<usize>,
    /// The facts.
    pub facts: Vec<Says>,
}

/// Something that happens.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When, in milliseconds since [`crate::script::BEGIN_MS`].
    pub at_ms: u64,
    /// What.
    pub what: What,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A request with these parcels is sent: those that are not acknowledged yet, or all.
    Send {
        /// Numbers of parcels.
        parcels: Vec<usize>,
        /// What becomes of it.
        fate: Fate,
        /// Whether it is sent although it was acknowledged.
        again: bool,
    },
    /// From now on the disk has these faults and no others.
    Disk(Faults),
    /// The power fails, or the program is killed, unless it is down already.
    Crash(Survival),
    /// The program is stopped as it should be.
    Stop,
    /// The program is started, unless it runs.
    Start,
    /// A second program is started on the same data.
    Rival,
    /// Somebody reads all series.
    Look,
    /// What waits for a destination is sent there.
    Relay {
        /// Number of the destination.
        to: usize,
        /// What becomes of it.
        fate: Fate,
    },
    /// From now on the wall clock is ahead by so many milliseconds.
    Clock(i64),
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives and is answered.
    Answered,
    /// It does not arrive.
    Lost,
    /// It arrives; the answer does not.
    Unanswered,
}
