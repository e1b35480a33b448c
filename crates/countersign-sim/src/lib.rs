//! Hostile worlds and an independent, naive answer to check the books against.
//!
//! A seed makes a [`world`]: a [`script`] of facts with their times, as agents, reviewers and
//! networks could produce them. The [`model`] keeps every fact and computes the answer at the
//! end; [`mod@judge`] runs the books over the script, checks the invariants at every step and the
//! answer at the end. A [`storm`] sends a world to the keeper and its journal, over a network that
//! loses and repeats, on a [`disk`] that fails, and lets the machine crash; what came of it is
//! judged in the same way. [`mod@shrink`] makes what fails short; [`reach`] shows what was tried.

mod cohorts;
mod dice;
pub mod disk;
pub mod judge;
pub mod model;
#[cfg(feature = "planted")]
pub mod planted;
pub mod reach;
pub mod script;
pub mod shrink;
pub mod storm;
pub mod text;
pub mod world;

use crate::judge::{Fault, is_possible, judge};
use crate::reach::Reach;
use crate::script::Line;
use crate::world::{Arrival, World};

/// A seed whose world broke a promise.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// The shortest way that was found to break it.
    pub shrunk: Shrunk,
    /// The promise and the figures.
    pub fault: Fault,
}

/// What breaks a promise.
#[derive(Clone, Debug)]
pub enum Shrunk {
    /// Facts, for the books alone.
    Script(Vec<Line>),
    /// A storm.
    Storm(storm::Plan),
}

/// Lets the world of a seed arrive in several ways and judges the books each time; then lets it
/// go through a storm.
///
/// # Errors
/// The first failure, shrunk.
pub fn check_seed(seed: u64, reach: &mut Reach) -> Result<(), Failure> {
    check_script(seed)?;
    storm::check_storm(seed, reach)
}

/// Lets the world of a seed arrive in several ways and judges the books each time.
///
/// # Errors
/// The first failure, shrunk.
pub fn check_script(seed: u64) -> Result<(), Failure> {
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
            return Err(Failure { seed, shrunk: Shrunk::Script(script), fault });
        }
    }
    Ok(())
}

/// Judges seeds on two threads; the failures in the order of their seeds, at most ten of each,
/// and what was reached.
#[must_use]
pub fn check_seeds(seeds: std::ops::Range<u64>) -> (Vec<Failure>, Reach) {
    let work = |first: u64| {
        let (mut failures, mut reach) = (Vec::new(), Reach::default());
        for seed in (seeds.start + first..seeds.end).step_by(THREADS) {
            failures.extend(check_seed(seed, &mut reach).err());
            if failures.len() >= 10 {
                break;
            }
        }
        (failures, reach)
    };
    let mut failures = Vec::new();
    let mut reach = Reach::default();
    std::thread::scope(|scope| {
        let work = &work;
        let workers: Vec<_> =
            (0..THREADS as u64).map(|first| scope.spawn(move || work(first))).collect();
        for worker in workers {
            let (failed, reached) = worker.join().expect("a check that panics fails the run");
            failures.extend(failed);
            reach.join(&reached);
        }
    });
    failures.sort_by_key(|failure: &Failure| failure.seed);
    (failures, reach)
}

/// Seeds are judged side by side on so many threads.
const THREADS: usize = 2;

/// Tells a failure so that it can be repeated.
#[must_use]
pub fn explain(failure: &Failure) -> String {
    let Failure { seed, shrunk, fault } = failure;
    let shrunk = match shrunk {
        Shrunk::Script(script) => text::print(script),
        Shrunk::Storm(plan) => storm::print(plan),
    };
    format!("seed {seed} breaks: {}\n{}\n{shrunk}", fault.promise, fault.detail)
}
