//! The rules on single spans that no capture has: odd numbers, remote agents, verdicts.

use countersign_core::dialect::{Reader, Settings, Signal};
use countersign_core::fact::{Call, Cost, CostSource, Fact, Role};
use countersign_core::price::{
    Card, Catalog, Clause, Component, Model, Per, Period, Price, Provider, Rate, Sheet, When,
};
use expect_test::{Expect, expect};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

const RECEIVED: u64 = 1_795_320_000_000_000_000;

/// A request with one span.
fn request(scope: &str, name: &str, attributes: &[(&str, Value)]) -> Vec<u8> {
    let attributes = attributes.iter().map(|(key, value)| KeyValue {
        key: (*key).into(),
        value: Some(AnyValue { value: Some(value.clone()) }),
        ..KeyValue::default()
    });
    let span = Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        name: name.into(),
        kind: 3,
        start_time_unix_nano: RECEIVED - 2_000_000_000,
        end_time_unix_nano: RECEIVED - 1_000_000_000,
        attributes: attributes.collect(),
        ..Span::default()
    };
    let scope = InstrumentationScope { name: scope.into(), ..InstrumentationScope::default() };
    let scope_spans =
        vec![ScopeSpans { scope: Some(scope), spans: vec![span], ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

fn text(value: &str) -> Value {
    Value::StringValue(value.into())
}

fn check(settings: Settings, bytes: &[u8], expected: Expect) {
    let mut lines = Vec::new();
    let mut show = |fact: Fact<'_>| {
        lines.push(match fact {
            Fact::Call(call) => shown(&call),
            Fact::Step(step) => {
                format!("{:?} {}{}", step.kind, step.identity.task, step.identity.artifact)
            }
            Fact::Verdict(verdict) => format!("{verdict:?}"),
            Fact::Noticed(noticed) => {
                format!("noticed {} {}", noticed.what.as_str(), noticed.count)
            }
            Fact::Links(links) => format!("links {}", links.links.len()),
            Fact::Point(_)
            | Fact::Evaluation(_)
            | Fact::Tick
            | Fact::Alias(_)
            | Fact::BeginAgain => "something else".into(),
        });
    };
    let mut reader = Reader::new(settings);
    reader
        .read(Signal::Traces, bytes, RECEIVED, &Catalog::default(), &mut show, None)
        .expect("the request is well formed");
    expected.assert_eq(&lines.join("\n"));
}

fn shown(call: &Call<'_>) -> String {
    let role = if call.role == Role::Sum { "sum" } else { "call" };
    let usage = call.usage.map(|usage| (usage.input, usage.output));
    let cost = match call.cost {
        Cost::Priced(amount, source) => format!("{amount} {}", source.as_str()),
        Cost::Unknown => "unknown".into(),
        Cost::Unpriced => "unpriced".into(),
    };
    format!("{role} {} {usage:?} cost {cost} task {:?}", call.error, call.identity.task)
}

fn chat(input: Value) -> Vec<u8> {
    request(
        "any",
        "chat",
        &[
            ("gen_ai.operation.name", text("chat")),
            ("gen_ai.request.model", text("a-model")),
            ("gen_ai.usage.input_tokens", input),
            ("gen_ai.usage.output_tokens", Value::IntValue(5)),
        ],
    )
}

fn one_call(bytes: &[u8]) -> (String, u64) {
    let (mut calls, mut invalid) = (String::new(), 0);
    let mut show = |fact: Fact<'_>| match fact {
        Fact::Call(call) => calls += &shown(&call),
        Fact::Noticed(noticed) => invalid += noticed.count,
        Fact::Links(_)
        | Fact::Step(_)
        | Fact::Point(_)
        | Fact::Verdict(_)
        | Fact::Evaluation(_)
        | Fact::Tick
        | Fact::Alias(_)
        | Fact::BeginAgain => {}
    };
    let mut reader = Reader::new(Settings::default());
    reader
        .read(Signal::Traces, bytes, RECEIVED, &Catalog::default(), &mut show, None)
        .expect("the request is well formed");
    (calls, invalid)
}

