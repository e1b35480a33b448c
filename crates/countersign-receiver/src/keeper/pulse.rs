//! Pulse: how the keeper is, told without waiting for it.
//!
//! A question waits for the commit that is under way. Whoever asks after the program's health
//! must not: a disk that takes ten seconds would look like a program that is dead.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::clock;
use crate::limits::{COMMIT_SLOW_MS, COMMIT_SLOW_TOLD_MS};

/// How the keeper is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// All is well.
    Well,
    /// It works, but the disk is slow: a commit takes or took so many milliseconds.
    Slow {
        /// Of the slowest commit of late.
        commit_ms: u64,
    },
    /// The disk takes nothing at present, and why.
    Faulty(String),
    /// The loop has ended.
    Stopped,
}

/// What the loop leaves for others to see. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Pulse(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    origin: Instant,
    /// When the commit that is under way began, in milliseconds since the origin plus one; 0
    /// between commits.
    began: AtomicU64,
    /// The last slow commit, and until when it is told.
    slow_ms: AtomicU64,
    slow_until: AtomicU64,
    fault: Mutex<Option<String>>,
    stopped: AtomicBool,
}

impl Default for Pulse {
    fn default() -> Pulse {
        Pulse(Arc::new(Inner {
            origin: clock::instant(),
            began: AtomicU64::new(0),
            slow_ms: AtomicU64::new(0),
            slow_until: AtomicU64::new(0),
            fault: Mutex::new(None),
            stopped: AtomicBool::new(false),
        }))
    }
}

impl Pulse {
    pub(super) fn commit_begins(&self) {
        self.0.began.store(self.now_ms() + 1, Ordering::Release);
    }

    /// A commit ended, with the reason why the disk takes nothing, if so.
    pub(super) fn commit_ends(&self, fault: Option<&str>) {
        let took = self.under_way_ms();
        self.0.began.store(0, Ordering::Release);
        if took >= COMMIT_SLOW_MS {
            tracing::warn!(took_ms = took, "the disk is slow");
            self.0.slow_ms.store(took, Ordering::Release);
            self.0.slow_until.store(self.now_ms() + COMMIT_SLOW_TOLD_MS, Ordering::Release);
        }
        self.tell(fault);
    }

    fn tell(&self, fault: Option<&str>) {
        let mut told = self.0.fault.lock().unwrap_or_else(PoisonError::into_inner);
        if told.as_deref() != fault {
            *told = fault.map(str::to_owned);
        }
    }

    pub(super) fn stops(&self) {
        self.0.stopped.store(true, Ordering::Release);
    }

    pub(super) fn condition(&self) -> Condition {
        if self.0.stopped.load(Ordering::Acquire) {
            return Condition::Stopped;
        }
        let fault = self.0.fault.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(fault) = fault {
            return Condition::Faulty(fault);
        }
        let lately = self.now_ms() < self.0.slow_until.load(Ordering::Acquire);
        let last = if lately { self.0.slow_ms.load(Ordering::Acquire) } else { 0 };
        let commit_ms = last.max(self.under_way_ms());
        if commit_ms >= COMMIT_SLOW_MS { Condition::Slow { commit_ms } } else { Condition::Well }
    }

    fn under_way_ms(&self) -> u64 {
        match self.0.began.load(Ordering::Acquire) {
            0 => 0,
            began => (self.now_ms() + 1).saturating_sub(began),
        }
    }

    fn now_ms(&self) -> u64 {
        let since = clock::instant().duration_since(self.0.origin);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}
