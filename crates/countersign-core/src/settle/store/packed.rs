//! Packed items by number: cold ones as bytes in blocks of 16, those being worked on unpacked.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Deref;

use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::settle::store::bytes::Blob;
use crate::settle::store::{Reader, put};

/// Items of a block, which is written anew when one of them changes.
const BLOCK_BITS: u32 = 4;
const BLOCK: usize = 1 << BLOCK_BITS;
/// Blocks of a group, whose pointers are copied when one of them changes after a snapshot.
const GROUP_BITS: u32 = 6;
const GROUP: usize = 1 << GROUP_BITS;
const GROUP_NUMBERS: u32 = 1 << (32 - BLOCK_BITS - GROUP_BITS);

/// Something that can be packed.
pub(crate) trait Pack: Sized {
    /// Writes it.
    fn pack(&self, out: &mut Vec<u8>);
    /// Reads what was written; `None` if the bytes are no such thing.
    fn unpack(bytes: Reader<'_>) -> Option<Self>;
}

type Block = Arc<[u8]>;

#[derive(Clone, Debug, Default)]
struct Group {
    blocks: Vec<Option<Block>>,
}

/// An unpacked item. `None` if it was taken out.
#[derive(Clone, Debug)]
struct Hot<T> {
    number: u32,
    item: Option<T>,
    /// Whether its block does not know it as it is.
    changed: bool,
}

/// Items by their numbers, which are given in order and go round after 2^32.
#[derive(Clone, Debug)]
pub(crate) struct Packed<T> {
    /// The number of the first group that stands in `groups`.
    base: u32,
    groups: VecDeque<Option<Arc<Group>>>,
    /// The number that the next item gets.
    next: u32,
    len: usize,
    /// An item's place is its number's low bits.
    hot: Vec<Option<Box<Hot<T>>>>,
    hot_max: usize,
    scratch: Vec<u8>,
}

/// An item as a reader sees it.
#[derive(Clone, Debug)]
pub(crate) enum Seen<'a, T> {
    /// It was unpacked already.
    Hot(&'a T),
    /// It was unpacked for the reader.
    Cold(Box<T>),
}

impl<T> Deref for Seen<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        match self {
            Seen::Hot(item) => item,
            Seen::Cold(item) => item,
        }
    }
}

impl<T: Pack> Packed<T> {
    /// No items; at most so many, a power of two, are unpacked at a time.
    pub(crate) fn new(hot_max: usize) -> Packed<T> {
        Packed {
            base: 0,
            groups: VecDeque::new(),
            next: 0,
            len: 0,
            hot: Vec::new(),
            hot_max,
            scratch: Vec::new(),
        }
    }

    /// How many items there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The number that the next item gets.
    pub(crate) fn next_number(&self) -> u32 {
        self.next
    }

