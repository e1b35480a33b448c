//! Key log: keys in the order of their arrival, each once, with a small value. The oldest are
//! forgotten first, a chunk at a time.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::fact::UnixNanos;
use crate::key::Key;
use crate::settle::store::bytes::Blob;
use crate::settle::store::{Index, Reader, hash_of, put, put_key};

/// Keys of a chunk: a place is the chunk's number and 12 bits.
const CHUNK_BITS: u32 = 12;
const CHUNK_KEYS: usize = 1 << CHUNK_BITS;

/// A chunk takes keys for so long at most, so that a quiet log forgets in time too.
const CHUNK_NANOS: u64 = 24 * 3_600_000_000_000;

/// What is kept beside a key.
pub(crate) trait LogValue: Copy {
    fn to_number(self) -> u64;
    fn from_number(number: u64) -> Option<Self>;
}

impl LogValue for () {
    fn to_number(self) -> u64 {
        0
    }
    fn from_number(_: u64) -> Option<Self> {
        Some(())
    }
}

#[derive(Clone, Debug)]
struct Chunk<V> {
    first: UnixNanos,
    last: UnixNanos,
    keys: Vec<Key>,
    values: Vec<V>,
}

/// The log.
#[derive(Clone, Debug)]
pub(crate) struct KeyLog<V> {
    /// The number of the oldest chunk. Numbers go round after 2^20 chunks, which is 40 times
    /// what the limits let stand.
    base: u32,
    chunks: VecDeque<Arc<Chunk<V>>>,
    len: usize,
    index: Index,
}

impl<V> Default for KeyLog<V> {
    fn default() -> Self {
        KeyLog { base: 0, chunks: VecDeque::new(), len: 0, index: Index::default() }
    }
}

impl<V: LogValue> KeyLog<V> {
    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: Key) -> Option<V> {
        let place = self.find(key)?;
        let chunk = self.chunks.get(chunk_of(place, self.base))?;
        chunk.values.get(offset(place)).copied()
    }

    /// Adds a key, or changes its value.
    pub(crate) fn insert(&mut self, now: UnixNanos, key: Key, value: V) {
        if let Some(place) = self.find(key) {
            if let Some(chunk) = self.chunks.get_mut(chunk_of(place, self.base))
                && let Some(kept) = Arc::make_mut(chunk).values.get_mut(offset(place))
            {
                *kept = value;
            }
            return;
        }
        self.push(now, key, value);
    }

    /// Adds a key. `false`, and nothing is changed, if it was there.
    pub(crate) fn add(&mut self, now: UnixNanos, key: Key, value: V) -> bool {
        let new = self.find(key).is_none();
        if new {
            self.push(now, key, value);
        }
        new
    }

    /// When the oldest chunk got its last key.
    pub(crate) fn oldest(&self) -> Option<UnixNanos> {
        self.chunks.front().map(|chunk| chunk.last)
    }

    /// Forgets the oldest chunk, but for keys of which `keep` gives a value.
    pub(crate) fn forget_oldest(&mut self, now: UnixNanos, keep: impl Fn(V) -> Option<V>) {
        let Some(chunk) = self.chunks.pop_front() else { return };
        let number = self.base;
        self.base = next(self.base);
        self.len -= chunk.keys.len();
        for (place, key) in places(number).zip(&chunk.keys) {
            self.index.remove(hash_of(key.0), place);
        }
        for (key, value) in chunk.keys.iter().zip(&chunk.values) {
            if let Some(value) = keep(*value) {
                self.push(now, *key, value);
            }
        }
    }

    /// The log without its index: see [`KeyLog::reindex`].
    pub(crate) fn without_index(&self) -> KeyLog<V> {
        let index = Index::default();
        KeyLog { base: self.base, chunks: self.chunks.clone(), len: self.len, index }
    }

    /// Builds the index anew.
    pub(crate) fn reindex(&mut self) {
        let mut index = Index::default();
        let at = |place| key_at(&self.chunks, self.base, place);
        index.reserve(self.len, at);
        let mut number = self.base;
        for chunk in &self.chunks {
            for (place, key) in places(number).zip(&chunk.keys) {
                index.insert(hash_of(key.0), place, at);
            }
            number = next(number);
        }
        self.index = index;
    }

    fn find(&self, key: Key) -> Option<u32> {
        self.index.find(hash_of(key.0), |place| {
            let chunk = self.chunks.get(chunk_of(place, self.base));
            chunk.and_then(|chunk| chunk.keys.get(offset(place))) == Some(&key)
        })
    }

    fn push(&mut self, now: UnixNanos, key: Key, value: V) {
        let room = self.chunks.back().is_some_and(|chunk| {
            chunk.keys.len() < CHUNK_KEYS && now < chunk.first.saturating_add(CHUNK_NANOS)
        });
        if !room {
            if let Some(last) = self.chunks.back_mut() {
                let last = Arc::make_mut(last);
                last.keys.shrink_to_fit();
                last.values.shrink_to_fit();
            }
            let (keys, values) = (Vec::new(), Vec::new());
            self.chunks.push_back(Arc::new(Chunk { first: now, last: now, keys, values }));
        }
        let number = (self.base + (self.chunks.len() - 1) as u32) & NUMBER_MASK;
        let Some(chunk) = self.chunks.back_mut() else { return };
        let chunk = Arc::make_mut(chunk);
        let place = number << CHUNK_BITS | chunk.keys.len() as u32;
        chunk.last = now;
        chunk.keys.push(key);
        chunk.values.push(value);
        self.len += 1;
        let (chunks, base) = (&self.chunks, self.base);
        self.index.insert(hash_of(key.0), place, |place| key_at(chunks, base, place));
    }
}

