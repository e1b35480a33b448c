//! A support agent: it looks an order up, answers a customer, and hears a little later what the
//! customer thought of it.
//!
//! `cargo run -p countersign-examples --example support_agent`

use std::time::Duration;

use anyhow::Context as _;
use countersign::{Basis, OpenTask, Operation, Source, Task, Usage, Verdict};
use countersign_examples::{Answer, Refused, StandIn, new_id};
use tokio::time::sleep;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // Reads OTEL_EXPORTER_OTLP_ENDPOINT and the other standard variables.
    let telemetry = countersign::builder()
        .service_name("support-agent")
        .init()
        .context("telemetry could not be set up")?;
    let provider = StandIn::default();

    // The id is the ticket's: whoever judges the answer knows it too.
    let ticket = new_id("SUP");
    let task = Task::new(ticket.clone())
        .workflow("support-ticket")
        .team("care")
        .project("shop")
        .route("small-first", "short question")
        .start();

    let lookup = task.tool("order_lookup").start();
    sleep(Duration::from_millis(40)).await; // the shop's database
    lookup.end();

    let answer = ask(&task, &provider, "busy: where is my parcel?").await?;
    println!("{ticket}: answered with {} tokens", answer.input_tokens + answer.output_tokens);
    task.end();

    // The customer closes the ticket. In a real shop this happens in another process.
    sleep(Duration::from_millis(500)).await;
    let verdict = Verdict::accepted()
        .by(Source::EndUser, "zendesk")
        .basis(Basis::Implicit)
        .of_task(ticket.clone())
        .send();
    println!("{ticket}: accepted (verdict {verdict})");

    // Sends what is left and says if that went well; dropping the guard would do it silently.
    telemetry.shutdown().context("not everything was sent")
}

/// One model request with its retries by the transport: they are one call, not several.
async fn ask(task: &OpenTask, provider: &StandIn, prompt: &str) -> anyhow::Result<Answer> {
    let model = "gpt-4o-mini";
    let mut call =
        task.call(Operation::Chat, "openai", model).prompt("support-answer", "2").start();
    for tried_before in 0..3 {
        match provider.answer(model, prompt, tried_before).await {
            Ok(answer) => {
                call.first_token();
                provider.rest_of(&answer).await;
                call.usage(
                    Usage::new(answer.input_tokens, answer.output_tokens)
                        .cache_read(answer.cached_tokens),
                )
                .response(answer.id.clone(), answer.model)
                .finish_reason(answer.finish_reason)
                .end();
                return Ok(answer);
            }
            Err(Refused(429 | 503)) => {
                call.resent();
                sleep(Duration::from_millis(100)).await;
            }
            Err(Refused(status)) => {
                call.fail(status.to_string());
                anyhow::bail!("the provider refused with {status}");
            }
        }
    }
    call.fail("429");
    anyhow::bail!("the provider stayed busy")
}