    /// The numbers from the first that may be there to the last.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> + use<T> {
        let first = self.base << (BLOCK_BITS + GROUP_BITS);
        (0..self.next.wrapping_sub(first)).map(move |step| first.wrapping_add(step))
    }

    /// Adds an item.
    pub(crate) fn push(&mut self, item: T) -> u32 {
        let number = self.next;
        let place = self.room_for(number);
        if let Some(place) = self.hot.get_mut(place) {
            *place = Some(Box::new(Hot { number, item: Some(item), changed: true }));
        }
        let group = group_of(number);
        if self.groups.is_empty() {
            self.base = group;
        }
        if group.wrapping_sub(self.base) % GROUP_NUMBERS >= self.groups.len() as u32 {
            self.groups.push_back(None);
        }
        self.next = number.wrapping_add(1);
        self.len += 1;
        number
    }

    /// An item, to be worked on.
    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        let place = self.place(number);
        let is_hot = matches!(self.hot.get(place), Some(Some(hot)) if hot.number == number);
        if !is_hot {
            let item = T::unpack(self.bytes(number)?)?;
            let place = self.room_for(number);
            let hot = Hot { number, item: Some(item), changed: false };
            *self.hot.get_mut(place)? = Some(Box::new(hot));
        }
        let hot = self.hot.get_mut(place)?.as_mut()?;
        hot.changed = true;
        hot.item.as_mut()
    }

    /// An item, to be looked at.
    pub(crate) fn get(&self, number: u32) -> Option<Seen<'_, T>> {
        match self.hot(number) {
            Some(hot) => hot.item.as_ref().map(Seen::Hot),
            None => Some(Seen::Cold(Box::new(T::unpack(self.bytes(number)?)?))),
        }
    }

    /// What one needs to know of an item, from the item or from its bytes.
    pub(crate) fn peek<R>(
        &self,
        number: u32,
        hot: impl FnOnce(&T) -> R,
        cold: impl FnOnce(Reader<'_>) -> Option<R>,
    ) -> Option<R> {
        match self.hot(number) {
            Some(found) => found.item.as_ref().map(hot),
            None => cold(self.bytes(number)?),
        }
    }

    /// Takes an item out.
    pub(crate) fn remove(&mut self, number: u32) -> Option<T> {
        self.get_mut(number)?;
        let place = self.place(number);
        let item = self.hot.get_mut(place)?.as_mut()?.item.take();
        self.len -= usize::from(item.is_some());
        item
    }

    /// The items without the unpacked ones, which are in their blocks.
    pub(crate) fn packed(&self) -> Packed<T> {
        let mut packed = Packed {
            base: self.base,
            groups: self.groups.clone(),
            next: self.next,
            len: self.len,
            hot: Vec::new(),
            hot_max: self.hot_max,
            scratch: Vec::new(),
        };
        for hot in self.hot.iter().flatten().filter(|hot| hot.changed) {
            let first = hot.number & !(BLOCK as u32 - 1);
            let is_first = (first..hot.number)
                .all(|before| !self.hot(before).is_some_and(|before| before.changed));
            if is_first {
                let block = self.write_block(first, &mut packed.scratch);
                packed.set_block(first, block);
            }
        }
        packed.trim();
        packed
    }

    fn place(&self, number: u32) -> usize {
        number as usize & (self.hot_max - 1)
    }

    fn hot(&self, number: u32) -> Option<&Hot<T>> {
        let hot = self.hot.get(self.place(number))?.as_deref()?;
        (hot.number == number).then_some(hot)
    }

    /// Makes the place of an item free: who is there goes to its block.
    fn room_for(&mut self, number: u32) -> usize {
        if self.hot.is_empty() {
            self.hot.resize_with(self.hot_max, || None);
        }
        let place = self.place(number);
        if let Some(Some(hot)) =
            self.hot.get(place).filter(|hot| hot.as_ref().is_some_and(|hot| hot.changed))
        {
            let first = hot.number & !(BLOCK as u32 - 1);
            let mut scratch = core::mem::take(&mut self.scratch);
            let block = self.write_block(first, &mut scratch);
            self.scratch = scratch;
            self.set_block(first, block);
            for number in first..=first | (BLOCK as u32 - 1) {
                let place = self.place(number);
                if let Some(Some(hot)) = self.hot.get_mut(place)
                    && hot.number == number
                {
                    hot.changed = false;
                }
            }
            self.trim();
        }
        place
    }

    /// The block that begins with this number as it should be: the unpacked items in it have
    /// changed. `None` if it is empty.
    fn write_block(&self, first: u32, scratch: &mut Vec<u8>) -> Option<Block> {
        let last = first | (BLOCK as u32 - 1);
        let old = self.block(first).map_or(&[][..], |block| block);
        let mut lengths = [0_u64; BLOCK];
        let mut bytes = Reader(old);
        scratch.clear();
        let mut old_lengths = [0; BLOCK];
        for length in &mut old_lengths {
            *length = if old.is_empty() { 0 } else { bytes.length().unwrap_or(0) };
        }
        for ((number, length), old_length) in (first..=last).zip(&mut lengths).zip(old_lengths) {
            let kept = bytes.take(old_length).unwrap_or_default();
            let start = scratch.len();
            match self.hot(number).filter(|hot| hot.changed) {
                Some(Hot { item: Some(item), .. }) => item.pack(scratch),
                Some(Hot { item: None, .. }) => {}
                None => scratch.extend_from_slice(kept),
            }
            *length = (scratch.len() - start) as u64;
        }
        if scratch.is_empty() {
            return None;
        }
        let items = scratch.len();
        for length in lengths {
            put(scratch, length);
        }
        // The lengths come first, so that an item is found without a walk over the others.
        scratch.rotate_left(items);
        Some(Block::from(scratch.as_slice()))
    }

    fn block(&self, number: u32) -> Option<&Block> {
        let group = group_of(number).wrapping_sub(self.base) % GROUP_NUMBERS;
        let group = self.groups.get(group as usize)?.as_ref()?;
        group.blocks.get(block_of(number))?.as_ref()
    }

    fn set_block(&mut self, number: u32, block: Option<Block>) {
        let group = group_of(number).wrapping_sub(self.base) % GROUP_NUMBERS;
        let Some(place) = self.groups.get_mut(group as usize) else { return };
        if place.is_none() && block.is_none() {
            return;
        }
        let group = Arc::make_mut(place.get_or_insert_default());
        if group.blocks.is_empty() {
            group.blocks.resize(GROUP, None);
        }
        if let Some(place) = group.blocks.get_mut(block_of(number)) {
            *place = block;
        }
        if group.blocks.iter().all(Option::is_none) {
            *place = None;
        }
    }

    /// Forgets groups at the front that have no items any more.
    fn trim(&mut self) {
        while let Some(None) = self.groups.front() {
            let first = self.base << (BLOCK_BITS + GROUP_BITS);
            let all_given = self.next.wrapping_sub(first) >= (BLOCK * GROUP) as u32;
            let items = (BLOCK * GROUP) as u32;
            let is_hot = |hot: &Hot<T>| hot.number.wrapping_sub(first) < items && hot.changed;
            if !all_given || self.hot.iter().flatten().any(|hot| is_hot(hot)) {
                return;
            }
            self.groups.pop_front();
            self.base = (self.base + 1) % GROUP_NUMBERS;
        }
    }

    /// The bytes of an item that is not hot.
    fn bytes(&self, number: u32) -> Option<Reader<'_>> {
        let mut bytes = Reader(self.block(number)?);
        let (mut before, mut length) = (0, 0);
        let wanted = number as usize & (BLOCK - 1);
        for item in 0..BLOCK {
            let next = bytes.length()?;
            match item.cmp(&wanted) {
                core::cmp::Ordering::Less => before += next,
                core::cmp::Ordering::Equal => length = next,
                core::cmp::Ordering::Greater => {}
            }
        }
        bytes.take(before)?;
        bytes.take(length).filter(|item| !item.is_empty()).map(Reader)
    }
}

