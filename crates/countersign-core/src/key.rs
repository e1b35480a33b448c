//! Keys: fixed-size names for things that arrive as strings of any length.

use core::hash::BuildHasherDefault;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// A 128-bit key made from strings: the same on any machine and in any version.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Key(pub u128);

impl Key {
    /// The key of nothing: what an absent field has.
    pub const NONE: Key = Key(0);

    /// The key of a string. The empty string has [`Key::NONE`].
    #[must_use]
    pub fn of(text: &str) -> Key {
        if text.is_empty() { Key::NONE } else { Key(xxh3_128(text.as_bytes())) }
    }

    /// The key of several strings in order; the borders between them count.
    #[must_use]
    pub fn of_parts(parts: &[&str]) -> Key {
        let mut hash = Xxh3::new();
        for part in parts {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        Key(hash.digest128())
    }

    /// The key of a span: its trace and its own id.
    #[must_use]
    pub fn of_span(trace: TraceId, span: SpanId) -> Key {
        let mut bytes = [0; 24];
        let (head, tail) = bytes.split_at_mut(16);
        head.copy_from_slice(&trace.0.to_be_bytes());
        tail.copy_from_slice(&span.0.to_be_bytes());
        Key(xxh3_128(&bytes))
    }

    /// Whether this is the key of nothing.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}

/// The id of a trace; 0 means none.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct TraceId(pub u128);

impl TraceId {
    /// No trace.
    pub const NONE: TraceId = TraceId(0);

    /// Whether there is no trace.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Reads 32 hexadecimal digits of either case; `None` for anything else and for zero.
    #[must_use]
    pub fn parse(text: &str) -> Option<TraceId> {
        if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let id = u128::from_str_radix(text, 16).ok()?;
        (id != 0).then_some(TraceId(id))
    }
}

impl core::fmt::Display for TraceId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The id of a span within its trace; 0 means none.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct SpanId(pub u64);

impl SpanId {
    /// No span.
    pub const NONE: SpanId = SpanId(0);

    /// Whether there is no span.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl core::fmt::Display for SpanId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The hasher of every table in the core: fast, and with a fixed seed.
pub type FixedHash = foldhash::fast::FixedState;

/// A hasher for keys that are hashes already, or ids that emitters chose: one multiplication
/// spreads them over all bits.
pub type KeyHash = BuildHasherDefault<Spread>;

/// The hasher behind [`KeyHash`].
#[derive(Clone, Copy, Default)]
pub struct Spread(u64);

impl core::hash::Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u128(u128::from(self.0) << 8 | u128::from(*byte));
        }
    }

    #[allow(clippy::cast_possible_truncation, reason = "both halves are folded")]
    fn write_u128(&mut self, value: u128) {
        // Fractional digits of the golden ratio, odd.
        let wide = u128::from(value as u64 ^ (value >> 64) as u64) * 0x9e37_79b9_7f4a_7c15;
        self.0 = wide as u64 ^ (wide >> 64) as u64;
    }
}

/// A map from [`Key`].
pub type KeyMap<V> = hashbrown::HashMap<Key, V, KeyHash>;
/// A set of [`Key`].
pub type KeySet = hashbrown::HashSet<Key, KeyHash>;
/// A map with the core's hasher.
pub type Map<K, V> = hashbrown::HashMap<K, V, FixedHash>;
/// A set with the core's hasher.
pub type Set<K> = hashbrown::HashSet<K, FixedHash>;
