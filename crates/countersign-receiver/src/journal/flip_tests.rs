//! One bit flipped in ten thousand places of a log: the record that it is in is set aside, and
//! nothing else is lost.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::segment::{HEADER_BYTES, RECORD_HEADER_BYTES};
use super::simulated::SimDisk;
use super::*;

const DIRECTORY: &str = "/data/facts";
const RECORDS: u64 = 42;
const PLACES: usize = 10_000;
/// Bytes of a segment's header that its checksum covers, with the checksum.
const CHECKED_HEADER: u64 = 36;

fn options() -> LogOptions {
    LogOptions { segment_bytes: 600, ..LogOptions::of(LogKind::Facts) }
}

fn payload(sequence: u64) -> Vec<u8> {
    (0..20 + sequence * 7 % 60).map(|i| (i * 7 + sequence) as u8).collect()
}

fn open(disk: &SimDisk) -> (Log, Recovery) {
    Log::open_with(Arc::new(disk.clone()), Path::new(DIRECTORY), options()).unwrap()
}

/// A log of several segments, in groups of one to five records.
fn written() -> SimDisk {
    let disk = SimDisk::default();
    let (mut log, _) = open(&disk);
    for sequence in 1..=RECORDS {
        assert_eq!(log.append(&payload(sequence)).unwrap(), sequence);
        if sequence % (1 + sequence % 5) == 0 || sequence == RECORDS {
            log.sync().unwrap();
        }
    }
    disk
}

/// Where each record stands, in order.
fn places(disk: &SimDisk) -> Vec<(PathBuf, Range<u64>)> {
    let mut places = Vec::new();
    for (path, bytes) in disk.files() {
        let mut at = HEADER_BYTES;
        while at < bytes.len() as u64 {
            let length = RECORD_HEADER_BYTES as u64 + payload(places.len() as u64 + 1).len() as u64;
            places.push((path.clone(), at..at + length));
            at += length;
        }
        assert_eq!(at, bytes.len() as u64);
    }
    assert_eq!(places.len() as u64, RECORDS);
    places
}

fn read(log: &Log) -> (Vec<u64>, u64) {
    let mut reader = log.reader(0).unwrap();
    let mut sequences = Vec::new();
    while let Some(record) = reader.next().unwrap() {
        assert_eq!(record.payload, payload(record.sequence));
        sequences.push(record.sequence);
    }
    (sequences, reader.damaged_bytes())
}

#[test]
fn f14_a_flipped_bit_costs_the_record_that_it_is_in() {
    let disk = written();
    let places = places(&disk);
    let last = places.last().unwrap().clone();
    let mut tried = 0;
    for (path, whole) in disk.files() {
        for at in 0..whole.len() as u64 {
            // Other bits at each byte: ten thousand places in all.
            for bit in (at % 3..8).step_by(2) {
                let flipped = disk.image(0, || unreachable!("all is synced"));
                flipped.flip(&path, at as usize, 1 << bit);
                check(&flipped, &path, at, &places, &last);
                tried += 1;
            }
        }
    }
    assert!(tried >= PLACES, "{tried}");
    println!("{tried} places");
}

fn check(
    flipped: &SimDisk,
    path: &Path,
    at: u64,
    places: &[(PathBuf, Range<u64>)],
    last: &(PathBuf, Range<u64>),
) {
    let told = || format!("{} byte {at}", path.display());
    let before = flipped.files();
    let hit = places.iter().position(|(file, range)| file == path && range.contains(&at));
    let torn = hit.is_some_and(|hit| hit + 1 == places.len());
    let (log, recovery) = open(flipped);
    let mut wanted: Vec<u64> = (1..=RECORDS).collect();
    if let Some(hit) = hit {
        wanted.remove(hit);
    }
    let (left, stepped_over) = read(&log);
    assert_eq!(left, wanted, "{}", told());
    let damage = match hit {
        // The last record of all cannot be told from one that was never written to its end.
        Some(_) if torn => None,
        Some(hit) => Some(places[hit].1.clone()),
        None if at < CHECKED_HEADER => Some(0..HEADER_BYTES),
        None => None,
    };
    let damages: Vec<_> = recovery.damages.iter().map(|one| one.range.clone()).collect();
    assert_eq!(damages, damage.clone().into_iter().collect::<Vec<_>>(), "{}", told());
    let in_record = if hit.is_some() { damage.clone() } else { None };
    assert_eq!(stepped_over, in_record.map_or(0, |range| range.end - range.start), "{}", told());
    assert_eq!(recovery.torn_bytes > 0, torn, "{}", told());
    // What was set aside is a copy; damage in the middle stays where it is, too.
    let aside = if torn { Some(last.1.clone()) } else { damage };
    if let Some(range) = aside {
        let name = format!(
            "{}.{}-{}",
            path.file_name().unwrap().to_str().unwrap(),
            range.start,
            range.end
        );
        let copy = flipped.files().remove(&Path::new(DIRECTORY).join("quarantine").join(name));
        let bytes = &before[path][range.start as usize..range.end as usize];
        assert_eq!(copy.as_deref(), Some(bytes), "{}", told());
    }
}

#[test]
fn f14_files_that_say_what_the_directory_is_begin_nothing_new_when_they_are_damaged() {
    let path = Path::new("/data");
    let disk = SimDisk::default();
    identity::begin_epoch(&disk, path, 7).unwrap();
    for (file, whole) in disk.files() {
        for at in 0..whole.len() {
            for bit in 0..8 {
                let flipped = disk.image(0, || unreachable!("all is synced"));
                flipped.flip(&file, at, 1 << bit);
                let told = format!("{} byte {at} bit {bit}", file.display());
                let before = flipped.files();
                match identity::begin_epoch(&flipped, path, 7) {
                    Ok(begun) => assert_eq!(begun.epoch, 2, "{told}"),
                    Err(error) => {
                        assert_eq!(error.exit_code(), 78, "{told}: {error}");
                        assert_eq!(flipped.files(), before, "{told}: changed");
                    }
                }
            }
        }
    }
}
