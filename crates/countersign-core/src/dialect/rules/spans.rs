//! Spans: which are calls, which sum calls up, which are steps, and which only link others.

use super::Reading;
use crate::decode::{Budget, Fault, Span, Value, link_trace};
use crate::diagnostic::Diagnostic;
use crate::dialect::DIALECTS;
use crate::dialect::field::Field;
use crate::dialect::table::{Class, Dialect, Unanswered};
use crate::fact::{Call, Cost, Fact, Identity, Link, Links, Place, Retries, Role, Step, StepKind};
use crate::key::{Key, TraceId};

/// What `gen_ai.operation.name` says of a span.
const OPERATIONS: &[(&str, Class)] = &[
    ("chat", Class::Call),
    ("chat_streaming", Class::Call),
    ("chat.completions", Class::Call),
    ("chat.streaming_completions", Class::Call),
    ("text.completions", Class::Call),
    ("text.streaming_completions", Class::Call),
    ("generate_content", Class::Call),
    ("text_completion", Class::Call),
    ("completion", Class::Call),
    ("embeddings", Class::Call),
    ("llm_call", Class::Call),
    ("rerank", Class::Call),
    ("invoke_agent", Class::Sum),
    ("execute_tool", Class::Tool),
    ("create_agent", Class::Agent),
    ("invoke_workflow", Class::Agent),
    ("plan", Class::Agent),
    ("agent_step", Class::Agent),
    ("execute_task", Class::Agent),
    ("execute_event_loop_cycle", Class::Agent),
    ("handle_conversation_turn", Class::Agent),
    ("handoff", Class::Agent),
    ("chain", Class::Agent),
    ("model_generation", Class::Sum),
    ("model_chunk", Class::Other),
    ("retrieval", Class::Other),
    ("search_memory", Class::Other),
    ("create_memory", Class::Other),
    ("update_memory", Class::Other),
    ("upsert_memory", Class::Other),
    ("delete_memory", Class::Other),
    ("create_memory_store", Class::Other),
    ("delete_memory_store", Class::Other),
    ("tool_call", Class::Tool),
];

/// `error.type` of the answers that providers refuse with.
const STATUSES: &[(u64, &str)] = &[
    (400, "400"),
    (401, "401"),
    (403, "403"),
    (404, "404"),
    (408, "408"),
    (413, "413"),
    (429, "429"),
    (500, "500"),
    (502, "502"),
    (503, "503"),
    (504, "504"),
    (529, "529"),
];

/// Frameworks that write their own name where the provider's belongs.
const NOT_PROVIDERS: &[&str] = &["strands-agents", "microsoft.agent_framework", "langchain"];
/// What the AI SDK appends to the provider's name: the interface that it used.
const INTERFACES: &[&str] = &[".chat", ".responses", ".messages", ".completion", ".embedding"];

