//! Crashes at every operation and faults at every write and sync: what was acknowledged is
//! there, once and in order, and nothing that was never appended.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::simulated::{Faults, SimDisk};
use super::*;

const NUMBERS: u64 = 12;
const DIRECTORY: &str = "/data/facts";

/// What the outside knows after some work on a log.
#[derive(Debug, Default)]
struct Known {
    appended: BTreeSet<u64>,
    acknowledged: BTreeSet<u64>,
    faults: u64,
    gave_up: bool,
}

fn options() -> LogOptions {
    LogOptions { kind: LogKind::Facts, epoch: 3, segment_bytes: 150 }
}

fn open(disk: &SimDisk) -> Result<(Log, Recovery), LogError> {
    Log::open_with(Arc::new(disk.clone()), Path::new(DIRECTORY), options())
}

/// Appends groups of 1 to 3 records whose payloads are numbers; goes on after faults if it can.
fn work(disk: &SimDisk, known: &mut Known, numbers: std::ops::Range<u64>) {
    let Ok((mut log, _)) = open(disk) else { return };
    let mut group = Vec::new();
    for number in numbers {
        let payload = [number; 3].map(u64::to_le_bytes).concat();
        if log.append(&payload).is_err() {
            return;
        }
        group.push(number);
        known.appended.insert(number);
        if group.len() as u64 <= number % 3 {
            continue;
        }
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
            assert!(read(&mut reader).is_subset(&known.acknowledged));
        }
    }
}

fn read(reader: &mut LogReader) -> BTreeSet<u64> {
    let mut numbers = BTreeSet::new();
    let mut last = 0;
    while let Ok(Some(record)) = reader.next() {
        assert!(record.sequence > last);
        last = record.sequence;
        let (number, rest) = record.payload.split_first_chunk::<8>().unwrap();
        assert_eq!(rest.len(), 16);
        assert!(numbers.insert(u64::from_le_bytes(*number)), "twice");
    }
    numbers
}

/// Recovers a disk and checks what is there.
fn check(disk: &SimDisk, known: &Known, told: &str) {
    let (log, _) = open(disk).unwrap_or_else(|error| panic!("{told}: {error}"));
    let found = read(&mut log.reader(0).unwrap());
    let missing: Vec<_> = known.acknowledged.difference(&found).collect();
    assert!(missing.is_empty(), "{told}: lost {missing:?}");
    assert!(found.is_subset(&known.appended), "{told}: invented");
    drop(log);
    let (log, again) = open(disk).unwrap();
    assert_eq!(read(&mut log.reader(0).unwrap()), found, "{told}: recovered differently");
    assert_eq!(again.torn_bytes, 0, "{told}: still torn");
}

/// A small generator of choices.
struct Choices(u64);

