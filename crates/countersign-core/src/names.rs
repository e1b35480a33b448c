//! Names as small integers: each distinct name is kept once.

use alloc::boxed::Box;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::key::{Key, KeyMap};
use crate::limits;

/// A name of low cardinality (a workflow, a model, a route), interned in [`Names`].
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Name(u32);

impl Name {
    /// The empty name.
    pub const EMPTY: Name = Name(0);
    /// What a name becomes when there are too many.
    pub const OVERFLOW: Name = Name(1);

    /// The name at a place of the table.
    pub(crate) const fn from_index(index: u32) -> Name {
        Name(index)
    }

    /// Its place in the table.
    pub(crate) const fn index(self) -> u32 {
        self.0
    }
}

/// The table of names.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Names {
    texts: Vec<Box<str>>,
    by_key: KeyMap<Name>,
    overflowed: u64,
}

impl Default for Names {
    fn default() -> Self {
        Names {
            texts: alloc::vec!["".into(), limits::OVERFLOW_NAME.into()],
            by_key: KeyMap::default(),
            overflowed: 0,
        }
    }
}

impl Names {
    /// The name of a text, cut to [`limits::NAME_BYTES_MAX`]. When the table is full a new text
    /// gets [`Name::OVERFLOW`].
    pub fn intern(&mut self, text: &str) -> Name {
        if text.is_empty() {
            return Name::EMPTY;
        }
        let text = cut(text, limits::NAME_BYTES_MAX);
        let key = Key::of(text);
        if let Some(name) = self.by_key.get(&key) {
            return *name;
        }
        if self.texts.len() >= limits::NAMES_MAX {
            self.overflowed += 1;
            return Name::OVERFLOW;
        }
        let Ok(index) = u32::try_from(self.texts.len()) else { return Name::OVERFLOW };
        let name = Name(index);
        self.texts.push(text.into());
        self.by_key.insert(key, name);
        name
    }

    /// The text of a name.
    #[must_use]
    pub fn text(&self, name: Name) -> &str {
        self.texts.get(name.0 as usize).map_or("", AsRef::as_ref)
    }

    /// How often a new text found no room.
    #[must_use]
    pub fn overflowed(&self) -> u64 {
        self.overflowed
    }

    /// How many names there are, the empty and the overflow name included.
    #[must_use]
    pub fn count(&self) -> usize {
        self.texts.len()
    }
}

/// The longest prefix of at most `bytes_max` bytes that ends at a character's border.
#[must_use]
pub fn cut(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max {
        return text;
    }
    let mut end = bytes_max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or("")
}
