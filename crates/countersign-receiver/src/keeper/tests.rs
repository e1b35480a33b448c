//! The keeper with a real directory: what was acknowledged is there again after a restart.

use countersign_core::fact::{Basis, SourceKind, Verdict};
use countersign_core::fact::{Call, Cost, CostSource, Fact, Judgement, Place, Usage};
use countersign_core::key::{Key, SpanId, TraceId};
use countersign_core::money::Money;
use countersign_core::settle::{Settings, Totals};
use countersign_core::tally::Kind;
use tempfile::TempDir;

use std::sync::Arc;

use super::{Condition, Keeper, Options, Refusal, Running, Submission, Tenant, View};
use crate::journal::simulated::{Faults, SimDisk};
use crate::journal::{DataDirectory, FactWriter};
use crate::limits::{COMMIT_SLOW_MS, GROUP_BYTES_MAX, KEEPER_QUEUE_BYTES_MAX};

fn start(path: &std::path::Path, relays: bool) -> (Keeper, Running) {
    let directory = DataDirectory::open(path).unwrap();
    let span: super::VerdictSpan = |_, _, _| Some(bytes::Bytes::from_static(b"span"));
    let options = Options {
        verdict_span: relays.then_some(span),
        relays,
        reserve_bytes: 0,
        ..Options::of(Settings::default())
    };
    Keeper::start(directory, options).unwrap()
}

fn submission(number: u64) -> Submission {
    let place = Place { trace: TraceId(number.into()), span: SpanId(number), parent: SpanId::NONE };
    let call = Call {
        place,
        record: Key::of_span(place.trace, place.span),
        model: "m",
        usage: Some(Usage { input: 1, ..Usage::default() }),
        cost: Cost::Priced(Money::from_pico(7), CostSource::Reported),
        ..Call::default()
    };
    let id = place.trace.to_string();
    let verdict = Verdict {
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
    };
    let mut facts = FactWriter::default();
    facts.push(&Fact::Call(call));
    facts.push(&Fact::Verdict(verdict));
    let traces = countersign_core::dialect::Signal::Traces;
    let relay = Some((traces, "request".into()));
    Submission { facts: facts.into_bytes(), relay, ..Submission::default() }
}