#[test]
fn numbers_come_in_every_type() {
    let fine = "call  Some((1100, 5)) cost unpriced task \"\"";
    for input in [Value::IntValue(1100), Value::DoubleValue(1100.0), text("1100"), text("1100.0")] {
        assert_eq!(one_call(&chat(input)), (fine.into(), 0));
    }
}

#[test]
fn a_number_that_is_none_leaves_a_call_with_unknown_usage() {
    let unknown = "call  None cost unknown task \"\"";
    for input in [
        Value::IntValue(-1),
        Value::DoubleValue(f64::NAN),
        Value::DoubleValue(f64::INFINITY),
        Value::DoubleValue(1.5),
        Value::IntValue(i64::MAX),
        text("many"),
    ] {
        assert_eq!(one_call(&chat(input)), (unknown.into(), 1));
    }
}

#[test]
fn a_remote_agent_is_a_call_unless_calls_stand_below_it() {
    let agent = |scope| {
        request(
            scope,
            "invoke_agent",
            &[
                ("gen_ai.operation.name", text("invoke_agent")),
                ("gen_ai.usage.input_tokens", Value::IntValue(10)),
                ("gen_ai.usage.output_tokens", Value::IntValue(5)),
            ],
        )
    };
    check(
        Settings::default(),
        &agent("any"),
        expect![[r#"sum  Some((10, 5)) cost unpriced task """#]],
    );
    // An agent of Strands sums over its whole life.
    check(Settings::default(), &agent("strands.telemetry.tracer"), expect!["Agent "]);
}

#[test]
fn the_emitters_own_cost_wins_unless_it_is_zero() {
    let call = |cost| {
        request(
            "any",
            "chat",
            &[
                ("gen_ai.operation.name", text("chat")),
                ("gen_ai.usage.input_tokens", Value::IntValue(10)),
                ("gen_ai.usage.cost", Value::DoubleValue(cost)),
            ],
        )
    };
    check(
        Settings::default(),
        &call(0.0042),
        expect![[r#"call  Some((10, 0)) cost 0.0042 reported task """#]],
    );
    let said_to_us = request(
        "any",
        "chat",
        &[
            ("gen_ai.operation.name", text("chat")),
            ("gen_ai.usage.input_tokens", Value::IntValue(10)),
            ("countersign.cost.usd", Value::DoubleValue(0.5)),
        ],
    );
    check(
        Settings::default(),
        &said_to_us,
        expect![[r#"call  Some((10, 0)) cost 0.5 reported task """#]],
    );
    check(
        Settings::default(),
        &call(0.0),
        expect![[r#"call  Some((10, 0)) cost unpriced task """#]],
    );
    check(
        Settings::default(),
        &call(-1.0),
        expect![[r#"
        call  Some((10, 0)) cost unpriced task ""
        noticed invalid_value 1"#]],
    );
}

#[test]
fn the_task_is_named_by_the_configured_key_first() {
    let span = request(
        "any",
        "chat",
        &[
            ("gen_ai.operation.name", text("chat")),
            ("countersign.task.id", text("own")),
            ("ticket", text("T-1")),
        ],
    );
    let by_ticket =
        Settings { task_keys: vec!["missing".into(), "ticket".into()], ..Settings::default() };
    check(by_ticket, &span, expect![[r#"call  None cost unknown task "T-1""#]]);
    check(Settings::default(), &span, expect![[r#"call  None cost unknown task "own""#]]);
}

#[test]
fn what_another_countersign_booked_is_only_linked() {
    let span = request(
        "any",
        "chat",
        &[("gen_ai.operation.name", text("chat")), ("countersign.booked_by", text("edge"))],
    );
    check(
        Settings::default(),
        &span,
        expect![[r#"
        links 1
        noticed booked_elsewhere 1"#]],
    );
}

#[test]
fn a_verdict_can_be_a_span() {
    let span = request(
        "any",
        "gen_ai.evaluation.result",
        &[
            ("gen_ai.evaluation.name", text("review.verdict")),
            ("gen_ai.evaluation.score.label", text("edited")),
            ("countersign.task.id", text("pr-7")),
            ("countersign.verdict.id", text("v-1")),
            ("countersign.verdict.effective_at", text("2026-11-22T00:53:41Z")),
            ("countersign.verdict.source.kind", text("human")),
            ("countersign.verdict.source.system", text("github")),
            ("countersign.verdict.basis", text("explicit")),
            ("countersign.verdict.round", Value::IntValue(2)),
            ("countersign.verdict.edit_ratio", Value::DoubleValue(0.25)),
            ("countersign.verdict.review_seconds", Value::IntValue(300)),
        ],
    );
    check(
        Settings::default(),
        &span,
        expect![[r#"
        links 1
        Verdict { id: Key(226328723512629336208285455370641422492), task: "pr-7", trace: TraceId(1334440654591915542993625911497130241), judgement: Edited, effective: 1795308821000000000, source: Human, system: "github", basis: Explicit, round: 2, supersedes: Key(0), reason: "", edit_ppm: Some(250000), review_ms: Some(300000), policy_version: "" }"#]],
    );
}

#[test]
fn a_tool_that_opens_a_change_names_what_will_be_reviewed() {
    let tool = |result: &str| {
        request(
            "any",
            "execute_tool bash",
            &[
                ("gen_ai.operation.name", text("execute_tool")),
                ("gen_ai.tool.call.result", text(result)),
            ],
        )
    };
    let opened = tool("https://github.com/acme/shop/pull/17\n");
    check(Settings::default(), &opened, expect!["Tool https://github.com/acme/shop/pull/17"]);
    let mentioned = tool("see https://github.com/acme/shop/pull/17 for more");
    check(Settings::default(), &mentioned, expect!["Tool "]);
}

/// A catalog with one model of Anthropic's: $3 for a million tokens of input, a tenth of that
/// from the cache, $15 of output.
fn catalog() -> Catalog {
    let price = |text| Price::flat(Rate::parse(text, Per::Million).expect("a price"));
    let mut card = Card::default();
    card.set(Component::Input, price("3"));
    card.set(Component::CacheRead, price("0.3"));
    card.set(Component::Output, price("15"));
    let model = Model {
        id: "claude-x".into(),
        named: Clause::Equals("claude-x".into()),
        periods: vec![Period { when: When::default(), card }],
        tiers: Vec::new(),
    };
    let anthropic = Provider { id: "anthropic".into(), models: vec![model], ..Provider::default() };
    let mut catalog = Catalog::default();
    catalog.lay(Sheet {
        origin: "test".into(),
        source: CostSource::Catalog,
        providers: vec![anthropic],
        deployments: Vec::new(),
    });
    catalog
}

#[test]
fn i7_cached_tokens_cost_the_same_in_either_convention() {
    let told = |scope, input| {
        let bytes = request(
            scope,
            "chat",
            &[
                ("gen_ai.operation.name", text("chat")),
                ("gen_ai.provider.name", text("anthropic")),
                ("gen_ai.response.model", text("claude-x")),
                ("gen_ai.usage.input_tokens", Value::IntValue(input)),
                ("gen_ai.usage.cache_read.input_tokens", Value::IntValue(400)),
                ("gen_ai.usage.output_tokens", Value::IntValue(100)),
            ],
        );
        let mut calls = String::new();
        let mut show = |fact: Fact<'_>| {
            if let Fact::Call(call) = fact {
                calls += &shown(&call);
            }
        };
        Reader::new(Settings::default())
            .read(Signal::Traces, &bytes, RECEIVED, &catalog(), &mut show, None)
            .expect("the request is well formed");
        calls
    };
    // 600 fresh at $3, 400 from the cache at $0.30, 100 out at $15: $0.00342.
    let expected = "call  Some((1000, 100)) cost 0.00342 catalog task \"\"";
    assert_eq!(told("any", 1000), expected, "input includes what came from the cache");
    assert_eq!(told("openlit", 600), expected, "input leaves it out");
}
