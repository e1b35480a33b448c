//! Given: a verdict as it was sent, checked field by field.

use countersign_core::fact::{Basis, Judgement, SourceKind, UnixNanos, Verdict, plausible_time};
use countersign_core::key::{Key, TraceId};

use crate::limits::{VERDICT_NAME_BYTES_MAX, VERDICT_REASON_BYTES_MAX, VERDICT_REVIEW_SECONDS_MAX};

/// How far in the future a verdict may take effect: clocks differ, and so do time zones that
/// somebody forgot.
const AHEAD_NANOS_MAX: u64 = 24 * 3_600_000_000_000;
const ROUND_MAX: u64 = 10_000;

/// A verdict whose fields are in range. What was not given is empty or `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct Given<'a> {
    /// Its own id.
    pub id: &'a str,
    /// The task or any of its aliases.
    pub task: &'a str,
    /// What it says.
    pub state: Judgement,
    /// From when on it holds.
    pub effective: Option<UnixNanos>,
    /// Who judged.
    pub source: SourceKind,
    /// In which system.
    pub system: &'a str,
    /// What it rests on.
    pub basis: Basis,
    /// Review round, or 0.
    pub round: u32,
    /// A short code.
    pub reason: &'a str,
    /// Share that was changed, in millionths.
    pub edit_ppm: Option<u32>,
    /// The reviewer's time.
    pub review_ms: Option<u64>,
    /// Id of the verdict that this one takes back.
    pub supersedes: &'a str,
}

impl<'a> Given<'a> {
    /// A verdict that says only the necessary.
    #[must_use]
    pub fn new(task: &'a str, state: Judgement) -> Given<'a> {
        Given {
            id: "",
            task,
            state,
            effective: None,
            source: SourceKind::Human,
            system: "",
            basis: Basis::Explicit,
            round: 0,
            reason: "",
            edit_ppm: None,
            review_ms: None,
            supersedes: "",
        }
    }

    /// The fact: without a time it holds from its receipt, and a time that no working clock gives
    /// is clamped.
    #[must_use]
    pub fn verdict(&self, received: UnixNanos) -> Verdict<'a> {
        Verdict {
            id: self.key(),
            task: self.task,
            trace: TraceId::NONE,
            judgement: self.state,
            effective: plausible_time(self.effective.unwrap_or(received), received),
            source: self.source,
            system: self.system,
            basis: self.basis,
            round: self.round,
            supersedes: Key::of(self.supersedes),
            reason: self.reason,
            edit_ppm: self.edit_ppm,
            review_ms: self.review_ms,
            policy_version: "",
        }
    }

    /// The key of its id, or of all that was given: then the same fields are the same verdict.
    fn key(&self) -> Key {
        if !self.id.is_empty() {
            return Key::of(self.id);
        }
        let number = |number: Option<u64>| number.map_or_else(String::new, |it| it.to_string());
        Key::of_parts(&[
            "verdict",
            self.task,
            self.state.as_str(),
            &number(self.effective),
            self.source.as_str(),
            self.system,
            self.basis.as_str(),
            &self.round.to_string(),
            self.reason,
            &number(self.edit_ppm.map(u64::from)),
            &number(self.review_ms),
            self.supersedes,
        ])
    }
}

/// A name: not too long, on one line.
pub(super) fn name<'a>(field: &str, text: &'a str) -> Result<&'a str, String> {
    if text.len() > VERDICT_NAME_BYTES_MAX || text.chars().any(char::is_control) {
        return Err(format!(
            "{field}: expected at most {VERDICT_NAME_BYTES_MAX} bytes without control characters"
        ));
    }
    Ok(text)
}

/// The task's name: a name that is not empty.
pub(super) fn task(text: &str) -> Result<&str, String> {
    if text.is_empty() {
        return Err("task: required, the task's id or any of its aliases".into());
    }
    name("task", text)
}

/// A reason: a code, not an opinion.
pub(super) fn reason(text: &str) -> Result<&str, String> {
    if text.len() > VERDICT_REASON_BYTES_MAX || text.chars().any(char::is_control) {
        return Err(format!(
            "reason: expected a short code, at most {VERDICT_REASON_BYTES_MAX} bytes on one line"
        ));
    }
    Ok(text)
}

/// A time at which a verdict takes effect.
pub(super) fn effective(time: UnixNanos, received: UnixNanos) -> Result<UnixNanos, String> {
    if time > received.saturating_add(AHEAD_NANOS_MAX) {
        return Err("effective_at: expected a time that is not in the future".into());
    }
    Ok(time)
}

/// A review round.
pub(super) fn round(round: u64) -> Result<u32, String> {
    let fits = (1..=ROUND_MAX).contains(&round).then_some(round);
    fits.and_then(|round| u32::try_from(round).ok())
        .ok_or_else(|| format!("round: expected a whole number from 1 to {ROUND_MAX}"))
}

/// A changed share, in millionths.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to a million")]
pub(super) fn edit_ppm(ratio: f64) -> Result<u32, String> {
    if !(0.0..=1.0).contains(&ratio) {
        return Err("edit_ratio: expected a number from 0 to 1".into());
    }
    Ok((ratio * 1e6).round() as u32)
}

/// The reviewer's time in milliseconds.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in a year's range")]
pub(super) fn review_ms(seconds: f64) -> Result<u64, String> {
    if !(0.0..=VERDICT_REVIEW_SECONDS_MAX).contains(&seconds) {
        return Err(format!(
            "review_seconds: expected a number from 0 to {VERDICT_REVIEW_SECONDS_MAX}"
        ));
    }
    Ok((seconds * 1000.0).round() as u64)
}
