//! Run: lets a plan happen to a site, and checks the promises at every quiescent point.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bytes::Bytes;
use countersign_core::delta::Delta;
use countersign_core::dialect::Signal;
use countersign_core::settle::Settings;
use countersign_core::tally::Tally;
use countersign_receiver::journal::LogError;
use countersign_receiver::keeper::{Refusal, Submission, SubmissionKind, Tenant};

use super::ledger::Ledger;
use super::outside::Outside;
use super::plan::{Fate, Plan, Step, What};
use super::relay;
use super::site::{DATA, Site};
use crate::disk::{Faults, SimDisk, Survival};
use crate::judge::{self, Fault, fault};
use crate::model::answer;
use crate::reach::Reach;
use crate::script::{BEGIN_MS, Line, Says};
use crate::world::REPEATED_MS_MAX;

/// What has to come together with something earlier comes so much later at most: for longer the
/// books need not know how the two belong together.
pub(super) const TOGETHER_MS: u64 = 20 * 3_600_000;
/// After the last fault everything is taken again within this time.
const RECOVERY_MS: u64 = 60_000;
/// Far from this time of the end nothing is due, so that a little more or less does not matter.
const CLEAR_MS: u64 = 10 * 60_000;

/// What came of a storm; the same plan gives the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Over everything that was seen.
    pub hash: u64,
    /// Entries in the journal at the end.
    pub facts: usize,
}

/// Lets a plan happen.
///
/// # Errors
/// The first promise that is broken.
pub fn run(plan: &Plan, reach: &mut Reach) -> Result<Outcome, Fault> {
    let mut run = Run {
        plan,
        site: Site::of(plan),
        outside: Outside::of(&plan.parcels),
        ledger: Ledger::default(),
        order: BTreeMap::new(),
        must: BTreeSet::new(),
        attempts: 0,
        accident: false,
        hash: 0xcbf2_9ce4_8422_2325,
    };
    let mut steps = plan.steps.as_slice();
    while let Some((step, rest)) = steps.split_first() {
        run.site.wait_until(step.at_ms);
        let group = if matches!(step.what, What::Send { .. }) { run.group(steps) } else { 0 };
        if group > 0 {
            let (sends, rest) = steps.split_at_checked(group).unwrap_or((steps, &[]));
            run.send(sends, reach);
            steps = rest;
        } else {
            run.step(step, reach)?;
            steps = rest;
        }
    }
    run.finish(reach)
}

struct Run<'a> {
    plan: &'a Plan,
    site: Site,
    outside: Outside,
    ledger: Ledger,
    /// Where each request stood in the queue.
    order: BTreeMap<Bytes, u64>,
    /// Requests that every destination must get.
    must: BTreeSet<Bytes>,
    attempts: u64,
    /// Whether anything went wrong so far.
    accident: bool,
    hash: u64,
}

