//! Kills of the real program at random moments under load: what was acknowledged is in the
//! books afterwards, once, and what was counted stays counted.
//!
//! `COUNTERSIGN_KILLS=10000 cargo test --release -p countersign-tests f01_ -- --nocapture` kills
//! more often than the tests do. `COUNTERSIGN_SEED` moves the moments.

mod load;
mod oracle;
pub(crate) mod series;
mod written;

use std::path::{Path, PathBuf};
use std::time::Duration;

use countersign_receiver::clock;
use rustix::process::{Signal, kill_process};

use self::oracle::{Fared, Oracle, Unit, task_micros, task_name};
use self::series::{assert_no_reset, counters};
use self::written::Written;
use crate::server::{Server, run, serve_command};

/// Kills in the tests.
const KILLS: u64 = 200;
/// Data directories that are worked on at the same time: one for each of two cores.
const LANES: u64 = 2;
/// A start may take so long, without optimization and with every core busy.
const READY_WITHIN: Duration = Duration::from_secs(10);
/// Longest time under load before a kill.
const LOAD_MICROS_MAX: u64 = 90_000;
/// Every so many kills one comes before the program is ready.
const KILL_WHILE_STARTING: u64 = 5;
/// Every so many kills the books are recounted by `verify`.
const VERIFY_EVERY: u64 = 25;
/// A trace is closed, and what it holds booked, 5 seconds after its last span; as much again for
/// busy cores.
const BOOKED_AFTER: Duration = Duration::from_secs(10);

/// What a lane saw.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    fared: Fared,
    slowest_start: Duration,
    resent: usize,
}

/// A generator of moments: xorshift.
struct Moments(u64);