impl<'a> Reading<'a, '_> {
    /// Makes a span's facts.
    pub(super) fn span(&mut self, span: &Span<'_, 'a>, budget: &mut Budget) -> Result<(), Fault> {
        let mut linked = TraceId::NONE;
        for link in span.links {
            let trace = link_trace(link, budget)?;
            if linked.is_none() {
                linked = trace;
            }
        }
        self.record.clear();
        self.keys.sort(span.attributes, self.scope, &mut self.meanings, &mut self.record);
        let place = Place { trace: span.trace, span: span.span, parent: span.parent };
        let elsewhere = self.record.has(Field::BookedBy) || self.resource.has(Field::BookedBy);
        if elsewhere {
            self.notice(Diagnostic::BookedElsewhere, u64::from(!self.record.is_empty()));
            self.link(place);
            return Ok(());
        }
        if self.record.is_empty() {
            self.link(place);
        } else if span.name == super::verdicts::EVENT.as_bytes() {
            let time = self.plausible(span.start, self.received);
            self.note(None);
            self.evaluation(place, time, Key::of_span(place.trace, place.span));
            self.link(place);
        } else {
            self.work_span(span, place, linked);
        }
        for (event, number) in span.events.iter().zip(0..) {
            self.span_event(event, number, span, budget)?;
        }
        Ok(())
    }

    fn work_span(&mut self, span: &Span<'_, 'a>, place: Place, linked: TraceId) {
        let (dialect, class) = self.class();
        match class {
            Class::Call => self.call_span(dialect, Role::Call, span, place, linked),
            Class::Sum => self.call_span(dialect, Role::Sum, span, place, linked),
            Class::Tool => self.step(StepKind::Tool, span, place, linked),
            Class::Agent => self.step(StepKind::Agent, span, place, linked),
            Class::Other | Class::Note if self.record.has(Field::ReviewState) => {
                self.step(StepKind::Task, span, place, linked);
            }
            Class::Other | Class::Note if self.says_whose() => {
                self.step(StepKind::Other, span, place, linked);
            }
            Class::Other | Class::Note => self.link(place),
        }
    }

    /// What the current record is, and in which dialect.
    fn class(&mut self) -> (&'static Dialect, Class) {
        let by_kind = self.class_by_kind();
        let dialect = match by_kind {
            Some((dialect, _)) if self.scope.is_none() => dialect,
            Some(_) | None => self.dialect(),
        };
        if self.record.has(Field::ReviewState) {
            return (dialect, Class::Other);
        }
        let class = by_kind.map(|(_, class)| class).or_else(|| self.class_by_operation());
        let class = match class {
            Some(Class::Sum) if dialect.sums_over_life => Class::Agent,
            Some(Class::Note) if self.has_usage() => Class::Sum,
            Some(Class::Note) => Class::Other,
            Some(class) => class,
            None if self.has_usage() => Class::Call,
            None => Class::Other,
        };
        (dialect, class)
    }

    /// What the vendor's own word for the kind of span says.
    fn class_by_kind(&mut self) -> Option<(&'static Dialect, Class)> {
        if !self.record.has(Field::Kind) {
            return None;
        }
        let word = self.record.text(Field::Kind);
        let dialect = DIALECTS.get(usize::from(self.record.kind_dialect))?;
        let (_, class) = dialect.kinds.iter().find(|(kind, _)| *kind == word)?;
        Some((dialect, *class))
    }

    fn class_by_operation(&mut self) -> Option<Class> {
        let word = self.record.text(Field::Operation);
        OPERATIONS.iter().find(|(operation, _)| *operation == word).map(|(_, class)| *class)
    }

    fn has_usage(&self) -> bool {
        [Field::Input, Field::Output, Field::UsageIn].iter().any(|field| self.record.has(*field))
    }

    fn call_span(
        &mut self,
        dialect: &'static Dialect,
        role: Role,
        span: &Span<'_, 'a>,
        place: Place,
        linked: TraceId,
    ) {
        let usage = self.usage(dialect, dialect.reasoning);
        if role == Role::Sum && usage.is_none() {
            return self.step(StepKind::Agent, span, place, linked);
        }
        let mut error = self.error(span.status == 2);
        if usage.is_none() && error.is_empty() && !self.is_answered() {
            match dialect.unanswered {
                Unanswered::Call => {}
                Unanswered::Failed => error = "_OTHER",
                Unanswered::Step => return self.step(StepKind::Other, span, place, linked),
            }
        }
        let identity = self.identity(linked);
        let provider = self.provider(dialect);
        let model = self.model();
        let start = self.plausible(span.start, self.received);
        let end = self.plausible(span.end, start).max(start);
        let at = if span.start == 0 { self.received } else { span.start };
        let (cost, listed) = self.cost(provider, model, at, usage.as_ref());
        let call = Call {
            rank: dialect.rank,
            role,
            place,
            service: self.sender(dialect, identity.conversation),
            record: Key::of_span(place.trace, place.span),
            response: self.response(),
            distance: dialect.distance.max(self.scope_distance),
            identity,
            start,
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
        self.note(match call.cost {
            Cost::Priced(amount, source) => Some((amount, source)),
            Cost::Unknown | Cost::Unpriced => None,
        });
        self.facts.push(Fact::Call(call));
    }

    fn step(&mut self, kind: StepKind, span: &Span<'_, 'a>, place: Place, linked: TraceId) {
        let mut identity: Identity<'a> = self.identity(linked);
        if kind == StepKind::Tool && identity.artifact.is_empty() {
            identity.artifact = self.opened_change();
        }
        let start = self.plausible(span.start, self.received);
        let name = match kind {
            StepKind::Tool => self.record.text(Field::Tool),
            StepKind::Agent => self.record.text(Field::Agent),
            StepKind::Task | StepKind::Other => "",
        };
        let step = Step {
            kind,
            place,
            identity,
            start,
            end: self.plausible(span.end, start).max(start),
            name,
            error: self.error(span.status == 2),
            retries: self.retries(),
            cost: if kind == StepKind::Tool { self.dollars(Field::Cost, 1.0) } else { None },
        };
        self.note(None);
        self.facts.push(Fact::Step(step));
    }

    /// Keeps only where the span stands.
    pub(super) fn link(&mut self, place: Place) {
        let link = Link { span: place.span, parent: place.parent };
        if let Some(last) = self.links.last_mut().filter(|last| last.trace == place.trace) {
            last.links.push(link);
            return;
        }
        let next = self.links.len();
        let at = *self.linked.entry(place.trace).or_insert(next);
        match self.links.get_mut(at) {
            Some(links) => links.links.push(link),
            None => self.links.push(Links { trace: place.trace, links: alloc::vec![link] }),
        }
    }

    /// Why the current record's call or step failed; empty if it did not.
    pub(super) fn error(&mut self, failed: bool) -> &'a str {
        let error = self.record.text(Field::ErrorType);
        if !error.is_empty() {
            return error;
        }
        let status = self.record.count(Field::HttpStatus).ok().flatten().unwrap_or(0);
        if status >= 400 {
            let named = STATUSES.iter().find(|(code, _)| *code == status);
            return named.map_or("_OTHER", |(_, name)| name);
        }
        let unsuccessful = self.record.value(Field::Success) == Value::Bool(false);
        if failed || unsuccessful { "_OTHER" } else { "" }
    }

    /// Whether the current record has anything that only an answered call has.
    pub(super) fn is_answered(&self) -> bool {
        [Field::Answer, Field::ResponseId, Field::ResponseModel]
            .iter()
            .any(|field| self.record.has(*field))
    }

    /// Who serves the model, without what frameworks make of the name.
    pub(super) fn provider(&mut self, dialect: &Dialect) -> &'a str {
        let provider = self.said(Field::Provider);
        if provider.is_empty() {
            return dialect.provider;
        }
        if NOT_PROVIDERS.contains(&provider) {
            return "";
        }
        INTERFACES.iter().find_map(|suffix| provider.strip_suffix(suffix)).unwrap_or(provider)
    }

    /// The model that answered, or that was asked.
    pub(super) fn model(&mut self) -> &'a str {
        let answered = self.record.text(Field::ResponseModel);
        if answered.is_empty() { self.record.text(Field::RequestModel) } else { answered }
    }

    /// The operation's name; empty if the dialect has none.
    pub(super) fn operation(&mut self) -> &'a str {
        self.record.text(Field::Operation)
    }

    /// Nanoseconds to the first token.
    pub(super) fn first_token(&mut self) -> Option<u64> {
        let seconds = if self.record.has(Field::FirstTokenSeconds) {
            self.record.number(Field::FirstTokenSeconds)?
        } else {
            self.record.number(Field::FirstTokenMillis)? / 1e3
        };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        Some((seconds * 1e9).clamp(0.0, 1e18) as u64)
    }

    /// Repetitions by layer, as far as the record says.
    pub(super) fn retries(&mut self) -> Retries {
        let sent_from_1 = self.record.small(Field::SendingFrom1).saturating_sub(1);
        let sent_from_0 = self.record.small(Field::SendingFrom0);
        let resent = self.record.small(Field::Resend);
        Retries {
            transport: resent.max(sent_from_1).max(sent_from_0),
            step: self.record.small(Field::RetryStep),
            regeneration: self.record.small(Field::RetryRegeneration),
        }
    }
}
