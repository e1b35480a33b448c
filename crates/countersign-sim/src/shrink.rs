//! Shrink: makes a script that fails as short as it gets while it fails in the same way.

/// Leaves out ever smaller pieces for as long as `fails` says that the rest still fails.
#[must_use]
pub fn shrink<T: Clone>(script: &[T], mut fails: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut rest = script.to_vec();
    let mut piece = rest.len() / 2;
    while piece > 0 {
        let mut at = 0;
        let before = rest.len();
        while at < rest.len() {
            let mut shorter = rest.clone();
            shorter.drain(at..(at + piece).min(rest.len()));
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