const NUMBER_MASK: u32 = (1 << (32 - CHUNK_BITS)) - 1;

/// The places of a chunk.
fn places(number: u32) -> core::ops::RangeInclusive<u32> {
    let first = number << CHUNK_BITS;
    first..=first | (CHUNK_KEYS as u32 - 1)
}

fn next(number: u32) -> u32 {
    (number + 1) & NUMBER_MASK
}

fn chunk_of(place: u32, base: u32) -> usize {
    ((place >> CHUNK_BITS).wrapping_sub(base) & NUMBER_MASK) as usize
}

fn offset(place: u32) -> usize {
    place as usize & (CHUNK_KEYS - 1)
}

/// The hash of the key at a place.
fn key_at<V>(chunks: &VecDeque<Arc<Chunk<V>>>, base: u32, place: u32) -> u64 {
    let chunk = chunks.get(chunk_of(place, base));
    chunk.and_then(|chunk| chunk.keys.get(offset(place))).map_or(0, |key| hash_of(key.0))
}

impl<V: LogValue> Serialize for Chunk<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = Vec::with_capacity(self.keys.len() * 20 + 24);
        for number in [self.first, self.last, self.keys.len() as u64] {
            put(&mut out, number);
        }
        for key in &self.keys {
            put_key(&mut out, key.0);
        }
        if size_of::<V>() > 0 {
            self.values.iter().for_each(|value| put(&mut out, value.to_number()));
        }
        serializer.serialize_bytes(&out)
    }
}

impl<V: LogValue> Chunk<V> {
    fn read(mut bytes: Reader<'_>) -> Option<Chunk<V>> {
        let (first, last) = (bytes.number()?, bytes.number()?);
        let count = bytes.length().filter(|count| *count <= CHUNK_KEYS)?;
        let mut chunk = Chunk {
            first,
            last,
            keys: Vec::with_capacity(count),
            values: Vec::with_capacity(count),
        };
        for _ in 0..count {
            chunk.keys.push(bytes.key()?);
        }
        for _ in 0..count {
            let number = if size_of::<V>() > 0 { bytes.number()? } else { 0 };
            chunk.values.push(V::from_number(number)?);
        }
        Some(chunk)
    }
}

impl<V: LogValue> Serialize for KeyLog<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.chunks.iter().map(|chunk| &**chunk))
    }
}

impl<'de, V: LogValue> Deserialize<'de> for KeyLog<V> {
    /// Reads a log without its index: see [`KeyLog::reindex`].
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<KeyLog<V>, D::Error> {
        let mut log = KeyLog::default();
        for blob in Vec::<Blob<'de>>::deserialize(deserializer)? {
            let chunk = Chunk::read(Reader(&blob.0)).ok_or_else(Blob::broken)?;
            log.len += chunk.keys.len();
            log.chunks.push_back(Arc::new(chunk));
        }
        Ok(log)
    }
}
