//! Journal: records on disk, in segments, each with its sequence number, length and checksum.
//!
//! The same log serves twice: facts (the truth, from which everything else can be rebuilt) and
//! what waits to be relayed.

mod facts;
pub use facts::{FactReader, FactWriter};
