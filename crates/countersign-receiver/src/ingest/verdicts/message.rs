//! Verdicts as `countersign.v1` messages.

use countersign_core::fact::{Basis, Judgement, SourceKind, UnixNanos};
use countersign_proto::v1;

use super::given::{self, Given};

/// Reads one verdict.
pub(in crate::ingest) fn read_message(
    verdict: &v1::Verdict,
    received: UnixNanos,
    take: &mut dyn FnMut(Given<'_>),
) -> Result<(), String> {
    let task = given::task(&verdict.task)?;
    let state = state(verdict.state()).ok_or("state: required, a known Judgement")?;
    let mut given = Given::new(task, state);
    given.id = given::name("id", &verdict.id)?;
    given.reason = given::reason(&verdict.reason)?;
    given.supersedes = given::name("supersedes", &verdict.supersedes)?;
    if verdict.effective_at_unix_nano > 0 {
        given.effective = Some(given::effective(verdict.effective_at_unix_nano, received)?);
    }
    if let Some(source) = &verdict.source {
        let kind = v1::SourceKind::try_from(source.kind);
        given.source = source_kind(kind.map_err(|_| "source.kind: expected a known SourceKind")?);
        given.system = given::name("source.system", &source.system)?;
    }
    let basis = v1::Basis::try_from(verdict.basis);
    given.basis = self::basis(basis.map_err(|_| "basis: expected a known Basis")?);
    if verdict.round > 0 {
        given.round = given::round(verdict.round.into())?;
    }
    given.edit_ppm = verdict.edit_ratio.map(given::edit_ppm).transpose()?;
    given.review_ms = verdict.review_seconds.map(given::review_ms).transpose()?;
    take(given);
    Ok(())
}

fn state(state: v1::Judgement) -> Option<Judgement> {
    Some(match state {
        v1::Judgement::Unspecified => return None,
        v1::Judgement::Accepted => Judgement::Accepted,
        v1::Judgement::Edited => Judgement::Edited,
        v1::Judgement::Rejected => Judgement::Rejected,
        v1::Judgement::Escalated => Judgement::Escalated,
        v1::Judgement::Withdrawn => Judgement::Withdrawn,
        v1::Judgement::Defect => Judgement::Defect,
    })
}

fn source_kind(kind: v1::SourceKind) -> SourceKind {
    match kind {
        v1::SourceKind::Unspecified | v1::SourceKind::Human => SourceKind::Human,
        v1::SourceKind::EndUser => SourceKind::EndUser,
        v1::SourceKind::System => SourceKind::System,
        v1::SourceKind::Code => SourceKind::Code,
        v1::SourceKind::Model => SourceKind::Model,
    }
}

fn basis(basis: v1::Basis) -> Basis {
    match basis {
        v1::Basis::Unspecified | v1::Basis::Explicit => Basis::Explicit,
        v1::Basis::Implicit => Basis::Implicit,
        v1::Basis::Assumed => Basis::Assumed,
    }
}
