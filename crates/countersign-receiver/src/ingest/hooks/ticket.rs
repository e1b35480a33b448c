//! Ticket: what trackers, help desks and pagers have in common. Something is solved, comes back,
//! or is handed on.

use countersign_core::fact::{Basis, Judgement, SourceKind, UnixNanos};

use super::source::Delivery;
use super::told::{Said, Told, is_name};

/// A ticket, an incident or a conversation.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    /// The name that no other system has: its URL, as a rule.
    pub(super) name: String,
    /// Its short names: others may use them too.
    pub(super) short: Vec<String>,
}

/// What became of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is solved. Nobody said that the solution is good.
    Solved,
    /// It was dropped.
    Dropped,
    /// It was solved and came back.
    Reopened,
    /// It was taken from the agent, or was solved by people.
    HandedOn,
}

impl Ticket {
    /// A ticket of this system without a URL.
    pub(super) fn of(system: &str, id: &str) -> Ticket {
        Ticket { name: format!("{system}:{id}"), short: vec![id.to_owned()] }
    }

    /// A ticket with a URL; without one as in [`Ticket::of`].
    pub(super) fn at(url: &str, system: &str, id: &str) -> Ticket {
        match is_name(url) {
            true => Ticket { name: url.to_owned(), short: vec![id.to_owned()] },
            false => Ticket::of(system, id),
        }
    }

    /// Tells its names, with those that the configuration makes of its id.
    pub(super) fn tell_names(&self, delivery: &Delivery<'_>, told: &mut Told) {
        for short in &self.short {
            told.hint(&self.name, short);
            for prefix in &delivery.hook.prefixes {
                told.same(&self.name, &format!("{prefix}{short}"));
            }
        }
    }

    /// Tells its names and what became of it.
    pub(super) fn tell(
        &self,
        turn: Turn,
        (id, at): (&str, Option<UnixNanos>),
        source: SourceKind,
        delivery: &Delivery<'_>,
        told: &mut Told,
    ) {
        self.tell_names(delivery, told);
        let (judgement, source, reason) = match turn {
            Turn::Solved => (Judgement::Accepted, source, "solved"),
            Turn::Dropped => (Judgement::Withdrawn, source, "dropped"),
            // Whoever solves it again, serves it again.
            Turn::Reopened => (Judgement::Defect, SourceKind::System, "reopened"),
            Turn::HandedOn => (Judgement::Escalated, source, "handed_on"),
        };
        told.verdict(Said {
            id: &[reason, &self.name, id],
            task: &self.name,
            judgement,
            at,
            source,
            basis: Basis::Implicit,
            reason,
        });
    }
}
