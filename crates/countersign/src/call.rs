//! Calls: one model request each, with its tokens, its latency and what became of it.

use std::sync::Arc;
use std::time::Instant;

use opentelemetry::trace::{SpanKind, Tracer as _};
use opentelemetry::{Array, Context, KeyValue, StringValue, Value};

use crate::emitter::Emitter;
use crate::held::{Held, reason_of_drop};
use crate::usage::Usage;
use crate::{clock, identity, names};

/// Attributes that a call has at most, set while it is open or before: they are put into one
/// allocation that never grows.
const ATTRIBUTES_MAX: usize = 28;

/// What is asked of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// A chat completion or a response to messages.
    Chat,
    /// Gemini's `generateContent`.
    GenerateContent,
    /// A plain text completion.
    TextCompletion,
    /// Embeddings.
    Embeddings,
    /// Another operation, by the name that the conventions give it.
    Other(StringValue),
}

impl Operation {
    fn name(&self) -> StringValue {
        match self {
            Operation::Chat => "chat".into(),
            Operation::GenerateContent => "generate_content".into(),
            Operation::TextCompletion => "text_completion".into(),
            Operation::Embeddings => "embeddings".into(),
            Operation::Other(name) => name.clone(),
        }
    }
}

/// A call that is about to be made: [`Call::start`] it right before the request is sent.
#[must_use = "a call that is not started is not reported"]
pub struct Call {
    draft: Option<Draft>,
}

/// What a call is made from, when telemetry is on.
struct Draft {
    emitter: Arc<Emitter>,
    parent: Context,
    name: String,
    route: Option<identity::Route>,
    attributes: Vec<KeyValue>,
}

impl Call {
    /// A call inside the current context: of the task that it is inside of, if there is one.
    pub fn new(
        operation: Operation,
        provider: impl Into<StringValue>,
        model: impl Into<StringValue>,
    ) -> Call {
        let parent = Context::current();
        Call::inside(Emitter::of(&parent), parent, operation, provider.into(), model.into())
    }

    pub(crate) fn inside(
        emitter: Option<Arc<Emitter>>,
        parent: Context,
        operation: Operation,
        provider: StringValue,
        model: StringValue,
    ) -> Call {
        let Some(emitter) = emitter else { return Call { draft: None } };
        let operation = operation.name();
        let name = [operation.as_str(), " ", model.as_str()].concat();
        let mut attributes = Vec::with_capacity(ATTRIBUTES_MAX);
        attributes.push(KeyValue::new(names::OPERATION_NAME, operation));
        attributes.push(KeyValue::new(names::PROVIDER_NAME, provider));
        attributes.push(KeyValue::new(names::REQUEST_MODEL, model));
        identity::describe(&parent, &mut attributes);
        let route = identity::route(&parent);
        Call { draft: Some(Draft { emitter, parent, name, route, attributes }) }
    }

    fn with(mut self, key: &'static str, value: impl Into<Value>) -> Call {
        if let Some(draft) = &mut self.draft {
            draft.attributes.push(KeyValue::new(key, value));
        }
        self
    }

    /// Another route than the task's, for this call: its name and why it was taken.
    pub fn route(mut self, name: impl Into<StringValue>, reason: impl Into<StringValue>) -> Call {
        if let Some(draft) = &mut self.draft {
            draft.route = Some(identity::Route { name: name.into(), reason: reason.into() });
        }
        self
    }

    /// The same prompt is asked again, for the `repetition`th time (from 1), because the answer
    /// was no good. HTTP requests sent again are counted by [`OpenCall::resent`] instead, and
    /// a reviewer's refusal by [`crate::OpenTask::next_round`].
    pub fn regeneration(self, repetition: u32) -> Call {
        self.with(names::RETRY_REGENERATION, i64::from(repetition))
    }

    /// Name and version of the prompt; never its text.
    pub fn prompt(self, name: impl Into<StringValue>, version: impl Into<StringValue>) -> Call {
        let (name, version) = (identity::shared(name), identity::shared(version));
        self.with(names::PROMPT_NAME, name.clone())
            .with(names::PROMPT_VERSION, version.clone())
            .with(names::GEN_AI_PROMPT_NAME, name)
            .with(names::GEN_AI_PROMPT_VERSION, version)
    }

    /// The conversation that the call belongs to.
    pub fn conversation(self, id: impl Into<StringValue>) -> Call {
        self.with(names::CONVERSATION_ID, id.into())
    }

