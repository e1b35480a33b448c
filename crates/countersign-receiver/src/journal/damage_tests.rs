//! A small log with every byte cut or flipped: the rest of the records survives, whatever it is.

use std::path::Path;

use super::*;
use crate::journal::log::LogOptions;

const RECORDS: u64 = 12;

fn payload(sequence: u64) -> Vec<u8> {
    (0..sequence * 3).map(|i| (i * sequence) as u8).collect()
}

/// Three groups of four records; a segment holds two groups.
fn write_log(directory: &Path) {
    let options = LogOptions { segment_bytes: 200, ..LogOptions::of(LogKind::Facts) };
    let (mut log, recovery) =
        Log::open_with(std::sync::Arc::new(OsDisk), directory, options).unwrap();
    assert_eq!(recovery, Recovery::default());
    for sequence in 1..=RECORDS {
        assert_eq!(log.append(&payload(sequence)).unwrap(), sequence);
        if sequence % 4 == 0 {
            log.sync().unwrap();
        }
    }
}

fn read_all(directory: &Path, from: u64) -> Vec<u64> {
    let mut reader = LogReader::open(directory, LogKind::Facts, from).unwrap();
    let mut sequences = Vec::new();
    while let Some(record) = reader.next().unwrap() {
        assert_eq!(record.payload, payload(record.sequence));
        sequences.push(record.sequence);
    }
    sequences
}

fn segment_files(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    files
}

#[test]
fn what_is_appended_is_read_from_anywhere() {
    let temporary = tempfile::tempdir().unwrap();
    write_log(temporary.path());
    assert_eq!(segment_files(temporary.path()).len(), 2);
    for from in 0..=RECORDS + 1 {
        let wanted: Vec<u64> = (from.max(1)..=RECORDS).collect();
        assert_eq!(read_all(temporary.path(), from), wanted);
    }
    let (log, recovery) = Log::open(temporary.path(), LogKind::Facts).unwrap();
    assert_eq!(log.next_sequence(), RECORDS + 1);
    assert_eq!((recovery.records, recovery.sequences), (RECORDS, Some((1, RECORDS))));
    assert_eq!((recovery.torn_bytes, recovery.damaged_bytes), (0, 0));
}

#[test]
fn a_log_of_another_kind_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    write_log(temporary.path());
    let error = Log::open(temporary.path(), LogKind::Relay).unwrap_err();
    assert!(matches!(error, LogError::OtherKind { .. }), "{error}");
}

