//! Identity: who a data directory is, how often it was opened, and whether it is a copy.

use std::path::Path;

use super::directory::{DirectoryError, FORMAT, read_format, read_text};
use super::disk::{Disk, FileMark, replace_file, replace_marked};

/// What the file `identity` says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity {
    /// The random id of the directory.
    pub(super) instance: u128,
    /// How many times it was opened to write.
    pub(super) epoch: u64,
    /// Whether it is a copy whose counters have not begun again.
    pub(super) is_copy: bool,
    /// Which file this was written into. Older programs did not say so.
    pub(super) mark: Option<FileMark>,
}

impl Identity {
    /// Whether this is another reading of the same opening.
    pub(super) fn is_of(self, other: Identity) -> bool {
        (self.instance, self.epoch) == (other.instance, other.epoch)
    }

    fn first(instance: u128) -> Identity {
        Identity { instance, epoch: 1, is_copy: false, mark: None }
    }

    fn text(self) -> String {
        let Identity { instance, epoch, is_copy, mark } = self;
        let mut body = format!("instance {instance:032x}\nepoch {epoch}\n");
        if let Some(FileMark { inode, born }) = mark {
            body += &format!("inode {inode} {born}\n");
        }
        if is_copy {
            body += "copy\n";
        }
        format!("{body}crc {:08x}\n", crc32c::crc32c(body.as_bytes()))
    }

    fn parse(text: &str) -> Option<Identity> {
        let mut lines = text.lines();
        let instance = lines.next()?.strip_prefix("instance ")?;
        let epoch = lines.next()?.strip_prefix("epoch ")?.parse().ok()?;
        let instance = u128::from_str_radix(instance, 16).ok()?;
        let mut found = Identity { epoch, ..Identity::first(instance) };
        for line in lines {
            if let Some(file) = line.strip_prefix("inode ") {
                let (inode, born) = file.split_once(' ')?;
                let (inode, born) = (inode.parse().ok()?, born.parse().ok()?);
                found.mark = Some(FileMark { inode, born });
            }
            found.is_copy |= line == "copy";
        }
        (found.text() == text).then_some(found)
    }
}

/// Who the directory is, and an epoch that it never had before: durable when this returns. A
/// new directory and a copy become `fresh`.
pub(super) fn begin_epoch(
    disk: &dyn Disk,
    path: &Path,
    fresh: u128,
) -> Result<Identity, DirectoryError> {
    let known = read_format(disk, path)?;
    let identity = match (known, read_identity(disk, path)?) {
        (_, Some(before)) => {
            let epoch = before.epoch + 1;
            match is_elsewhere(disk, path, before)? {
                true => Identity { epoch, is_copy: true, ..Identity::first(fresh) },
                false => Identity { epoch, ..before },
            }
        }
        (None, None) if is_fresh(disk, path)? => Identity::first(fresh),
        _ => return Err(DirectoryError::Damaged { path: path.join("identity") }),
    };
    write_identity(disk, path, identity)?;
    if known != Some(FORMAT) {
        let file = path.join("format");
        replace_file(disk, &file, format!("countersign-data {FORMAT}\n").as_bytes())
            .map_err(DirectoryError::io("write", &file))?;
    }
    Ok(identity)
}

pub(super) fn read_identity(
    disk: &dyn Disk,
    path: &Path,
) -> Result<Option<Identity>, DirectoryError> {
    let file = path.join("identity");
    let Some(text) = read_text(disk, &file)? else { return Ok(None) };
    Identity::parse(&text).map(Some).ok_or(DirectoryError::Damaged { path: file })
}

pub(super) fn write_identity(
    disk: &dyn Disk,
    path: &Path,
    identity: Identity,
) -> Result<(), DirectoryError> {
    let file = path.join("identity");
    let content = |mark| Identity { mark: Some(mark), ..identity }.text().into_bytes();
    replace_marked(disk, &file, content).map_err(DirectoryError::io("write", &file))
}

/// Whether the file is another one than it was written into.
fn is_elsewhere(disk: &dyn Disk, path: &Path, identity: Identity) -> Result<bool, DirectoryError> {
    let file = path.join("identity");
    let mark = disk.open_to_read(&file).and_then(|file| file.mark());
    let mark = mark.map_err(DirectoryError::io("read", &file))?;
    Ok(identity.mark.is_some_and(|written| !written.is_same(mark)))
}

/// Whether no log was ever begun here.
fn is_fresh(disk: &dyn Disk, path: &Path) -> Result<bool, DirectoryError> {
    for log in ["facts", "relay", "snapshots"] {
        let directory = path.join(log);
        let names = disk.list(&directory).map_err(DirectoryError::io("list", &directory))?;
        if !names.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use crate::journal::DataDirectory;

    #[test]
    fn f28_a_copy_is_another_instance_until_it_has_begun_again_and_a_move_is_none() {
        let home = tempfile::tempdir().unwrap();
        let (original, moved) = (home.path().join("original"), home.path().join("moved"));
        let copied = home.path().join("copied");
        let first = DataDirectory::open(&original).unwrap().instance();
        std::fs::rename(&original, &moved).unwrap();
        std::fs::create_dir(&copied).unwrap();
        for file in ["identity", "format"] {
            std::fs::copy(moved.join(file), copied.join(file)).unwrap();
        }
        let directory = DataDirectory::open(&moved).unwrap();
        assert_eq!((directory.instance(), directory.is_copy()), (first, false));

        let copy = DataDirectory::open(&copied).unwrap();
        let own = copy.instance();
        assert!(own != first && copy.is_copy());
        drop(copy);
        let mut copy = DataDirectory::open(&copied).unwrap();
        assert_eq!((copy.instance(), copy.is_copy()), (own, true), "it did not begin again yet");
        copy.has_begun_again().unwrap();
        assert!(copy.is_current().unwrap());
        drop(copy);
        let copy = DataDirectory::open(&copied).unwrap();
        assert_eq!((copy.instance(), copy.is_copy(), copy.epoch()), (own, false, 4));
    }

    #[test]
    fn f28_an_identity_that_does_not_say_its_file_is_no_copy() {
        let home = tempfile::tempdir().unwrap();
        let body = format!("instance {:032x}\nepoch 3\n", 7);
        let text = format!("{body}crc {:08x}\n", crc32c::crc32c(body.as_bytes()));
        std::fs::write(home.path().join("identity"), text).unwrap();
        std::fs::write(home.path().join("format"), "countersign-data 2\n").unwrap();
        let directory = DataDirectory::open(home.path()).unwrap();
        assert_eq!((directory.instance(), directory.epoch()), (7, 4));
        assert!(!directory.is_copy());
        drop(directory);
        let text = std::fs::read_to_string(home.path().join("identity")).unwrap();
        assert!(text.contains("\ninode "), "{text}");
        assert!(!DataDirectory::open(home.path()).unwrap().is_copy());
    }
}
