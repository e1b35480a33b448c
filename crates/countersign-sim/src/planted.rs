//! Planted: breaks the promises one by one on purpose, and shows how many seeds it takes until
//! the simulator notices. A bug that is not found means that the worlds or the checks are weak.

use std::sync::atomic::{AtomicU64, Ordering};

use countersign_core::planted as core;
use countersign_receiver::planted as receiver;

use crate::reach::Reach;
use crate::{Failure, check_script, storm};

/// A bug that is not found by then is not found at all.
pub const SEEDS_MAX: u64 = 2_000;

/// How a planted bug was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its name.
    pub bug: String,
    /// What goes wrong with it.
    pub what: &'static str,
    /// The first seed that showed it; `None` if none did.
    pub failure: Option<Failure>,
}

/// Plants each bug in turn, and tells of each what came of it as soon as that is known.
pub fn plant_all(only: Option<&str>, see: &mut dyn FnMut(&Found)) {
    let mut try_one = |name: String, what, check: Check| {
        see(&Found { bug: name, what, failure: first_failure(check) });
    };
    let wanted = |name: &str| only.is_none_or(|only| only == name);
    for bug in core::Bug::ALL.iter().copied() {
        let name = format!("{bug:?}");
        if wanted(&name) {
            core::plant(Some(bug));
            try_one(name, bug.what(), check_script);
            core::plant(None);
        }
    }
    for bug in receiver::Bug::ALL.iter().copied() {
        let name = format!("{bug:?}");
        if wanted(&name) {
            receiver::plant(Some(bug));
            try_one(name, bug.what(), |seed| storm::check_storm(seed, &mut Reach::default()));
            receiver::plant(None);
        }
    }
}

type Check = fn(u64) -> Result<(), Failure>;

/// The lowest seed that fails.
fn first_failure(check: Check) -> Option<Failure> {
    let (next, limit) = (AtomicU64::new(0), AtomicU64::new(SEEDS_MAX));
    let work = || {
        let mut first: Option<Failure> = None;
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= limit.load(Ordering::Relaxed) {
                return first;
            }
            if let Err(failure) = check(seed) {
                limit.fetch_min(seed, Ordering::Relaxed);
                first.get_or_insert(failure);
            }
        }
    };
    std::thread::scope(|scope| {
        let workers = [scope.spawn(work), scope.spawn(work)];
        let found = workers.map(|worker| worker.join().expect("a check does not panic"));
        found.into_iter().flatten().min_by_key(|failure| failure.seed)
    })
}
