//! Every model that is named in the recorded requests has a price, or is known to have none.

use std::collections::BTreeSet;
use std::path::Path;

use countersign_core::dialect::Signal;
use countersign_core::fact::Usage;
use countersign_core::price::Ask;
use expect_test::expect;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use prost::Message as _;

use super::{SHIPPED_CATALOG, parse_time};
use crate::ingest::json;

/// What instrumentations call the model of a call.
const MODEL_KEYS: &[&str] = &[
    "gen_ai.request.model",
    "gen_ai.response.model",
    "llm.model_name",
    "model",
    "model_id",
    "embedding.model_name",
];
/// What they call its provider.
const PROVIDER_KEYS: &[&str] =
    &["gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"];

#[test]
fn models_of_the_captures_are_priced() {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/captures");
    let mut named = BTreeSet::new();
    for run in std::fs::read_dir(captures).unwrap() {
        let run = run.unwrap().path();
        if run.is_dir() {
            std::fs::read_dir(run)
                .unwrap()
                .for_each(|file| read(&file.unwrap().path(), &mut named));
        }
    }
    let at = parse_time("2026-11-22").unwrap();
    let mut found = String::new();
    for (provider, model) in &named {
        let ask = Ask { provider, model, at, ..Ask::default() };
        let usage = Usage { input: 1_000_000, ..Usage::default() };
        let bill = SHIPPED_CATALOG.bill(&ask, &usage);
        let price = bill.map_or("no price".to_owned(), |bill| {
            format!("{} {}, {}", bill.provider, bill.model, bill.total())
        });
        found += &format!("{provider:?} {model}: {price}\n");
    }
    expect![[r#"
        "" "gpt-4o-mini": openai gpt-4o-mini, 0.15
        "" claude-sonnet-4-5: anthropic claude-sonnet-4-5, 6
        "" claude-sonnet-4-5-20250929: anthropic claude-sonnet-4-5, 6
        "" gemini-2.5-flash: google gemini-2.5-flash, 0.3
        "" gemini-2.5-flash-001: google gemini-2.5-flash, 0.3
        "" gpt-4o-mini: openai gpt-4o-mini, 0.15
        "" gpt-4o-mini-2024-07-18: openai gpt-4o-mini, 0.15
        "" gpt-5-mini: openai gpt-5-mini, 0.25
        "" gpt-5.6-luna: openai gpt-5.6-luna, 0.4
        "" text-embedding-3-small: openai text-embedding-3-small, 0.02
        "anthropic" claude-sonnet-4-5: anthropic claude-sonnet-4-5, 6
        "anthropic" claude-sonnet-4-5-20250929: anthropic claude-sonnet-4-5, 6
        "anthropic.messages" claude-sonnet-4-5: anthropic claude-sonnet-4-5, 6
        "anthropic.messages" claude-sonnet-4-5-20250929: anthropic claude-sonnet-4-5, 6
        "crewai" gpt-4o-mini: openai gpt-4o-mini, 0.15
        "fake.chat" gpt-4o-mini: openai gpt-4o-mini, 0.15
        "fake.chat" gpt-4o-mini-2024-07-18: openai gpt-4o-mini, 0.15
        "gcp.gemini" gemini-2.5-flash: google gemini-2.5-flash, 0.3
        "gcp.gen_ai" gemini-2.5-flash: google gemini-2.5-flash, 0.3
        "gcp.gen_ai" gemini-2.5-flash-001: google gemini-2.5-flash, 0.3
        "gemini" gemini-2.5-flash: google gemini-2.5-flash, 0.3
        "gemini" gemini-2.5-flash-001: google gemini-2.5-flash, 0.3
        "google" gemini-2.5-flash: google gemini-2.5-flash, 0.3
        "google" gemini-2.5-flash-001: google gemini-2.5-flash, 0.3
        "microsoft.agent_framework" gpt-4o-mini: openai gpt-4o-mini, 0.15
        "openai" gpt-4o-mini: openai gpt-4o-mini, 0.15
        "openai" gpt-4o-mini-2024-07-18: openai gpt-4o-mini, 0.15
        "openai" openai/gpt-4o-mini: openai gpt-4o-mini, 0.15
        "openai" text-embedding-3-small: openai text-embedding-3-small, 0.02
        "openai.chat" gpt-4o-mini: openai gpt-4o-mini, 0.15
        "openai.chat" gpt-4o-mini-2024-07-18: openai gpt-4o-mini, 0.15
        "openai.responses" gpt-4o-mini: openai gpt-4o-mini, 0.15
        "openai.responses" gpt-4o-mini-2024-07-18: openai gpt-4o-mini, 0.15
        "strands-agents" claude-sonnet-4-5: anthropic claude-sonnet-4-5, 6
        "strands-agents" gpt-4o-mini: openai gpt-4o-mini, 0.15
    "#]]
    .assert_eq(&found);
}

fn read(path: &Path, named: &mut BTreeSet<(String, String)>) {
    let name = path.file_name().unwrap().to_str().unwrap();
    let signal = match name.split('-').next() {
        Some("traces") => Signal::Traces,
        Some("logs") => Signal::Logs,
        _ => return,
    };
    let mut bytes = std::fs::read(path).unwrap();
    if name.ends_with(".json") {
        let text = std::mem::take(&mut bytes);
        json::transcode(signal, &text, &mut bytes).unwrap();
    }
    if signal == Signal::Traces {
        let request = ExportTraceServiceRequest::decode(&bytes[..]).unwrap();
        let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| &scope.spans).for_each(|span| note(&span.attributes, named));
    } else {
        let request = ExportLogsServiceRequest::decode(&bytes[..]).unwrap();
        let scopes = request.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
        scopes.flat_map(|scope| &scope.log_records).for_each(|log| note(&log.attributes, named));
    }
}

fn note(attributes: &[KeyValue], named: &mut BTreeSet<(String, String)>) {
    let text = |attribute: &KeyValue| {
        let value = attribute.value.as_ref()?.value.as_ref()?;
        if let Value::StringValue(text) = value { Some(text.clone()) } else { None }
    };
    let first = |keys: &[&str]| {
        let value = |key: &&str| attributes.iter().find(|one| one.key == *key).and_then(text);
        keys.iter().find_map(value)
    };
    let provider = first(PROVIDER_KEYS).unwrap_or_default();
    for key in MODEL_KEYS {
        if let Some(model) = first(&[key]) {
            named.insert((provider.clone(), model));
        }
    }
}
