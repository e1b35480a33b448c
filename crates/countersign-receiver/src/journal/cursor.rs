//! Cursor: how far a destination has been served, in a small file of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{Disk, OsDisk, make_directory, read_small, replace_file};
use super::error::LogError;

const MAGIC: [u8; 8] = *b"CSIGNCUR";
const BYTES: usize = 20;

/// A position in a log that survives crashes: magic 8, position u64, CRC32C u32 over both.
#[derive(Debug)]
pub struct Cursor {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    position: u64,
    damaged: bool,
}

impl Cursor {
    /// Reads the cursor in a file, which need not exist yet. Its directory is made.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn open(path: &Path) -> Result<Cursor, LogError> {
        Cursor::open_with(Arc::new(OsDisk), path)
    }

    /// The same on another disk.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn open_with(disk: Arc<dyn Disk>, path: &Path) -> Result<Cursor, LogError> {
        if let Some(directory) = path.parent() {
            make_directory(disk.as_ref(), directory).map_err(LogError::io("make", directory))?;
        }
        let content =
            read_small(disk.as_ref(), path, BYTES + 1).map_err(LogError::io("read", path))?;
        let position = content.as_deref().map(decode);
        Ok(Cursor {
            disk,
            path: path.to_path_buf(),
            position: position.flatten().unwrap_or(0),
            damaged: position == Some(None),
        })
    }

    /// The next sequence to serve; 0 if nothing was served yet, or if the file was damaged:
    /// serving twice is allowed, leaving out is not.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Whether the file did not hold a cursor.
    #[must_use]
    pub fn was_damaged(&self) -> bool {
        self.damaged
    }

    /// Moves to the next sequence to serve. After a crash it is here or where it was before.
    ///
    /// # Errors
    /// If the disk fails; the cursor stays where it was.
    pub fn move_to(&mut self, position: u64) -> Result<(), LogError> {
        replace_file(self.disk.as_ref(), &self.path, &encode(position))
            .map_err(LogError::io("write", &self.path))?;
        self.position = position;
        Ok(())
    }
}

fn encode(position: u64) -> Vec<u8> {
    let mut bytes = [MAGIC, position.to_le_bytes()].concat();
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    bytes
}

fn decode(content: &[u8]) -> Option<u64> {
    let position = u64::from_le_bytes(content.get(8..16)?.try_into().ok()?);
    (content == encode(position)).then_some(position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_stays_and_damage_begins_anew() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cursors").join("jaeger.cursor");
        let mut cursor = Cursor::open(&path).unwrap();
        assert_eq!((cursor.position(), cursor.was_damaged()), (0, false));
        cursor.move_to(41).unwrap();
        cursor.move_to(42).unwrap();
        let cursor = Cursor::open(&path).unwrap();
        assert_eq!((cursor.position(), cursor.was_damaged()), (42, false));
        for at in 0..BYTES {
            let mut content = encode(42);
            content[at] ^= 1;
            std::fs::write(&path, &content).unwrap();
            let cursor = Cursor::open(&path).unwrap();
            assert_eq!((cursor.position(), cursor.was_damaged()), (0, true));
            std::fs::write(&path, &encode(42)[..at]).unwrap();
            assert!(Cursor::open(&path).unwrap().was_damaged());
        }
    }
}
