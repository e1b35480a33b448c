//! An agent that writes pull requests: its first patch does not compile and is asked for again,
//! the reviewer sends the second back, the third is merged.
//!
//! `cargo run -p countersign-examples --example pr_agent`

use std::time::Duration;

use anyhow::Context as _;
use countersign::{OpenTask, Operation, Source, Task, Usage, Verdict};
use countersign_examples::{StandIn, new_id};
use tokio::time::sleep;

const REPOSITORY: &str = "https://github.com/acme/shop";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let telemetry = countersign::builder()
        .service_name("coding-agent")
        .init()
        .context("telemetry could not be set up")?;
    let provider = StandIn::default();
    let id = new_id("PR");
    let change = id.trim_start_matches("PR-").to_owned();

    // First round: one trace. The prompt is asked again because the tests failed, which is a
    // regeneration; nobody has reviewed anything yet.
    let task = describe(&id).start();
    for repetition in 0..2 {
        write_patch(&task, &provider, "fix the rounding of prices", repetition).await?;
        if run_tests(&task, repetition).await {
            break;
        }
    }
    task.artifact(format!("{REPOSITORY}/pull/{change}"));
    task.change(REPOSITORY, change.clone());
    task.end();
    println!("{id}: submitted {REPOSITORY}/pull/{change}");

    // A person looks at it and asks for changes. This is no retry: it is a review round.
    sleep(Duration::from_millis(300)).await;
    Verdict::rejected()
        .by(Source::Human, "github")
        .round(1)
        .minutes(12.0)
        .reason("missing_test")
        .of_task(id.clone())
        .send();
    println!("{id}: changes requested after 12 minutes of review");

    // Second round: the same task, in a trace of its own, perhaps in another process.
    let task = describe(&id).attempt(2).round(2).start();
    write_patch(&task, &provider, "fix the rounding of prices, and test it", 0).await?;
    run_tests(&task, 1).await;
    task.end();

    // Whoever merges knows the pull request, not the task: its URL is an alias.
    sleep(Duration::from_millis(300)).await;
    Verdict::accepted()
        .by(Source::Human, "github")
        .round(2)
        .minutes(4.0)
        .of_task(format!("{REPOSITORY}/pull/{change}"))
        .send();
    println!("{id}: merged after 4 more minutes of review");

    telemetry.shutdown().context("not everything was sent")
}

fn describe(id: &str) -> Task {
    Task::new(id.to_owned())
        .workflow("pr-review")
        .team("platform")
        .project("shop")
        .route("sonnet", "touches money")
}

async fn write_patch(
    task: &OpenTask,
    provider: &StandIn,
    prompt: &str,
    repetition: u32,
) -> anyhow::Result<()> {
    let model = "claude-sonnet-4-5";
    let mut call = task.call(Operation::Chat, "anthropic", model).prompt("write-patch", "5");
    if repetition > 0 {
        call = call.regeneration(repetition);
    }
    let mut call = call.start();
    let Ok(answer) = provider.answer(model, prompt, 1).await else {
        call.fail("refused");
        anyhow::bail!("the provider refused");
    };
    call.first_token();
    provider.rest_of(&answer).await;
    // This provider counts cached tokens apart from the input.
    let fresh = answer.input_tokens - answer.cached_tokens;
    call.usage(Usage::with_separate_cache(fresh, answer.cached_tokens, 0, answer.output_tokens))
        .response(answer.id, answer.model)
        .finish_reason("end_turn")
        .end();
    Ok(())
}

/// The tests of the stand-in repository pass from the second time on.
async fn run_tests(task: &OpenTask, repetition: u32) -> bool {
    let tests = task.tool("run_tests").start();
    sleep(Duration::from_millis(80)).await;
    let passed = repetition > 0;
    if passed {
        tests.end();
    } else {
        tests.fail("tests_failed");
    }
    passed
}
