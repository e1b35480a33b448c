//! Verdicts and evaluations, as log records, spans or span events of one name.

use super::Reading;
use crate::decode::{Budget, Fault, Span, Value, event};
use crate::diagnostic::Diagnostic;
use crate::dialect::field::Field;
use crate::fact::{Basis, Evaluation, Fact, Judgement, Place, SourceKind, UnixNanos, Verdict};
use crate::key::{Key, SpanId, TraceId};
use crate::names::cut;

/// The name of every record that carries a judgement.
pub(super) const EVENT: &str = "gen_ai.evaluation.result";
/// The evaluation's name that makes it a verdict.
const VERDICT: &str = "review.verdict";

impl<'a> Reading<'a, '_> {
    /// Makes an evaluation of a span's event, if it is one.
    pub(super) fn span_event(
        &mut self,
        bytes: &'a [u8],
        number: u64,
        span: &Span<'_, 'a>,
        budget: &mut Budget,
    ) -> Result<(), Fault> {
        let event = event(bytes, &mut self.event_attributes, budget)?;
        if event.name != EVENT.as_bytes() {
            return Ok(());
        }
        self.record.clear();
        self.keys.sort(&self.event_attributes, self.scope, &mut self.meanings, &mut self.record);
        let place = Place { trace: span.trace, span: span.span, parent: span.parent };
        let time = self.plausible(event.time, self.received);
        self.note(None);
        let of_span = Key::of_span(place.trace, place.span);
        // The events of a span have no ids of their own: their place in the span is one.
        let record = Key::of_span(TraceId(of_span.0), SpanId(number));
        self.evaluation(place, time, record);
        Ok(())
    }

    /// Makes a verdict or an evaluation of the current record.
    pub(super) fn evaluation(&mut self, place: Place, time: UnixNanos, record: Key) {
        let name = self.record.text(Field::EvaluationName);
        if name == VERDICT {
            return self.verdict(place, time);
        }
        let score = match self.record.value(Field::EvaluationScore) {
            #[allow(clippy::cast_precision_loss, reason = "scores are small")]
            Value::Int(score) => Some(score as f64),
            Value::Double(score) => Some(score),
            Value::Empty | Value::Text(_) | Value::Bool(_) | Value::Opaque(_) => None,
        };
        let score = score.filter(|score| score.abs() <= 1e9);
        let evaluation = Evaluation {
            record,
            place,
            response: self.response(),
            identity: self.identity(TraceId::NONE),
            name,
            label: self.record.text(Field::EvaluationLabel),
            #[allow(clippy::cast_possible_truncation, reason = "bounded above")]
            score_ppm: score.map(|score| (score * 1e6) as i64),
            time,
        };
        self.facts.push(Fact::Evaluation(evaluation));
    }

    fn verdict(&mut self, place: Place, time: UnixNanos) {
        let mut word = self.record.text(Field::VerdictState);
        if word.is_empty() {
            word = self.record.text(Field::EvaluationLabel);
        }
        let Some(judgement) = Judgement::parse(word) else {
            return self.notice(Diagnostic::InvalidVerdict, 1);
        };
        let task = self.said(Field::Task);
        let effective = self.effective().unwrap_or(time);
        let effective = self.plausible(effective, time);
        let source = self.record.text(Field::VerdictSource);
        let basis = self.record.text(Field::VerdictBasis);
        let mut verdict = Verdict {
            id: Key::of(self.record.text(Field::VerdictId)),
            task,
            trace: place.trace,
            judgement,
            effective,
            source: SourceKind::parse(source).unwrap_or_default(),
            system: self.record.text(Field::VerdictSystem),
            basis: Basis::parse(basis).unwrap_or_default(),
            round: self.record.small(Field::VerdictRound),
            supersedes: Key::of(self.record.text(Field::VerdictSupersedes)),
            reason: self.record.text(Field::VerdictReason),
            edit_ppm: self.ratio_ppm(),
            review_ms: self.review_ms(),
            policy_version: self.record.text(Field::VerdictPolicy),
        };
        if verdict.id.is_none() {
            verdict.id = digest(&verdict);
        }
        self.facts.push(Fact::Verdict(verdict));
    }

    /// The share that was changed, in millionths; more than all is all.
    fn ratio_ppm(&mut self) -> Option<u32> {
        let ratio = self.record.number(Field::VerdictEditRatio)?.min(1.0);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1")]
        Some((ratio * 1e6 + 0.5) as u32)
    }

    fn review_ms(&mut self) -> Option<u64> {
        let seconds = self.record.number(Field::VerdictReviewSeconds)?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        Some((seconds * 1e3 + 0.5).clamp(0.0, 1e15) as u64)
    }

    /// When the verdict took effect: nanoseconds as a number, or RFC 3339 as a text.
    fn effective(&mut self) -> Option<UnixNanos> {
        let nanos = match self.record.value(Field::VerdictEffective) {
            Value::Int(nanos) => u64::try_from(nanos).ok(),
            Value::Text(bytes) => rfc3339(cut(core::str::from_utf8(bytes).ok()?, 64)),
            Value::Empty | Value::Bool(_) | Value::Double(_) | Value::Opaque(_) => return None,
        };
        if nanos.is_none() {
            self.record.invalid += 1;
        }
        nanos
    }
}

