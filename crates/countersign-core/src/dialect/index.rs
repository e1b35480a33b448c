//! Finds the field of a key: one probe into a small table, one comparison.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use super::field::Field;

/// What a key stands for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// The field.
    pub(super) field: Field,
    /// Of several keys for a field the lowest rank counts.
    pub(super) rank: u16,
    /// Place of the key's dialect in `DIALECTS`.
    pub(super) dialect: u8,
    /// Whether the key tells that the record is in this dialect.
    pub(super) tells: bool,
}

/// Keys and what they stand for.
#[derive(Debug, Default)]
pub(super) struct Index {
    keys: Vec<(Box<[u8]>, Entry)>,
    /// Places in `keys` plus one, by slot; 0 is free. A power of two, at most a quarter full.
    slots: Vec<u16>,
}

impl Index {
    /// An index of these keys. Of equal keys the first stays.
    pub(super) fn new<'k>(keys: impl Iterator<Item = (&'k str, Entry)>) -> Index {
        let keys: Vec<_> = keys.map(|(key, entry)| (key.as_bytes().into(), entry)).collect();
        let mut index = Index { slots: vec![0; (keys.len() * 4).next_power_of_two()], keys };
        for place in 0..index.keys.len() {
            index.insert(place);
        }
        index
    }

    /// What a key stands for.
    #[inline]
    pub(super) fn find(&self, key: &[u8]) -> Option<Entry> {
        let mut slot = self.slot(key);
        loop {
            let place = usize::from(*self.slots.get(slot)?).checked_sub(1)?;
            let (known, entry) = self.keys.get(place)?;
            if **known == *key {
                return Some(*entry);
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
    }

    fn insert(&mut self, place: usize) {
        let Some((key, _)) = self.keys.get(place) else { return };
        if self.find(key).is_some() {
            return;
        }
        let mut slot = self.slot(key);
        while self.slots.get(slot).is_some_and(|taken| *taken != 0) {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        let number = u16::try_from(place + 1).unwrap_or(0);
        if let Some(free) = self.slots.get_mut(slot) {
            *free = number;
        }
    }

    /// Keys differ in their length and at their end: that is all that is mixed.
    #[inline]
    fn slot(&self, key: &[u8]) -> usize {
        let tail = match key.last_chunk::<8>() {
            Some(tail) => u64::from_le_bytes(*tail),
            None => key.iter().fold(0, |tail, byte| tail << 8 | u64::from(*byte)),
        };
        let middle = key.get(key.len() / 2).copied().unwrap_or(0);
        let mixed = (tail ^ u64::from(middle) << 32 ^ (key.len() as u64) << 48)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> 32) as usize & self.slots.len().wrapping_sub(1)
    }
}
