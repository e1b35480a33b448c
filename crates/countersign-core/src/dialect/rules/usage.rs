//! Tokens in one convention: input includes cached ones, output includes reasoning.

use super::Reading;
use crate::decode::Value;
use crate::decode::json::{Member, Members};
use crate::dialect::draft::{Invalid, whole};
use crate::dialect::field::Field;
use crate::dialect::table::{Cached, Dialect, Reasoned};
use crate::fact::Usage;
use crate::limits;

/// Token counts as the wire has them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    input: Option<u64>,
    output: Option<u64>,
    total: Option<u64>,
    cache_read: u64,
    cache_write: u64,
    reasoning: u64,
    /// Cache writes by how long the cache keeps them, where no number has them all.
    brief_write: u64,
    hour_write: u64,
    /// The emitter's own words say that cached tokens are not among the input tokens.
    cache_apart: bool,
    /// Other parts that are not among the input tokens.
    input_apart: u64,
    /// Other parts that are not among the output tokens.
    output_apart: u64,
    /// The emitter's own words say that reasoning is not among the output tokens.
    reasoning_apart: bool,
}

/// Members of JSON with token counts: the object they stand in (any if empty), their key, and
/// what they count. From OpenAI's, Anthropic's, LangChain's and Langfuse's notations.
const MEMBERS: &[(&str, &str, Counted)] = &[
    ("", "input", Counted::Input),
    ("", "input_tokens", Counted::Input),
    ("", "prompt_tokens", Counted::Input),
    ("", "promptTokens", Counted::Input),
    ("", "output", Counted::Output),
    ("", "output_tokens", Counted::Output),
    ("", "completion_tokens", Counted::Output),
    ("", "completionTokens", Counted::Output),
    ("", "total", Counted::Total),
    ("", "total_tokens", Counted::Total),
    ("", "totalTokens", Counted::Total),
    ("", "input_cache_read", Counted::CacheReadApart),
    ("", "input_cache_creation", Counted::CacheWriteApart),
    ("", "input_ephemeral_5m_input_tokens", Counted::BriefWriteApart),
    ("", "input_ephemeral_1h_input_tokens", Counted::HourWriteApart),
    ("", "output_reasoning", Counted::ReasoningApart),
    ("", "input_audio", Counted::InputApart),
    ("", "output_audio", Counted::OutputApart),
    ("", "cache_read_input_tokens", Counted::CacheRead),
    ("", "cache_creation_input_tokens", Counted::CacheWrite),
    ("prompt_tokens_details", "cached_tokens", Counted::CacheRead),
    ("input_tokens_details", "cached_tokens", Counted::CacheRead),
    ("input_token_details", "cache_read", Counted::CacheRead),
    ("input_token_details", "cache_creation", Counted::CacheWrite),
    ("completion_tokens_details", "reasoning_tokens", Counted::Reasoning),
    ("output_tokens_details", "reasoning_tokens", Counted::Reasoning),
    ("output_token_details", "reasoning", Counted::Reasoning),
];

#[derive(Clone, Copy)]
enum Counted {
    Input,
    Output,
    Total,
    CacheRead,
    CacheWrite,
    Reasoning,
    CacheReadApart,
    CacheWriteApart,
    BriefWriteApart,
    HourWriteApart,
    ReasoningApart,
    InputApart,
    OutputApart,
}

impl Reading<'_, '_> {
    /// The usage of the current record; `None` if it has none, or a number that is none.
    pub(super) fn usage(&mut self, dialect: &Dialect, reasoning: Reasoned) -> Option<Usage> {
        let mut counts = self.counts().ok()?;
        if self.record.has(Field::UsageIn) {
            let text = self.record.long_text(Field::UsageIn);
            if counts.read(text).is_err() {
                self.record.invalid += 1;
                return None;
            }
        }
        if counts.input.is_none() && counts.output.is_none() {
            return None;
        }
        let apart = match dialect.cache {
            Cached::InInput => false,
            Cached::Apart => true,
            Cached::ApartFor(provider) => self.said(Field::Provider).contains(provider),
        };
        let reasoning = match reasoning {
            Reasoned::TwiceUnless(provider) if self.said(Field::Provider).starts_with(provider) => {
                Reasoned::InOutput
            }
            other @ (Reasoned::InOutput
            | Reasoned::Apart
            | Reasoned::InTotal
            | Reasoned::TwiceUnless(_)) => other,
        };
        let usage = counts.normalise(apart, reasoning);
        let most = limits::TOKENS_PER_CALL_MAX;
        if usage.input > most || usage.output > most {
            self.record.invalid += 1;
            return None;
        }
        Some(usage)
    }

