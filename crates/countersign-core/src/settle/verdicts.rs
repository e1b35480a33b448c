//! The reducer: which verdict is in force, whatever the order they came in.

use crate::fact::{Basis, Judgement, ReviewState, SourceKind, UnixNanos};
use crate::planted::{self, Bug};
use crate::settle::KeptVerdict;

/// Since when a task is served without a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spell {
    /// When the first verdict of the spell took effect.
    pub(super) since: UnixNanos,
    /// The best basis of the spell's verdicts of enough authority.
    pub(super) basis: Basis,
}

/// Where the verdicts put a task, and from when on; `None` if none of them decides.
///
/// In force is the greatest by authority, then effective time, then time of booking, then id,
/// of those that no other verdict took back. A defect is no judgement of the work but a sign
/// that it came back: it holds for a served task until somebody of at least its authority
/// serves it again; then the task is decided from that verdict on.
pub(super) fn in_force(verdicts: &[KeptVerdict]) -> Option<(ReviewState, UnixNanos)> {
    if planted::on(Bug::LastArrivalWins) {
        return verdicts.last().map(|verdict| (verdict.judgement.into(), verdict.effective));
    }
    let base = base(verdicts)?;
    let state = said_by(verdicts, base);
    if !state.is_served() {
        return Some((state, base.effective));
    }
    let defects = || defects(verdicts, base);
    let open = defects().filter(|defect| again(verdicts, defect).is_none());
    Some(match open.map(|defect| defect.effective).max() {
        Some(effective) => (ReviewState::Defect, effective),
        None => {
            let again = defects().filter_map(|defect| again(verdicts, defect)).max();
            (state, base.effective.max(again.unwrap_or(0)))
        }
    })
}

/// The state that the verdict in force says, with what it leaves open.
///
/// An acceptance that says nothing of edits is of work that people changed, if a program saw
/// them change it before. Work that its makers gave up after it was sent back was rejected.
fn said_by(verdicts: &[KeptVerdict], base: &KeptVerdict) -> ReviewState {
    let before = || standing(verdicts).filter(|verdict| verdict.effective <= base.effective);
    if base.judgement == Judgement::Accepted && base.edit_ppm.is_none() {
        let is_changed = before().any(is_change);
        return if is_changed { ReviewState::Edited } else { ReviewState::Accepted };
    }
    if base.judgement == Judgement::Withdrawn && base.basis == Basis::Implicit {
        let judging = before().filter(|verdict| !is_change(verdict) && verdict.id != base.id);
        let last = judging.max_by_key(|verdict| verdict.rank());
        if last.is_some_and(|verdict| verdict.judgement == Judgement::Rejected) {
            return ReviewState::Rejected;
        }
    }
    base.judgement.into()
}

/// Whether it reports that people changed the work, and judges nothing: a program says `edited`
/// by implication.
fn is_change(verdict: &KeptVerdict) -> bool {
    verdict.judgement == Judgement::Edited
        && verdict.source == SourceKind::Code
        && verdict.basis == Basis::Implicit
}

/// The unbroken spell in which a served task is served; `None` if no verdict serves it.
///
/// A judgement before the one in force that did not serve it breaks the spell, and so does a
/// defect that was overruled.
pub(super) fn spell(verdicts: &[KeptVerdict]) -> Option<Spell> {
    let base = base(verdicts).filter(|base| is_serving(base))?;
    let sent_back = standing(verdicts)
        .filter(|verdict| !is_serving(verdict) && !is_change(verdict))
        .filter(|verdict| verdict.judgement != Judgement::Defect)
        .filter(|verdict| verdict.effective < base.effective);
    let broken = sent_back.chain(defects(verdicts, base)).map(|verdict| verdict.effective).max();
    let within = || serving(verdicts).filter(|verdict| broken < Some(verdict.effective));
    let since = within().map(|verdict| verdict.effective).min()?;
    let authority = base.source.min(SourceKind::System);
    let said = within().filter(|verdict| verdict.source >= authority);
    Some(Spell { since, basis: said.map(|verdict| verdict.basis).min().unwrap_or(base.basis) })
}

/// The verdicts that serve the task, of those that no other took back.
pub(super) fn serving(verdicts: &[KeptVerdict]) -> impl Iterator<Item = &KeptVerdict> {
    standing(verdicts).filter(|verdict| is_serving(verdict))
}

fn is_serving(verdict: &KeptVerdict) -> bool {
    ReviewState::from(verdict.judgement).is_served() && !is_change(verdict)
}

fn standing(verdicts: &[KeptVerdict]) -> impl Iterator<Item = &KeptVerdict> {
    verdicts.iter().filter(|verdict| !verdict.superseded)
}

fn base(verdicts: &[KeptVerdict]) -> Option<&KeptVerdict> {
    standing(verdicts)
        .filter(|verdict| verdict.judgement != Judgement::Defect && !is_change(verdict))
        .max_by_key(|verdict| verdict.rank())
}

/// The defects that speak against a verdict: those of a system, or of at least its authority.
fn defects<'a>(
    verdicts: &'a [KeptVerdict],
    base: &KeptVerdict,
) -> impl Iterator<Item = &'a KeptVerdict> + use<'a> {
    let authority = base.source.min(SourceKind::System);
    standing(verdicts).filter(move |verdict| {
        verdict.judgement == Judgement::Defect && verdict.source >= authority
    })
}

/// When somebody of at least a defect's authority served the work again.
fn again(verdicts: &[KeptVerdict], defect: &KeptVerdict) -> Option<UnixNanos> {
    serving(verdicts)
        .filter(|verdict| verdict.source >= defect.source && verdict.effective > defect.effective)
        .filter(|_| !planted::on(Bug::RevertOfRevertIgnored))
        .map(|verdict| verdict.effective)
        .min()
}

/// The review rounds that the verdicts show: the highest that one names, or one more than the
/// rejections before the verdict in force.
pub(super) fn rounds(verdicts: &[KeptVerdict]) -> u32 {
    let named = verdicts.iter().map(|verdict| verdict.round).max().unwrap_or(0);
    let last = standing(verdicts)
        .filter(|verdict| verdict.judgement != Judgement::Defect && !is_change(verdict))
        .map(|verdict| (verdict.effective, verdict.observed, verdict.id))
        .max();
    let sent_back = standing(verdicts).filter(|verdict| {
        verdict.judgement == Judgement::Rejected
            && Some((verdict.effective, verdict.observed, verdict.id)) < last
    });
    named.max(1 + u32::try_from(sent_back.count()).unwrap_or(u32::MAX - 1))
}
