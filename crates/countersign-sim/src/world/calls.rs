//! Calls: one request, as the signals of its service report it, and as other layers do.

use super::maker::{Maker, Manner, Signals, Trace};
use super::{DAY, Delivery, HOUR, SECOND};
use crate::script::{CallLine, Counts, PointLine, Says, Work};

impl Maker {
    /// One request, as the signals of the service report it.
    pub(super) fn call(&mut self, trace: &Trace, parent: u64, manner: Manner) -> Vec<Says> {
        let (service, signals) = trace.service.clone();
        let span = self.number();
        let failed = manner != Manner::Works && self.dice.percent(15);
        let priced = self.dice.percent(85);
        let usage = self.usage();
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
                    facts.extend(self.points(&service, &call.model));
                }
                facts.push(Says::Call(call));
            }
            Signals::Logs => facts.push(self.log(&call)),
            Signals::Metrics => facts.extend(self.points(&service, &call.model)),
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

    /// An increment, or a sum as it was read once or twice.
    fn points(&mut self, service: &str, model: &str) -> Vec<Says> {
        let number = self.number();
        let counts = self.dice.pick(&[Counts::Input, Counts::Output, Counts::Calls, Counts::Cost]);
        let cumulative = self.dice.percent(50);
        let start = if cumulative { 0 } else { number * SECOND };
        let series = if cumulative { format!("p{number}") } else { format!("{service}-{model}") };
        let point = PointLine {
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
        };
        let mut points = vec![Says::Point(point.clone())];
        if cumulative && self.dice.percent(50) {
            let value = point.value + self.dice.below(5_000);
            let time_ms = (start, start + 2 * SECOND);
            points.push(Says::Point(PointLine { value, time_ms, ..point }));
        }
        points
    }

    /// Tokens: input with its cached part, output with its reasoning.
    fn usage(&mut self) -> [u64; 5] {
        let (input, output) = (self.dice.below(9_000), self.dice.below(900));
        if self.dice.percent(60) {
            return [input, 0, 0, output, 0];
        }
        let cache_read = self.dice.below(input + 1);
        let cache_write = self.dice.below(input - cache_read + 1);
        [input, cache_read, cache_write, output, self.dice.below(output + 1)]
    }
}
