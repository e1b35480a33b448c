//! Crashes at every operation and faults at every write and sync: what was acknowledged is
//! there, once and in order, and nothing that was never appended.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::images::{Image, each_image};
use super::simulated::{Fate, Faults, SimDisk};
use super::*;

const NUMBERS: u64 = 12;
const DIRECTORY: &str = "/data/facts";

/// What the outside knows after some work on a log.
#[derive(Debug, Default)]
struct Known {
    /// Those that were to be made durable, in this order.
    appended: Vec<u64>,
    acknowledged: BTreeSet<u64>,
    /// Numbers below this were asked to be removed.
    forgotten: u64,
    faults: u64,
    gave_up: bool,
}

fn options() -> LogOptions {
    LogOptions { kind: LogKind::Facts, epoch: 3, segment_bytes: 150, covered: 0 }
}

fn open(disk: &SimDisk) -> Result<(Log, Recovery), LogError> {
    Log::open_with(Arc::new(disk.clone()), Path::new(DIRECTORY), options())
}

fn payload(number: u64) -> Vec<u8> {
    [number; 3].map(u64::to_le_bytes).concat()
}

/// Appends groups of 1 to 3 records whose payloads are numbers; goes on after faults if it can.
fn work(disk: &SimDisk, known: &mut Known, numbers: std::ops::Range<u64>) {
    let Ok((mut log, _)) = open(disk) else { return };
    let mut group = Vec::new();
    for number in numbers {
        if log.append(&payload(number)).is_err() {
            return;
        }
        group.push(number);
        if group.len() as u64 <= number % 3 {
            continue;
        }
        known.appended.extend(&group);
        match log.sync() {
            Ok(()) => known.acknowledged.extend(&group),
            Err(error) => {
                known.faults += 1;
                assert!(log.is_poisoned() || matches!(error, LogError::Full), "{error}");
                if log.is_poisoned() {
                    assert!(matches!(log.append(b"x"), Err(LogError::Poisoned)));
                    assert!(matches!(log.sync(), Err(LogError::Poisoned)));
                    if log.reopen().is_err() {
                        known.gave_up = true;
                        return;
                    }
                }
            }
        }
        group.clear();
        if let Ok(mut reader) = log.reader(0) {
            assert!(read(&mut reader).iter().all(|found| known.acknowledged.contains(found)));
        }
    }
}

fn read(reader: &mut LogReader) -> Vec<u64> {
    let mut numbers = Vec::new();
    let mut last = 0;
    while let Ok(Some(record)) = reader.next() {
        assert!(record.sequence > last);
        last = record.sequence;
        let (number, _) = record.payload.split_first_chunk::<8>().unwrap();
        let number = u64::from_le_bytes(*number);
        assert_eq!(record.payload, payload(number));
        assert!(!numbers.contains(&number), "{number} twice: {numbers:?}");
        numbers.push(number);
    }
    numbers
}

/// Recovers an image and checks what is there; gives how many opens it took.
fn check(image: &Image, known: &Known, told: &str) {
    let told = || format!("{told}, {}", image.told);
    let (log, recovery) = open(&image.disk).unwrap_or_else(|error| panic!("{}: {error}", told()));
    let found = read(&mut log.reader(0).unwrap());
    let wanted = known.acknowledged.range(known.forgotten..);
    let missing: Vec<_> = wanted.filter(|number| !found.contains(number)).collect();
    assert!(missing.is_empty(), "{}: lost {missing:?}", told());
    assert!(found.iter().all(|n| known.appended.contains(n)), "{}: invented", told());
    if image.in_order && known.faults == 0 {
        let kept = found.first().map_or(&[][..], |first| {
            let at = known.appended.iter().position(|n| n == first).unwrap();
            &known.appended[at..at + found.len()]
        });
        assert_eq!(found, kept, "{}: no prefix of what was appended", told());
        assert_eq!(recovery.damaged_bytes, 0, "{}", told());
    }
    drop(log);
    // A second recovery finds nothing to do.
    let before = image.disk.files();
    let (log, again) = open(&image.disk).unwrap();
    assert_eq!(read(&mut log.reader(0).unwrap()), found, "{}: recovered differently", told());
    assert_eq!(again.torn_bytes, 0, "{}: still torn", told());
    assert_eq!(image.disk.files(), before, "{}: recovered twice", told());
}

/// Checks every image of a disk; gives their count.
fn check_images(disk: &SimDisk, known: &Known, told: &str) -> u64 {
    let mut images = 0;
    each_image(disk, |image| {
        check(image, known, told);
        images += 1;
    });
    images
}

