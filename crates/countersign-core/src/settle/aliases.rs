//! Aliases: which task an id, a URL, a trace or a conversation names.

use serde::{Deserialize, Serialize};

use crate::fact::Tie;
use crate::key::{Key, KeyMap, TraceId};
use crate::settle::TaskIndex;

/// What an alias leads to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Alias {
    pub(super) task: TaskIndex,
    pub(super) tie: Tie,
    /// Several tasks claim it: it leads to none.
    pub(super) ambiguous: bool,
}

/// The table of aliases.
pub(super) type Aliases = KeyMap<Alias>;

/// The key of a trace as an alias.
pub(super) fn trace_key(trace: TraceId) -> Key {
    // Away from hashed keys, so that a trace id chosen by an emitter meets none of them.
    Key(trace.0 ^ 0x7472_6163_6500_0000_0000_0000_0000_0001)
}

/// The key of a text that somebody wrote: a trace id if it reads as one.
pub(super) fn text_key(text: &str) -> Key {
    TraceId::parse(text).map_or_else(|| Key::of(text), trace_key)
}
