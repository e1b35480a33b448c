//! One task: its state, verdicts, calls, cost and links.

use countersign_core::fact::{Retries, UnixNanos};
use countersign_core::names::Name;
use countersign_core::settle::{KeptVerdict, Line, Standing, TaskView};
use serde::Serialize;

use super::{Calls, Dollars, Tokens, seconds};
use crate::publish::calendar;

/// A task as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TaskShown {
    /// Its id: its own, or its first alias or trace.
    pub id: String,
    /// What else names it.
    pub aliases: Vec<String>,
    /// Its workflow, or empty.
    pub workflow: String,
    /// Its route, or empty.
    pub route: String,
    /// Why the route was chosen, or empty.
    pub route_reason: String,
    /// `production`, `exploration` or empty.
    pub purpose: String,
    /// Where it stands.
    pub state: &'static str,
    /// `provisional` or `confirmed` if it is served, else `unserved`.
    pub standing: &'static str,
    /// When its confirm window ends, if it is provisional.
    pub confirms: Option<String>,
    /// How sure it is that the work belongs to it: `explicit`, `derived`, `fallback`.
    pub confidence: &'static str,
    /// Attempts, from 1.
    pub attempts: u32,
    /// Review rounds, from 1.
    pub rounds: u32,
    /// Start of its first span.
    pub started: Option<String>,
    /// End of its last span.
    pub ended: Option<String>,
    /// When the verdict in force took effect, or null while pending.
    pub decided: Option<String>,
    /// Money.
    pub cost_usd: TaskCost,
    /// The reviewers' time in seconds.
    pub review_seconds: f64,
    /// Repetitions by layer; never added together.
    pub retries: TaskRetries,
    /// Its verdicts in the order of booking.
    pub verdicts: Vec<VerdictShown>,
    /// What models and tools did, the most expensive first.
    pub calls: Vec<LineShown>,
    /// Where to look further.
    pub links: Links,
}

/// A task's money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TaskCost {
    /// Models and tools.
    pub incurred: Dollars,
    /// The reviewers' time at the workflow's rate.
    pub review: Dollars,
}

/// A task's repetitions by layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TaskRetries {
    /// The same HTTP request.
    pub transport: u32,
    /// The same tool with the same arguments.
    pub step: u32,
    /// The same prompt.
    pub regeneration: u32,
    /// Sent back by a reviewer.
    pub round: u32,
}

/// A verdict as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct VerdictShown {
    /// 32 hexadecimal digits.
    pub id: String,
    /// What it says.
    pub state: &'static str,
    /// Who judged, by kind, and in which system.
    pub source: VerdictSource,
    /// What it rests on.
    pub basis: &'static str,
    /// Review round, or null if unsaid.
    pub round: Option<u32>,
    /// A short code, or empty.
    pub reason: String,
    /// Version of the policy or rubric, or empty.
    pub policy_version: String,
    /// From when on it holds.
    pub effective_at: Option<String>,
    /// When it was booked.
    pub observed_at: Option<String>,
    /// Changed share of the output, 0 to 1.
    pub edit_ratio: Option<f64>,
    /// The reviewer's time.
    pub review_seconds: Option<f64>,
    /// Whether another verdict took it back.
    pub superseded: bool,
}

/// Who judged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VerdictSource {
    /// `human`, `end_user`, `system`, `code`, `model`: never a person.
    pub kind: &'static str,
    /// The system, e.g. `github`, or empty.
    pub system: String,
}

/// What one model or tool did in one stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LineShown {
    /// The model or tool.
    pub model: String,
    /// Its provider, or empty.
    pub provider: String,
    /// `model` or `tool`.
    pub component: &'static str,
    /// `first`, `retry` or `rework`.
    pub stage: &'static str,
    /// How the calls ended.
    #[serde(flatten)]
    pub calls: Calls,
    /// Calls without a price.
    pub unpriced: u32,
    /// Cost; null if none of the calls has a price.
    pub cost_usd: Option<Dollars>,
    /// Tokens.
    pub tokens: Tokens,
}

/// Where to look further.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Links {
    /// Its page on the operator port.
    pub page: String,
    /// Its traces.
    pub traces: Vec<TraceLink>,
}

/// A trace of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TraceLink {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// The trace in the operator's own tool, if the configuration says where that is.
    pub url: Option<String>,
}

