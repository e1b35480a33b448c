//! Reloads: what became of the configuration since the start, for health, status and metrics.

use std::sync::{Mutex, MutexGuard, PoisonError};

use countersign_core::fact::UnixNanos;
use serde::Serialize;

/// What became of the reloads. Shared by who does them and who looks.
#[derive(Debug)]
pub struct Reloads(Mutex<ReloadsShown>);

/// The same, to show. It holds no text of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReloadsShown {
    /// Since when what is in force is in force, in nanoseconds since 1970.
    pub since_unix_nano: UnixNanos,
    /// Reloads that put something new in force.
    pub done: u64,
    /// Reloads that found something wrong and changed nothing.
    pub failed: u64,
    /// Whether the files are wrong at present; the log says how.
    pub broken: bool,
    /// Keys whose changes wait for the next start.
    pub restart_needed: Vec<&'static str>,
    /// When the certificate of each port ends that has one, in seconds since 1970.
    pub certificates_end: Vec<(&'static str, u64)>,
    #[serde(skip)]
    wrong: String,
}

impl ReloadsShown {
    /// What somebody should look at, a line for each; no reason to take the program out of
    /// service.
    #[must_use]
    pub fn notes(&self, now: UnixNanos) -> String {
        let mut notes = String::new();
        if self.broken {
            notes.push_str("note: the configuration is broken, the old one stays in force\n");
        }
        if !self.restart_needed.is_empty() {
            let keys = self.restart_needed.join(", ");
            notes.push_str(&format!("note: changes wait for the next start: {keys}\n"));
        }
        for (port, end) in &self.certificates_end {
            if *end <= now / 1_000_000_000 {
                notes.push_str(&format!("note: the certificate of {port} has ended\n"));
            }
        }
        notes
    }
}

impl Reloads {
    /// Nothing was reloaded yet.
    #[must_use]
    pub fn new(now: UnixNanos) -> Reloads {
        Reloads(Mutex::new(ReloadsShown { since_unix_nano: now, ..ReloadsShown::default() }))
    }

    /// A copy to show.
    #[must_use]
    pub fn show(&self) -> ReloadsShown {
        self.lock().clone()
    }

    /// Whether the files are wrong at present.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.lock().broken
    }

    /// Everything that was read is in force.
    pub fn done(&self, now: UnixNanos) {
        let mut shown = self.lock();
        shown.done += 1;
        shown.since_unix_nano = now;
        shown.broken = false;
        shown.wrong.clear();
    }

    /// Something is wrong and nothing changed; whether it is another thing than before.
    pub fn broke(&self, wrong: &str) -> bool {
        let mut shown = self.lock();
        shown.failed += 1;
        shown.broken = true;
        let news = shown.wrong != wrong;
        wrong.clone_into(&mut shown.wrong);
        news
    }

    /// What waits for the next start.
    pub fn wait_for_restart(&self, keys: Vec<&'static str>) {
        self.lock().restart_needed = keys;
    }

    /// When the ports' certificates end.
    pub fn tell_expiry(&self, ends: &[(&'static str, Option<UnixNanos>)]) {
        let seconds = |end: UnixNanos| end / 1_000_000_000;
        self.lock().certificates_end =
            ends.iter().filter_map(|(port, end)| Some((*port, seconds((*end)?)))).collect();
    }

    fn lock(&self) -> MutexGuard<'_, ReloadsShown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