    fn counts(&mut self) -> Result<Counts, Invalid> {
        Ok(Counts {
            input: self.record.count(Field::Input)?,
            output: self.record.count(Field::Output)?,
            total: self.record.count(Field::Total)?,
            cache_read: self.record.count(Field::CacheRead)?.unwrap_or(0),
            cache_write: self.record.count(Field::CacheWrite)?.unwrap_or(0),
            reasoning: self.record.count(Field::Reasoning)?.unwrap_or(0),
            ..Counts::default()
        })
    }
}

impl Counts {
    /// Adds what JSON says, where the record's own attributes say nothing.
    fn read(&mut self, text: &str) -> Result<(), Invalid> {
        let before = *self;
        for Member { parent, key, value, .. } in Members::of(text) {
            let known = MEMBERS
                .iter()
                .find(|(within, name, _)| *name == key && (within.is_empty() || *within == parent));
            let Some((_, _, counted)) = known else { continue };
            if matches!(value, "null" | "None" | "") {
                continue;
            }
            let count = whole(Value::Text(value.as_bytes())).ok_or(Invalid)?;
            match counted {
                Counted::Input => self.input = before.input.or(Some(count)),
                Counted::Output => self.output = before.output.or(Some(count)),
                Counted::Total => self.total = before.total.or(Some(count)),
                Counted::CacheRead => fill(&mut self.cache_read, count),
                Counted::CacheWrite => fill(&mut self.cache_write, count),
                Counted::Reasoning => fill(&mut self.reasoning, count),
                Counted::InputApart => fill(&mut self.input_apart, count),
                Counted::OutputApart => fill(&mut self.output_apart, count),
                Counted::CacheReadApart => {
                    fill(&mut self.cache_read, count);
                    self.cache_apart = true;
                }
                Counted::CacheWriteApart => {
                    fill(&mut self.cache_write, count);
                    self.cache_apart = true;
                }
                Counted::BriefWriteApart => {
                    fill(&mut self.brief_write, count);
                    self.cache_apart = true;
                }
                Counted::HourWriteApart => {
                    fill(&mut self.hour_write, count);
                    self.cache_apart = true;
                }
                Counted::ReasoningApart => {
                    fill(&mut self.reasoning, count);
                    self.reasoning_apart = true;
                }
            }
        }
        Ok(())
    }

    fn normalise(self, cache_apart: bool, reasoned: Reasoned) -> Usage {
        let Counts { cache_read, mut reasoning, .. } = self;
        let cache_write = self.cache_write.max(self.brief_write.saturating_add(self.hour_write));
        let mut input = self.input.unwrap_or(0).saturating_add(self.input_apart);
        let mut output = self.output.unwrap_or(0).saturating_add(self.output_apart);
        let cached = cache_read.saturating_add(cache_write);
        if cache_apart || self.cache_apart || cached > input {
            input = input.saturating_add(cached);
        }
        let beyond = self.total.unwrap_or(0).saturating_sub(input.saturating_add(output));
        match reasoned {
            Reasoned::Apart => output = output.saturating_add(reasoning),
            Reasoned::InTotal => {
                output = output.saturating_add(beyond);
                reasoning = reasoning.max(beyond);
            }
            Reasoned::InOutput if self.reasoning_apart || reasoning > output => {
                output = output.saturating_add(reasoning);
            }
            Reasoned::TwiceUnless(_) => output = output.saturating_sub(reasoning),
            Reasoned::InOutput => {}
        }
        Usage { input, cache_read, cache_write, output, reasoning }
    }
}

fn fill(slot: &mut u64, count: u64) {
    if *slot == 0 {
        *slot = count;
    }
}
