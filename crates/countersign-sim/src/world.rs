//! Worlds: what agents, reviewers and networks could have sent, made from a seed.
//!
//! A world is a list of deliveries (a trace's spans, a late call, a verdict). Deliveries come
//! in any order that the world allows, facts within one delivery in any order at all, and any
//! fact may come again.

use std::collections::BTreeSet;

use countersign_core::fact::{Judgement, SourceKind, StepKind};

use crate::dice::Dice;
use crate::script::{CallLine, Counts, Line, PointLine, Says, StepLine, VerdictLine, Work};

const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;
const DAY: u64 = 24 * HOUR;
/// All of a trace arrives within this, so that it is together when it closes.
const BURST_MS: u64 = 4 * SECOND;

/// What arrives together.
#[derive(Clone, Debug)]
struct Delivery {
    /// When it arrives at the earliest, and how much later it may.
    window_ms: (u64, u64),
    /// The delivery that has to come before.
    after: Option<usize>,
    facts: Vec<Says>,
}

/// The same facts can arrive in many ways.
#[derive(Clone, Debug)]
pub struct World {
    dice: Dice,
    deliveries: Vec<Delivery>,
}

/// How facts arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Each once.
    Once,
    /// Some again: soon, or days later.
    Repeated,
}

impl World {
    /// The world of a seed.
    #[must_use]
    pub fn of(seed: u64) -> World {
        let mut maker = Maker::new(seed);
        for task in 1..=maker.dice.between(1, 6) {
            maker.task(task);
        }
        if maker.dice.percent(30) {
            maker.stray_verdict();
        }
        World { dice: Dice::new(seed ^ 0x5eed), deliveries: maker.deliveries }
    }

    /// One way in which its facts may arrive; another one each time.
    pub fn script(&mut self, arrival: Arrival) -> Vec<Line> {
        let mut times: Vec<u64> = Vec::new();
        let mut lines = Vec::new();
        for delivery in &self.deliveries {
            let (earliest, spread) = delivery.window_ms;
            let floor = delivery.after.and_then(|index| times.get(index).copied());
            let mut time = earliest + self.dice.below(spread.max(1));
            if let Some(floor) = floor {
                // A minute after the spans it belongs to, and while their trace is remembered.
                time = floor + 2 * BURST_MS + 60 * SECOND + self.dice.below(20 * HOUR);
            }
            times.push(time);
            let mut facts = delivery.facts.clone();
            self.dice.shuffle(&mut facts);
            for says in facts {
                let at_ms = time + self.dice.below(BURST_MS);
                if arrival == Arrival::Repeated && self.dice.percent(30) {
                    let later = [self.dice.below(BURST_MS), self.dice.below(20 * DAY)];
                    let at_ms = at_ms + self.dice.pick(&later);
                    lines.push(Line { at_ms, says: says.clone() });
                }
                lines.push(Line { at_ms, says });
            }
        }
        self.dice.shuffle(&mut lines);
        lines.sort_by_key(|line| line.at_ms);
        lines
    }
}

/// How a service reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signals {
    Spans,
    SpansAndLogs,
    SpansAndMetrics,
    Logs,
    Metrics,
}

/// What is asked of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Any,
    /// It does not fail.
    Works,
    /// It comes after its trace has closed.
    Late,
}

struct Maker {
    dice: Dice,
    deliveries: Vec<Delivery>,
    /// Numbers that were given out: traces, spans, records.
    numbers: u64,
    services: Vec<(String, Signals)>,
}

/// A trace that is being made.
struct Trace {
    number: u64,
    root: Work,
    /// What every span says, if the emitter puts it on every span.
    each: Work,
    start_ms: u64,
    service: (String, Signals),
    /// A second task whose calls are in the same trace.
    other_task: Option<String>,
}

