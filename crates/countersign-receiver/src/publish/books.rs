//! Small books for tests, filled by a script of calls and verdicts.

use countersign_core::delta::Delta;
use countersign_core::fact::{
    Basis, Call, Cost, CostSource, Fact, Identity, Judgement, Link, Links, NameQuality, Place,
    Retries, SourceKind, UnixNanos, Usage, Verdict,
};
use countersign_core::key::{Key, SpanId, TraceId};
use countersign_core::money::Money;
use countersign_core::settle::{Books, Settings};
use countersign_core::tally::Tally;

/// The trace of the first task.
pub(super) const TRACE: u128 = 0xa1;
/// When the scripts begin: 2026-11-20T00:00:00Z.
pub(super) const BEGIN: UnixNanos = 1_795_132_800_000_000_000;
const SECOND: u64 = 1_000_000_000;

/// Books that are being written.
pub(super) struct Script {
    /// The books.
    pub(super) books: Books,
    /// The series.
    pub(super) tally: Tally,
    /// The time.
    pub(super) now: UnixNanos,
    spans: u64,
    verdicts: u64,
}

impl Default for Script {
    fn default() -> Script {
        Script {
            books: Books::new(Settings::default()),
            tally: Tally::default(),
            now: BEGIN,
            spans: 0,
            verdicts: 0,
        }
    }
}

impl Script {
    /// Applies a fact now.
    pub(super) fn apply(&mut self, fact: &Fact<'_>) -> Vec<Delta> {
        let mut deltas = Vec::new();
        self.books.apply(self.now, fact, &mut deltas);
        for delta in &deltas {
            self.tally.apply(self.now, delta);
        }
        deltas
    }

    /// Time goes on.
    pub(super) fn wait(&mut self, seconds: u64) -> Vec<Delta> {
        self.now += seconds * SECOND;
        self.apply(&Fact::Tick)
    }

    /// A task with one call of a quarter dollar; its trace is closed afterwards.
    pub(super) fn call(&mut self, task: &str, trace: u128, regenerations: u32) {
        self.call_of(task, trace, regenerations, ("pr-review", "sonnet first", 250_000));
    }

    /// The same with workflow, route and cost in millionths of a dollar.
    pub(super) fn call_of(
        &mut self,
        task: &str,
        trace: u128,
        regenerations: u32,
        (workflow, route, micros): (&str, &str, u64),
    ) {
        self.spans += 1;
        let place = Place { trace: TraceId(trace), span: SpanId(self.spans), parent: SpanId::NONE };
        let link = Link { span: place.span, parent: SpanId::NONE };
        self.apply(&Fact::Links(Links { trace: place.trace, links: vec![link] }));
        let call = Call {
            place,
            record: Key::of_span(place.trace, place.span),
            identity: Identity {
                task,
                workflow,
                workflow_quality: NameQuality::Task,
                route,
                ..Identity::default()
            },
            start: self.now - 2 * SECOND,
            end: self.now - SECOND / 2,
            model: "claude-sonnet-4-5",
            provider: "anthropic",
            operation: "chat",
            usage: Some(Usage { input: 1_200, output: 300, ..Usage::default() }),
            cost: Cost::Priced(Money::from_pico(1_000_000).times(micros), CostSource::Catalog),
            first_token: Some(SECOND / 4),
            retries: Retries { regeneration: regenerations, ..Retries::default() },
            ..Call::default()
        };
        self.apply(&Fact::Call(call));
        self.wait(10);
    }

    /// A person's verdict with so many seconds of review.
    pub(super) fn judge(&mut self, task: &str, word: &str, review_seconds: u64) -> Vec<Delta> {
        self.verdicts += 1;
        let verdict = Verdict {
            id: Key::of(&format!("v{}", self.verdicts)),
            task,
            trace: TraceId::NONE,
            judgement: Judgement::parse(word).expect("a word that the tests use"),
            effective: self.now,
            source: SourceKind::Human,
            system: "github",
            basis: Basis::Explicit,
            round: 1,
            supersedes: Key::NONE,
            reason: "style",
            edit_ppm: (word == "edited").then_some(200_000),
            review_ms: Some(review_seconds * 1_000),
            policy_version: "",
        };
        self.apply(&Fact::Verdict(verdict))
    }
}