    /// Similarity hash of the input, so that loops can be seen without any text.
    pub fn input_fingerprint(self, fingerprint: u64) -> Call {
        self.with(names::INPUT_FINGERPRINT, hexadecimal(fingerprint))
    }

    /// Starts the call: its time runs from now.
    pub fn start(self) -> OpenCall {
        let Some(draft) = self.draft else { return OpenCall::of(Held::Off) };
        let Draft { emitter, parent, name, route, mut attributes } = draft;
        if let Some(route) = route {
            attributes.push(KeyValue::new(names::ROUTE_NAME, route.name));
            attributes.push(KeyValue::new(names::ROUTE_REASON, route.reason));
        }
        let builder = emitter
            .tracer
            .span_builder(name)
            .with_kind(SpanKind::Client)
            .with_attributes(attributes);
        let span = emitter.tracer.build_with_context(builder, &parent);
        OpenCall::of(Held::Own { span, parent })
    }
}

/// A call that was made and is not answered yet.
///
/// [`OpenCall::end`] or [`OpenCall::fail`] closes it. One that is dropped instead is closed all
/// the same: as answered when its usage is known, else as failed with the error type `panic` in
/// a panicking thread and `cancelled` anywhere else.
#[must_use = "a call that is dropped counts as cancelled"]
pub struct OpenCall {
    held: Held,
    started: Instant,
    first_token: bool,
    answered: bool,
    resent: u32,
    ended: bool,
}

impl OpenCall {
    fn of(held: Held) -> OpenCall {
        OpenCall {
            held,
            started: clock::instant(),
            first_token: false,
            answered: false,
            resent: 0,
            ended: false,
        }
    }

    /// The first token is here. Later ones may say so too; only the first counts.
    pub fn first_token(&mut self) {
        if !self.first_token {
            self.first_token = true;
            let seconds = self.started.elapsed().as_secs_f64();
            self.held.set(KeyValue::new(names::TIME_TO_FIRST_CHUNK, seconds));
        }
    }

    /// The same HTTP request is sent once more, after an error of the transport or a refusal
    /// such as 429 or 503.
    pub fn resent(&mut self) {
        self.resent = self.resent.saturating_add(1);
    }

    /// The context inside the call, for spans of the HTTP client and headers to the provider.
    pub fn context(&mut self) -> Context {
        self.held.context()
    }

    /// The tokens that the provider reports. A second report is not taken.
    pub fn usage(mut self, usage: Usage) -> OpenCall {
        if !self.answered {
            self.answered = true;
            for attribute in usage.attributes() {
                self.held.set(attribute);
            }
        }
        self
    }

    /// The provider's id of the response, and the model that answered.
    pub fn response(
        mut self,
        id: impl Into<StringValue>,
        model: impl Into<StringValue>,
    ) -> OpenCall {
        self.held.set(KeyValue::new(names::RESPONSE_ID, id.into()));
        self.held.set(KeyValue::new(names::RESPONSE_MODEL, model.into()));
        self
    }

    /// Why the model stopped, in the provider's word.
    pub fn finish_reason(mut self, reason: impl Into<StringValue>) -> OpenCall {
        let reasons = Value::Array(Array::String(vec![reason.into()]));
        self.held.set(KeyValue::new(names::FINISH_REASONS, reasons));
        self
    }

    /// Similarity hash of the output, so that loops can be seen without any text.
    pub fn output_fingerprint(mut self, fingerprint: u64) -> OpenCall {
        self.held.set(KeyValue::new(names::OUTPUT_FINGERPRINT, hexadecimal(fingerprint)));
        self
    }

    /// The call was answered.
    pub fn end(mut self) {
        self.close(None);
    }

    /// The call failed. The error's type is a short code of low cardinality, such as an HTTP
    /// status or `timeout`; never a message, which could carry content.
    pub fn fail(mut self, error_type: impl Into<StringValue>) {
        self.close(Some(error_type.into()));
    }

    fn close(&mut self, error_type: Option<StringValue>) {
        if self.ended {
            return;
        }
        self.ended = true;
        if self.resent > 0 {
            self.held.set(KeyValue::new(names::HTTP_RESEND_COUNT, i64::from(self.resent)));
        }
        if let Some(error_type) = error_type {
            self.held.fail(error_type);
        }
        self.held.end();
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        let error_type = (!self.answered).then(reason_of_drop);
        self.close(error_type);
    }
}

fn hexadecimal(fingerprint: u64) -> String {
    format!("{fingerprint:016x}")
}