impl Moments {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn number_from(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

#[test]
fn f01_kill_9_loses_nothing_and_counts_nothing_twice() {
    let kills = number_from("COUNTERSIGN_KILLS", KILLS);
    let seed = number_from("COUNTERSIGN_SEED", 20_261_122);
    let seen: Vec<Seen> = std::thread::scope(|scope| {
        let lanes: Vec<_> = (1..=LANES)
            .map(|lane| scope.spawn(move || kill_often(kills.div_ceil(LANES), seed * lane)))
            .collect();
        lanes.into_iter().map(|lane| lane.join().unwrap()).collect()
    });
    let sum = |count: fn(&Seen) -> usize| seen.iter().map(count).sum::<usize>();
    println!(
        "{} kills (seed {seed}): {} requests acknowledged, {} sent again, {} refused for a while, \
         lost 0, twice 0, slowest restart {:?}",
        kills.div_ceil(LANES) * LANES,
        sum(|seen| seen.fared.acknowledged),
        sum(|seen| seen.resent),
        seen.iter().map(|seen| seen.fared.refused).sum::<u64>(),
        seen.iter().map(|seen| seen.slowest_start).max().unwrap(),
    );
    assert!(sum(|seen| seen.resent) > 0, "no kill hit a request on its way");
}

/// One data directory, many lives.
fn kill_often(kills: u64, seed: u64) -> Seen {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut moments = Moments(seed | 1);
    let oracle = Oracle::default();
    let mut written = Written::of(&data);
    let mut before = series::Counters::new();
    let mut seen = Seen::default();
    for kill in 1..=kills {
        if kill % KILL_WHILE_STARTING == 0 {
            kill_while_starting(&data, moments.below(LOAD_MICROS_MAX));
            continue;
        }
        let began = clock::instant();
        let server = Server::start(&data);
        seen.slowest_start = seen.slowest_start.max(began.elapsed());
        let told = format!("seed {seed}, before kill {kill}");
        oracle.check(written.read(), &told);
        let now = counters(&server);
        assert_no_reset(&before, &now);
        check_totals(&server, &oracle, &told);
        seen.resent += oracle.unknown().len();
        load::again(&oracle, &server);
        if kill % VERIFY_EVERY == 0 {
            verify(&data, &[]);
        }
        let moment = Duration::from_micros(moments.below(LOAD_MICROS_MAX));
        std::thread::scope(|scope| {
            scope.spawn(|| load::over_http(&oracle, &server));
            scope.spawn(|| load::over_http(&oracle, &server));
            scope.spawn(|| load::over_grpc(&oracle, &server));
            std::thread::sleep(moment);
            before = counters(&server);
            kill_process(server.pid(), Signal::KILL).unwrap();
        });
        server.kill();
    }
    check_the_end(&data, &oracle, &mut written, &before, &mut seen);
    assert!(seen.slowest_start < READY_WITHIN, "ready after {:?}", seen.slowest_start);
    seen.fared = oracle.fared();
    seen
}

/// Starts the program and kills it before it can say that it is ready, or just after.
fn kill_while_starting(data: &Path, micros: u64) {
    let mut child = serve_command(data).spawn().unwrap();
    std::thread::sleep(Duration::from_micros(micros));
    child.kill().unwrap();
    child.wait().unwrap();
}

/// What can be said of the books while traces are open: at least what was acknowledged long ago,
/// at most what was ever sent.
fn check_totals(server: &Server, oracle: &Oracle, told: &str) {
    let (mut least, mut most) = ((0, 0), (0, 0));
    let add = |(calls, micros): &mut (u64, u64), unit: &Unit| {
        if let Unit::Work(number) = unit {
            *calls += oracle::spans_of(*number);
            *micros += task_micros(*number);
        }
    };
    for (unit, when) in &oracle.all_acknowledged() {
        add(&mut most, unit);
        if when.elapsed() > BOOKED_AFTER {
            add(&mut least, unit);
        }
    }
    oracle.unknown().iter().for_each(|unit| add(&mut most, unit));
    let (calls, micros) = calls_and_micros(server);
    assert!(least.0 <= calls && calls <= most.0, "{told}: {least:?} {calls} {most:?} calls");
    assert!(least.1 <= micros && micros <= most.1, "{told}: {least:?} {micros} {most:?} micros");
}

fn calls_and_micros(server: &Server) -> (u64, u64) {
    let totals = server.totals();
    let dollars: f64 = totals["cost_usd"]["incurred"].as_str().unwrap().parse().unwrap();
    (totals["calls"]["ok"].as_u64().unwrap(), (dollars * 1e6).round() as u64)
}

/// After the last kill: everything is there, exactly once.
fn check_the_end(
    data: &Path,
    oracle: &Oracle,
    written: &mut Written,
    before: &series::Counters,
    seen: &mut Seen,
) {
    let server = Server::start(data);
    oracle.check(written.read(), "at the end");
    assert_no_reset(before, &counters(&server));
    seen.resent += oracle.unknown().len();
    load::again(oracle, &server);
    server.wait_until_booked();
    let acknowledged = oracle.all_acknowledged();
    let (mut calls, mut micros, mut verdicts) = (0, 0, 0);
    for unit in acknowledged.keys() {
        // A verdict on work that was never sent waits and counts nowhere.
        let Unit::Work(number) = unit else { continue };
        calls += oracle::spans_of(*number);
        micros += task_micros(*number);
        let judged = acknowledged.contains_key(&Unit::Verdict(*number));
        verdicts += u64::from(judged);
        let task = server.json(&format!("/api/v1/tasks/{}", task_name(*number)));
        let dollars: f64 = task["cost_usd"]["incurred"].as_str().unwrap().parse().unwrap();
        assert_eq!((dollars * 1e6).round() as u64, task_micros(*number), "{task}");
        let state = if judged { "accepted" } else { "pending" };
        assert_eq!(task["state"], state, "{task}");
    }
    assert_eq!(calls_and_micros(&server), (calls, micros), "lost or twice");
    let totals = server.totals();
    assert_eq!(totals["tasks"]["accepted"], verdicts, "{totals}");
    assert_eq!(series::sum(&counters(&server), "countersign_verdicts_total"), verdicts as f64);
    verify(data, &["--operator", &server.operator]);
    server.stop();
    verify(data, &[]);
    let server = Server::start(data);
    assert_eq!(server.totals(), totals, "a clean restart changes nothing");
    server.stop();
}

/// One data directory with what is known of it, for tests that end the program in another way.
pub(crate) struct Lane {
    pub(crate) data: PathBuf,
    oracle: Oracle,
}

impl Lane {
    pub(crate) fn in_folder(folder: &Path) -> Lane {
        Lane { data: folder.join("data"), oracle: Oracle::default() }
    }

    /// A client sends until the program does not answer, or it has said enough.
    pub(crate) fn send(&self, server: &Server, client: usize) {
        if client.is_multiple_of(3) {
            load::over_grpc(&self.oracle, server);
        } else {
            load::over_http(&self.oracle, server);
        }
    }

    /// Requests that were acknowledged.
    pub(crate) fn acknowledged(&self) -> usize {
        self.oracle.fared().acknowledged
    }

    /// After a start: what was acknowledged is there, and nothing that was never sent.
    pub(crate) fn check(&self, server: &Server) {
        self.oracle.check(Written::of(&self.data).read(), "after a stop");
        server.wait_until_booked();
        check_totals(server, &self.oracle, "after a stop");
        let acknowledged = self.oracle.all_acknowledged();
        for unit in acknowledged.keys() {
            if let Unit::Work(number) = unit {
                let task = server.json(&format!("/api/v1/tasks/{}", task_name(*number)));
                let dollars: f64 = task["cost_usd"]["incurred"].as_str().unwrap().parse().unwrap();
                assert_eq!((dollars * 1e6).round() as u64, task_micros(*number), "{task}");
            }
        }
    }
}

/// `countersign verify` finds nothing wrong.
pub(crate) fn verify(data: &Path, more: &[&str]) {
    let arguments = ["verify", "--data", data.to_str().unwrap()];
    let (code, out, err) = run(&[&arguments, more].concat());
    assert_eq!(code, 0, "{out}{err}");
}
