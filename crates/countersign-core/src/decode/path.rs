//! The way through the keys of a record: an emitter writes them in the same order each time, so
//! the key that came after this one last time is tried first.

use alloc::vec::Vec;

/// Keys that are kept of one request; a further one is looked up each time.
const KEYS_MAX: usize = 192;
/// Slots to find a kept key by; a power of two.
const SLOTS: usize = 256;

/// What the keys of a request mean to somebody, and which followed which.
#[derive(Debug)]
pub(crate) struct Path<'a, M> {
    /// The first stands before the first key of a record.
    keys: Vec<Known<'a, M>>,
    /// Places in `keys`, by slot; 0 is free.
    slots: [u8; SLOTS],
    /// The place of the key before.
    at: u8,
}

#[derive(Debug)]
struct Known<'a, M> {
    key: &'a [u8],
    meaning: M,
    /// The place of the key that came next, or 0.
    next: u8,
}

impl<'a, M: Default> Path<'a, M> {
    pub(crate) fn new() -> Path<'a, M> {
        let mut path = Path { keys: Vec::new(), slots: [0; SLOTS], at: 0 };
        path.forget();
        path
    }

    /// Forgets all meanings.
    pub(crate) fn forget(&mut self) {
        self.keys.clear();
        self.keys.push(Known { key: &[], meaning: M::default(), next: 0 });
        self.slots = [0; SLOTS];
        self.at = 0;
    }

    /// Starts another record.
    #[inline]
    pub(crate) fn enter(&mut self) {
        self.at = 0;
    }

    /// What a key means; `find` says it of a key that is new. `None` if there is no room for it.
    #[inline]
    pub(crate) fn step(&mut self, key: &'a [u8], find: impl FnOnce(&[u8]) -> M) -> Option<&mut M> {
        let guess = self.keys.get(usize::from(self.at))?.next;
        let right = self.keys.get(usize::from(guess)).is_some_and(|known| known.key == key);
        // The first place is no key's, and nothing follows a key that came last so far.
        self.at = if right && guess != 0 { guess } else { self.turn(key, find)? };
        self.keys.get_mut(usize::from(self.at)).map(|known| &mut known.meaning)
    }

    /// Takes another way than last time.
    #[inline(never)]
    fn turn(&mut self, key: &'a [u8], find: impl FnOnce(&[u8]) -> M) -> Option<u8> {
        let mut slot = slot(key);
        let place = loop {
            let taken = self.slots.get_mut(slot)?;
            match self.keys.get(usize::from(*taken)) {
                Some(known) if *taken != 0 && known.key == key => break *taken,
                Some(_) if *taken != 0 => slot = (slot + 1) % SLOTS,
                _ if self.keys.len() >= KEYS_MAX => return None,
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
        Some(place)
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

    /// Every third key means something: its number.
    fn find(key: &[u8]) -> Option<usize> {
        let number = core::str::from_utf8(key).ok()?.strip_prefix("key.")?.parse().ok();
        number.filter(|number: &usize| number.is_multiple_of(3))
    }

    #[test]
    fn says_what_was_found_whatever_the_way() {
        let keys: Vec<String> = (0..600).map(|number| format!("key.{number}")).collect();
        let mut path = Path::new();
        for round in 0..4 {
            path.forget();
            for record in 0..200 {
                path.enter();
                // Mostly the same way, with turns; an empty key among them.
                for step in 0..20 {
                    let number = (step * 7 + record * record % 5 * step + round) % 600;
                    let key = if number == 21 { "" } else { keys.get(number).unwrap() };
                    let said = path.step(key.as_bytes(), find).copied();
                    assert_eq!(said.unwrap_or_else(|| find(key.as_bytes())), find(key.as_bytes()));
                }
            }
        }
        path.enter();
        let kept = keys.iter().filter(|key| {
            let said = path.step(key.as_bytes(), find).copied();
            said.is_some_and(|said| said == find(key.as_bytes()))
        });
        assert_eq!(kept.count() + 1, KEYS_MAX, "{keys:?}");
    }
}
