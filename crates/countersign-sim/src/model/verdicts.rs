//! Which verdict holds, whatever the order they came in.

use countersign_core::fact::{Judgement, ReviewState, SourceKind};
use countersign_core::key::Key;

use crate::script::VerdictLine;

/// The state that verdicts give a task; `None` if none of them is in force.
pub(super) fn judged_state(verdicts: &[&VerdictLine], edited_ppm: u32) -> Option<ReviewState> {
    // A defect says that it came back, not that nobody took it; the weaker do not overrule.
    let takes_back = |v: &VerdictLine, other: &VerdictLine| {
        v.judgement != Judgement::Defect && v.supersedes == other.id && v.source >= other.source
    };
    let holds = |other: &&&VerdictLine| !verdicts.iter().any(|v| takes_back(v, other));
    let standing: Vec<&VerdictLine> = verdicts.iter().filter(holds).copied().collect();
    let (defects, others): (Vec<&VerdictLine>, Vec<&VerdictLine>) =
        standing.into_iter().partition(|v| v.judgement == Judgement::Defect);
    let in_force = others.iter().max_by_key(|v| (v.source, v.effective_ms, Key::of(&v.id)))?;
    let state = state_of(in_force, edited_ppm);
    if !state.is_served() {
        return Some(state);
    }
    let enough = SourceKind::System.min(in_force.source);
    let came_back = defects.iter().filter(|defect| defect.source >= enough).any(|defect| {
        !others.iter().any(|other| {
            state_of(other, edited_ppm).is_served()
                && other.source >= defect.source
                && other.effective_ms > defect.effective_ms
        })
    });
    Some(if came_back { ReviewState::Defect } else { state })
}

fn state_of(verdict: &VerdictLine, edited_ppm: u32) -> ReviewState {
    match (verdict.judgement, verdict.edit_ppm) {
        (Judgement::Accepted, Some(ppm)) if ppm >= edited_ppm => ReviewState::Edited,
        (Judgement::Edited, Some(ppm)) if ppm < edited_ppm => ReviewState::Accepted,
        (judgement, _) => judgement.into(),
    }
}
