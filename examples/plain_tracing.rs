//! An agent that knows only `tracing`: the layer turns its spans into a task with calls. Nothing
//! but the set-up and the review names this crate.
//!
//! `cargo run -p countersign-examples --example plain_tracing`

use std::time::Duration;

use anyhow::Context as _;
use countersign_examples::{StandIn, new_id};
use tokio::time::sleep;
use tracing::{Instrument as _, field, info, info_span};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let telemetry = countersign::builder()
        .service_name("memo-agent")
        .init()
        .context("telemetry could not be set up")?;
    tracing_subscriber::registry()
        .with(countersign::tracing_layer())
        .with(tracing_subscriber::fmt::layer().compact().with_filter(LevelFilter::INFO))
        .init();

    let id = new_id("MEMO");
    // A span with the field `countersign.task.id` begins a task; everything inside belongs to it.
    let task = info_span!(
        "memo",
        countersign.task.id = id,
        gen_ai.workflow.name = "research-memo",
        countersign.team = "strategy",
    );
    write_memo(&StandIn::default()).instrument(task).await?;
    println!("{id}: written");

    countersign::Verdict::edited(0.15).minutes(9.0).of_task(id.clone()).send();
    println!("{id}: used after a reviewer changed 15 % of it");
    telemetry.shutdown().context("not everything was sent")
}

async fn write_memo(provider: &StandIn) -> anyhow::Result<()> {
    let search = info_span!(
        "web_search",
        gen_ai.operation.name = "execute_tool",
        gen_ai.tool.name = "web_search",
    );
    sleep(Duration::from_millis(60)).instrument(search).await;

    for model in ["gemini-2.5-flash", "gemini-2.5-flash"] {
        ask(provider, model).await?;
    }
    Ok(())
}

async fn ask(provider: &StandIn, model: &'static str) -> anyhow::Result<()> {
    // Fields that are known later begin empty.
    let call = info_span!(
        "ask",
        otel.name = format!("chat {model}"),
        otel.kind = "client",
        gen_ai.operation.name = "chat",
        gen_ai.provider.name = "gcp.gemini",
        gen_ai.request.model = model,
        gen_ai.response.id = field::Empty,
        gen_ai.usage.input_tokens = field::Empty,
        gen_ai.usage.output_tokens = field::Empty,
    );
    let answer = provider.answer(model, "what moved the market?", 1).instrument(call.clone()).await;
    let answer = answer.map_err(|refused| anyhow::anyhow!("the provider refused: {refused:?}"))?;
    // Log lines stay in the log: the layer sends spans only.
    info!(parent: &call, characters = answer.text.len(), "answered");
    call.record("gen_ai.response.id", &answer.id);
    call.record("gen_ai.usage.input_tokens", answer.input_tokens);
    call.record("gen_ai.usage.output_tokens", answer.output_tokens);
    Ok(())
}
