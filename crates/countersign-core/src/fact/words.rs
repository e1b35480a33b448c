//! The words of review: judgements, sources, bases and states, as they stand on the wire.

use serde::{Deserialize, Serialize};

/// What a verdict says of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Judgement {
    /// Used as it was.
    Accepted,
    /// Used after people changed it.
    Edited,
    /// Not used.
    Rejected,
    /// Handed to a person or another tier to finish.
    Escalated,
    /// Given up by those who asked for it.
    Withdrawn,
    /// It came back after acceptance.
    Defect,
}

impl Judgement {
    /// Every judgement.
    pub const ALL: [Judgement; 6] = [
        Judgement::Accepted,
        Judgement::Edited,
        Judgement::Rejected,
        Judgement::Escalated,
        Judgement::Withdrawn,
        Judgement::Defect,
    ];

    /// The word for it, as on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Judgement::Accepted => "accepted",
            Judgement::Edited => "edited",
            Judgement::Rejected => "rejected",
            Judgement::Escalated => "escalated",
            Judgement::Withdrawn => "withdrawn",
            Judgement::Defect => "defect",
        }
    }

    /// Reads the word for it.
    #[must_use]
    pub fn parse(word: &str) -> Option<Judgement> {
        Judgement::ALL.into_iter().find(|judgement| judgement.as_str() == word)
    }
}

/// Who or what judged. The order is that of authority, the least first.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum SourceKind {
    /// A model.
    Model,
    /// A program: tests, checks.
    Code,
    /// A system in which people act: a merge, a closed ticket.
    System,
    /// The person the work was for.
    EndUser,
    /// A reviewer.
    #[default]
    Human,
}

impl SourceKind {
    /// Every kind.
    pub const ALL: [SourceKind; 5] = [
        SourceKind::Model,
        SourceKind::Code,
        SourceKind::System,
        SourceKind::EndUser,
        SourceKind::Human,
    ];

    /// The word for it, as on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            SourceKind::Model => "model",
            SourceKind::Code => "code",
            SourceKind::System => "system",
            SourceKind::EndUser => "end_user",
            SourceKind::Human => "human",
        }
    }

    /// Reads the word for it.
    #[must_use]
    pub fn parse(word: &str) -> Option<SourceKind> {
        SourceKind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What a verdict rests on.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Basis {
    /// Somebody said it.
    #[default]
    Explicit,
    /// It follows from what somebody did.
    Implicit,
    /// Nobody objected.
    Assumed,
}

impl Basis {
    /// Every basis.
    pub const ALL: [Basis; 3] = [Basis::Explicit, Basis::Implicit, Basis::Assumed];

    /// The word for it, as on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Basis::Explicit => "explicit",
            Basis::Implicit => "implicit",
            Basis::Assumed => "assumed",
        }
    }

    /// Reads the word for it.
    #[must_use]
    pub fn parse(word: &str) -> Option<Basis> {
        Basis::ALL.into_iter().find(|basis| basis.as_str() == word)
    }
}

/// Where a task stands.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum ReviewState {
    /// No verdict yet.
    #[default]
    Pending,
    /// Used as it was.
    Accepted,
    /// Used after people changed it.
    Edited,
    /// Not used.
    Rejected,
    /// Handed on.
    Escalated,
    /// Given up.
    Withdrawn,
    /// Nobody judged it in time.
    Expired,
    /// It came back after acceptance.
    Defect,
}

impl ReviewState {
    /// Every state, in the order of the reports.
    pub const ALL: [ReviewState; 8] = [
        ReviewState::Pending,
        ReviewState::Accepted,
        ReviewState::Edited,
        ReviewState::Rejected,
        ReviewState::Escalated,
        ReviewState::Withdrawn,
        ReviewState::Expired,
        ReviewState::Defect,
    ];

    /// The word for it, as on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            ReviewState::Pending => "pending",
            ReviewState::Accepted => "accepted",
            ReviewState::Edited => "edited",
            ReviewState::Rejected => "rejected",
            ReviewState::Escalated => "escalated",
            ReviewState::Withdrawn => "withdrawn",
            ReviewState::Expired => "expired",
            ReviewState::Defect => "defect",
        }
    }

    /// Accepted or edited, and no defect.
    #[must_use]
    pub const fn is_served(self) -> bool {
        matches!(self, ReviewState::Accepted | ReviewState::Edited)
    }
}

impl From<Judgement> for ReviewState {
    fn from(judgement: Judgement) -> ReviewState {
        match judgement {
            Judgement::Accepted => ReviewState::Accepted,
            Judgement::Edited => ReviewState::Edited,
            Judgement::Rejected => ReviewState::Rejected,
            Judgement::Escalated => ReviewState::Escalated,
            Judgement::Withdrawn => ReviewState::Withdrawn,
            Judgement::Defect => ReviewState::Defect,
        }
    }
}

/// The part of the bill that an amount belongs to.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Component {
    /// Model calls.
    #[default]
    Model,
    /// Tools that say what they cost.
    Tool,
    /// The reviewer's time at the workflow's rate.
    Review,
}

impl Component {
    /// The word for it, as on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Component::Model => "model",
            Component::Tool => "tool",
            Component::Review => "review",
        }
    }
}

/// How a name is tied to its task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tie {
    /// It is the task: its id, its pull request. Two tasks with the same one are one task.
    Identity,
    /// It holds the task's work: a trace, a conversation, a response, a branch. It may hold
    /// others' too.
    Container,
}
