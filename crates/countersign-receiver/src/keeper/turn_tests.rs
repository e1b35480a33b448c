//! Turns on a simulated disk: no thread, no clock, every fault on purpose.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use countersign_core::dialect::Signal;
use countersign_core::fact::{Basis, Judgement, SourceKind, Verdict};
use countersign_core::fact::{Call, Cost, CostSource, Fact, Place, Usage};
use countersign_core::key::{Key, SpanId, TraceId};
use countersign_core::money::Money;
use countersign_core::settle::{Books, Settings};

use super::{Now, Options, Refusal, Submission, SubmissionKind, Tenant, Turn};
use crate::journal::images::each_image;
use crate::journal::simulated::{Faults, SimDisk};
use crate::journal::{DataDirectory, FactWriter};
use crate::limits::{REOPEN_AFTER, SUBMISSION_BYTES_MAX};

const START: u64 = 1_700_000_000;

pub(super) fn at(seconds: u64) -> Now {
    Now { wall: (START + seconds) * 1_000_000_000, monotonic: Duration::from_secs(seconds) }
}

fn options(relays: bool, reserve_bytes: u64) -> Options {
    Options { relays, reserve_bytes, segment_bytes: 4_096, ..Options::of(Settings::default()) }
}

pub(super) fn open(disk: &SimDisk, options: Options, now: Now) -> Turn {
    let disk = Arc::new(disk.clone());
    let directory = DataDirectory::open_with(disk, Path::new("/data"), 7).unwrap();
    Turn::open(directory, options, now).unwrap()
}

