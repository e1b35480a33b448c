//! Log records: calls, failures, verdicts and evaluations. The event's name says which.

use super::Reading;
use crate::decode::{LogRecord, Value};
use crate::diagnostic::Diagnostic;
use crate::dialect::DIALECTS;
use crate::dialect::field::Field;
use crate::dialect::table::{Dialect, LogRule, Logged, Reasoned};
use crate::fact::{Call, Evaluation, Fact, Place, Role, UnixNanos};
use crate::key::{Key, SpanId, TraceId};

/// The evaluation that permissions of tools are counted under.
const EDIT_GATE: &str = "edit_gate";

impl<'a> Reading<'a, '_> {
    /// Makes a log record's facts.
    pub(super) fn log(&mut self, log: &LogRecord<'_, 'a>) {
        self.record.clear();
        self.keys.sort(log.attributes, self.scope, &mut self.meanings, &mut self.record);
        let names = self.event_names(log);
        let place = Place { trace: log.trace, span: log.span, parent: SpanId::NONE };
        let said = if log.time == 0 { log.observed } else { log.time };
        let is_evaluation = names.contains(&super::verdicts::EVENT);
        let rule = if is_evaluation { None } else { self.log_rule(names) };
        if !is_evaluation && rule.is_none() {
            return;
        }
        if self.record.has(Field::BookedBy) || self.resource.has(Field::BookedBy) {
            return self.notice(Diagnostic::BookedElsewhere, 1);
        }
        match rule {
            Some((_, rule)) if rule.what == Logged::Decision => self.decision(log, place, said),
            Some((dialect, rule)) => self.call_log(dialect, rule, log, place, said),
            None => {
                let time = self.plausible(said, self.received);
                self.note_resource();
                self.evaluation(place, time, digest(log));
            }
        }
    }

    /// Where emitters put an event's name, the likeliest first. Some put a place in their
    /// source into the record's own field, so the attribute goes before it.
    fn event_names(&mut self, log: &LogRecord<'_, 'a>) -> [&'a str; 3] {
        let attribute = self.record.text(Field::EventName);
        let own = core::str::from_utf8(log.event).unwrap_or_default();
        let body = match log.body {
            // A body is content unless it is short enough to be a name.
            Value::Text(text) if text.len() <= 64 => core::str::from_utf8(text).unwrap_or_default(),
            Value::Text(_)
            | Value::Empty
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Double(_)
            | Value::Opaque(_) => "",
        };
        [attribute, own, body]
    }

    fn log_rule(&mut self, names: [&'a str; 3]) -> Option<(&'static Dialect, &'static LogRule)> {
        let kind = self.record.text(Field::EventKind);
        let of_scope = self.scope.and_then(|place| DIALECTS.get(place));
        of_scope.into_iter().chain(DIALECTS).find_map(|dialect| {
            let rule = dialect.logs.iter().find(|rule| {
                names.contains(&rule.event) && (rule.kind.is_empty() || rule.kind == kind)
            });
            rule.map(|rule| (dialect, rule))
        })
    }

    /// A permission for a tool is kept as a signal of the session. It says what the tool may
    /// do, not whether the work was good, and is never a verdict.
    fn decision(&mut self, log: &LogRecord<'_, 'a>, place: Place, said: UnixNanos) {
        let label = self.record.text(Field::Decision);
        if label.is_empty() {
            return;
        }
        let evaluation = Evaluation {
            record: digest(log),
            place,
            response: Key::NONE,
            identity: self.identity(TraceId::NONE),
            name: EDIT_GATE,
            label,
            score_ppm: None,
            time: self.plausible(said, self.received),
        };
        self.note_resource();
        self.facts.push(Fact::Evaluation(evaluation));
    }

    fn call_log(
        &mut self,
        dialect: &'static Dialect,
        rule: &LogRule,
        log: &LogRecord<'_, 'a>,
        place: Place,
        said: UnixNanos,
    ) {
        // The event may be a common one in the scope of a family with habits of its own.
        let habits = self.scope.and_then(|at| DIALECTS.get(at)).unwrap_or(dialect);
        let reasoning = match rule.reasoning {
            Reasoned::InOutput => habits.reasoning,
            said @ (Reasoned::Apart | Reasoned::InTotal | Reasoned::TwiceUnless(_)) => said,
        };
        let usage = self.usage(habits, reasoning);
        let mut error = self.error(false);
        match rule.what {
            Logged::Call if usage.is_none() && error.is_empty() && !self.is_answered() => return,
            Logged::Failure if error.is_empty() && !self.record.has(Field::HttpStatus) => {
                error = "_OTHER";
            }
            Logged::Failure if error.is_empty() => return,
            Logged::Call | Logged::Failure | Logged::Decision => {}
        }
        let end = self.plausible(said, self.received);
        let took = self.record.number(Field::DurationMillis).unwrap_or(0.0).clamp(0.0, 1e12);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let took = (took * 1e6) as u64;
        let identity = self.identity(TraceId::NONE);
        let (provider, model) = (self.provider(habits), self.model());
        let at = if said == 0 { self.received } else { said };
        let (cost, listed) = self.cost(provider, model, at, usage.as_ref());
        let call = Call {
            rank: rule.rank,
            role: Role::Call,
            place,
            service: self.sender(habits, identity.conversation),
            record: digest(log),
            response: self.response(),
            distance: habits.distance.max(self.scope_distance),
            identity,
            start: end.saturating_sub(took),
            end,
            model,
            provider,
            operation: self.operation(),
            error,
            usage,
            cost,
            listed,
            first_token: self.first_token(),
            retries: self.retries(),
        };
        self.note_resource();
        self.facts.push(Fact::Call(call));
    }
}

/// The key of a log record: all of it, since records have no id.
fn digest(log: &LogRecord<'_, '_>) -> Key {
    Key(xxhash_rust::xxh3::xxh3_128(log.bytes))
}