fn group_of(number: u32) -> u32 {
    number >> (BLOCK_BITS + GROUP_BITS)
}

fn block_of(number: u32) -> usize {
    (number >> BLOCK_BITS) as usize & (GROUP - 1)
}

impl<T: Pack> Serialize for Packed<T> {
    /// Must have been [`Packed::packed`].
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Blocks<'a>(&'a VecDeque<Option<Arc<Group>>>);
        impl Serialize for Blocks<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let bytes = |group: &Option<Arc<Group>>| {
                    let mut out = Vec::new();
                    for block in group.iter().flat_map(|group| &group.blocks) {
                        let block = block.as_deref().unwrap_or_default();
                        put(&mut out, block.len() as u64);
                        out.extend_from_slice(block);
                    }
                    GroupBytes(out)
                };
                serializer.collect_seq(self.0.iter().map(bytes))
            }
        }
        let mut parts = serializer.serialize_tuple(3)?;
        parts.serialize_element(&(self.base, self.next))?;
        parts.serialize_element(&(self.len as u64, self.hot_max as u64))?;
        parts.serialize_element(&Blocks(&self.groups))?;
        parts.end()
    }
}

struct GroupBytes(Vec<u8>);

impl Serialize for GroupBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de, T: Pack> Deserialize<'de> for Packed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Packed<T>, D::Error> {
        type Parts<'a> = ((u32, u32), (u64, u64), Vec<Blob<'a>>);
        let ((base, next), (len, hot_max), blobs) = Parts::deserialize(deserializer)?;
        let hot_max = usize::try_from(hot_max).ok().filter(|max| max.is_power_of_two());
        let mut packed = Packed::new(hot_max.ok_or_else(Blob::broken)?);
        packed.base = base % GROUP_NUMBERS;
        packed.next = next;
        packed.len = usize::try_from(len).map_err(|_| Blob::broken())?;
        for blob in blobs {
            packed.groups.push_back(read_group(Reader(&blob.0)).ok_or_else(Blob::broken)?);
        }
        Ok(packed)
    }
}