fn submission(facts: &[Fact<'_>]) -> Submission {
    let mut writer = FactWriter::default();
    facts.iter().for_each(|fact| writer.push(fact));
    Submission { facts: writer.into_bytes(), ..Submission::default() }
}

pub(super) fn call(number: u64) -> Submission {
    let place = Place { trace: TraceId(number.into()), span: SpanId(number), parent: SpanId::NONE };
    submission(&[Fact::Call(Call {
        place,
        record: Key::of_span(place.trace, place.span),
        model: "m",
        usage: Some(Usage { input: 1, ..Usage::default() }),
        cost: Cost::Priced(Money::from_pico(7), CostSource::Reported),
        ..Call::default()
    })])
}

pub(super) fn verdict(number: u64) -> Submission {
    let id = TraceId(number.into()).to_string();
    let taken = submission(&[Fact::Verdict(Verdict {
        id: Key::of(&id),
        task: &id,
        trace: TraceId::NONE,
        judgement: Judgement::Accepted,
        effective: 1,
        source: SourceKind::Human,
        system: "",
        basis: Basis::Explicit,
        round: 0,
        supersedes: Key::NONE,
        reason: "",
        edit_ppm: None,
        review_ms: Some(1_000),
        policy_version: "",
    })]);
    Submission { kind: SubmissionKind::Verdicts, ..taken }
}

pub(super) fn of(tenant: &str, submission: Submission) -> Submission {
    Submission { tenant: Tenant::named(tenant).unwrap(), ..submission }
}

pub(super) fn relayed(bytes: usize, submission: Submission) -> Submission {
    let relay = Some((Signal::Traces, Bytes::from(vec![7; bytes])));
    Submission { relay, ..submission }
}

fn calls(books: &Books) -> u64 {
    books.totals().calls_ok
}

#[test]
fn each_tenant_has_books_of_its_own_also_after_a_restart() {
    let disk = SimDisk::default();
    let mut turn = open(&disk, options(false, 0), at(0));
    let group = [call(1), of("a", call(1)), of("a", call(2)), of("b", call(1))];
    let answers = turn.take(&group, at(1));
    let positions: Vec<u64> = answers.iter().map(|a| a.as_ref().unwrap().position).collect();
    assert_eq!(positions, [1, 1, 2, 1]);
    assert!(turn.take(&[], at(120)).is_empty());
    let count = |turn: &Turn| {
        let view = turn.view(at(121));
        let of = |name: &str| view.of_tenant(name).map(|view| calls(view.books));
        (calls(view.books), of(""), of("a"), of("b"), of("c"))
    };
    let counted = count(&turn);
    assert_eq!(counted, (1, Some(1), Some(2), Some(1), None));
    drop(turn);
    assert_eq!(count(&open(&disk, options(false, 0), at(130))), counted);
}

#[test]
fn what_was_refused_is_not_written_with_the_next_group() {
    let disk = SimDisk::default();
    let mut turn = open(&disk, options(true, 0), at(0));
    let huge = Submission { facts: vec![0; SUBMISSION_BYTES_MAX + 1], ..Submission::default() };
    let answers = turn.take(&[call(1), huge, call(2)], at(1));
    let told: Vec<Option<Refusal>> = answers.into_iter().map(Result::err).collect();
    assert_eq!(told, [None, Some(Refusal::TooLarge), None], "one is refused, not its neighbours");

    // The queue takes the request, the journal does not take the facts.
    let writes = disk.writes();
    disk.plan(Faults { write: Some(writes + 2), ..Faults::default() });
    let answers = turn.take(&[relayed(10, call(3)), call(4)], at(2));
    assert!(answers.iter().all(|answer| matches!(answer, Err(Refusal::Disk(_)))), "{answers:?}");
    assert!(matches!(turn.take(&[call(5)], at(2)).as_slice(), [Err(Refusal::Disk(_))]));
    assert!(matches!(turn.take(&[call(6)], at(9)).as_slice(), [Ok(_)]));
    turn.take(&[], at(200));
    assert_eq!(calls(turn.view(at(200)).books), 3);
    drop(turn);
    let turn = open(&disk, options(true, 0), at(200));
    assert_eq!(calls(turn.view(at(200)).books), 3, "calls 1, 2 and 6");
}

#[test]
fn f04_on_a_full_disk_verdicts_go_on_and_telemetry_comes_again() {
    let disk = SimDisk::default();
    let mut turn = open(&disk, options(true, 20_000), at(0));
    let mut seconds = 1;
    let mut taken = 0;
    for number in 1..=3 {
        assert!(turn.take(&[relayed(500, call(number))], at(seconds))[0].is_ok());
        taken += 1;
    }
    let free = disk.used();
    disk.plan(Faults { capacity: Some(free + 700), ..Faults::default() });
    let answers = turn.take(&[relayed(5_000, call(4)), verdict(1)], at(seconds));
    assert_eq!(answers[0], Err(Refusal::Full));
    assert!(answers[1].is_ok(), "the reserve is free for it: {answers:?}");
    assert!(turn.view(at(seconds)).fault.is_some_and(|fault| fault.contains("full")));
    for _ in 0..20 {
        seconds += REOPEN_AFTER.as_secs();
        assert_eq!(turn.take(&[call(5)], at(seconds)), [Err(Refusal::Full)]);
        assert!(turn.take(&[verdict(2)], at(seconds))[0].is_ok(), "verdicts go on");
    }
    assert_eq!(calls(turn.view(at(seconds)).books), taken, "deadlines are met");
    turn.relayed(3);
    disk.plan(Faults::default());
    seconds += REOPEN_AFTER.as_secs();
    assert!(turn.take(&[call(6)], at(seconds))[0].is_ok(), "it goes on by itself");
    assert_eq!(turn.view(at(seconds)).fault, None);
    assert!(disk.used() > 20_000, "the reserve is taken again");
    turn.take(&[], at(seconds + 100));
    assert_eq!(calls(turn.view(at(seconds + 100)).books), taken + 1);
    drop(turn);
    let turn = open(&disk, options(true, 20_000), at(seconds + 101));
    assert_eq!(calls(turn.view(at(seconds + 101)).books), taken + 1, "nothing that was refused");
}

#[test]
fn f16_a_clock_that_jumps_neither_expires_nor_stops_the_books() {
    let disk = SimDisk::default();
    let mut turn = open(&disk, options(false, 0), at(0));
    turn.take(&[call(1)], at(1));
    let years = 10 * 365 * 86_400;
    let wrong = |seconds: u64, by: i64| Now {
        wall: at(seconds).wall.checked_add_signed(by * 1_000_000_000).unwrap(),
        ..at(seconds)
    };
    turn.take(&[], wrong(2, years));
    let totals = |turn: &Turn| turn.view(at(3)).books.totals().clone();
    assert_eq!(totals(&turn).tasks.iter().sum::<u64>(), 0, "its trace is open still");
    turn.take(&[], wrong(200, -3_600));
    turn.take(&[], wrong(400, -3_600));
    assert_eq!(totals(&turn).calls_ok, 1, "deadlines are met on the monotonic clock");
    assert_eq!(totals(&turn).pending, Money::from_pico(7), "and nothing has expired");
}

#[test]
fn f27_a_program_whose_epoch_is_over_writes_nothing_more() {
    // No lock holds here, as on some network file systems.
    let disk = SimDisk::default();
    let mut first = open(&disk, options(true, 0), at(0));
    assert!(first.take(&[call(1)], at(1))[0].is_ok());
    let mut second = open(&disk, options(true, 0), at(2));
    let before = disk.files();
    assert_eq!(
        first.take(&[relayed(9, call(2)), verdict(1)], at(3)),
        [const { Err(Refusal::Stopping) }; 2]
    );
    assert!(first.is_fenced());
    first.take(&[], at(100));
    first.close();
    assert_eq!(disk.files(), before, "the first one wrote nothing");
    assert!(second.take(&[call(3)], at(3))[0].is_ok());
    assert!(!second.is_fenced());
    second.take(&[], at(200));
    assert_eq!(calls(second.view(at(200)).books), 2);
}

#[test]
fn what_was_acknowledged_survives_a_crash_at_any_operation() {
    let work = |disk: &SimDisk| -> (u64, u64) {
        let (mut asked, mut acknowledged) = (0, 0);
        let data = Arc::new(disk.clone());
        let Ok(directory) = DataDirectory::open_with(data, Path::new("/data"), 7) else {
            return (0, 0);
        };
        let Ok(mut turn) = Turn::open(directory, options(true, 0), at(0)) else { return (0, 0) };
        for number in 1..=8 {
            let group = [relayed(600, call(2 * number)), call(2 * number + 1)];
            asked += 2;
            let answers = turn.take(&group, at(number));
            acknowledged += answers.iter().filter(|answer| answer.is_ok()).count() as u64;
            if answers.iter().any(Result::is_err) {
                break;
            }
        }
        (asked, acknowledged)
    };
    let whole = SimDisk::default();
    assert_eq!(work(&whole), (16, 16));
    for crash in 1..=whole.operations() {
        let disk = SimDisk::new(Faults { crash: Some(crash), ..Faults::default() });
        let (asked, acknowledged) = work(&disk);
        each_image(&disk, |image| {
            let mut turn = open(&image.disk, options(true, 0), at(300));
            turn.take(&[], at(600));
            let booked = calls(turn.view(at(600)).books);
            let told = &image.told;
            assert!(booked >= acknowledged, "crash at {crash}, {told}: lost, {booked}");
            assert!(booked <= asked, "crash at {crash}, {told}: invented, {booked}");
        });
    }
}

#[test]
fn f05_a_disk_that_becomes_read_only_acknowledges_nothing_and_still_answers() {
    let disk = SimDisk::default();
    let mut turn = open(&disk, options(true, 0), at(0));
    assert!(turn.take(&[call(1)], at(1))[0].is_ok());
    turn.take(&[], at(100));
    disk.plan(Faults { read_only: true, ..Faults::default() });
    for seconds in 101..120 {
        let answers = turn.take(&[relayed(10, call(2)), verdict(1)], at(seconds));
        assert!(answers.iter().all(|answer| matches!(answer, Err(Refusal::Disk(_)))));
        assert!(turn.view(at(seconds)).fault.is_some());
        assert_eq!(calls(turn.view(at(seconds)).books), 1, "what was booked can be read");
    }
    disk.plan(Faults::default());
    assert!(turn.take(&[call(3)], at(130))[0].is_ok(), "it goes on by itself");
    assert_eq!(turn.view(at(130)).fault, None);
    turn.take(&[], at(300));
    assert_eq!(calls(turn.view(at(300)).books), 2);
}

#[test]
fn f06_who_waits_for_a_sync_that_fails_is_refused() {
    let work = |disk: &SimDisk, refused: &mut u64| {
        let mut turn = open(disk, options(true, 0), at(0));
        let mut acknowledged = 0;
        for number in 1..=12 {
            // Every answer of the group is the same: none was written.
            let group = [relayed(50, call(2 * number)), call(2 * number + 1)];
            let answers = turn.take(&group, at(3 * number));
            let taken = answers.iter().filter(|answer| answer.is_ok()).count() as u64;
            assert!(taken == 0 || taken == 2, "{answers:?}");
            acknowledged += taken;
            *refused += 2 - taken;
        }
        acknowledged
    };
    let whole = SimDisk::default();
    assert_eq!(work(&whole, &mut 0), 24);
    let mut refused = 0;
    // The first syncs are of the files that say what the directory is.
    for n in 7..whole.syncs() {
        let disk = SimDisk::new(Faults { sync: Some(n), ..Faults::default() });
        let acknowledged = work(&disk, &mut refused);
        assert!(acknowledged >= 20, "one fault costs one group or two: sync {n}");
        let mut turn = open(&disk, options(true, 0), at(300));
        turn.take(&[], at(600));
        assert_eq!(calls(turn.view(at(600)).books), acknowledged, "sync {n}");
    }
    assert!(refused > 20, "{refused}");
}
