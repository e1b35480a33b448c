//! What the stories share: a stand-in for a model provider. It answers with the tokens that it
//! says it used, after the time that it says it took; nothing is asked of anybody.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::sleep;

/// A stand-in for a provider of models.
#[derive(Debug, Default)]
pub struct StandIn {
    answers: AtomicU64,
}

/// What the stand-in answers, in the shape of a provider's response.
#[derive(Debug)]
pub struct Answer {
    /// Id of the response.
    pub id: String,
    /// The model that answered.
    pub model: &'static str,
    /// The text.
    pub text: String,
    /// All input tokens.
    pub input_tokens: u64,
    /// Of these, from the cache.
    pub cached_tokens: u64,
    /// All output tokens.
    pub output_tokens: u64,
    /// Why it stopped.
    pub finish_reason: &'static str,
}

/// The provider refuses: an HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(pub u16);

impl StandIn {
    /// Answers a prompt. A prompt that begins with `busy:` is refused the first time it is
    /// tried, as a provider under load does.
    ///
    /// # Errors
    /// [`Refused`] with the HTTP status.
    pub async fn answer(
        &self,
        model: &'static str,
        prompt: &str,
        tried_before: u32,
    ) -> Result<Answer, Refused> {
        sleep(Duration::from_millis(120)).await;
        if prompt.starts_with("busy:") && tried_before == 0 {
            return Err(Refused(429));
        }
        // Four characters to a token is near enough for a stand-in.
        let input_tokens = 600 + prompt.len() as u64 / 4;
        let number = self.answers.fetch_add(1, Ordering::Relaxed);
        Ok(Answer {
            id: format!("stand-in-{}-{number}", std::process::id()),
            model: dated(model),
            text: format!("an answer to {} characters", prompt.len()),
            input_tokens,
            cached_tokens: if number == 0 { 0 } else { 512 },
            output_tokens: 180,
            finish_reason: "stop",
        })
    }

    /// The time until the rest of a streamed answer is there.
    pub async fn rest_of(&self, answer: &Answer) {
        sleep(Duration::from_millis(answer.output_tokens)).await;
    }
}

/// Providers answer with the dated name of the model that was asked for.
fn dated(model: &'static str) -> &'static str {
    match model {
        "gpt-4o-mini" => "gpt-4o-mini-2024-07-18",
        "claude-sonnet-4-5" => "claude-sonnet-4-5-20250929",
        other => other,
    }
}

/// An id that is new in every run, so that stories can be told again.
#[must_use]
pub fn new_id(prefix: &str) -> String {
    // The standard library seeds its hashes at random: as good a source as any for a story.
    let random = RandomState::new().build_hasher().finish();
    format!("{prefix}-{:08x}", random >> 32)
}
