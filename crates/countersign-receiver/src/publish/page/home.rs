//! The first page: what was accepted, what it cost, who it waits for; tokens last.

use maud::{Markup, html};

use super::chart::{self, Part};
use super::words::{self, count, duration, money, money_or_dash, plural, share};
use super::{Setting, clock, figure, layout, panel, state};
use crate::publish::figures::{
    Dollars, OutcomeRow, Outcomes, Overview, TaskBrief, Trend, page_path,
};

/// Fewer settled tasks than this say little about a rate.
const FEW: f64 = 10.0;

/// The first page.
#[must_use]
pub fn home(overview: &Overview, setting: &Setting) -> Markup {
    let all = &overview.workflows.total;
    let tasks = all.tasks;
    let nothing = overview.totals.tasks == Default::default() && overview.totals.calls.ok == 0;
    let main = if nothing {
        empty(setting)
    } else {
        html! {
            h1.sr { "Outcomes" }
            (notices(overview))
            div.grid {
                (accepted(all, &overview.trend))
                (cost(all))
                (review(overview))
                (rework(all))
                (latency(overview))
                (retries(all))
                (table("Routes", "route", &overview.routes,
                    "Routes get different work: a route for hard tasks looks worse than one for \
                    easy tasks. Compare them on the same workflow."))
                (table("Workflows", "workflow", &overview.workflows,
                    "Flow basis: tasks count when they are judged. Easy work is judged first, so \
                    a young workflow looks better than it will."))
                @if !overview.judged_last.is_empty() { (judged(&overview.judged_last)) }
                (tokens(overview))
            }
        }
    };
    let title =
        format!("{} accepted", words::credit(tasks.accepted.number() + tasks.edited.number()));
    layout(setting, &title, overview.now, &main)
}

fn empty(setting: &Setting) -> Markup {
    let listen = &setting.listen;
    html! {
        section.card.empty {
            h1 { "Waiting for the first task" }
            p { "Nothing has been booked yet. Three ways to begin:" }
            ol {
                li {
                    strong { "Point an agent here." }
                    " Any OpenTelemetry instrumentation will do:"
                    pre { code { "export OTEL_EXPORTER_OTLP_ENDPOINT=http://" (listen.grpc) "\n"
                        "# or over HTTP: http://" (listen.http) } }
                }
                li {
                    strong { "Say what became of the work." }
                    " The task's id, its pull request or its trace id all name it:"
                    pre { code { "countersign verdict TASK accepted --minutes 5" } }
                }
                li {
                    strong { "Or look around first" }
                    " with a small fleet of example agents:"
                    pre { code { "countersign demo" } }
                }
            }
            p.caveat { "This page refreshes itself. Calls show up when their trace has been quiet "
                "for five seconds." }
        }
    }
}

/// What is missing from every figure.
fn notices(overview: &Overview) -> Markup {
    let unpriced = overview.totals.unpriced_calls;
    let unattributed = overview.totals.cost_usd.unattributed.0;
    html! {
        @if unpriced > 0 {
            p.notice role="status" {
                strong { (plural(unpriced, "call")) " without a price." }
                " Their cost is missing from every figure here. "
                a href="/api/v1/unpriced" { "Which models?" }
            }
        }
        @if !unattributed.is_zero() {
            p.notice role="status" {
                strong { (money(unattributed)) " belongs to no task." }
                " It is part of what was incurred and of no outcome."
            }
        }
    }
}