impl Run<'_> {
    fn note(&mut self, what: &str) {
        for byte in what.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// How many requests are there at this moment.
    fn group(&self, steps: &[Step]) -> usize {
        let waits = |step: &&Step| {
            step.at_ms <= self.site.clock_ms && matches!(step.what, What::Send { .. })
        };
        steps.iter().take_while(waits).count()
    }

    fn step(&mut self, step: &Step, reach: &mut Reach) -> Result<(), Fault> {
        match &step.what {
            What::Send { .. } => {}
            What::Disk(faults) => {
                self.accident = true;
                self.site.plan(*faults);
            }
            What::Crash(survival) => {
                self.accident = true;
                if self.site.turn.is_some() {
                    reach.add("crash: between two groups", 1);
                }
                self.remember_queue();
                self.site.crash(*survival);
            }
            What::Stop => {
                reach.add("stop: as it should be", 1);
                self.site.stop();
            }
            What::Start => {
                let was_down = self.site.turn.is_none();
                if self.site.start(reach)? && was_down {
                    self.check_start()?;
                }
            }
            What::Rival => self.site.rival(reach)?,
            What::Look => self.look(reach)?,
            What::Relay { to, fate } => drop(self.relay(*to, *fate, reach)?),
            What::Clock(by_ms) => {
                reach.add(
                    match by_ms {
                        0 => "clock: mended",
                        1.. => "clock: jumped ahead",
                        _ => "clock: jumped back",
                    },
                    1,
                );
                self.site.wrong_ms = *by_ms;
            }
        }
        let told = format!("{} {:?}", self.site.clock_ms, step.what);
        self.note(&told);
        Ok(())
    }

    /// Sends requests that are there at one moment: they become one group.
    fn send(&mut self, steps: &[Step], reach: &mut Reach) {
        let mut group = Vec::new();
        let mut sent = Vec::new();
        for step in steps {
            let What::Send { parcels, fate, again } = &step.what else { continue };
            let parcels = self.parcels_to_send(parcels, *again);
            if parcels.is_empty() {
                continue;
            }
            reach.add("network: requests with several parcels", u64::from(parcels.len() > 1));
            if *fate == Fate::Lost || self.site.turn.is_none() {
                reach.add("network: a request was lost", 1);
                continue;
            }
            reach.add("network: an acknowledged request came again", u64::from(*again));
            reach.add("network: an answer was lost", u64::from(*fate == Fate::Unanswered));
            group.push(self.submission(&parcels));
            sent.push((parcels, *fate));
        }
        if group.is_empty() {
            return;
        }
        reach.add("keeper: groups of several requests", u64::from(group.len() > 1));
        sent.iter().flat_map(|(parcels, _)| parcels).for_each(|p| self.outside.arrives(*p));
        let Some(answers) = self.site.take(&group) else {
            reach.add("crash: in the middle of a group", 1);
            return self.note("crashed");
        };
        for ((parcels, fate), (answer, submission)) in
            sent.into_iter().zip(answers.iter().zip(group))
        {
            self.note(&format!("{parcels:?} {fate:?} {answer:?}"));
            match answer {
                Ok(_) if fate == Fate::Answered => {
                    for parcel in parcels {
                        self.outside.is_acknowledged(parcel, self.site.clock_ms);
                    }
                    self.must.extend(submission.relay.map(|(_, request)| request));
                }
                Ok(_) => {}
                Err(Refusal::Full) => reach.add("keeper: refused, the disk is full", 1),
                Err(Refusal::Disk(_)) => reach.add("keeper: refused, the disk failed", 1),
                Err(_) => reach.add("keeper: refused otherwise", 1),
            }
        }
    }

    /// Those of one tenant that are not acknowledged and whose time it is.
    fn parcels_to_send(&self, parcels: &[usize], again: bool) -> Vec<usize> {
        let tenant_of = |parcel: &usize| self.plan.parcels.get(*parcel).map(|p| &p.tenant);
        let tenant = parcels.first().and_then(tenant_of);
        let may = |parcel: &&usize| {
            let Some(known) = self.plan.parcels.get(**parcel) else { return false };
            let after = known.after.is_none_or(|before| {
                let before = self.outside.acknowledged_ms(before);
                before.is_some_and(|at| self.site.clock_ms <= at + TOGETHER_MS)
            });
            let known = self.outside.acknowledged_ms(**parcel).is_some();
            tenant_of(parcel) == tenant && if known { again } else { after }
        };
        let mut parcels: Vec<usize> = parcels.iter().filter(may).copied().collect();
        parcels.dedup();
        parcels
    }

    fn submission(&mut self, parcels: &[usize]) -> Submission {
        self.attempts += 1;
        let facts: Vec<u8> = parcels.iter().flat_map(|p| self.outside.bytes(*p)).collect();
        let first = parcels.first().and_then(|parcel| self.plan.parcels.get(*parcel));
        let says_verdict = |says: &Says| matches!(says, Says::Verdict(_));
        let verdicts = first.is_some_and(|parcel| parcel.facts.iter().all(says_verdict));
        let tenant = first.map_or("", |parcel| parcel.tenant.as_str());
        let signal = if self.attempts.is_multiple_of(5) { Signal::Logs } else { Signal::Traces };
        let request = Bytes::from(format!("{parcels:?} attempt {}", self.attempts));
        let relays = self.plan.destinations > 0 && !verdicts;
        Submission {
            tenant: Tenant::named(tenant).unwrap_or_default(),
            kind: match verdicts {
                true => SubmissionKind::Verdicts,
                false => SubmissionKind::Telemetry,
            },
            facts,
            relay: relays.then_some((signal, request)),
        }
    }

    fn relay(&mut self, to: usize, fate: Fate, reach: &mut Reach) -> Result<bool, Fault> {
        let Some(destination) = self.site.destinations.get_mut(to) else { return Ok(false) };
        let sent = destination.send(fate, self.accident, reach)?;
        self.remember_queue();
        let delivered = self.site.destinations.iter().map(|d| d.position()).min().unwrap_or(0);
        if let Some(turn) = &mut self.site.turn {
            turn.relayed(delivered);
        }
        if self.site.disk.is_off() {
            self.site.crash(Survival::Nothing);
        }
        Ok(sent)
    }

    fn remember_queue(&mut self) {
        if self.plan.destinations > 0 {
            let disk = self.site.disk.image(Survival::Everything);
            for (request, sequence) in relay::queue(&disk, Path::new(DATA)) {
                self.order.entry(request).or_insert(sequence);
            }
        }
    }

    fn read(disk: &SimDisk) -> Result<Ledger, Fault> {
        let told = |error: LogError| fault("the journal can be read", error.to_string());
        Ledger::read(disk, Path::new(DATA)).map_err(told)
    }

    /// A quiescent point: what was acknowledged is on the device, and the series go on.
    fn look(&mut self, reach: &mut Reach) -> Result<(), Fault> {
        if self.site.turn.is_none() {
            return Ok(());
        }
        for survival in [Survival::Everything, Survival::Nothing, Survival::Some(self.hash)] {
            let ledger = Self::read(&self.site.disk.image(survival))?;
            let when = format!("at {} on a disk with {survival:?}", self.site.clock_ms);
            self.outside.check_ledger(&self.plan.parcels, &ledger, &when)?;
        }
        self.look_at_series(reach)
    }

    fn look_at_series(&mut self, reach: &mut Reach) -> Result<(), Fault> {
        let Some(turn) = &self.site.turn else { return Ok(()) };
        let mut told = String::new();
        for (tenant, ledger) in turn.view(self.site.now()).ledgers.iter() {
            let (counters, sums) = judge::read_tally(&ledger.tally, &ledger.books);
            self.outside.check_counters(tenant, &counters)?;
            judge::check_books(&ledger.books, &sums)?;
            reach.add_diagnostics(&sums);
            told += &format!("{tenant} {counters:?}");
        }
        self.note(&told);
        Ok(())
    }

    /// What is there after a start is what was there before, and what a program would have that
    /// never stopped.
    fn check_start(&mut self) -> Result<(), Fault> {
        let ledger = Self::read(&self.site.disk.image(Survival::Everything))?;
        let when = format!("after the start at {}", self.site.clock_ms);
        self.outside.check_ledger(&self.plan.parcels, &ledger, &when)?;
        self.ledger = ledger;
        let Some(turn) = &self.site.turn else { return Ok(()) };
        let view = turn.view(self.site.now());
        for tenant in self.ledger.tenants() {
            let (books, tally, _) = self.ledger.books_of(tenant);
            let Some(found) = view.of_tenant(tenant) else {
                return Err(fault("each tenant has books", format!("{tenant:?} has none")));
            };
            let series = |tally: &Tally, books| judge::read_tally(tally, books).0;
            let (wanted, found) = (series(&tally, &books), series(found.tally, found.books));
            if wanted != found {
                let differs = wanted.iter().find(|(name, value)| found.get(*name) != Some(value));
                let extra = found.iter().find(|(name, _)| !wanted.contains_key(*name));
                let other = differs.and_then(|(name, _)| found.get(name));
                let detail = format!("{tenant:?}: {differs:?} is {other:?}, more {extra:?}");
                return Err(fault("a start goes on where the stop was", detail));
            }
        }
        Ok(())
    }

    /// Faults end; everything that is left is taken, delivered and judged.
    fn finish(mut self, reach: &mut Reach) -> Result<Outcome, Fault> {
        self.site.plan(Faults::default());
        self.site.wrong_ms = 0;
        self.site.wait_until(self.site.clock_ms + 2);
        let was_down = self.site.turn.is_none();
        if !self.site.start(reach)? {
            return Err(fault("it starts again after anything", "it stays down".to_owned()));
        }
        if was_down {
            self.check_start()?;
        }
        self.send_the_rest(reach)?;
        for to in 0..self.plan.destinations {
            while self.relay(to, Fate::Answered, reach)? {}
        }
        self.look(reach)?;
        let end = self.wait_for_a_clear_time()?;
        self.look(reach)?;
        self.ledger = Self::read(&self.site.disk.image(Survival::Nothing))?;
        for tenant in self.ledger.tenants() {
            self.check_books(tenant, end)?;
        }
        self.check_destinations(reach)?;
        self.site.stop();
        reach.add_disk(&self.site.disk.counts());
        self.site.start(reach)?;
        self.check_start()?;
        self.look_at_series(reach)?;
        Ok(Outcome { hash: self.hash, facts: self.ledger.facts().count() })
    }

    fn send_the_rest(&mut self, reach: &mut Reach) -> Result<(), Fault> {
        let until = self.site.clock_ms + RECOVERY_MS;
        let all: Vec<usize> = (0..self.plan.parcels.len()).collect();
        let mut left = Vec::new();
        while self.site.clock_ms < until {
            left = self.parcels_left(&all);
            if left.is_empty() {
                break;
            }
            let send = |parcel: &usize| Step {
                at_ms: self.site.clock_ms,
                what: What::Send { parcels: vec![*parcel], fate: Fate::Answered, again: false },
            };
            let steps: Vec<Step> = left.iter().map(send).collect();
            self.send(&steps, reach);
            self.site.wait_until(self.site.clock_ms + 2_000);
        }
        // A repetition is known for what it is for so long.
        let acknowledged = (0..self.plan.parcels.len())
            .filter_map(|parcel| Some((self.outside.acknowledged_ms(parcel)?, parcel)));
        let again = acknowledged.max().filter(|(at, _)| at + REPEATED_MS_MAX > until);
        if let Some((_, parcel)) = again {
            // Something that changes nothing, so that there is always something to take.
            let group = [self.submission(&[parcel])];
            let answers = self.site.take(&group);
            if !answers.is_some_and(|answers| answers.iter().all(Result::is_ok)) {
                return Err(fault("writes are taken again within a minute", "not one".to_owned()));
            }
        }
        match left.first() {
            Some(parcel) if !self.parcels_left(&all).is_empty() => {
                Err(fault("writes are taken again within a minute", format!("not parcel {parcel}")))
            }
            _ => Ok(()),
        }
    }

    /// What is not acknowledged and not given up by its sender.
    fn parcels_left(&self, all: &[usize]) -> Vec<usize> {
        let first_try = |parcel: usize| {
            let sent = |step: &Step| {
                let What::Send { parcels, .. } = &step.what else { return None };
                (parcels.first() == Some(&parcel)).then_some(step.at_ms)
            };
            self.plan.steps.iter().filter_map(sent).min()
        };
        let tries = |parcel: &&usize| {
            first_try(**parcel).is_some_and(|at| self.site.clock_ms <= at + TOGETHER_MS)
        };
        let left = all.iter().filter(tries);
        left.flat_map(|parcel| self.parcels_to_send(&[*parcel], false)).collect()
    }

    /// A time at which nothing is just about to happen; the time of the books then.
    fn wait_for_a_clear_time(&mut self) -> Result<u64, Fault> {
        let settings = Settings::default();
        for _ in 0..200 {
            self.site.wait_until(self.site.clock_ms + CLEAR_MS + 2);
            self.site.take(&[]);
            let ledger = Self::read(&self.site.disk.image(Survival::Nothing))?;
            let Some(turn) = &self.site.turn else { continue };
            let end = ms(turn.view(self.site.now()).now);
            let near = ledger.tenants().into_iter().any(|tenant| {
                let lines = self.lines(&ledger, tenant);
                let deadlines = answer(&lines, &settings, end).deadlines_ms;
                deadlines.iter().any(|deadline| deadline.abs_diff(end) <= CLEAR_MS)
            });
            if !near {
                return Ok(end);
            }
        }
        Err(fault("deadlines are met", "there is always one just about to come".to_owned()))
    }

    /// What the journal says of a tenant, as a script.
    fn lines(&self, ledger: &Ledger, tenant: &str) -> Vec<Line> {
        let lines = ledger.of_tenant(tenant).filter_map(|(now, bytes)| {
            Some(Line { at_ms: ms(now), says: self.outside.says(bytes)?.clone() })
        });
        lines.collect()
    }

    /// The books of a tenant are the naive answer to what its journal says.
    fn check_books(&self, tenant: &str, end: u64) -> Result<(), Fault> {
        let Some(turn) = &self.site.turn else { return Ok(()) };
        let lines = self.lines(&self.ledger, tenant);
        let expected = answer(&lines, &Settings::default(), end);
        let view = turn.view(self.site.now());
        let Some(view) = view.of_tenant(tenant) else {
            return Err(fault("each tenant has books", format!("{tenant:?} has none")));
        };
        judge::compare(view.books, &expected, end).map_err(|fault| Fault {
            detail: format!("{}\n{}", fault.detail, crate::text::print(&lines)),
            ..fault
        })?;
        judge::check_liveness(view.books, end)
    }

    fn check_destinations(&mut self, reach: &mut Reach) -> Result<(), Fault> {
        if self.plan.destinations == 0 {
            return Ok(());
        }
        for tenant in self.ledger.tenants() {
            let (_, _, deltas) = self.ledger.books_of(tenant);
            self.must.extend(deltas.iter().filter_map(|delta| {
                let Delta::Verdict(verdict) = delta else { return None };
                Some(Bytes::from(format!("verdict {}", verdict.id.0)))
            }));
        }
        for to in 0..self.plan.destinations {
            while self.relay(to, Fate::Answered, reach)? {}
        }
        for destination in &self.site.destinations {
            destination.check(&self.must, &self.order, self.accident)?;
        }
        Ok(())
    }
}

/// A time of the books as scripts know it.
fn ms(now: u64) -> u64 {
    (now / 1_000_000).saturating_sub(BEGIN_MS)
}