/// Shapes a task. `trace_url` has `{trace_id}` in the place of the id.
#[must_use]
pub fn task(view: &TaskView<'_>, trace_url: Option<&str>) -> TaskShown {
    let id = view.id().into_owned();
    let mut calls: Vec<LineShown> = view.lines().iter().map(|line| shown(line, view)).collect();
    calls.sort_by(|a, b| b.cost_usd.cmp(&a.cost_usd).then_with(|| a.model.cmp(&b.model)));
    TaskShown {
        aliases: view.aliases().map(str::to_owned).collect(),
        workflow: view.workflow().to_owned(),
        route: view.route().to_owned(),
        route_reason: view.route_reason().to_owned(),
        purpose: view.purpose().to_owned(),
        state: view.state().as_str(),
        standing: view.standing().as_str(),
        confirms: match view.standing() {
            Standing::Provisional { until, .. } => time(until),
            Standing::Confirmed | Standing::Unserved => None,
        },
        confidence: view.confidence().as_str(),
        attempts: view.attempts(),
        rounds: view.rounds(),
        started: time(view.started()),
        ended: time(view.ended()),
        decided: time(view.decided()),
        cost_usd: TaskCost { incurred: view.cost().into(), review: view.review_cost().into() },
        review_seconds: seconds(view.review_ms().into(), 1_000),
        retries: retries(view.retries(), view.rounds()),
        verdicts: view
            .verdicts()
            .iter()
            .map(|kept| verdict(kept, |name| view.text(name)))
            .collect(),
        calls,
        links: Links {
            page: page_path(&id),
            traces: view.traces().iter().map(|trace| trace_link(*trace, trace_url)).collect(),
        },
        id,
    }
}

/// The path of a task's page: its id with everything escaped that means something in a URL.
#[must_use]
pub fn page_path(id: &str) -> String {
    let mut path = String::from("/tasks/");
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:@/".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

fn trace_link(trace: countersign_core::key::TraceId, template: Option<&str>) -> TraceLink {
    let trace_id = trace.to_string();
    TraceLink { url: template.map(|url| url.replace("{trace_id}", &trace_id)), trace_id }
}

fn time(nanos: UnixNanos) -> Option<String> {
    (nanos > 0).then(|| calendar::show(nanos))
}

fn retries(retries: Retries, rounds: u32) -> TaskRetries {
    TaskRetries {
        transport: retries.transport,
        step: retries.step,
        regeneration: retries.regeneration,
        round: rounds.saturating_sub(1),
    }
}

/// Shapes a verdict; `text` gives the text of a name.
pub(super) fn verdict<'a>(kept: &KeptVerdict, text: impl Fn(Name) -> &'a str) -> VerdictShown {
    VerdictShown {
        id: format!("{:032x}", kept.id.0),
        state: kept.judgement.as_str(),
        source: VerdictSource { kind: kept.source.as_str(), system: text(kept.system).to_owned() },
        basis: kept.basis.as_str(),
        round: (kept.round > 0).then_some(kept.round),
        reason: text(kept.reason).to_owned(),
        policy_version: text(kept.policy_version).to_owned(),
        effective_at: time(kept.effective),
        observed_at: time(kept.observed),
        edit_ratio: kept.edit_ppm.map(|ppm| f64::from(ppm) / 1e6),
        review_seconds: kept.review_ms.map(|ms| seconds(ms.into(), 1_000)),
        superseded: kept.superseded,
    }
}

fn shown(line: &Line, view: &TaskView<'_>) -> LineShown {
    let priced = line.calls_unpriced == 0 || !line.cost.is_zero();
    LineShown {
        model: view.text(line.model).to_owned(),
        provider: view.text(line.provider).to_owned(),
        component: line.component.as_str(),
        stage: line.stage.as_str(),
        calls: Calls { ok: line.calls_ok.into(), failed: line.calls_failed.into() },
        unpriced: line.calls_unpriced,
        cost_usd: priced.then_some(Dollars(line.cost)),
        tokens: line.usage.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_paths_survive_any_id() {
        assert_eq!(page_path("acme/api#1843"), "/tasks/acme/api%231843");
        assert_eq!(
            page_path("https://x.example/a?b=c d"),
            "/tasks/https://x.example/a%3Fb%3Dc%20d"
        );
        assert_eq!(page_path("<é>"), "/tasks/%3C%C3%A9%3E");
    }
}