fn accepted(all: &OutcomeRow, trend: &Trend) -> Markup {
    let net = all.net_served.number();
    let unconfirmed = all.standing.unconfirmed.number();
    let (now, before) = halves(trend);
    let half = duration(Some(half_seconds(trend)));
    let rates = &all.rates;
    let bounds = match (rates.acceptance_low, rates.acceptance_high) {
        (Some(low), Some(high)) if low < high => {
            format!(
                "between {} and {} once what is pending is judged",
                share(Some(low)),
                share(Some(high))
            )
        }
        _ => "nothing is pending".into(),
    };
    let tasks = &all.tasks;
    let part = |class, name, credit: crate::publish::figures::Credit| Part {
        class,
        name,
        size: credit.number(),
        shown: words::credit(credit.number()),
    };
    let parts = [
        part("s-accepted", "accepted", tasks.accepted),
        part("s-edited", "edited", tasks.edited),
        part("s-rejected", "rejected", tasks.rejected),
        part("s-escalated", "escalated", tasks.escalated),
        part("s-withdrawn", "withdrawn", tasks.withdrawn),
        part("s-expired", "expired", tasks.expired),
        part("s-defect", "came back", tasks.defect),
        part("s-pending", "pending", tasks.pending),
    ];
    panel(
        "accepted wide",
        "Accepted outcomes",
        "Tasks that were accepted or edited and have not come back. Splitting work into smaller \
        tasks raises this number without serving anybody better.",
        &html! {
            div.split {
                div {
                    p.headline { (words::credit(net)) }
                    p.delta { strong { (count(now)) } " in the last " (half) ", " (count(before)) " in the "
                        (half) " before" }
                    p.muted { "Acceptance " strong { (share(rates.acceptance)) } ", " (bounds) "." }
                    @if unconfirmed > 0.0 {
                        p.muted {
                            strong { (words::credit(unconfirmed)) }
                            " more are served by implication only, and not counted until their "
                            "confirm window is over."
                        }
                    }
                }
                div.chart {
                    (chart::trend(trend))
                    div.axis-labels {
                        span { (trend.buckets.first().map_or("", |b| &b.start).replace('T', " ").replace('Z', "")) }
                        span { "now" }
                    }
                }
            }
            (chart::parts("Tasks by review state", &parts))
        },
    )
}

/// Accepted outcomes of the later and of the earlier half of a trend.
fn halves(trend: &Trend) -> (u64, u64) {
    let middle = trend.buckets.len() / 2;
    let sum = |buckets: &[crate::publish::figures::TrendBucket]| {
        buckets.iter().map(|bucket| bucket.net_served).sum()
    };
    let (before, now) = trend.buckets.split_at(middle);
    (sum(now), sum(before))
}

#[allow(clippy::cast_precision_loss, reason = "shown with two digits")]
fn half_seconds(trend: &Trend) -> f64 {
    (trend.bucket_seconds * (trend.buckets.len() as u64 / 2)) as f64
}

fn cost(all: &OutcomeRow) -> Markup {
    let cost = &all.cost_usd;
    let settled = all.rates.settled_share;
    let few = all.net_served.number() < FEW;
    panel(
        "cost",
        "Cost per accepted outcome",
        "The cost of everything that was judged, rejections and retries included, over what was \
        accepted. It rises while a backlog grows and falls while it clears.",
        &html! {
            p.headline { (money_or_dash(cost.per_accepted.map(|d| d.0))) small { " models and tools" } }
            p.second { strong { (money_or_dash(cost.per_accepted_with_review.map(|d| d.0))) } " with the reviewers' time" }
            @if cost.per_accepted.is_none() {
                p.hint { "Needs a first acceptance: " code { "countersign verdict TASK accepted" } }
            } @else if few {
                p.hint { "From " (plural(all.net_served.rounded(), "outcome")) ": too few to compare." }
            }
            @if let Some(settled) = settled {
                (chart::meter("Settled share of the cost", settled))
                p.muted { "settled " (share(Some(settled))) " · " (money(cost.settled.0)) " of "
                    (money(cost.settled.0 + cost.pending.0)) }
            }
            h3 { "Where the money went" }
            (chart::parts("Cost by review state", &by_state(all)))
            dl.figures {
                (figure("direct", &money_or_dash(cost.direct_per_accepted.map(|d| d.0))))
                (figure("avoidable", &money_or_dash(avoidable(all))))
            }
        },
    )
}

