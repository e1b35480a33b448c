//! Aliases: which task an id, a URL, a trace or a conversation names.

use serde::{Deserialize, Serialize};

use crate::fact::{Tie, UnixNanos};
use crate::key::{Key, TraceId};
use crate::settle::TaskIndex;
use crate::settle::store::{KeyLog, LogValue};

/// What an alias leads to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alias {
    pub(super) task: TaskIndex,
    pub(super) tie: Tie,
    /// Several tasks claim it: it leads to none.
    pub(super) ambiguous: bool,
    /// It is a response whose call is booked.
    pub(super) taken: bool,
}

impl Alias {
    pub(super) fn new(task: TaskIndex, tie: Tie) -> Alias {
        Alias { task, tie, ambiguous: false, taken: false }
    }
}

/// An alias in five bytes: the task, and a bit for each of the rest.
#[derive(Clone, Copy, Debug)]
struct Packed([u8; 5]);

const CONTAINER: u8 = 1;
const AMBIGUOUS: u8 = 2;
const TAKEN: u8 = 4;

impl From<Alias> for Packed {
    fn from(alias: Alias) -> Packed {
        let flag = |set, flag| if set { flag } else { 0 };
        let flags = flag(alias.tie == Tie::Container, CONTAINER)
            | flag(alias.ambiguous, AMBIGUOUS)
            | flag(alias.taken, TAKEN);
        let [a, b, c, d] = alias.task.0.to_le_bytes();
        Packed([flags, a, b, c, d])
    }
}

impl From<Packed> for Alias {
    fn from(Packed([flags, a, b, c, d]): Packed) -> Alias {
        Alias {
            task: TaskIndex(u32::from_le_bytes([a, b, c, d])),
            tie: if flags & CONTAINER == 0 { Tie::Identity } else { Tie::Container },
            ambiguous: flags & AMBIGUOUS != 0,
            taken: flags & TAKEN != 0,
        }
    }
}

impl LogValue for Packed {
    fn to_number(self) -> u64 {
        let [flags, a, b, c, d] = self.0;
        u64::from_le_bytes([flags, a, b, c, d, 0, 0, 0])
    }
    fn from_number(number: u64) -> Option<Packed> {
        let [flags, a, b, c, d, 0, 0, 0] = number.to_le_bytes() else { return None };
        Some(Packed([flags, a, b, c, d]))
    }
}

/// The table of aliases. Those of tasks that are gone stay until their time has come.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Aliases(KeyLog<Packed>);

impl Aliases {
    pub(super) fn get(&self, key: &Key) -> Option<Alias> {
        self.0.get(*key).map(Alias::from)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds an alias, or changes what it leads to.
    pub(super) fn insert(&mut self, now: UnixNanos, key: Key, alias: Alias) {
        self.0.insert(now, key, alias.into());
    }

    /// When the youngest of the oldest aliases was added.
    pub(super) fn oldest(&self) -> Option<UnixNanos> {
        self.0.oldest()
    }

    /// Forgets the oldest, but for those of a task that is still there under some index.
    pub(super) fn forget_oldest(
        &mut self,
        now: UnixNanos,
        kept: impl Fn(TaskIndex) -> Option<TaskIndex>,
    ) {
        self.0.forget_oldest(now, |packed| {
            let alias = Alias::from(packed);
            Some(Alias { task: kept(alias.task)?, ..alias }.into())
        });
    }

    pub(super) fn without_index(&self) -> Aliases {
        Aliases(self.0.without_index())
    }

    pub(super) fn reindex(&mut self) {
        self.0.reindex();
    }
}

/// The key of a trace as an alias.
pub(super) fn trace_key(trace: TraceId) -> Key {
    // Away from hashed keys, so that a trace id chosen by an emitter meets none of them.
    Key(trace.0 ^ 0x7472_6163_6500_0000_0000_0000_0000_0001)
}

/// The key of a text that somebody wrote: a trace id if it reads as one.
pub(super) fn text_key(text: &str) -> Key {
    TraceId::parse(text).map_or_else(|| Key::of(text), trace_key)
}
