//! Snapshots on a simulated disk: what they replace is not missed, and damage is no loss.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use countersign_core::settle::Settings;

use super::turn_tests::{at, call, of, open, relayed, verdict};
use super::{Difference, Ledgers, Options, Recounted, Turn, compare, recount};
use crate::journal::DataDirectory;
use crate::journal::images::each_image;
use crate::journal::simulated::{Faults, SimDisk};

const EVERY: u64 = 1_500;
const SEGMENT: u64 = 600;

fn options(journal_kept_bytes: u64) -> Options {
    Options {
        reserve_bytes: 0,
        segment_bytes: SEGMENT,
        snapshot_every_bytes: EVERY,
        journal_kept_bytes,
        relays: true,
        ..Options::of(Settings::default())
    }
}

/// Calls and verdicts of two tenants, with the snapshots that become due.
fn work(turn: &mut Turn, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let seconds = 10 * number;
        let group = [call(number), of("a", call(number + 1)), relayed(20, call(number + 2))];
        assert!(turn.take(&group, at(seconds)).iter().all(Result::is_ok));
        assert!(
            turn.take(&[verdict(number / 2), of("a", verdict(number))], at(seconds))[0].is_ok()
        );
        if let Some(capture) = turn.capture(at(seconds)) {
            turn.captured(capture.write());
        }
    }
}

fn differences(left: &Ledgers, right: &Ledgers) -> Vec<Difference> {
    let mut all = Vec::new();
    assert!(compare(left, right, &mut |difference| all.push(difference)) > 30);
    all
}

/// The files of a folder of the data directory, in order of their names, with their bytes.
fn files(disk: &SimDisk, folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new("/data").join(folder);
    disk.files().into_iter().filter(|(path, _)| path.parent() == Some(&folder)).collect()
}

fn bytes(files: &[(PathBuf, Vec<u8>)]) -> u64 {
    files.iter().map(|(_, content)| content.len() as u64).sum()
}

#[test]
fn a_start_from_a_snapshot_gives_the_books_that_never_stopped() {
    let disk = SimDisk::default();
    let mut turn = open(&disk, options(0), at(0));
    work(&mut turn, 1..60);
    let whole = turn.view(at(0)).ledgers.clone();
    drop(turn);
    let mut turn = open(&disk, options(0), at(600));
    assert_eq!(differences(&whole, turn.view(at(0)).ledgers), []);

    // And they go on alike: one that stopped, one that did not.
    let other = SimDisk::default();
    let mut never = open(&other, options(0), at(0));
    work(&mut never, 1..60);
    for turn in [&mut turn, &mut never] {
        work(turn, 61..90);
    }
    assert_eq!(differences(never.view(at(0)).ledgers, turn.view(at(0)).ledgers), []);
    turn.close();
    drop(turn);
    let turn = open(&disk, options(0), at(1_000));
    assert_eq!(differences(never.view(at(0)).ledgers, turn.view(at(0)).ledgers), []);
}

#[test]
fn disk_use_is_bounded() {
    for keep in [0, 4_000] {
        let disk = SimDisk::default();
        let mut turn = open(&disk, options(keep), at(0));
        let mut most = 0;
        for number in 1..200 {
            work(&mut turn, number..number + 1);
            turn.relayed(u64::MAX);
            let journal = bytes(&files(&disk, "facts"));
            most = most.max(journal);
            let group = 600;
            let bound = keep + 2 * EVERY + 2 * group + 2 * SEGMENT + group;
            assert!(journal <= bound, "{journal} bytes of journal, at most {bound} are told");
            assert!(files(&disk, "snapshots").len() <= 2);
        }
        assert!(most > keep + EVERY, "the bound is near: {most}");
    }
}

#[test]
fn f15_a_damaged_snapshot_falls_back_to_the_one_before_and_to_the_journal() {
    for keep in [0, u64::MAX] {
        let disk = SimDisk::default();
        let mut turn = open(&disk, options(keep), at(0));
        work(&mut turn, 1..40);
        let whole = turn.view(at(0)).ledgers.clone();
        drop(turn);
        let snapshots = files(&disk, "snapshots");
        assert_eq!(snapshots.len(), 2);
        let (newest, content) = snapshots.last().unwrap();
        for byte in (0..content.len()).step_by(content.len() / 40) {
            let image = disk.image(u64::MAX, || unreachable!("all is synced"));
            image.flip(newest, byte, 0x10);
            let turn = open(&image, options(keep), at(600));
            assert_eq!(differences(&whole, turn.view(at(0)).ledgers), [], "byte {byte}");
        }

        let image = disk.image(u64::MAX, || unreachable!("all is synced"));
        snapshots.iter().for_each(|(path, _)| image.flip(path, 90, 1));
        let directory = DataDirectory::open_with(Arc::new(image), Path::new("/data"), 7).unwrap();
        match Turn::open(directory, options(keep), at(600)) {
            Ok(turn) => {
                assert_eq!(keep, u64::MAX);
                assert_eq!(differences(&whole, turn.view(at(0)).ledgers), [], "from the journal");
            }
            Err(error) => {
                assert_eq!(keep, 0, "{error:#}");
                let told = error.to_string();
                assert!(told.contains("restore /data/snapshots"), "{told}");
            }
        }
    }
}

