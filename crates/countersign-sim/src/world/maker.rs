//! Maker: tasks and their traces.

use countersign_core::fact::StepKind;

use super::{DAY, Delivery, HOUR, SECOND};
use crate::dice::Dice;
use crate::script::{CallLine, Says, StepLine, Work, trace_id};

/// Models of a crowded world: each has a series for each type of token.
const CROWD: u64 = 420;

/// How a service reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signals {
    Spans,
    SpansAndLogs,
    SpansAndMetrics,
    Logs,
    Metrics,
}

/// What is asked of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Any,
    /// It does not fail.
    Works,
    /// It comes after its trace has closed.
    Late,
}

pub(super) struct Maker {
    pub(super) dice: Dice,
    pub(super) deliveries: Vec<Delivery>,
    /// Numbers that were given out: traces, spans, records.
    numbers: u64,
    services: Vec<(String, Signals)>,
}

/// A trace that is being made.
pub(super) struct Trace {
    pub(super) number: u64,
    pub(super) root: Work,
    /// What every span says, if the emitter puts it on every span.
    pub(super) each: Work,
    pub(super) start_ms: u64,
    pub(super) service: (String, Signals),
    /// A second task whose calls are in the same trace.
    pub(super) other_task: Option<String>,
}

impl Maker {
    pub(super) fn new(seed: u64) -> Maker {
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

    pub(super) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(super) fn task(&mut self, number: u64) {
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
            // Work that names its task may come when its traces are long forgotten.
            let window_ms = match own.task.is_empty() || self.dice.percent(70) {
                true => (2 * DAY, 20 * HOUR),
                false => (3 * DAY, 10 * DAY),
            };
            let trace = self.trace(own, other, window_ms);
            if shared {
                // The trace leads to neither of its tasks, so nothing may refer to it.
                continue;
            }
            names.push(trace_id(trace).to_string());
            if first_trace == 0 {
                first_trace = trace;
            }
        }
        self.verdicts(&names);
    }

    /// Makes a trace and what comes late of it; its number.
    fn trace(&mut self, root: Work, other_task: Option<String>, window_ms: (u64, u64)) -> u64 {
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
        let mut late_root = None;
        let sum = matches!(trace.service.1, Signals::Spans | Signals::SpansAndLogs)
            && self.dice.percent(40);
        let says = self.root(&trace, root_span, sum);
        if sum && trace.service.1 == Signals::Spans && self.dice.percent(20) {
            // A run that takes longer than a trace stays open.
            late_root = Some(says);
        } else {
            facts.push(says);
        }
        let mut parents = vec![root_span];
        for _ in 0..self.dice.between(1, 6) {
            let parent = self.dice.pick(&parents);
            self.span(&trace, parent, &mut parents, &mut facts);
        }
        if sum {
            // A sum without a call below it would be a call itself.
            facts.extend(self.call(&trace, root_span, Manner::Works));
        }
        self.deliveries.push(Delivery { window_ms, after: None, facts });
        let index = self.deliveries.len() - 1;
        let late = (0..self.dice.below(3)).map(|_| self.call(&trace, root_span, Manner::Late));
        let late: Vec<Vec<Says>> = late.chain(late_root.map(|root| vec![root])).collect();
        for facts in late {
            self.deliveries.push(Delivery { window_ms, after: Some(index), facts });
        }
        number
    }

    /// More models than a metric has series.
    pub(super) fn crowd(&mut self) {
        let service = ("s1".to_owned(), Signals::Spans);
        let work = Work { task: "T1".to_owned(), ..Work::default() };
        let trace = Trace {
            number: self.number() + 1_000,
            root: work.clone(),
            each: work,
            start_ms: 0,
            service,
            other_task: None,
        };
        let mut facts = vec![self.root(&trace, 1, false)];
        for number in 1..=CROWD {
            let mut calls = self.call(&trace, 1, Manner::Works);
            for says in &mut calls {
                if let Says::Call(call) = says {
                    call.model = format!("m{number}");
                    call.usage = Some([9, 2, 1, 5, 3]);
                }
            }
            facts.append(&mut calls);
        }
        // Copies in other traces still have the usage that was replaced.
        self.deliveries.clear();
        self.deliveries.push(Delivery { window_ms: (0, DAY), after: None, facts });
        self.verdicts(&["T1".to_owned()]);
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
}