#[test]
fn f02_power_may_fail_at_any_operation() {
    // Small writes, so that there are many moments within a group.
    let plan = Faults { write_bytes_max: Some(20), ..Faults::default() };
    let whole = SimDisk::new(plan);
    work(&whole, &mut Known::default(), 1..NUMBERS);
    let (mut crashes, mut images) = (0, 0);
    for crash in 1..=whole.operations() {
        let disk = SimDisk::new(Faults { crash: Some(crash), ..plan });
        let mut known = Known::default();
        work(&disk, &mut known, 1..NUMBERS);
        // Where the machine was off there was no answer: that is no fault of the log.
        known.faults = 0;
        crashes += 1;
        images += check_images(&disk, &known, &format!("crash at {crash}"));
    }
    println!("{crashes} crashes, {images} images");
    assert!(crashes > 90 && images > 1_000, "{crashes} {images}");
}

#[test]
fn f02_power_may_fail_while_old_segments_are_removed() {
    let work_and_remove = |disk: &SimDisk, known: &mut Known| {
        work(disk, known, 1..NUMBERS);
        let Ok((mut log, _)) = open(disk) else { return };
        for number in [3, 7, 10] {
            // Without faults a number is its record's sequence.
            known.forgotten = number;
            if log.remove_before(number).is_err() {
                return;
            }
        }
        drop(log);
        work(disk, known, NUMBERS..NUMBERS + 3);
    };
    let (begin, end) = (SimDisk::default(), SimDisk::default());
    work(&begin, &mut Known::default(), 1..NUMBERS);
    work_and_remove(&end, &mut Known::default());
    let mut images = 0;
    for crash in begin.operations()..=end.operations() {
        let disk = SimDisk::new(Faults { crash: Some(crash), ..Faults::default() });
        let mut known = Known::default();
        work_and_remove(&disk, &mut known);
        known.faults = 0;
        images += check_images(&disk, &known, &format!("crash at {crash}"));
    }
    assert!(images > 200, "{images}");
}

#[test]
fn f02_power_may_fail_again_while_recovering() {
    let disk = SimDisk::default();
    let mut known = Known::default();
    work(&disk, &mut known, 1..10);
    // A group that is torn in the middle.
    let (mut log, _) = open(&disk).unwrap();
    for number in [90, 91] {
        log.append(&payload(number)).unwrap();
        known.appended.push(number);
    }
    let before = disk.operations();
    disk.plan(Faults { crash: Some(before + 6), ..Faults::default() });
    drop(log.sync());
    let mut count = 0;
    let torn = disk.image(u64::MAX, || {
        count += 1;
        if count % 3 == 0 { Fate::Lost } else { Fate::Written }
    });
    // Bytes that were cut may be found again, in another order than they were written.
    known.faults = 1;
    let start = torn.operations();
    for crash in start + 1.. {
        let again = torn.image(0, || Fate::Written);
        again.plan(Faults { crash: Some(crash), ..Faults::default() });
        let opened = open(&again).is_ok();
        check_images(&again, &known, &format!("recovery crashed at {crash}"));
        if opened {
            assert!(crash > start + 8, "{crash}");
            return;
        }
    }
}

#[test]
fn f02_no_epoch_is_given_twice() {
    let path = Path::new("/data");
    for crash in 1..40 {
        let disk = SimDisk::default();
        let first = identity::begin_epoch(&disk, path, 7).unwrap();
        let crash = Some(disk.operations() + crash);
        disk.plan(Faults { crash, ..Faults::default() });
        let mut last = first.epoch;
        while let Ok(begun) = identity::begin_epoch(&disk, path, 7) {
            last = begun.epoch;
        }
        each_image(&disk, |image| {
            let again = identity::begin_epoch(&image.disk, path, 8).unwrap();
            assert_eq!(again.instance, 7, "{}", image.told);
            assert!(again.epoch > last, "{}: {} after {last}", image.told, again.epoch);
        });
    }
}

#[test]
fn f02_the_first_epoch_begins_anew_or_goes_on() {
    let path = Path::new("/data");
    for crash in 1..20 {
        let disk = SimDisk::new(Faults { crash: Some(crash), ..Faults::default() });
        let begun = identity::begin_epoch(&disk, path, 7).ok();
        each_image(&disk, |image| {
            let again = identity::begin_epoch(&image.disk, path, 7).unwrap();
            if begun.is_some() {
                let told = (again.instance, again.epoch, again.is_copy);
                assert_eq!(told, (7, 2, false), "{}", image.told);
            }
        });
    }
}

