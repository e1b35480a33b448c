//! Images: the states in which a power cut can leave a disk, enumerated.
//!
//! Of the unsynced changes of names any subset may have survived, of the unsynced sectors any
//! subset, torn or as zeros. Few are tried all; of many every prefix, and some by chance.

use super::simulated::{Fate, SimDisk};

/// So many changes of names are tried in all subsets.
const NAMES_ALL: usize = 4;
/// So many sectors are.
const SECTORS_ALL: usize = 5;
/// How many are tried by chance where there are more.
const BY_CHANCE: usize = 12;

/// A legal state of a disk after the power was cut.
pub(crate) struct Image {
    pub(crate) disk: SimDisk,
    /// The changes survived in the order in which they were made.
    pub(crate) in_order: bool,
    /// For messages.
    pub(crate) told: String,
}

/// A small generator of choices: xorshift.
pub(crate) struct Choices(pub(super) u64);

impl Choices {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Shows every image of a disk.
pub(crate) fn each_image(disk: &SimDisk, mut see: impl FnMut(&Image)) {
    let mut choices = Choices(0x9e37_79b9_7f4a_7c15);
    let sectors = disk.unsynced();
    for (names, names_in_order) in names(disk.renamings(), &mut choices) {
        for (fates, in_order) in fates(sectors, &mut choices) {
            let mut left = fates.iter();
            let image = disk.image(names, || *left.next().unwrap_or(&Fate::Lost));
            let told = format!("names {names:b}, sectors {fates:?}");
            see(&Image { disk: image, in_order: in_order && names_in_order, told });
        }
    }
}

/// Masks of the changes of names that survive, and whether they are a prefix.
fn names(count: usize, choices: &mut Choices) -> Vec<(u64, bool)> {
    let is_prefix = |mask: u64| mask & mask.wrapping_add(1) == 0;
    if count <= NAMES_ALL {
        return (0..1 << count).map(|mask| (mask, is_prefix(mask))).collect();
    }
    let mut masks: Vec<u64> = (0..=count).map(|prefix| (1 << prefix) - 1).collect();
    masks.extend((0..BY_CHANCE).map(|_| choices.next() & ((1 << count) - 1)));
    masks.into_iter().map(|mask| (mask, is_prefix(mask))).collect()
}

/// Fates of the unsynced sectors, and whether those that were written are a prefix.
fn fates(count: usize, choices: &mut Choices) -> Vec<(Vec<Fate>, bool)> {
    let prefix = |written: usize, then: Fate| {
        let mut fates = vec![Fate::Lost; count];
        fates.iter_mut().take(written).for_each(|fate| *fate = Fate::Written);
        if let Some(next) = fates.get_mut(written) {
            *next = then;
        }
        fates
    };
    let mut all = Vec::new();
    for written in 0..=count {
        for then in [Fate::Lost, Fate::Torn, Fate::Zeroed] {
            all.push((prefix(written, then), true));
            if written == count {
                break;
            }
        }
    }
    if count <= SECTORS_ALL {
        for mask in 0_u32..1 << count {
            let fate = |at| if mask >> at & 1 == 1 { Fate::Written } else { Fate::Lost };
            all.push(((0..count).map(fate).collect(), false));
        }
    }
    for _ in 0..BY_CHANCE.min(count) {
        let fate = |_| match choices.next() >> 32 & 7 {
            0 | 1 => Fate::Lost,
            2 => Fate::Torn,
            3 => Fate::Zeroed,
            _ => Fate::Written,
        };
        all.push(((0..count).map(fate).collect(), false));
    }
    all
}
