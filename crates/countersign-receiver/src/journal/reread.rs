//! Reading again what is at rest: a device may lose bits that nobody asks for in months.

use std::path::Path;
use std::sync::Arc;

use super::disk::Disk;
use super::error::LogError;
use super::recovery::{Damage, check_header, copy_aside, segments};
use super::segment::{Found, HEADER_BYTES, LogKind, SegmentReader, name_of};

/// Reads every segment of a log that is not written any more, and copies what is damaged into
/// its quarantine. `read` is told how many bytes were read since it was told last, so that it can
/// wait; it says whether to go on.
///
/// # Errors
/// If the disk fails. A segment that is removed meanwhile is no error.
pub fn reread(
    disk: &Arc<dyn Disk>,
    directory: &Path,
    kind: LogKind,
    read: &mut dyn FnMut(u64) -> bool,
) -> Result<Vec<Damage>, LogError> {
    let firsts = segments(disk.as_ref(), directory)?;
    let mut damages = Vec::new();
    // The last one is being written, and is read back when it fails.
    for (first, following) in firsts.iter().zip(firsts.iter().skip(1)) {
        match reread_segment(disk.as_ref(), directory, kind, (*first, *following), read) {
            Ok((found, go_on)) => {
                damages.extend(found);
                if !go_on {
                    break;
                }
            }
            Err(LogError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(damages)
}

fn reread_segment(
    disk: &dyn Disk,
    directory: &Path,
    kind: LogKind,
    (first, following): (u64, u64),
    read: &mut dyn FnMut(u64) -> bool,
) -> Result<(Vec<Damage>, bool), LogError> {
    let path = directory.join(name_of(first));
    let open = || disk.open_to_read(&path).map_err(LogError::io("open", &path));
    let file = open()?;
    // From the device, not from memory.
    file.drop_cached().map_err(LogError::io("read", &path))?;
    let length = file.length().map_err(LogError::io("read", &path))?;
    let mut ranges = Vec::new();
    if check_header(disk, directory, kind, first)?.is_none() {
        ranges.push(0..HEADER_BYTES.min(length));
    }
    let mut reader = SegmentReader::new(open()?, first.saturating_sub(1), following, None);
    let (mut at, mut go_on) = (0, true);
    while go_on {
        let found = reader.next().map_err(LogError::io("read", &path))?;
        let end = matches!(found, Found::End { .. });
        match found {
            Found::Record { .. } | Found::End { torn: None } => {}
            Found::Damage(range) => ranges.push(range),
            Found::End { torn: Some(torn) } => ranges.push(torn..length),
        }
        if end {
            break;
        }
        go_on = read(reader.offset() - at);
        at = reader.offset();
    }
    let damages = ranges.into_iter().map(|range| {
        let copy = copy_aside(disk, directory, file.as_ref(), &path, &range);
        Damage { segment: path.clone(), range, copy }
    });
    Ok((damages.collect(), go_on))
}
