//! Hostile worlds and an independent, naive answer to check the books against.
//!
//! A seed makes a [`world`]: a [`script`] of facts with their times, as agents, reviewers and
//! networks could produce them. The [`model`] keeps every fact and computes the answer at the
//! end; [`mod@judge`] runs the books over the script, checks the invariants at every step and the
//! answer at the end; [`shrink`] makes a script that fails short.

mod cohorts;
mod dice;
pub mod judge;
pub mod model;
#[cfg(feature = "planted")]
pub mod planted;
pub mod script;
pub mod shrink;
pub mod text;
pub mod world;

use crate::judge::{Fault, is_possible, judge};
use crate::script::Line;
use crate::world::{Arrival, World};

/// A seed whose world broke a promise.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// The shortest script that was found to break it.
    pub script: Vec<Line>,
    /// The promise and the figures.
    pub fault: Fault,
}

/// Lets the world of a seed arrive in several ways and judges the books each time.
///
/// # Errors
/// The first failure, shrunk.
pub fn check_seed(seed: u64) -> Result<(), Failure> {
    let mut world = World::of(seed);
    for arrival in [Arrival::Once, Arrival::Once, Arrival::Repeated, Arrival::Repeated] {
        let script = world.script(arrival);
        if let Err(first) = judge(&script) {
            let same = |fault: &Fault| fault.promise == first.promise;
            let fails = |script: &[Line]| {
                is_possible(script) && judge(script).err().as_ref().is_some_and(same)
            };
            let script = shrink::shrink(&script, fails);
            let fault = judge(&script).err().unwrap_or(first);
            return Err(Failure { seed, script, fault });
        }
    }
    Ok(())
}

/// Tells a failure so that it can be repeated.
#[must_use]
pub fn explain(failure: &Failure) -> String {
    let Failure { seed, script, fault } = failure;
    let script = text::print(script);
    format!("seed {seed} breaks: {}\n{}\n{script}", fault.promise, fault.detail)
}
