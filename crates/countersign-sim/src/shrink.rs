//! Shrink: makes a script that fails as short as it gets while it fails in the same way.

/// Lines that are tried in all, so that a long script does not take hours to become short.
const LINES_TRIED_MAX: usize = 20_000;

/// Leaves out ever smaller pieces for as long as `fails` says that the rest still fails, and
/// the effort is bearable.
#[must_use]
pub fn shrink<T: Clone>(script: &[T], mut fails: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut rest = script.to_vec();
    let mut piece = rest.len() / 2;
    let mut tried = 0;
    while piece > 0 {
        let mut at = 0;
        let before = rest.len();
        while at < rest.len() {
            let mut shorter = rest.clone();
            shorter.drain(at..(at + piece).min(rest.len()));
            tried += shorter.len();
            if tried > LINES_TRIED_MAX {
                return rest;
            }
            if fails(&shorter) {
                rest = shorter;
            } else {
                at += piece;
            }
        }
        if rest.len() == before || piece > 1 {
            piece /= 2;
        }
    }
    rest
}
