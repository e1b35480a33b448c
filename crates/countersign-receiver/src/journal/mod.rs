//! Journal: records on disk, in segments, each with its sequence number, length and checksum.
//!
//! The same log serves twice: facts (the truth, from which everything else can be rebuilt) and
//! what waits to be relayed.

mod facts;
pub use facts::{FactReader, FactWriter};
mod entry;
pub use entry::{Entry, NoEntry};
mod directory;
mod identity;
pub use directory::{DataDirectory, DirectoryError};
mod log;
pub use log::{Log, LogOptions};
mod recovery;
pub use recovery::{Damage, Recovery};
mod reread;
pub use reread::reread;
mod soundness;
pub use soundness::{Soundness, SoundnessShown};
mod reader;
pub use reader::{LogReader, Record};
mod cursor;
pub use cursor::Cursor;
mod segment;
pub use segment::LogKind;
mod error;
pub use error::LogError;
mod disk;
pub use disk::{Disk, DiskFile, FileMark, Lock, OsDisk};
pub(crate) use disk::{read_full_at, write_all_at};

#[cfg(test)]
mod damage_tests;
#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod flip_tests;
#[cfg(test)]
pub(crate) mod images;
#[cfg(test)]
pub(crate) mod simulated;