fn by_state(all: &OutcomeRow) -> [Part; 8] {
    let cost = &all.cost_usd.by_state;
    let part = |class, name, cost: Dollars| Part {
        class,
        name,
        size: cost.0.dollars(),
        shown: money(cost.0),
    };
    [
        part("s-accepted", "accepted", cost.accepted),
        part("s-edited", "edited", cost.edited),
        part("s-rejected", "rejected", cost.rejected),
        part("s-escalated", "escalated", cost.escalated),
        part("s-withdrawn", "withdrawn", cost.withdrawn),
        part("s-expired", "expired", cost.expired),
        part("s-defect", "came back", cost.defect),
        part("s-pending", "pending", cost.pending),
    ]
}

/// What an accepted outcome costs above what its own work cost.
fn avoidable(all: &OutcomeRow) -> Option<countersign_core::money::Money> {
    let cost = &all.cost_usd;
    Some(cost.per_accepted?.0 - cost.direct_per_accepted?.0)
}

fn review(overview: &Overview) -> Markup {
    let waiting = &overview.waiting;
    panel(
        "review",
        "Waiting for review",
        "Cost at risk is what was spent on work that nobody has judged. A task that its agent \
        never finished waits here too, until its patience ends.",
        &html! {
            p.headline { (count(waiting.tasks)) small { " pending" } }
            dl.figures {
                (figure("at risk", &money(waiting.cost_usd.0)))
                (figure("age, median", &duration(waiting.age_seconds.p50)))
                (figure("age, p95", &duration(waiting.age_seconds.p95)))
                (figure("oldest", &duration(waiting.age_seconds_max)))
                (figure("reviewers' time", &duration(Some(overview.workflows.total.review_seconds))))
                (figure("time to verdict, median",
                    &duration(overview.workflows.total.time_to_verdict_seconds.p50)))
            }
            @if !overview.waiting_longest.is_empty() {
                h3 { "Waiting longest" }
                (briefs(overview.waiting_longest.iter().take(3), false))
            }
        },
    )
}

fn rework(all: &OutcomeRow) -> Markup {
    let rates = &all.rates;
    panel(
        "rework",
        "Rework",
        "Sent back, edited or come back, over all that was judged. Edits below the configured \
        share count as accepted.",
        &html! {
            p.headline { (share(rates.rework)) small { " needed rework" } }
            dl.figures {
                (figure("right first time", &share(rates.first_pass_yield)))
                (figure("extra rounds", &words::credit(all.retries.round.number())))
                (figure("edited", &words::credit(all.tasks.edited.number())))
                (figure("came back", &words::credit(all.tasks.defect.number())))
            }
        },
    )
}

fn latency(overview: &Overview) -> Markup {
    let latency = &overview.latency;
    panel(
        "latency",
        "Latency",
        "Calls that were retried count once for each try. Time to accepted knows only what was \
        accepted: what still waits would make it longer.",
        &html! {
            p.headline { (duration(latency.to_accepted.p50)) small { " to accepted, median" } }
            dl.figures {
                (figure("work, median", &duration(latency.work.p50)))
                (figure("work, p95", &duration(latency.work.p95)))
                (figure("call, median", &duration(latency.call.p50)))
                (figure("call, p95", &duration(latency.call.p95)))
                (figure("first token, median", &duration(latency.first_token.p50)))
                (figure("first token, p95", &duration(latency.first_token.p95)))
            }
        },
    )
}

fn retries(all: &OutcomeRow) -> Markup {
    let calls = &all.calls;
    let layers = &all.retries;
    panel(
        "retries",
        "Retries",
        "Each layer counts something else, and one cause can show in several: never add them.",
        &html! {
            p.headline { (words::credit(layers.regeneration.number())) small { " prompts asked again" } }
            dl.figures {
                (figure("HTTP resends", &words::credit(layers.transport.number())))
                (figure("repeated steps", &words::credit(layers.step.number())))
                (figure("review rounds", &words::credit(layers.round.number())))
                (figure("failed calls", &format!("{} of {}", count(calls.failed), count(calls.ok + calls.failed))))
            }
        },
    )
}

