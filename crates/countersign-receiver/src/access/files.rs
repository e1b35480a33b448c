//! Files that hold secrets: read only if nobody else can.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Largest file of a secret, a key or certificates, in bytes.
const BYTES_MAX: u64 = 1 << 20;
/// What others may do, and what the group may do beyond reading: nothing. That the group may
/// read is how orchestrators hand out secrets.
const FORBIDDEN_MODE: u32 = 0o037;

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Anybody: it holds nothing secret.
    Openly,
    /// Its owner, and a group that only reads.
    Secretly,
}

/// Reads a file.
///
/// # Errors
/// What is wrong and what to do, without the file's content.
pub fn read(path: &Path, held: Held) -> Result<Vec<u8>, String> {
    let wrong = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
    let file = File::open(path).map_err(|error| wrong(&error))?;
    let metadata = file.metadata().map_err(|error| wrong(&error))?;
    let mode = metadata.mode() & 0o7777;
    if held == Held::Secretly && mode & FORBIDDEN_MODE != 0 {
        let what = format!("others can read it (mode {mode:04o}): chmod 600 it");
        return Err(wrong(&what));
    }
    let mut bytes = Vec::new();
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| wrong(&error))?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(wrong(&"larger than 1 MiB"));
    }
    Ok(bytes)
}
