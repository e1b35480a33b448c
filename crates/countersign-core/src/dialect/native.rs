//! Our own instrumentation, and the keys that any emitter may use to say what work is for.

use super::field::Field;
use super::table::Dialect;

/// The names of the crate `countersign`, of verdicts, and of the general conventions that
/// give work its identity (`vcs.*`, `session.id`, `service.*`, `error.type`).
pub(super) const NATIVE: Dialect = Dialect {
    scopes: &["countersign", "countersign.*"],
    keys: &[
        ("countersign.task.id", Field::Task),
        ("countersign.artifact.url", Field::Artifact),
        ("countersign.team", Field::Team),
        ("countersign.project", Field::Project),
        ("countersign.purpose", Field::Purpose),
        ("countersign.route.name", Field::Route),
        ("countersign.route.reason", Field::RouteReason),
        ("countersign.attempt", Field::Attempt),
        ("countersign.round", Field::Round),
        ("countersign.retry.step", Field::RetryStep),
        ("countersign.retry.regeneration", Field::RetryRegeneration),
        ("countersign.review.state", Field::ReviewState),
        ("countersign.booked_by", Field::BookedBy),
        ("countersign.cost.usd", Field::Cost),
        ("countersign.verdict.id", Field::VerdictId),
        ("countersign.verdict.state", Field::VerdictState),
        ("countersign.verdict.effective_at", Field::VerdictEffective),
        ("countersign.verdict.source.kind", Field::VerdictSource),
        ("countersign.verdict.source.system", Field::VerdictSystem),
        ("countersign.verdict.basis", Field::VerdictBasis),
        ("countersign.verdict.round", Field::VerdictRound),
        ("countersign.verdict.supersedes", Field::VerdictSupersedes),
        ("countersign.verdict.reason", Field::VerdictReason),
        ("countersign.verdict.edit_ratio", Field::VerdictEditRatio),
        ("countersign.verdict.review_seconds", Field::VerdictReviewSeconds),
        ("countersign.verdict.policy_version", Field::VerdictPolicy),
        ("service.name", Field::Service),
        ("service.instance.id", Field::Instance),
        ("error.type", Field::ErrorType),
        ("http.request.resend_count", Field::Resend),
        ("event.name", Field::EventName),
        ("event_name", Field::EventName),
        ("session.id", Field::Conversation),
        ("vcs.repository.url.full", Field::Repository),
        ("vcs.change.id", Field::Change),
        ("vcs.ref.head.revision", Field::Revision),
        ("vcs.ref.head.name", Field::Branch),
    ],
    anyone: true,
    ..Dialect::PLAIN
};