/// The group of these bytes; within, `None` for an empty one.
fn read_group(mut bytes: Reader<'_>) -> Option<Option<Arc<Group>>> {
    if bytes.0.is_empty() {
        return Some(None);
    }
    let mut blocks = Vec::with_capacity(GROUP);
    for _ in 0..GROUP {
        let length = bytes.length()?;
        let block = bytes.take(length)?;
        blocks.push((!block.is_empty()).then(|| Block::from(block)));
    }
    Some(Some(Arc::new(Group { blocks })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;

    #[derive(Clone, Debug, PartialEq)]
    struct Bag(Vec<u8>);

    impl Pack for Bag {
        fn pack(&self, out: &mut Vec<u8>) {
            out.push(7);
            out.extend_from_slice(&self.0);
        }
        fn unpack(mut bytes: Reader<'_>) -> Option<Bag> {
            (bytes.byte()? == 7).then(|| Bag(bytes.0.to_vec()))
        }
    }

    fn check(packed: &Packed<Bag>, model: &BTreeMap<u32, Bag>) {
        assert_eq!(packed.len(), model.len());
        let there = packed
            .numbers()
            .filter_map(|number| packed.get(number).map(|item| (number, (*item).clone())));
        assert_eq!(there.collect::<BTreeMap<_, _>>(), *model);
    }

    /// Random additions, changes, looks and removals, beside a plain map; with a snapshot now and
    /// then, which is read back and goes on in the place of the original.
    fn run(seed: u64, first: u32, steps: u32) {
        let mut state = seed;
        let mut dice = |sides: u32| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as u32 % sides
        };
        let mut packed = Packed::new(8);
        packed.next = first;
        let mut model = BTreeMap::new();
        for step in 0..steps {
            let bag = Bag(alloc::vec![step as u8; dice(200) as usize]);
            let given = packed.next.wrapping_sub(first).max(1);
            // Most of what is touched is young, like traces and tasks.
            let near = if dice(4) == 0 { given } else { given.min(40) };
            let number = packed.next.wrapping_sub(1 + dice(near));
            match dice(8) {
                0..3 => drop(model.insert(packed.push(bag.clone()), bag)),
                3..5 => {
                    if let Some(kept) = packed.get_mut(number) {
                        *kept = bag.clone();
                        assert!(model.insert(number, bag).is_some());
                    }
                }
                5..7 => assert_eq!(packed.remove(number), model.remove(&number)),
                _ => {
                    let length = |bag: &Bag| Some(bag.0.len());
                    let seen = packed.peek(number, length, |bytes| Some(Some(bytes.0.len() - 1)));
                    assert_eq!(seen.flatten(), model.get(&number).and_then(length));
                }
            }
            if step % 1_000 == 999 {
                check(&packed, &model);
                check(&packed.packed(), &model);
                let saved = postcard::to_allocvec(&packed.packed()).unwrap();
                let read: Packed<Bag> = postcard::from_bytes(&saved).unwrap();
                check(&read, &model);
                assert_eq!(postcard::to_allocvec(&read.packed()).unwrap(), saved);
                if dice(2) == 0 {
                    packed = read;
                }
            }
        }
    }

    #[test]
    fn items_are_what_a_plain_map_holds() {
        (0..6).for_each(|seed| run(seed, 0, 12_000));
    }

    #[test]
    fn numbers_go_round() {
        run(9, u32::MAX - 1_000, 6_000);
    }
}