impl Choices {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Checks the images of a disk: nothing, everything, every prefix and some subsets survive.
fn check_images(disk: &SimDisk, known: &Known, told: &str) {
    let mut choices = Choices(0x9e37_79b9_7f4a_7c15);
    for renamings in 0..=disk.renamings() {
        for prefix in 0..8 {
            let mut count = 0;
            let image = disk.image(renamings, || {
                count += 1;
                count <= prefix
            });
            check(&image, known, &format!("{told}, {renamings} names, {prefix} sectors"));
        }
        for subset in 0..8 {
            let image = disk.image(renamings, || choices.next() & 4 == 0);
            check(&image, known, &format!("{told}, {renamings} names, subset {subset}"));
        }
        let image = disk.image(renamings, || true);
        check(&image, known, &format!("{told}, {renamings} names, all"));
    }
}

#[test]
fn power_may_fail_at_any_operation() {
    let whole = SimDisk::default();
    work(&whole, &mut Known::default(), 1..NUMBERS);
    let mut crashes = 0;
    for crash in 1..=whole.operations() {
        let disk = SimDisk::new(Faults { crash: Some(crash), ..Faults::default() });
        let mut known = Known::default();
        work(&disk, &mut known, 1..NUMBERS);
        crashes += 1;
        check_images(&disk, &known, &format!("crash at {crash}"));
    }
    assert!(crashes > 70, "{crashes}");
}

#[test]
fn power_may_fail_again_while_recovering() {
    let disk = SimDisk::default();
    let mut known = Known::default();
    work(&disk, &mut known, 1..10);
    // A group that is torn in the middle.
    let (mut log, _) = open(&disk).unwrap();
    for number in [90, 91] {
        log.append(&[number; 3].map(u64::to_le_bytes).concat()).unwrap();
        known.appended.insert(number);
    }
    let before = disk.operations();
    disk.plan(Faults { crash: Some(before + 6), ..Faults::default() });
    drop(log.sync());
    let mut count = 0;
    let torn = disk.image(disk.renamings(), || {
        count += 1;
        count % 3 != 0
    });
    let start = torn.operations();
    for crash in start + 1.. {
        let again = torn.image(0, || true);
        again.plan(Faults { crash: Some(crash), ..Faults::default() });
        let opened = open(&again).is_ok();
        check_images(&again, &known, &format!("recovery crashed at {crash}"));
        if opened {
            return;
        }
    }
}

#[test]
fn any_write_or_sync_may_fail() {
    let mut faults = 0;
    for n in 1..25 {
        for plan in [
            Faults { write: Some(n), ..Faults::default() },
            Faults { sync: Some(n), ..Faults::default() },
            Faults { write: Some(n), sync: Some(n + 1), ..Faults::default() },
        ] {
            let disk = SimDisk::new(plan);
            let mut known = Known::default();
            work(&disk, &mut known, 1..25);
            faults += known.faults;
            let single = plan.write.is_none() || plan.sync.is_none();
            assert!(!(single && known.gave_up), "one fault is survived: {plan:?}");
            disk.plan(Faults::default());
            check_images(&disk, &known, &format!("{plan:?}"));
        }
    }
    assert!(faults > 40, "{faults}");
}

#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_space() {
    let mut refused = 0;
    for capacity in (30..700).step_by(9) {
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
    assert!(refused > 100, "{refused}");
}

#[test]
fn writes_may_be_short() {
    for most in [1, 5, 17] {
        let faults = Faults { write_bytes_max: Some(most), ..Faults::default() };
        let disk = SimDisk::new(faults);
        let mut known = Known::default();
        work(&disk, &mut known, 1..30);
        assert!(known.acknowledged.len() >= 27);
        check_images(&disk, &known, "short");
    }
}

#[test]
fn without_a_fault_space_is_free_again_after_full() {
    let disk = SimDisk::default();
    let (mut log, _) = open(&disk).unwrap();
    log.append(b"kept").unwrap();
    log.sync().unwrap();
    disk.plan(Faults { capacity: Some(70), ..Faults::default() });
    log.append(&[7; 64]).unwrap();
    assert!(matches!(log.sync(), Err(LogError::Full)));
    assert!(!log.is_poisoned());
    disk.plan(Faults::default());
    let sequence = log.append(b"next").unwrap();
    assert_eq!(sequence, 3, "the number of what was refused is not given out again");
    log.sync().unwrap();
    let mut reader = log.reader(0).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().payload, b"kept");
    assert_eq!(reader.next().unwrap().unwrap().payload, b"next");
    assert_eq!(reader.next().unwrap(), None);
}

#[test]
fn a_cursor_is_here_or_where_it_was() {
    let path = Path::new("/data/cursors/jaeger.cursor");
    for crash in 1..40 {
        let disk = SimDisk::default();
        let mut cursor = Cursor::open_with(Arc::new(disk.clone()), path).unwrap();
        cursor.move_to(5).unwrap();
        let crash = Some(disk.operations() + crash);
        disk.plan(Faults { crash, ..Faults::default() });
        let moved = cursor.move_to(9).is_ok();
        for renamings in 0..=disk.renamings() {
            for survives in [false, true] {
                let image = disk.image(renamings, || survives);
                let cursor = Cursor::open_with(Arc::new(image), path).unwrap();
                let wanted: &[u64] = if moved { &[9] } else { &[5, 9] };
                assert!(wanted.contains(&cursor.position()), "{crash:?}: {}", cursor.position());
            }
        }
    }
}
