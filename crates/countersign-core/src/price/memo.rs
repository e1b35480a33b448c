//! A bounded memory of which model a name means, shared by threads without a lock.

use core::fmt;
use core::hash::BuildHasher;
use core::sync::atomic::{AtomicU64, Ordering};

use alloc::boxed::Box;

use crate::key::FixedHash;

/// Slots; a power of two. A deployment sends some dozens of names.
const SLOTS: usize = 4_096;
/// Low bits of an entry: the answer. The other bits are the name's hash.
const ANSWER_BITS: u32 = 20;
const ANSWER_MASK: u64 = (1 << ANSWER_BITS) - 1;
/// The answer that no model is meant.
const NO_MODEL: u64 = ANSWER_MASK - 1;

/// Remembers answers by hash. One word holds hash and answer, so a reader sees both or neither;
/// a slot that is taken over is only asked again. The hash bits in the word and in the place of
/// the slot are 44 + 11: that two names of one deployment share them all is ruled out in
/// practice, and a sender gains nothing by it that it could not have by sending the other name.
pub(super) struct Memo {
    slots: Box<[AtomicU64]>,
}

/// The hash of a question, to be asked once.
#[derive(Clone, Copy)]
pub(super) struct Question(u64);

impl Memo {
    pub(super) fn question(provider: &str, model: &str, depth: usize) -> Question {
        Question(FixedHash::default().hash_one((provider, model, depth)))
    }

    /// `Some(Some(model))` or `Some(None)` (no model) if the answer is known.
    pub(super) fn recall(&self, question: Question) -> Option<Option<u32>> {
        for slot in self.pair(question) {
            let entry = slot.load(Ordering::Relaxed);
            if entry != 0 && (entry ^ question.0) & !ANSWER_MASK == 0 {
                let answer = entry & ANSWER_MASK;
                let model = u32::try_from(answer).ok()?;
                return Some((answer != NO_MODEL).then(|| model - 1));
            }
        }
        None
    }

    /// Keeps an answer: in the first of two slots if it is free, else in the second.
    pub(super) fn keep(&self, question: Question, model: Option<u32>) {
        let answer = model.map_or(NO_MODEL, |model| u64::from(model) + 1);
        if answer > NO_MODEL {
            return;
        }
        let entry = (question.0 & !ANSWER_MASK) | answer;
        let free = |slot: &&AtomicU64| slot.load(Ordering::Relaxed) == 0;
        let mut pair = self.pair(question);
        let second = self.pair(question).nth(1);
        if let Some(slot) = pair.find(free).or(second) {
            slot.store(entry, Ordering::Relaxed);
        }
    }

    /// The two neighbouring slots of a question.
    #[allow(clippy::cast_possible_truncation, reason = "reduced to the number of slots")]
    fn pair(&self, question: Question) -> impl Iterator<Item = &AtomicU64> {
        let first = (question.0 as usize) & (SLOTS - 2);
        self.slots.iter().skip(first).take(2)
    }
}

impl Default for Memo {
    fn default() -> Self {
        Memo { slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect() }
    }
}

/// A copy remembers nothing: its catalog may be laid over with another sheet.
impl Clone for Memo {
    fn clone(&self) -> Self {
        Memo::default()
    }
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memo").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recalls_what_it_keeps_and_nothing_else() {
        let memo = Memo::default();
        let question = Memo::question("openai", "gpt-4o", 0);
        assert_eq!(memo.recall(question), None);
        memo.keep(question, Some(0));
        assert_eq!(memo.recall(question), Some(Some(0)));
        let unknown = Memo::question("openai", "nobody-knows", 0);
        memo.keep(unknown, None);
        assert_eq!(memo.recall(unknown), Some(None));
        assert_eq!(memo.recall(Memo::question("openai", "gpt-4", 0)), None);
        assert_eq!(memo.recall(Memo::question("openai", "gpt-4o", 1)), None);
        assert_eq!(memo.recall(Memo::question("openaig", "pt-4o", 0)), None);
    }

    #[test]
    fn stays_right_when_there_are_more_names_than_slots() {
        let memo = Memo::default();
        for number in 0..20_000 {
            let question = Memo::question("p", &alloc::format!("m{number}"), 0);
            memo.keep(question, Some(number));
            assert_eq!(memo.recall(question), Some(Some(number)));
        }
        for number in 0..20_000 {
            let question = Memo::question("p", &alloc::format!("m{number}"), 0);
            assert!(matches!(memo.recall(question), None | Some(Some(_))));
            if let Some(Some(model)) = memo.recall(question) {
                assert_eq!(model, number);
            }
        }
    }
}
