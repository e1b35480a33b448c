//! What an acknowledgement costs: a group appended and synced, beside the bare system calls.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;

use countersign_receiver::journal::{Log, LogKind, LogReader};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};

fn main() {
    divan::main();
}

/// The floor: 4 KiB appended to a file, then fdatasync.
#[divan::bench]
fn raw_append_of_4_kib(bencher: Bencher<'_, '_>) {
    let directory = directory();
    let file = OpenOptions::new().write(true).create_new(true).open(directory.path().join("raw"));
    let file = file.expect("a new file");
    let mut at = 0;
    bencher.counter(BytesCount::new(4096_usize)).bench_local(|| {
        file.write_all_at(&[7; 4096], at).expect("space");
        file.sync_data().expect("a disk");
        at += 4096;
    });
}

/// A group of so many records of 1 KiB, acknowledged together.
#[divan::bench(args = [4, 64, 1024])]
fn append_and_sync(bencher: Bencher<'_, '_>, records: usize) {
    let directory = directory();
    let (mut log, _) = Log::open(&directory.path().join("log"), LogKind::Facts).expect("a log");
    let payload = [7; 1008];
    bencher.counter(ItemsCount::new(records)).bench_local(|| {
        for _ in 0..records {
            log.append(&payload).expect("no fault");
        }
        log.sync().expect("a disk");
    });
}

/// Reading back, as at a restart.
#[divan::bench]
fn read_64_mib(bencher: Bencher<'_, '_>) {
    let directory = directory();
    let (mut log, _) = Log::open(directory.path(), LogKind::Facts).expect("a log");
    for _ in 0..64 << 10 {
        log.append(&[7; 1008]).expect("no fault");
    }
    log.sync().expect("a disk");
    bencher.counter(BytesCount::new(64_usize << 20)).bench_local(|| {
        let mut reader = LogReader::open(directory.path(), LogKind::Facts, 0).expect("a log");
        let mut bytes = 0;
        while let Some(record) = reader.next().expect("a disk") {
            bytes += record.payload.len();
        }
        bytes
    });
}

/// On the disk of the working directory: a temporary directory may be in memory.
fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in(".").expect("a directory")
}
