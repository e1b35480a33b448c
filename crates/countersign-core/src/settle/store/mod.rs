//! Store: the big collections of the books, small in memory and cheap to take a snapshot of.
//!
//! What is cold lies packed in blocks behind counted pointers: a snapshot copies pointers, and
//! who changes a block afterwards writes a new one. What is hot is unpacked in a bounded set.
//! Hash indexes hold places only and compare with what lies there; they are no part of a
//! snapshot and are built again when one is read.

mod bytes;
mod deadlines;
mod index;
mod key_log;
mod packed;

pub(super) use bytes::{Reader, put, put_key, put_money, put_text};
pub(super) use deadlines::{Deadlines, Due};
pub(super) use index::{Index, hash_of};
pub(super) use key_log::{KeyLog, LogValue};
pub(super) use packed::{Pack, Packed, Seen};
