//! Tokens of a call, in one convention.

use opentelemetry::KeyValue;

use crate::names;

/// Tokens of one call. Input includes cached tokens and output includes reasoning, whatever the
/// provider's own convention: see [`Usage::with_separate_cache`] for one that counts apart.
///
/// ```
/// use countersign::Usage;
/// let usage = Usage::new(1_200, 80).cache_read(1_000);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// All input tokens, cached ones included.
    pub input: u64,
    /// Of the input, read from a cache.
    pub cache_read: u64,
    /// Of the input, written to a cache.
    pub cache_write: u64,
    /// All output tokens, reasoning included.
    pub output: u64,
    /// Of the output, reasoning.
    pub reasoning: u64,
}

impl Usage {
    /// All input tokens and all output tokens.
    #[must_use]
    pub const fn new(input: u64, output: u64) -> Usage {
        Usage { input, output, cache_read: 0, cache_write: 0, reasoning: 0 }
    }

    /// Of a provider that counts cached tokens apart from the input (Anthropic's messages):
    /// they are added to it.
    #[must_use]
    pub const fn with_separate_cache(
        fresh_input: u64,
        cache_read: u64,
        cache_write: u64,
        output: u64,
    ) -> Usage {
        let input = fresh_input.saturating_add(cache_read).saturating_add(cache_write);
        Usage { input, cache_read, cache_write, output, reasoning: 0 }
    }

    /// How many of the input tokens were read from a cache.
    #[must_use]
    pub const fn cache_read(mut self, tokens: u64) -> Usage {
        self.cache_read = tokens;
        self
    }

    /// How many of the input tokens were written to a cache.
    #[must_use]
    pub const fn cache_write(mut self, tokens: u64) -> Usage {
        self.cache_write = tokens;
        self
    }

    /// How many of the output tokens were reasoning.
    #[must_use]
    pub const fn reasoning(mut self, tokens: u64) -> Usage {
        self.reasoning = tokens;
        self
    }

    /// Input and output always, the parts where there are any.
    pub(crate) fn attributes(self) -> impl Iterator<Item = KeyValue> {
        let whole = [(names::INPUT_TOKENS, self.input), (names::OUTPUT_TOKENS, self.output)];
        let parts = [
            (names::CACHE_READ_TOKENS, self.cache_read),
            (names::CACHE_WRITE_TOKENS, self.cache_write),
            (names::REASONING_TOKENS, self.reasoning),
        ];
        let parts = parts.into_iter().filter(|(_, tokens)| *tokens > 0);
        whole
            .into_iter()
            .chain(parts)
            .map(|(name, tokens)| KeyValue::new(name, i64::try_from(tokens).unwrap_or(i64::MAX)))
    }
}
