//! A review from another process: it knows the task's id, or an alias such as the pull request's
//! URL, and nothing else of the agent.
//!
//! `cargo run -p countersign-examples --example human_review -- TASK accepted --minutes 5`

use anyhow::Context as _;
use clap::Parser;
use countersign::{Source, State, Verdict};

/// Gives a verdict on a task.
#[derive(Debug, Parser)]
struct Review {
    /// The task's id, or an alias.
    task: String,
    /// accepted, edited, rejected, escalated, withdrawn or defect.
    #[arg(value_parser = state)]
    state: State,
    /// Minutes that the review took.
    #[arg(long)]
    minutes: Option<f64>,
    /// A short code that says why.
    #[arg(long)]
    reason: Option<String>,
    /// Share of the work that was changed, 0 to 1.
    #[arg(long)]
    edit_ratio: Option<f64>,
    /// Review round, from 1.
    #[arg(long)]
    round: Option<u32>,
}

fn main() -> anyhow::Result<()> {
    let review = Review::parse();
    let telemetry = countersign::builder()
        .service_name("review-desk")
        .init()
        .context("telemetry could not be set up")?;

    let mut verdict = Verdict::new(review.state).by(Source::Human, "terminal");
    if let Some(minutes) = review.minutes {
        verdict = verdict.minutes(minutes);
    }
    if let Some(reason) = review.reason {
        verdict = verdict.reason(reason);
    }
    if let Some(ratio) = review.edit_ratio {
        verdict = verdict.edit_ratio(ratio);
    }
    if let Some(round) = review.round {
        verdict = verdict.round(round);
    }
    let id = verdict.of_task(review.task.clone()).send();
    telemetry.shutdown().context("the verdict was not sent")?;
    println!("{}: {} (verdict {id})", review.task, review.state.as_str());
    Ok(())
}

fn state(word: &str) -> Result<State, String> {
    let words = State::ALL.map(State::as_str).join(", ");
    State::parse(word).ok_or_else(|| format!("expected one of {words}"))
}