#[test]
fn f26_a_newer_version_is_refused_and_left_alone() {
    let temporary = tempfile::tempdir().unwrap();
    write_log(temporary.path());
    let file = segment_files(temporary.path()).pop().unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[8] = 3;
    let crc = crc32c::crc32c(&bytes[..32]).to_le_bytes();
    bytes[32..36].copy_from_slice(&crc);
    bytes.push(7);
    std::fs::write(&file, &bytes).unwrap();
    let error = Log::open(temporary.path(), LogKind::Facts).unwrap_err();
    assert!(matches!(error, LogError::Newer { version: 3, .. }), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
}

#[test]
fn f03_cut_anywhere_the_last_segment_keeps_an_exact_prefix() {
    let temporary = tempfile::tempdir().unwrap();
    write_log(temporary.path());
    let file = segment_files(temporary.path()).pop().unwrap();
    let whole = std::fs::read(&file).unwrap();
    for length in (0..whole.len()).rev() {
        std::fs::write(&file, &whole[..length]).unwrap();
        let mut left = read_all(temporary.path(), 0);
        assert_eq!(left, (1..=left.len() as u64).collect::<Vec<_>>());
        assert!(left.len() >= 8);
        let (mut log, recovery) = Log::open(temporary.path(), LogKind::Facts).unwrap();
        assert_eq!(recovery.records, left.len() as u64, "cut to {length}");
        assert_eq!(recovery.damages, []);
        // What is appended afterwards follows, and never under a number that was cut.
        let torn = recovery.torn_bytes > 0;
        let sequence = log.append(&payload(20)).unwrap();
        assert_eq!(sequence == left.len() as u64 + 1, !torn);
        drop(log);
        left.extend(read_all(temporary.path(), left.len() as u64 + 1));
        assert_eq!(left.len() as u64, recovery.records);
        for extra in segment_files(temporary.path()).iter().filter(|f| **f > file) {
            std::fs::remove_file(extra).unwrap();
        }
    }
}

#[test]
fn f03_any_flipped_byte_costs_the_record_it_is_in() {
    let temporary = tempfile::tempdir().unwrap();
    write_log(temporary.path());
    let files = segment_files(temporary.path());
    for file in &files {
        let whole = std::fs::read(file).unwrap();
        for at in 0..whole.len() {
            for bit in [0x01, 0x80] {
                let mut bytes = whole.clone();
                bytes[at] ^= bit;
                std::fs::write(file, &bytes).unwrap();
                let left = read_all(temporary.path(), 0);
                let header = at < 40;
                assert_eq!(left.len() as u64, RECORDS - u64::from(!header), "{at} {bit}");
                let (_, recovery) = Log::open(temporary.path(), LogKind::Facts).unwrap();
                assert_eq!(recovery.records, left.len() as u64);
                // The last record of all cannot be told from one that was torn.
                let last = !left.contains(&RECORDS);
                assert_eq!(recovery.damaged_bytes > 0, !last && (at < 36 || !header), "{at}");
                assert_eq!(recovery.torn_bytes > 0, last, "{at}");
                let files_now = segment_files(temporary.path());
                for extra in files_now.iter().filter(|f| !files.contains(f)) {
                    std::fs::remove_file(extra).unwrap();
                }
            }
        }
        std::fs::write(file, &whole).unwrap();
    }
}

#[test]
fn f14_damage_is_copied_aside_once() {
    let temporary = tempfile::tempdir().unwrap();
    write_log(temporary.path());
    let file = segment_files(temporary.path()).remove(0);
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[60] ^= 0xff;
    std::fs::write(&file, &bytes).unwrap();
    for _ in 0..2 {
        let (_, recovery) = Log::open(temporary.path(), LogKind::Facts).unwrap();
        let [damage] = recovery.damages.as_slice() else { panic!("one damage") };
        let copy = damage.copy.as_ref().unwrap();
        let range = damage.range.start as usize..damage.range.end as usize;
        assert_eq!(std::fs::read(copy).unwrap(), bytes[range]);
    }
    let mut reader = LogReader::open(temporary.path(), LogKind::Facts, 0).unwrap();
    while reader.next().unwrap().is_some() {}
    assert!(reader.damaged_bytes() > 0);
}

#[test]
fn old_segments_go_and_sequences_stay() {
    let temporary = tempfile::tempdir().unwrap();
    write_log(temporary.path());
    let (mut log, _) = Log::open(temporary.path(), LogKind::Facts).unwrap();
    log.remove_before(8).unwrap();
    assert_eq!(segment_files(temporary.path()).len(), 2);
    log.remove_before(RECORDS + 100).unwrap();
    assert_eq!(segment_files(temporary.path()).len(), 1);
    drop(log);
    let (log, _) = Log::open(temporary.path(), LogKind::Facts).unwrap();
    assert_eq!(log.next_sequence(), RECORDS + 1);
    assert_eq!(read_all(temporary.path(), 1), [9, 10, 11, 12]);
}

#[test]
fn a_reader_follows_and_sees_only_what_is_synced() {
    let temporary = tempfile::tempdir().unwrap();
    let options = LogOptions { segment_bytes: 100, ..LogOptions::of(LogKind::Relay) };
    let (mut log, _) =
        Log::open_with(std::sync::Arc::new(OsDisk), temporary.path(), options).unwrap();
    let mut reader = log.reader(1).unwrap();
    assert_eq!(reader.next().unwrap(), None);
    for sequence in 1..=20 {
        log.append(&payload(sequence)).unwrap();
        assert_eq!(reader.next().unwrap(), None);
        log.sync().unwrap();
        let record = reader.next().unwrap().unwrap();
        assert_eq!((record.sequence, record.payload), (sequence, payload(sequence).as_slice()));
        assert_eq!(reader.position(), sequence + 1);
        assert_eq!(reader.next().unwrap(), None);
    }
    assert_eq!(reader.damaged_bytes(), 0);
    assert!(segment_files(temporary.path()).len() > 3);
}
