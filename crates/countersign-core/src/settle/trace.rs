//! Open traces: they collect spans until they close.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::fact::{Cost, Link, Place, Rank, Retries, Role, UnixNanos, Usage};
use crate::key::Key;
use crate::limits;
use crate::money::Money;
use crate::names::Name;
use crate::settle::subject::Subject;

const MS: u64 = 1_000_000;

/// A call that waits for its trace to close, or for its hold to end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct HeldCall {
    pub(super) rank: Rank,
    pub(super) role: Role,
    pub(super) place: Place,
    pub(super) service: Key,
    pub(super) response: Key,
    pub(super) distance: u8,
    pub(super) start: UnixNanos,
    pub(super) end: UnixNanos,
    pub(super) model: Name,
    pub(super) provider: Name,
    pub(super) operation: Name,
    pub(super) error: Name,
    pub(super) usage: Option<Usage>,
    pub(super) cost: Cost,
    pub(super) listed: Option<Money>,
    pub(super) first_token: Option<u64>,
    pub(super) retries: Retries,
    pub(super) round: u32,
    /// Index into the trace's subjects.
    pub(super) subject: u16,
}

/// A step that has an effect: it names a task, repeats something, or costs something.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct HeldStep {
    pub(super) place: Place,
    pub(super) start: UnixNanos,
    pub(super) end: UnixNanos,
    pub(super) name: Name,
    pub(super) retries: Retries,
    pub(super) cost: Option<Money>,
    pub(super) round: u32,
    pub(super) subject: u16,
}

/// A trace whose spans still come in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct OpenTrace {
    /// The books' position before its first fact.
    pub(super) position: u64,
    pub(super) opened: UnixNanos,
    pub(super) last: UnixNanos,
    pub(super) root_ended: bool,
    /// The deadline that stands in the queue; the true one may be later.
    pub(super) scheduled: UnixNanos,
    pub(super) calls: Vec<HeldCall>,
    pub(super) steps: Vec<HeldStep>,
    pub(super) links: Vec<Link>,
    /// The first one is the part of the trace that names no task.
    pub(super) subjects: Vec<Subject>,
}

impl OpenTrace {
    /// A trace that was closed before and opens again has no root to wait for.
    pub(super) fn new(position: u64, now: UnixNanos, reopened: bool) -> OpenTrace {
        OpenTrace {
            position,
            opened: now,
            last: now,
            root_ended: reopened,
            scheduled: UnixNanos::MAX,
            calls: Vec::new(),
            steps: Vec::new(),
            links: Vec::new(),
            subjects: alloc::vec![Subject::default()],
        }
    }

    /// When it closes if nothing more comes.
    pub(super) fn deadline(&self) -> UnixNanos {
        let latest = self.opened.saturating_add(limits::TRACE_OPEN_MS_MAX * MS);
        if !self.root_ended {
            return latest;
        }
        latest.min(self.last.saturating_add(limits::TRACE_QUIET_MS * MS))
    }

    /// The subject with this id, made if need be.
    pub(super) fn subject(&mut self, id: &str) -> (u16, &mut Subject) {
        let id = crate::names::cut(id, limits::ALIAS_BYTES_MAX);
        let found = self.subjects.iter().position(|subject| &*subject.id == id);
        let index = found.unwrap_or_else(|| {
            if self.subjects.len() < usize::from(u16::MAX) {
                self.subjects.push(Subject::named(id));
            }
            self.subjects.len() - 1
        });
        let subject = self.subjects.get_mut(index).expect("found or pushed");
        (u16::try_from(index).expect("bounded above"), subject)
    }

    /// How many spans it holds.
    pub(super) fn spans(&self) -> usize {
        self.calls.len() + self.links.len()
    }
}
