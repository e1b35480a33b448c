//! What the spans of one trace say about one task, until the trace closes.

use alloc::boxed::Box;

use serde::{Deserialize, Serialize};

use crate::fact::{Identity, NameQuality, branch_name, change_name};
use crate::key::TraceId;
use crate::limits;
use crate::names::{Name, Names, cut};

/// Names that a task carries into its series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Labels {
    pub(super) workflow: Name,
    pub(super) workflow_quality: NameQuality,
    pub(super) team: Name,
    pub(super) project: Name,
    pub(super) purpose: Name,
    pub(super) route: Name,
    pub(super) route_reason: Name,
    pub(super) attempt: u32,
    pub(super) round: u32,
}

impl Labels {
    pub(super) fn of(identity: &Identity<'_>, names: &mut Names) -> Labels {
        Labels {
            workflow: names.intern(identity.workflow),
            workflow_quality: if identity.workflow.is_empty() {
                NameQuality::Unsaid
            } else {
                identity.workflow_quality
            },
            team: names.intern(identity.team),
            project: names.intern(identity.project),
            purpose: names.intern(identity.purpose),
            route: names.intern(identity.route),
            route_reason: names.intern(identity.route_reason),
            attempt: identity.attempt,
            round: identity.round,
        }
    }

    /// Joins what two spans say. The result does not depend on their order: a better workflow
    /// name wins, of two different names the one that sorts first.
    pub(super) fn join(&mut self, other: &Labels, names: &Names) {
        let better = other.workflow_quality.cmp(&self.workflow_quality);
        if better.is_gt() || (better.is_eq() && sorts_first(other.workflow, self.workflow, names)) {
            self.workflow = other.workflow;
            self.workflow_quality = other.workflow_quality;
        }
        for (mine, others) in [
            (&mut self.team, other.team),
            (&mut self.project, other.project),
            (&mut self.purpose, other.purpose),
            (&mut self.route, other.route),
            (&mut self.route_reason, other.route_reason),
        ] {
            if sorts_first(others, *mine, names) {
                *mine = others;
            }
        }
        self.attempt = self.attempt.max(other.attempt);
        self.round = self.round.max(other.round);
    }
}

fn sorts_first(candidate: Name, current: Name, names: &Names) -> bool {
    candidate != Name::EMPTY
        && candidate != current
        && (current == Name::EMPTY || names.text(candidate) < names.text(current))
}

/// A task as one trace describes it. An empty `id` is the part of the trace that names none.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Subject {
    pub(super) id: Box<str>,
    pub(super) conversation: Box<str>,
    pub(super) artifact: Box<str>,
    pub(super) change: Box<str>,
    pub(super) revision: Box<str>,
    pub(super) branch: Box<str>,
    pub(super) linked: TraceId,
    pub(super) labels: Labels,
    /// Whether a span says that there is such a task, calls or not.
    pub(super) declared: bool,
}

impl Subject {
    pub(super) fn named(id: &str) -> Subject {
        Subject {
            id: cut(id, limits::ALIAS_BYTES_MAX).into(),
            declared: !id.is_empty(),
            ..Subject::default()
        }
    }

    /// Adds what a span says.
    pub(super) fn add(&mut self, identity: &Identity<'_>, names: &mut Names) {
        let labels = Labels::of(identity, names);
        self.labels.join(&labels, names);
        keep_first(&mut self.conversation, identity.conversation);
        keep_first(&mut self.artifact, identity.artifact);
        keep_first(&mut self.revision, identity.revision);
        if self.branch.is_empty()
            && let Some(text) = branch_name(identity.repository, identity.branch)
        {
            self.branch = cut(&text, limits::ALIAS_BYTES_MAX).into();
        }
        if !identity.change.is_empty() && !identity.repository.is_empty() && self.change.is_empty()
        {
            let text = change_name(identity.repository, identity.change);
            self.change = cut(&text, limits::ALIAS_BYTES_MAX).into();
        }
        self.link(identity.linked);
    }

    /// Adds what another subject of the same task says.
    pub(super) fn join(&mut self, other: &Subject, names: &Names) {
        self.labels.join(&other.labels, names);
        keep_first(&mut self.conversation, &other.conversation);
        keep_first(&mut self.artifact, &other.artifact);
        keep_first(&mut self.change, &other.change);
        keep_first(&mut self.revision, &other.revision);
        keep_first(&mut self.branch, &other.branch);
        self.link(other.linked);
    }

    /// Whether it names or points to anything beyond its own trace.
    pub(super) fn says_whose(&self) -> bool {
        let texts = [&self.id, &self.conversation, &self.artifact, &self.change];
        let places = [&self.revision, &self.branch];
        texts.into_iter().chain(places).any(|text| !text.is_empty()) || !self.linked.is_none()
    }

    fn link(&mut self, linked: TraceId) {
        if !linked.is_none() && (self.linked.is_none() || linked < self.linked) {
            self.linked = linked;
        }
    }
}

/// Of two texts the one that sorts first is kept, whatever their order of arrival.
fn keep_first(kept: &mut Box<str>, text: &str) {
    let text = cut(text, limits::ALIAS_BYTES_MAX);
    if !text.is_empty() && **kept != *text && (kept.is_empty() || text < &**kept) {
        *kept = text.into();
    }
}