#[test]
fn f15_a_start_never_begins_with_empty_books_beside_snapshots() {
    let disk = SimDisk::default();
    let mut turn = open(&disk, options(0), at(0));
    work(&mut turn, 1..40);
    turn.close();
    let whole = turn.view(at(0)).ledgers.clone();
    drop(turn);
    // Somebody removed the journal.
    let image = disk.image(u64::MAX, || unreachable!("all is synced"));
    for (path, _) in files(&image, "facts") {
        crate::journal::Disk::remove(&image, &path).unwrap();
    }
    let mut turn = open(&image, options(0), at(600));
    assert_eq!(differences(&whole, turn.view(at(0)).ledgers), []);
    work(&mut turn, 61..62);
    let more = turn.view(at(0)).ledgers.clone();
    assert_ne!(differences(&whole, &more), []);
    drop(turn);
    let turn = open(&image, options(0), at(700));
    assert_eq!(differences(&more, turn.view(at(0)).ledgers), [], "no sequence is given twice");
}

#[test]
fn power_may_fail_at_any_operation_of_a_snapshot() {
    let prepare = |faults: Faults| {
        let disk = SimDisk::default();
        let mut turn = open(&disk, options(0), at(0));
        work(&mut turn, 1..4);
        let whole = turn.view(at(0)).ledgers.clone();
        let crash = faults.crash.map(|crash| disk.operations() + crash);
        disk.plan(Faults { crash, ..faults });
        turn.close();
        (disk, whole)
    };
    for crash in 1.. {
        let (disk, whole) = prepare(Faults { crash: Some(crash), ..Faults::default() });
        let crashed = disk.is_off();
        each_image(&disk, |image| {
            let turn = open(&image.disk, options(0), at(600));
            let found = differences(&whole, turn.view(at(0)).ledgers);
            assert_eq!(found, [], "crash at {crash}, {}", image.told);
        });
        if !crashed {
            assert!(crash > 12, "{crash}");
            return;
        }
    }
}

/// What a recount says is wrong.
fn wrong(disk: &SimDisk) -> Vec<String> {
    let directory = DataDirectory::open_with(Arc::new(disk.clone()), Path::new("/data"), 7);
    let recounted = directory
        .map_err(anyhow::Error::new)
        .and_then(|directory| recount(&directory, Settings::default(), &mut |_| {}));
    let recounted = match recounted {
        Ok(recounted) => recounted,
        Err(error) => return vec![error.to_string()],
    };
    let mut wrong = Vec::new();
    if recounted.rebuilt.damaged_bytes > 0 {
        wrong.push(format!("{} bytes", recounted.rebuilt.damaged_bytes));
    }
    for (sequence, what) in recounted.snapshots {
        match what {
            Recounted::Compared(numbers, differences) => {
                assert!(numbers > 30);
                wrong.extend(differences.iter().map(|one| format!("{sequence}: {one:?}")));
            }
            Recounted::Begun | Recounted::OtherRules(_) => {}
            Recounted::Damaged(why) => wrong.push(why),
        }
    }
    wrong
}

#[test]
fn a_recount_finds_any_changed_byte_that_matters() {
    let disk = SimDisk::default();
    let mut turn = open(&disk, options(u64::MAX), at(0));
    work(&mut turn, 1..9);
    turn.close();
    drop(turn);
    assert_eq!(wrong(&disk), Vec::<String>::new());
    let copy = || disk.image(u64::MAX, || unreachable!("all is synced"));
    let (mut tried, mut found) = (0, 0);
    for folder in ["facts", "snapshots"] {
        for (path, content) in files(&disk, folder) {
            for byte in (0..content.len()).step_by(7) {
                let image = copy();
                image.flip(&path, byte, 1 << (byte % 8));
                let said = wrong(&image);
                tried += 1;
                found += usize::from(!said.is_empty());
                // The end of a segment's header is zeros that nobody reads.
                let ignored = folder == "facts" && byte < 40;
                assert!(ignored || !said.is_empty(), "{}, byte {byte}", path.display());
            }
        }
    }
    assert!(found > 200 && tried > found, "{found} of {tried}");
}
