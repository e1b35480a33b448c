//! Reviews: verdicts of everybody, early, late and in any order.

use std::collections::BTreeSet;

use countersign_core::fact::{Judgement, SourceKind};

use super::maker::Maker;
use super::{DAY, Delivery, HOUR};
use crate::script::{Says, VerdictLine};

/// When verdicts arrive: before the work, with it, in good time, or when most have forgotten it.
const WINDOWS_MS: [(u64, u64); 5] = [
    (0, 2 * DAY),
    (2 * DAY, 3 * DAY),
    (5 * DAY, 40 * DAY),
    (5 * DAY, 40 * DAY),
    // Later than a third of a year nobody counts: the task may be gone.
    (90 * DAY, 29 * DAY),
];

impl Maker {
    pub(super) fn verdicts(&mut self, names: &[String]) {
        let mut ids: Vec<String> = Vec::new();
        let mut times = BTreeSet::new();
        for _ in 0..self.dice.below(5) {
            let id = format!("v{}", self.number());
            let mut effective_ms = DAY + self.dice.below(40 * DAY);
            while !times.insert(effective_ms) {
                effective_ms += 1;
            }
            let index = usize::try_from(self.dice.below(names.len() as u64)).unwrap_or(0);
            let takes_back = !ids.is_empty() && self.dice.percent(20);
            let earlier = usize::try_from(self.dice.below(ids.len().max(1) as u64)).unwrap_or(0);
            let supersedes = ids.get(earlier).filter(|_| takes_back).cloned();
            let defect = [Judgement::Defect, Judgement::Accepted];
            let judgement = if self.dice.percent(40) {
                self.dice.pick(&defect)
            } else {
                self.dice.pick(&Judgement::ALL)
            };
            let verdict = VerdictLine {
                id: id.clone(),
                task: names.get(index).cloned().unwrap_or_default(),
                trace: 0,
                judgement,
                effective_ms,
                source: self.dice.pick(&SourceKind::ALL),
                supersedes: supersedes.unwrap_or_default(),
                edit_ppm: self.dice.pick(&[None, None, Some(0), Some(49_999), Some(50_000)]),
                review_ms: self.dice.percent(60).then(|| self.dice.below(HOUR)),
            };
            ids.push(id);
            let window_ms = self.dice.pick(&WINDOWS_MS);
            let facts = vec![Says::Verdict(verdict)];
            self.deliveries.push(Delivery { window_ms, after: None, facts });
        }
    }

    /// A verdict for a task that never comes.
    pub(super) fn stray_verdict(&mut self) {
        self.verdicts(&["T-unknown".to_owned()]);
    }
}