fn table(title: &str, noun: &str, outcomes: &Outcomes, caveat: &str) -> Markup {
    let dollars = |cost: Option<Dollars>| money_or_dash(cost.map(|cost| cost.0));
    panel(
        "wide",
        title,
        caveat,
        &html! {
            div.scroll tabindex="0" role="region" aria-label=(title) {
                table {
                    thead { tr {
                        th scope="col" { (noun) }
                        th scope="col" { "accepted" }
                        th scope="col" { "acceptance" }
                        th scope="col" { "cost per accepted" }
                        th scope="col" { "with review" }
                        th scope="col" { "rework" }
                        th scope="col" { "pending" }
                        th scope="col" { "settled" }
                    } }
                    tbody {
                        @for row in outcomes.rows.iter().take(ROWS_SHOWN_MAX) {
                            tr {
                                th scope="row" { (words::name_or(&row.name, "unnamed")) }
                                td { (words::credit(row.net_served.number())) }
                                td { (share(row.rates.acceptance)) }
                                td { (dollars(row.cost_usd.per_accepted)) }
                                td { (dollars(row.cost_usd.per_accepted_with_review)) }
                                td { (share(row.rates.rework)) }
                                td { (words::credit(row.tasks.pending.number())) }
                                td { (money(row.cost_usd.settled.0)) }
                            }
                        }
                    }
                }
            }
            @if outcomes.rows.len() > ROWS_SHOWN_MAX {
                p.muted { a href=(format!("/api/v1/outcomes?by={noun}")) {
                    (plural((outcomes.rows.len() - ROWS_SHOWN_MAX) as u64, "more row")) } }
            }
        },
    )
}

/// Rows of a table on the page; the API has the rest.
const ROWS_SHOWN_MAX: usize = 20;

fn judged(tasks: &[TaskBrief]) -> Markup {
    panel(
        "wide",
        "Judged last",
        "The latest verdicts, not the most important ones.",
        &briefs(tasks.iter(), true),
    )
}

fn briefs<'a>(tasks: impl Iterator<Item = &'a TaskBrief>, wide: bool) -> Markup {
    html! {
        ul.tasks.wide[wide] {
            @for task in tasks {
                li {
                    a href=(page_path(&task.id)) { (task.id) }
                    span.muted.flow { (task.workflow) }
                    @if wide { (state(task.state)) }
                    span.amount { (money(task.cost_usd.0)) }
                    @if wide { time.muted { (clock(task.time)) } }
                }
            }
        }
    }
}

fn tokens(overview: &Overview) -> Markup {
    let tokens = &overview.totals.tokens;
    html! {
        details.card.wide.tokens #tokens {
            summary { h2 { "Tokens and models" } span.muted {
                (words::short_count(tokens.input)) " in · " (words::short_count(tokens.output)) " out · "
                (plural(overview.totals.calls.ok + overview.totals.calls.failed, "call")) } }
            div.scroll tabindex="0" role="region" aria-label="Tokens and models" {
                table {
                    thead { tr {
                        th scope="col" { "model" }
                        th scope="col" { "cost" }
                        th scope="col" { "credited outcomes" }
                        th scope="col" { "calls" }
                        th scope="col" { "input" }
                        th scope="col" { "cached" }
                        th scope="col" { "output" }
                        th scope="col" { "reasoning" }
                    } }
                    tbody {
                        @for row in overview.models.rows.iter().take(ROWS_SHOWN_MAX) {
                            tr {
                                th scope="row" { (words::name_or(&row.name, "tools and others")) }
                                td { (money(row.cost_usd.settled.0 + row.cost_usd.pending.0)) }
                                td { (words::credit(row.net_served.number())) }
                                td { (count(row.calls.ok + row.calls.failed)) }
                                td { (words::short_count(row.tokens.input)) }
                                td { (words::short_count(row.tokens.cache_read)) }
                                td { (words::short_count(row.tokens.output)) }
                                td { (words::short_count(row.tokens.reasoning)) }
                            }
                        }
                    }
                }
            }
            p.caveat { "Tokens explain the bill, not the result. Input includes cached tokens, output "
                "includes reasoning. A task's outcome is credited to its models by their share of its cost." }
        }
    }
}