async fn totals_when_booked(keeper: &Keeper, position: u64) -> Totals {
    loop {
        let booked = keeper
            .ask(move |view| {
                (view.books.booked_to() >= position).then(|| view.books.totals().clone())
            })
            .await
            .unwrap();
        if let Some(totals) = booked {
            return totals;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let home = TempDir::new().unwrap();
    let (keeper, running) = start(home.path(), true);
    let mut position = 0;
    for number in 1..=20 {
        position = keeper.submit(submission(number)).await.unwrap().position;
    }
    let totals = totals_when_booked(&keeper, position).await;
    assert_eq!(totals.calls_ok, 20);
    assert_eq!(totals.settled, Money::from_pico(140));
    let feed = keeper.relay().unwrap();
    let mut reader = feed.reader(1).unwrap();
    let mut relayed = Vec::new();
    while let Some(record) = reader.next().unwrap() {
        let record = super::RelayRecord::decode(record.payload).unwrap();
        relayed.push(record.request.to_vec());
    }
    assert_eq!(relayed.iter().filter(|request| *request == b"request").count(), 20);
    assert_eq!(relayed.iter().filter(|request| *request == b"span").count(), 20);
    keeper.stop();
    running.join();
    assert_eq!(keeper.submit(submission(1)).await, Err(Refusal::Stopping));
    drop(keeper);

    let (keeper, running) = start(home.path(), true);
    assert_eq!(totals_when_booked(&keeper, 0).await, totals);
    let again = keeper.submit(submission(3)).await.unwrap();
    assert_eq!(totals_when_booked(&keeper, again.position).await, totals);
    keeper.stop();
    running.join();
}

/// More than fits beside each other into the queue.
const LARGE: usize = 400;
const LARGE_BYTES: usize = 256 << 10;

#[tokio::test(flavor = "multi_thread")]
async fn f08_a_slow_disk_makes_groups_grow_and_memory_stay() {
    let disk = SimDisk::new(Faults {
        sync_takes: std::time::Duration::from_millis(COMMIT_SLOW_MS),
        ..Faults::default()
    });
    let data = std::path::Path::new("/data");
    let directory = DataDirectory::open_with(Arc::new(disk.clone()), data, 7).unwrap();
    let options = Options { relays: true, reserve_bytes: 0, ..Options::of(Settings::default()) };
    let (keeper, running) = Keeper::start(directory, options.clone()).unwrap();
    let before = disk.syncs();
    let mut waiting = tokio::task::JoinSet::new();
    for number in 1..=LARGE as u64 {
        let keeper = keeper.clone();
        let large = vec![7; LARGE_BYTES].into();
        let relay = Some((countersign_core::dialect::Signal::Traces, large));
        waiting
            .spawn(async move { keeper.submit(Submission { relay, ..submission(number) }).await });
    }
    while keeper.condition() == Condition::Well {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(matches!(keeper.condition(), Condition::Slow { .. }), "{:?}", keeper.condition());
    // Slow enough for groups, and quick enough for a test.
    let sync_takes = std::time::Duration::from_millis(COMMIT_SLOW_MS / 10);
    disk.plan(Faults { sync_takes, ..Faults::default() });
    let (mut taken, mut busy, mut position) = (0, 0, 0);
    while let Some(answer) = waiting.join_next().await {
        match answer.unwrap() {
            Ok(receipt) => {
                taken += 1;
                position = position.max(receipt.position);
            }
            Err(Refusal::Busy { .. }) => busy += 1,
            Err(refusal) => panic!("{refusal:?}"),
        }
    }
    assert!(busy > 0, "memory is bounded");
    assert!(taken * LARGE_BYTES <= KEEPER_QUEUE_BYTES_MAX + 2 * GROUP_BYTES_MAX, "{taken}");
    let syncs = disk.syncs() - before;
    assert!(syncs < taken as u64 / 3, "{syncs} syncs for {taken} requests");
    disk.plan(Faults::default());
    keeper.stop();
    running.join();
    let directory = DataDirectory::open_with(Arc::new(disk), data, 7).unwrap();
    let (keeper, running) = Keeper::start(directory, options).unwrap();
    let totals = totals_when_booked(&keeper, position).await;
    assert_eq!(totals.calls_ok, taken as u64);
    keeper.stop();
    running.join();
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test]
async fn f28_the_counters_of_a_copy_begin_again_for_each_tenant_and_its_books_stay() {
    let home = TempDir::new().unwrap();
    let (original, copied) = (home.path().join("original"), home.path().join("copied"));
    let (keeper, running) = start(&original, false);
    let tenant = Tenant::named("other").unwrap();
    let of_other = Submission { tenant: tenant.clone(), ..submission(2) };
    keeper.submit(of_other).await.unwrap();
    let position = keeper.submit(submission(1)).await.unwrap().position;
    let totals = totals_when_booked(&keeper, position).await;
    keeper.stop();
    running.join();
    copy(&original, &copied);

    let counted = |view: &View<'_>| {
        let (mut published, mut ended) = (0, 0);
        view.tally.visit(view.books, view.now, &mut |series| {
            published += u64::from(series.metric.kind == Kind::Counter);
        });
        view.tally.visit_ended(view.books, &mut |_| ended += 1);
        (published > 0, ended > 0)
    };
    for (data, expected) in [(&original, (true, false)), (&copied, (false, true))] {
        // Once from the journal, and then from the snapshot that the stop wrote.
        for _ in 0..2 {
            let (keeper, running) = start(data, false);
            assert_eq!(totals_when_booked(&keeper, 0).await, totals);
            assert_eq!(keeper.ask(counted).await.unwrap(), expected);
            let other = keeper.ask_of(tenant.clone(), counted).await.unwrap();
            assert_eq!(other, expected);
            keeper.stop();
            running.join();
        }
    }
}