impl Maker {
    fn new(seed: u64) -> Maker {
        let mut dice = Dice::new(seed);
        let all = [
            Signals::Spans,
            Signals::SpansAndLogs,
            Signals::SpansAndMetrics,
            Signals::Logs,
            Signals::Metrics,
        ];
        let count = dice.between(1, 3);
        let services = (1..=count).map(|n| (format!("s{n}"), dice.pick(&all))).collect();
        Maker { dice, deliveries: Vec::new(), numbers: 0, services }
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn task(&mut self, number: u64) {
        let mut names = Vec::new();
        let mut root = Work::default();
        let kind = self.dice.below(5);
        if kind <= 2 {
            root.task = format!("T{number}");
            names.push(root.task.clone());
        }
        if kind == 1 || kind == 3 {
            root.conversation = format!("c{number}");
            names.push(root.conversation.clone());
        }
        if kind == 2 {
            root.url = format!("https://forge.example/{number}");
            names.push(root.url.clone());
        }
        root.workflow = self.dice.pick(&["", "pr-review", "support"]).to_owned();
        let mut first_trace = 0;
        for round in 1..=self.dice.between(1, 3) {
            let mut own = root.clone();
            own.round = if self.dice.percent(50) { u32::try_from(round).unwrap_or(0) } else { 0 };
            if kind == 2 && self.dice.percent(25) {
                // The same artifact under another id: two tasks that turn out to be one.
                own.task = format!("T{number}b");
                names.push(own.task.clone());
            } else if first_trace != 0 && (kind == 4 || self.dice.percent(15)) {
                own = Work { linked: first_trace, workflow: own.workflow, ..Work::default() };
            } else if first_trace != 0 && kind == 1 && self.dice.percent(40) {
                own.task = String::new();
            }
            let other =
                (kind == 0 && round == 1 && self.dice.percent(20)).then(|| format!("T{number}c"));
            let shared = other.is_some();
            let trace = self.trace(own, other);
            if shared {
                // The trace leads to neither of its tasks, so nothing may refer to it.
                continue;
            }
            names.push(crate::script::trace_id(trace).to_string());
            if first_trace == 0 {
                first_trace = trace;
            }
        }
        self.verdicts(&names);
    }

    /// Makes a trace and what comes late of it; its number.
    fn trace(&mut self, root: Work, other_task: Option<String>) -> u64 {
        let service = self.dice.below(self.services.len() as u64);
        let service = usize::try_from(service).unwrap_or(0);
        let service = self.services.get(service).cloned().expect("below the length");
        let each = if other_task.is_some() || self.dice.percent(50) {
            root.clone()
        } else {
            Work::default()
        };
        let start_ms = self.dice.below(DAY);
        let number = self.number() + 1_000;
        let trace = Trace { number, root, each, start_ms, service, other_task };
        let mut facts = Vec::new();
        let root_span = self.number();
        let sum = matches!(trace.service.1, Signals::Spans | Signals::SpansAndLogs)
            && self.dice.percent(40);
        facts.push(self.root(&trace, root_span, sum));
        let mut parents = vec![root_span];
        for _ in 0..self.dice.between(1, 6) {
            let parent = self.dice.pick(&parents);
            self.span(&trace, parent, &mut parents, &mut facts);
        }
        if sum {
            // A sum without a call below it would be a call itself.
            facts.extend(self.call(&trace, root_span, Manner::Works));
        }
        // What a trace without work says is remembered for a day.
        let window_ms = (2 * DAY, 20 * HOUR);
        self.deliveries.push(Delivery { window_ms, after: None, facts });
        let index = self.deliveries.len() - 1;
        for _ in 0..self.dice.below(3) {
            let facts = self.call(&trace, root_span, Manner::Late);
            self.deliveries.push(Delivery { window_ms, after: Some(index), facts });
        }
        number
    }

    fn root(&mut self, trace: &Trace, span: u64, sum: bool) -> Says {
        let place = (trace.number, span, 0);
        let time_ms = (trace.start_ms, trace.start_ms + 60 * SECOND);
        if sum {
            return Says::Call(CallLine {
                place,
                sum: self.dice.percent(80),
                service: trace.service.0.clone(),
                work: trace.root.clone(),
                time_ms,
                model: "m1".to_owned(),
                usage: Some([5_000, 0, 0, 500, 0]),
                cost: Some(1_000_000_000),
                ..CallLine::default()
            });
        }
        let kind = self.dice.pick(&[StepKind::Task, StepKind::Agent]);
        Says::Step(StepLine {
            kind,
            place,
            work: trace.root.clone(),
            time_ms,
            ..StepLine::default()
        })
    }

    fn span(&mut self, trace: &Trace, parent: u64, parents: &mut Vec<u64>, facts: &mut Vec<Says>) {
        match self.dice.below(10) {
            0 => {
                let span = self.number();
                facts.push(Says::Links(trace.number, vec![(span, parent)]));
                parents.push(span);
            }
            1 | 2 => {
                let span = self.number();
                let cost = self.dice.percent(40).then(|| self.dice.below(900_000_000));
                facts.push(Says::Step(StepLine {
                    kind: self.dice.pick(&[StepKind::Tool, StepKind::Agent]),
                    place: (trace.number, span, parent),
                    work: trace.each.clone(),
                    time_ms: (trace.start_ms + SECOND, trace.start_ms + 2 * SECOND),
                    cost,
                    retries: u32::from(self.dice.percent(20)),
                }));
                parents.push(span);
            }
            _ => facts.extend(self.call(trace, parent, Manner::Any)),
        }
    }

    /// One request, as the signals of the service report it.
    fn call(&mut self, trace: &Trace, parent: u64, manner: Manner) -> Vec<Says> {
        let (service, signals) = trace.service.clone();
        let span = self.number();
        let failed = manner != Manner::Works && self.dice.percent(15);
        let priced = self.dice.percent(85);
        let usage = [self.dice.below(9_000), 0, 0, self.dice.below(900), 0];
        let start = trace.start_ms + self.dice.below(30 * SECOND);
        let mut call = CallLine {
            place: (trace.number, span, parent),
            service: service.clone(),
            response: if failed { String::new() } else { format!("r{span}") },
            distance: 1,
            work: trace.each.clone(),
            time_ms: (start, start + self.dice.below(9 * SECOND)),
            model: self.dice.pick(&["m1", "m2"]).to_owned(),
            error: if failed { "429".to_owned() } else { String::new() },
            usage: (!failed).then_some(usage),
            cost: (!failed && priced).then(|| self.dice.below(5_000_000_000)),
            ..CallLine::default()
        };
        if let Some(other) = trace.other_task.as_ref().filter(|_| self.dice.percent(50)) {
            call.work.task.clone_from(other);
        }
        let mut facts = Vec::new();
        match signals {
            Signals::Spans => {
                if !failed && manner != Manner::Late && self.dice.percent(25) {
                    facts.push(self.copy(&call));
                } else if !failed && trace.other_task.is_none() && self.dice.percent(10) {
                    self.copy_elsewhere(&call);
                }
                facts.push(Says::Call(call));
            }
            Signals::SpansAndLogs => {
                facts.push(self.log(&call));
                facts.push(Says::Call(call));
            }
            Signals::SpansAndMetrics => {
                // A failed call has no usage, in any signal.
                if !failed {
                    facts.push(self.point(&service, &call.model));
                }
                facts.push(Says::Call(call));
            }
            Signals::Logs => facts.push(self.log(&call)),
            Signals::Metrics => facts.push(self.point(&service, &call.model)),
        }
        facts
    }

    /// The same response, reported by another layer: above, below or beside.
    fn copy(&mut self, call: &CallLine) -> Says {
        let span = self.number();
        let parent = if self.dice.percent(50) { call.place.1 } else { call.place.2 };
        Says::Call(CallLine {
            place: (call.place.0, span, parent),
            distance: self.dice.pick(&[0, 2]),
            ..call.clone()
        })
    }

    /// The same response, reported by a layer that begins a trace of its own.
    fn copy_elsewhere(&mut self, call: &CallLine) {
        let (trace, span) = (self.number() + 1_000, self.number());
        let copy = CallLine {
            place: (trace, span, 0),
            distance: self.dice.pick(&[0, 2]),
            work: Work::default(),
            ..call.clone()
        };
        let facts = vec![Says::Call(copy)];
        self.deliveries.push(Delivery { window_ms: (2 * DAY, 20 * HOUR), after: None, facts });
    }

    /// The same call as a log record, with the span's ids.
    fn log(&mut self, call: &CallLine) -> Says {
        let (trace, span, _) = call.place;
        Says::Call(CallLine {
            place: (trace, span, 0),
            rank: 1,
            record: format!("l{span}"),
            ..call.clone()
        })
    }

    fn point(&mut self, service: &str, model: &str) -> Says {
        let number = self.number();
        let counts = self.dice.pick(&[Counts::Input, Counts::Output, Counts::Calls, Counts::Cost]);
        let cumulative = self.dice.percent(50);
        let start = if cumulative { 0 } else { number * SECOND };
        let series = if cumulative { format!("p{number}") } else { format!("{service}-{model}") };
        Says::Point(PointLine {
            rank: 10,
            service: service.to_owned(),
            series: format!("{series}-{counts:?}"),
            cumulative,
            time_ms: (start, start + SECOND),
            counts,
            value: self.dice.below(5_000),
            rate: self.dice.percent(80).then(|| self.dice.below(1_000_000)),
            work: Work::default(),
            model: model.to_owned(),
        })
    }

    fn verdicts(&mut self, names: &[String]) {
        let mut ids: Vec<String> = Vec::new();
        let mut times = BTreeSet::new();
        for _ in 0..self.dice.below(5) {
            let id = format!("v{}", self.number());
            let mut effective_ms = DAY + self.dice.below(40 * DAY);
            while !times.insert(effective_ms) {
                effective_ms += 1;
            }
            let index = usize::try_from(self.dice.below(names.len() as u64)).unwrap_or(0);
            let takes_back = !ids.is_empty() && self.dice.percent(20);
            let earlier = usize::try_from(self.dice.below(ids.len().max(1) as u64)).unwrap_or(0);
            let supersedes = ids.get(earlier).filter(|_| takes_back).cloned();
            let defect = [Judgement::Defect, Judgement::Accepted];
            let judgement = if self.dice.percent(40) {
                self.dice.pick(&defect)
            } else {
                self.dice.pick(&Judgement::ALL)
            };
            let verdict = VerdictLine {
                id: id.clone(),
                task: names.get(index).cloned().unwrap_or_default(),
                trace: 0,
                judgement,
                effective_ms,
                source: self.dice.pick(&SourceKind::ALL),
                supersedes: supersedes.unwrap_or_default(),
                edit_ppm: self.dice.pick(&[None, None, Some(0), Some(49_999), Some(50_000)]),
                review_ms: self.dice.percent(60).then(|| self.dice.below(HOUR)),
            };
            ids.push(id);
            let window_ms =
                self.dice.pick(&[(0, 2 * DAY), (2 * DAY, 3 * DAY), (5 * DAY, 40 * DAY)]);
            let facts = vec![Says::Verdict(verdict)];
            self.deliveries.push(Delivery { window_ms, after: None, facts });
        }
    }

    /// A verdict for a task that never comes.
    fn stray_verdict(&mut self) {
        self.verdicts(&["T-unknown".to_owned()]);
    }
}