/// The id of a verdict without one: all that it says.
fn digest(verdict: &Verdict<'_>) -> Key {
    let parts = alloc::format!(
        "{} {} {} {} {:?} {:?} {:032x}",
        verdict.trace,
        verdict.judgement.as_str(),
        verdict.effective,
        verdict.round,
        verdict.edit_ppm,
        verdict.review_ms,
        verdict.supersedes.0,
    );
    Key::of_parts(&[
        verdict.task,
        &parts,
        verdict.source.as_str(),
        verdict.system,
        verdict.basis.as_str(),
        verdict.reason,
        verdict.policy_version,
    ])
}

/// Reads a time such as `2026-11-22T00:53:41.551Z` or with an offset such as `+02:00`.
fn rfc3339(text: &str) -> Option<UnixNanos> {
    let digits = |from: usize, to: usize| -> Option<u64> {
        let part = text.get(from..to)?;
        part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok())?
    };
    let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
    let (hour, minute, second) = (digits(11, 13)?, digits(14, 16)?, digits(17, 19)?);
    if !(1970..=2554).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let rest = text.get(19..)?;
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?),
        None => ("", rest),
    };
    let mut nanos = 0;
    for place in 0..9 {
        let digit = fraction.as_bytes().get(place).map_or(0, |byte| u64::from(byte - b'0'));
        nanos = nanos * 10 + digit;
    }
    let offset_minutes = match zone.as_bytes() {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), ..] => {
            let at = text.len() - zone.len();
            let minutes = i64::try_from(digits(at + 1, at + 3)? * 60 + digits(at + 4, at + 6)?);
            if *sign == b'+' { minutes.ok()? } else { -minutes.ok()? }
        }
        _ => return None,
    };
    let local =
        ((days(year, month, day) * 24 + hour) * 60 + minute).checked_add_signed(-offset_minutes)?;
    (local * 60 + second).checked_mul(1_000_000_000)?.checked_add(nanos)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn days(year: u64, month: u64, day: u64) -> u64 {
    // Years are counted from March, so that the leap day is the last day of a year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    let days_to_1970 = 719_468;
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - days_to_1970
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn reads_times() {
        assert_eq!(rfc3339("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(rfc3339("2026-11-22T00:53:41.551Z"), Some(1_795_308_821_551_000_000));
        assert_eq!(rfc3339("2026-11-22T02:53:41+02:00"), Some(1_795_308_821_000_000_000));
        for wrong in ["", "2026", "2026-11-22", "2026-13-22T00:00:00Z", "2026-11-22T00:53:41"] {
            assert_eq!(rfc3339(wrong), None, "{wrong}");
        }
    }
}
