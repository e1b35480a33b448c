//! The page of one task: where it stands, its verdicts, its calls and what they cost.

use countersign_core::fact::UnixNanos;
use maud::{Markup, html};

use super::words::{self, count, duration, money};
use super::{Setting, figure, layout, panel, state};
use crate::publish::figures::{TaskShown, VerdictShown};

/// The page of a task.
#[must_use]
pub fn task_page(task: &TaskShown, setting: &Setting, now: UnixNanos) -> Markup {
    let main = html! {
        div.title {
            p.muted { a href="/" { "Outcomes" } " / " (words::name_or(&task.workflow, "unnamed workflow")) }
            h1 { (linked(&task.id)) }
            p { (state(task.state)) }
        }
        div.grid { (summary(task)) (verdicts(task)) (calls(task)) (names(task)) }
    };
    layout(setting, &task.id, now, &main)
}

fn summary(task: &TaskShown) -> Markup {
    panel(
        "wide",
        "Cost",
        "Cost until now: it grows if the agent goes on after the verdict.",
        &html! {
            p.headline { (money(task.cost_usd.incurred.0)) small { " models and tools" } }
            dl.figures {
                (figure("reviewers' time", &format!("{} · {}",
                    duration((task.review_seconds > 0.0).then_some(task.review_seconds)),
                    money(task.cost_usd.review.0))))
                (figure("rounds", &task.rounds.to_string()))
                (figure("attempts", &task.attempts.to_string()))
                (figure("HTTP resends", &task.retries.transport.to_string()))
                (figure("repeated steps", &task.retries.step.to_string()))
                (figure("prompts asked again", &task.retries.regeneration.to_string()))
                (figure("route", words::name_or(&task.route, "–")))
                (figure("chosen because", words::name_or(&task.route_reason, "–")))
                (figure("began", &moment(task.started.as_deref())))
                (figure("work ended", &moment(task.ended.as_deref())))
                (figure("decided", &moment(task.decided.as_deref())))
            }
        },
    )
}

fn verdicts(task: &TaskShown) -> Markup {
    panel(
        "wide",
        "Verdicts",
        "The verdict in force is the one of the highest authority, not the latest to arrive.",
        &html! {
            @if task.verdicts.is_empty() {
                p { "Nobody has judged this task yet." }
                pre { code { "countersign verdict '" (task.id.replace('\'', "'\\''")) "' accepted --minutes 5" } }
            } @else {
                ol.verdicts { @for verdict in &task.verdicts { (one(verdict)) } }
            }
        },
    )
}

fn one(verdict: &VerdictShown) -> Markup {
    html! {
        li.superseded[verdict.superseded] {
            (state(verdict.state))
            span { (verdict.source.kind.replace('_', " "))
                @if !verdict.source.system.is_empty() { " in " (verdict.source.system) }
                ", " (verdict.basis) }
            time.muted { (moment(verdict.effective_at.as_deref())) }
            @if let Some(round) = verdict.round { span.muted { "round " (round) } }
            @if let Some(seconds) = verdict.review_seconds {
                span.muted { (duration(Some(seconds))) " of review" }
            }
            @if let Some(ratio) = verdict.edit_ratio {
                span.muted { (words::share(Some(ratio))) " changed" }
            }
            @if !verdict.reason.is_empty() { span { "“" (verdict.reason) "”" } }
            @if verdict.superseded { span.muted { "taken back" } }
        }
    }
}

fn calls(task: &TaskShown) -> Markup {
    panel(
        "wide",
        "What it paid for",
        "List prices unless the configuration has your contract's; a subscription makes them notional.",
        &html! {
            div.scroll tabindex="0" role="region" aria-label="Calls" {
                table {
                    thead { tr {
                        th scope="col" { "model or tool" }
                        th scope="col" { "stage" }
                        th scope="col" { "cost" }
                        th scope="col" { "calls" }
                        th scope="col" { "failed" }
                        th scope="col" { "input" }
                        th scope="col" { "output" }
                    } }
                    tbody {
                        @for line in &task.calls {
                            tr {
                                th scope="row" { (words::name_or(&line.model, "unnamed")) }
                                td { (line.stage) }
                                td {
                                    (line.cost_usd.map_or_else(|| "no price".into(), |cost| money(cost.0)))
                                    @if line.unpriced > 0 {
                                        " + " (plural_unpriced(line.unpriced))
                                    }
                                }
                                td { (count(line.calls.ok + line.calls.failed)) }
                                td { (count(line.calls.failed)) }
                                td { (words::short_count(line.tokens.input)) }
                                td { (words::short_count(line.tokens.output)) }
                            }
                        }
                    }
                }
            }
        },
    )
}

fn plural_unpriced(calls: u32) -> String {
    format!("{calls} unpriced")
}

fn names(task: &TaskShown) -> Markup {
    panel(
        "wide",
        "Names and traces",
        match task.confidence {
            "explicit" => "The work names this task itself.",
            "heuristic" => {
                "Found by the revision or branch that it was done on: others may have worked there."
            }
            "derived" => {
                "Found by its conversation, change or link: work that names neither is missing."
            }
            _ => "The trace itself is taken for the task: nothing in it names one.",
        },
        &html! {
            ul.names {
                @for alias in &task.aliases { li { (linked(alias)) } }
                @for trace in &task.links.traces {
                    li { "trace " @match &trace.url {
                        Some(url) if is_web(url) => a href=(url) rel="noreferrer" { code { (trace.trace_id) } },
                        Some(_) | None => code { (trace.trace_id) },
                    } }
                }
            }
        },
    )
}

/// An alias, with a link if it is the address of a page.
fn linked(alias: &str) -> Markup {
    html! {
        @if is_web(alias) { a href=(alias) rel="noreferrer" { (alias) } } @else { (alias) }
    }
}

/// Only web addresses become links: an alias comes from outside.
fn is_web(address: &str) -> bool {
    address.starts_with("https://") || address.starts_with("http://")
}

fn moment(time: Option<&str>) -> String {
    time.map_or_else(|| "–".into(), |time| time.replace('T', " ").replace('Z', ""))
}