#[test]
fn f02_a_cursor_is_here_or_where_it_was() {
    let path = Path::new("/data/cursors/jaeger.cursor");
    for crash in 1..40 {
        let disk = SimDisk::default();
        let mut cursor = Cursor::open_with(Arc::new(disk.clone()), path).unwrap();
        cursor.move_to(5).unwrap();
        let crash = Some(disk.operations() + crash);
        disk.plan(Faults { crash, ..Faults::default() });
        let moved = cursor.move_to(9).is_ok();
        each_image(&disk, |image| {
            let cursor = Cursor::open_with(Arc::new(image.disk.clone()), path).unwrap();
            let wanted: &[u64] = if moved { &[9] } else { &[5, 9] };
            assert!(wanted.contains(&cursor.position()), "{}: {}", image.told, cursor.position());
        });
    }
}

#[test]
fn f04_a_full_log_refuses_and_goes_on_when_there_is_space() {
    let mut refused = 0;
    for capacity in (30..700).step_by(13) {
        let disk = SimDisk::new(Faults { capacity: Some(capacity), ..Faults::default() });
        let mut known = Known::default();
        work(&disk, &mut known, 1..30);
        refused += known.faults;
        disk.plan(Faults::default());
        check_images(&disk, &known, &format!("{capacity} bytes"));
        work(&disk, &mut known, 30..40);
        assert!(known.acknowledged.contains(&38), "{capacity}");
        check_images(&disk, &known, &format!("{capacity} bytes, then space"));
    }
    assert!(refused > 60, "{refused}");
}

#[test]
fn f04_the_number_of_what_was_refused_is_not_given_out_again() {
    let disk = SimDisk::default();
    let (mut log, _) = open(&disk).unwrap();
    log.append(b"kept").unwrap();
    log.sync().unwrap();
    disk.plan(Faults { capacity: Some(70), ..Faults::default() });
    log.append(&[7; 64]).unwrap();
    assert!(matches!(log.sync(), Err(LogError::Full)));
    assert!(!log.is_poisoned());
    disk.plan(Faults::default());
    assert_eq!(log.append(b"next").unwrap(), 3);
    log.sync().unwrap();
    let mut reader = log.reader(0).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().payload, b"kept");
    assert_eq!(reader.next().unwrap().unwrap().payload, b"next");
    assert_eq!(reader.next().unwrap(), None);
}

/// The simulated disk breaks the test if a file whose sync failed is synced again.
#[test]
fn f06_an_fsync_that_fails_is_never_repeated() {
    let whole = SimDisk::default();
    work(&whole, &mut Known::default(), 1..25);
    let mut faults = 0;
    for n in 1..=whole.syncs() {
        let disk = SimDisk::new(Faults { sync: Some(n), ..Faults::default() });
        let mut known = Known::default();
        work(&disk, &mut known, 1..25);
        faults += known.faults;
        assert!(!known.gave_up, "one fault is survived: {n}");
        disk.plan(Faults::default());
        check_images(&disk, &known, &format!("sync {n}"));
    }
    // The sync of a segment that is made when the log is opened refuses no record.
    assert_eq!(faults, whole.syncs());
}

#[test]
fn f06_a_write_that_fails_is_cut_off_and_the_log_goes_on() {
    let whole = SimDisk::default();
    work(&whole, &mut Known::default(), 1..25);
    let mut faults = 0;
    for n in 1..=whole.writes() {
        for sync in [None, Some(n + 1)] {
            let plan = Faults { write: Some(n), sync, ..Faults::default() };
            let disk = SimDisk::new(plan);
            let mut known = Known::default();
            work(&disk, &mut known, 1..25);
            faults += known.faults;
            assert!(sync.is_some() || !known.gave_up, "one fault is survived: {plan:?}");
            disk.plan(Faults::default());
            check_images(&disk, &known, &format!("{plan:?}"));
        }
    }
    assert!(faults > 30, "{faults}");
}

#[test]
fn f07_writes_may_be_short_and_interrupted() {
    for most in [1, 17, 1_000] {
        for every in [2, 7] {
            let disk = SimDisk::new(Faults {
                write_bytes_max: Some(most),
                interrupted_every: Some(every),
                ..Faults::default()
            });
            let mut known = Known::default();
            work(&disk, &mut known, 1..30);
            assert_eq!((known.acknowledged.len(), known.faults), (27, 0));
            check_images(&disk, &known, "short");
        }
    }
}

#[test]
fn f07_the_disk_may_be_full_at_any_byte_of_a_record() {
    let (mut refused, mut taken) = (0, 0);
    for capacity in (40..400).step_by(3) {
        let disk = SimDisk::new(Faults {
            capacity: Some(capacity),
            write_bytes_max: Some(7),
            ..Faults::default()
        });
        let mut known = Known::default();
        work(&disk, &mut known, 1..15);
        refused += known.faults;
        taken += known.acknowledged.len();
        assert!(!known.gave_up, "{capacity}");
        disk.plan(Faults::default());
        check_images(&disk, &known, &format!("{capacity} bytes"));
    }
    assert!(refused > 150 && taken > 150, "{refused} {taken}");
}
