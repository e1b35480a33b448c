//! The way through the keys of a record: an emitter writes them in the same order each time, so
//! the key that came after this one last time is tried first.

use alloc::vec::Vec;

use super::index::Entry;

/// Keys that are kept of one request; a further one is looked up each time.
const KEYS_MAX: usize = 192;
/// Slots to find a kept key by; a power of two.
const SLOTS: usize = 256;

/// What the keys of a request mean, and which followed which.
#[derive(Debug)]
pub(super) struct Path<'a> {
    /// The scope's dialect, which the meanings hold for.
    dialect: Option<usize>,
    /// The first stands before the first key of a record.
    keys: Vec<Known<'a>>,
    /// Places in `keys`, by slot; 0 is free.
    slots: [u8; SLOTS],
    /// The place of the key before.
    at: u8,
}

#[derive(Clone, Copy, Debug)]
struct Known<'a> {
    key: &'a [u8],
    meaning: Option<Entry>,
    /// The place of the key that came next, or 0.
    next: u8,
}

impl<'a> Path<'a> {
    pub(super) fn new() -> Path<'a> {
        Path { dialect: None, keys: Vec::new(), slots: [0; SLOTS], at: 0 }
    }

    /// Starts another record.
    #[inline]
    pub(super) fn enter(&mut self, dialect: Option<usize>) {
        if self.dialect != dialect || self.keys.is_empty() {
            self.keys.clear();
            self.keys.push(Known { key: &[], meaning: None, next: 0 });
            self.slots = [0; SLOTS];
            self.dialect = dialect;
        }
        self.at = 0;
    }

    /// What a key means; `find` is asked if that is not known yet.
    #[inline]
    pub(super) fn step(
        &mut self,
        key: &'a [u8],
        find: impl FnOnce(&[u8]) -> Option<Entry>,
    ) -> Option<Entry> {
        let guess = self.keys.get(usize::from(self.at))?.next;
        match self.keys.get(usize::from(guess)) {
            Some(known) if known.key == key => {
                self.at = guess;
                known.meaning
            }
            _ => self.turn(key, find),
        }
    }

    /// Takes another way than last time.
    #[inline(never)]
    fn turn(&mut self, key: &'a [u8], find: impl FnOnce(&[u8]) -> Option<Entry>) -> Option<Entry> {
        let mut slot = slot(key);
        let place = loop {
            let taken = self.slots.get_mut(slot)?;
            match self.keys.get(usize::from(*taken)) {
                Some(known) if *taken != 0 && known.key == key => break *taken,
                Some(_) if *taken != 0 => slot = (slot + 1) % SLOTS,
                _ if self.keys.len() >= KEYS_MAX => return find(key),
                _ => {
                    *taken = u8::try_from(self.keys.len()).ok()?;
                    self.keys.push(Known { key, meaning: find(key), next: 0 });
                    break *taken;
                }
            }
        };
        if let Some(before) = self.keys.get_mut(usize::from(self.at)) {
            before.next = place;
        }
        self.at = place;
        self.keys.get(usize::from(place))?.meaning
    }
}

/// Keys differ in their length and at their end.
fn slot(key: &[u8]) -> usize {
    let tail = match key.last_chunk::<8>() {
        Some(tail) => u64::from_le_bytes(*tail),
        None => key.iter().fold(0, |tail, byte| tail << 8 | u64::from(*byte)),
    };
    let mixed = (tail ^ (key.len() as u64) << 48).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 56) as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::*;
    use crate::dialect::field::Field;

    /// Every third key means something: its rank is its number.
    fn find(key: &[u8]) -> Option<Entry> {
        let number: u16 = core::str::from_utf8(key).ok()?.strip_prefix("key.")?.parse().ok()?;
        let entry = Entry { field: Field::Task, rank: number, dialect: 0, tells: false };
        number.is_multiple_of(3).then_some(entry)
    }

    #[test]
    fn says_what_a_look_into_the_index_says() {
        let keys: Vec<String> = (0..600).map(|number| format!("key.{number}")).collect();
        let mut path = Path::new();
        for (round, dialect) in [None, None, Some(1), None].into_iter().enumerate() {
            for record in 0..200 {
                path.enter(dialect);
                // Mostly the same way, with turns; an empty key among them.
                for step in 0..20 {
                    let number = (step * 7 + record * record % 5 * step + round) % 600;
                    let key = if number == 21 { "" } else { keys.get(number).unwrap() };
                    let said = path.step(key.as_bytes(), find).map(|entry| entry.rank);
                    assert_eq!(said, find(key.as_bytes()).map(|entry| entry.rank), "{key}");
                }
            }
        }
        path.enter(None);
        for key in &keys {
            let said = path.step(key.as_bytes(), find).map(|entry| entry.rank);
            assert_eq!(said, find(key.as_bytes()).map(|entry| entry.rank), "{key}");
        }
    }
}
