//! Index: from the hash of a key to the place where the key lies. The keys are not in it.

use alloc::vec::Vec;

use hashbrown::HashTable;

/// Tables of an index. A table that is full doubles, and all would at the same time if they had
/// the same share of the keys: so each has 2^(1/256) of the share of the one before, and they
/// double one after the other. That keeps the memory near its mean, and each pause short.
const TABLES: usize = 256;

/// Bits of a hash that choose its table: none of those that `hashbrown` looks at in a table of
/// up to 2^32 buckets (the low ones for the bucket, the top seven for the tag).
const ROUTE_BITS: u32 = 12;
const ROUTE_SHIFT: u32 = 64 - 7 - ROUTE_BITS;

const ROUTES: [u8; 1 << ROUTE_BITS] = routes();

/// Which table a route leads to, in geometric shares.
const fn routes() -> [u8; 1 << ROUTE_BITS] {
    /// 2^(1/256) in 32-bit fixed point.
    const RATIO: u64 = 4_306_612_134;
    let mut total = 0;
    let mut share = 1 << 24;
    let mut table = 0;
    while table < TABLES {
        total += share;
        share = (share * RATIO) >> 32;
        table += 1;
    }
    let mut routes = [0; 1 << ROUTE_BITS];
    let (mut route, mut table, mut share, mut sum) = (0, 0_usize, 1_u64 << 24, 1_u64 << 24);
    while route < routes.len() {
        while (route as u64) * total >= sum << ROUTE_BITS && table + 1 < TABLES {
            share = (share * RATIO) >> 32;
            sum += share;
            table += 1;
        }
        #[allow(clippy::cast_possible_truncation, clippy::indexing_slicing, reason = "bounded")]
        {
            routes[route] = table as u8;
        }
        route += 1;
    }
    routes
}

/// The hash of 128 bits: both halves are spread over all bits.
#[allow(clippy::cast_possible_truncation, reason = "the halves")]
pub(crate) fn hash_of(key: u128) -> u64 {
    // Digits of pi, as in foldhash.
    let (low, high) =
        (key as u64 ^ 0x243f_6a88_85a3_08d3, (key >> 64) as u64 ^ 0x1319_8a2e_0370_7344);
    let folded = u128::from(low) * u128::from(high.rotate_left(32) | 1);
    let mixed = folded as u64 ^ (folded >> 64) as u64 ^ high;
    let wide = u128::from(mixed) * 0x9e37_79b9_7f4a_7c15;
    wide as u64 ^ (wide >> 64) as u64
}

/// Places up to which one table is enough.
const ALONE_MAX: usize = 1_024;

/// Places by hash.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    /// None, one, or all of them.
    tables: Vec<HashTable<u32>>,
}

impl Index {
    fn table(&self, hash: u64) -> Option<&HashTable<u32>> {
        if self.tables.len() > 1 { self.tables.get(route(hash)) } else { self.tables.first() }
    }

    fn table_mut(&mut self, hash: u64) -> Option<&mut HashTable<u32>> {
        if self.tables.len() > 1 {
            self.tables.get_mut(route(hash))
        } else {
            self.tables.first_mut()
        }
    }

    /// The place with this hash that is the right one.
    pub(crate) fn find(&self, hash: u64, mut is: impl FnMut(u32) -> bool) -> Option<u32> {
        self.table(hash)?.find(hash, |place| is(*place)).copied()
    }

    /// Adds a place. It must not be there.
    pub(crate) fn insert(&mut self, hash: u64, place: u32, hash_at: impl Fn(u32) -> u64) {
        match self.tables.as_slice() {
            [] => self.tables.push(HashTable::new()),
            [alone] if alone.len() >= ALONE_MAX => self.reserve(2 * ALONE_MAX, &hash_at),
            _ => {}
        }
        if let Some(table) = self.table_mut(hash) {
            table.insert_unique(hash, place, |place| hash_at(*place));
        }
    }

    /// Takes a place out.
    pub(crate) fn remove(&mut self, hash: u64, place: u32) {
        let table = self.table_mut(hash);
        if let Some(Ok(found)) = table.map(|table| table.find_entry(hash, |at| *at == place)) {
            found.remove();
        }
    }

    /// Makes room for so many places in all.
    pub(crate) fn reserve(&mut self, places: usize, hash_at: impl Fn(u32) -> u64) {
        if places <= ALONE_MAX {
            return;
        }
        let few = if self.tables.len() > 1 { None } else { self.tables.pop() };
        self.tables.resize_with(TABLES, HashTable::new);
        let mut shares = [0_usize; TABLES];
        for table in ROUTES {
            if let Some(share) = shares.get_mut(usize::from(table)) {
                *share += 1;
            }
        }
        for (table, share) in self.tables.iter_mut().zip(shares) {
            let wanted = places * share / ROUTES.len();
            table.reserve(wanted.saturating_sub(table.len()), |place| hash_at(*place));
        }
        for place in few.into_iter().flatten() {
            let hash = hash_at(place);
            if let Some(table) = self.table_mut(hash) {
                table.insert_unique(hash, place, |place| hash_at(*place));
            }
        }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "masked")]
fn route(hash: u64) -> usize {
    let route = (hash >> ROUTE_SHIFT) as usize & (ROUTES.len() - 1);
    ROUTES.get(route).map_or(0, |table| usize::from(*table))
}
