//! What waits for a reviewer, the oldest or the dearest first.

use countersign_core::fact::{ReviewState, UnixNanos};
use countersign_core::settle::{Books, TaskView};
use serde::Serialize;

use super::{Dollars, seconds};
use crate::limits::INBOX_TASKS_MAX;
use crate::publish::calendar;

/// What comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InboxOrder {
    /// The task that waits longest.
    #[default]
    Oldest,
    /// The task that cost most.
    Dearest,
}

impl InboxOrder {
    /// Reads the word for it.
    #[must_use]
    pub fn parse(word: &str) -> Option<InboxOrder> {
        match word {
            "oldest" => Some(InboxOrder::Oldest),
            "dearest" => Some(InboxOrder::Dearest),
            _ => None,
        }
    }
}

/// Tasks that wait for a verdict.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Inbox {
    /// The first of them.
    pub tasks: Vec<InboxTask>,
    /// How many there are in all.
    pub waiting: u64,
}

/// A task that waits.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct InboxTask {
    /// Its id: its own, or its first alias or trace.
    pub id: String,
    /// Where it can be looked at, if one of its names is a URL.
    pub url: Option<String>,
    /// Its workflow, or empty.
    pub workflow: String,
    /// Start of its first span.
    pub started: String,
    /// How long it has waited since then.
    pub age_seconds: f64,
    /// Models and tools.
    pub cost_usd: Dollars,
    /// Review rounds, from 1.
    pub rounds: u32,
}

/// Gathers what waits.
#[must_use]
pub fn inbox(books: &Books, order: InboxOrder, now: UnixNanos) -> Inbox {
    let is_pending = |task: &TaskView<'_>| task.state() == ReviewState::Pending;
    let mut pending: Vec<_> = books.tasks().filter(is_pending).collect();
    let waiting = pending.len() as u64;
    pending.sort_by_cached_key(|task| {
        let dearest = std::cmp::Reverse(task.cost());
        match order {
            InboxOrder::Oldest => (task.started(), dearest, 0),
            InboxOrder::Dearest => (0, dearest, task.started()),
        }
    });
    let tasks = pending.iter().take(INBOX_TASKS_MAX).map(|task| shown(task, now)).collect();
    Inbox { tasks, waiting }
}

fn shown(task: &TaskView<'_>, now: UnixNanos) -> InboxTask {
    let id = task.id().into_owned();
    let is_web = |name: &&str| name.starts_with("https://") || name.starts_with("http://");
    let aliases: Vec<String> = task.aliases().map(|alias| alias.to_string()).collect();
    let names = std::iter::once(id.as_str()).chain(aliases.iter().map(String::as_str));
    let url = names.into_iter().find(is_web).map(str::to_owned);
    InboxTask {
        url,
        workflow: task.workflow().to_owned(),
        started: calendar::show(task.started()),
        age_seconds: seconds(now.saturating_sub(task.started()).into(), 1_000_000_000),
        cost_usd: task.cost().into(),
        rounds: task.rounds(),
        id,
    }
}
