//! The reducer: which verdict is in force, whatever the order they came in.

use crate::fact::{Judgement, ReviewState, SourceKind, UnixNanos};
use crate::planted::{self, Bug};
use crate::settle::KeptVerdict;

/// Where the verdicts put a task, and from when on; `None` if none of them decides.
///
/// In force is the greatest by authority, then effective time, then time of booking, then id,
/// of those that no other verdict took back. A defect is no judgement of the work but a sign
/// that it came back: it holds for a served task until somebody of at least its authority
/// serves it again.
pub(super) fn in_force(verdicts: &[KeptVerdict]) -> Option<(ReviewState, UnixNanos)> {
    if planted::on(Bug::LastArrivalWins) {
        return verdicts.last().map(|verdict| (verdict.judgement.into(), verdict.effective));
    }
    let standing = || verdicts.iter().filter(|verdict| !verdict.superseded);
    let base = standing()
        .filter(|verdict| verdict.judgement != Judgement::Defect)
        .max_by_key(|verdict| (verdict.source, verdict.effective, verdict.observed, verdict.id))?;
    let state = ReviewState::from(base.judgement);
    if !state.is_served() {
        return Some((state, base.effective));
    }
    let authority = base.source.min(SourceKind::System);
    let served_again = |defect: &KeptVerdict| {
        standing().any(|verdict| {
            ReviewState::from(verdict.judgement).is_served()
                && verdict.source >= defect.source
                && verdict.effective > defect.effective
                && !planted::on(Bug::RevertOfRevertIgnored)
        })
    };
    let defect = standing()
        .filter(|verdict| verdict.judgement == Judgement::Defect && verdict.source >= authority)
        .filter(|defect| !served_again(defect))
        .map(|defect| defect.effective)
        .max();
    Some(match defect {
        Some(effective) => (ReviewState::Defect, effective),
        None => (state, base.effective),
    })
}

/// The review rounds that the verdicts show: the highest that one names, or one more than the
/// rejections before the verdict in force.
pub(super) fn rounds(verdicts: &[KeptVerdict]) -> u32 {
    let named = verdicts.iter().map(|verdict| verdict.round).max().unwrap_or(0);
    let last = verdicts
        .iter()
        .filter(|verdict| !verdict.superseded && verdict.judgement != Judgement::Defect)
        .map(|verdict| (verdict.effective, verdict.observed, verdict.id))
        .max();
    let sent_back = verdicts.iter().filter(|verdict| {
        verdict.judgement == Judgement::Rejected
            && !verdict.superseded
            && Some((verdict.effective, verdict.observed, verdict.id)) < last
    });
    named.max(1 + u32::try_from(sent_back.count()).unwrap_or(u32::MAX - 1))
}
