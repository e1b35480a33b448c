//! Planted: breaks the promises one by one on purpose, and shows how many seeds it takes until
//! the simulator notices. A bug that is not found means that the worlds or the checks are weak.

use std::sync::atomic::{AtomicU64, Ordering};

use countersign_core::planted as core;

use crate::{Failure, check_seed};

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
    for bug in core::Bug::ALL.iter().copied() {
        let name = format!("{bug:?}");
        if only.is_none_or(|only| only == name) {
            core::plant(Some(bug));
            see(&Found { bug: name, what: bug.what(), failure: first_failure() });
            core::plant(None);
        }
    }
}

/// The lowest seed that fails.
fn first_failure() -> Option<Failure> {
    let (next, limit) = (AtomicU64::new(0), AtomicU64::new(SEEDS_MAX));
    let work = || {
        let mut first: Option<Failure> = None;
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= limit.load(Ordering::Relaxed) {
                return first;
            }
            if let Err(failure) = check_seed(seed) {
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
