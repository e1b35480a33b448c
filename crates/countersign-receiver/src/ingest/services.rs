//! The gRPC services of `countersign.v1`: verdicts in, outcomes out.

use countersign_core::fact::{Basis, Judgement, ReviewState, SourceKind};
use countersign_core::settle::{KeptVerdict, Line, TaskView};
use countersign_proto::v1;
use countersign_proto::v1::outcomes_server::Outcomes;
use countersign_proto::v1::verdicts_server;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};

use super::answer::POSITION;
use super::gate::Gate;
use super::guard;
use super::verdicts::{self, Rejected};
use crate::access::Caller;
use crate::clock;
use crate::keeper::View;
use crate::limits::VERDICTS_PER_REQUEST_MAX;
use crate::publish::figures::{self, By, Counts, Credit, OutcomeRow, Window, Work};

/// Takes verdicts.
pub(super) struct Verdicts(pub(super) Gate);

#[tonic::async_trait]
impl verdicts_server::Verdicts for Verdicts {
    async fn submit(
        &self,
        request: Request<v1::SubmitRequest>,
    ) -> Result<Response<v1::SubmitResponse>, Status> {
        let caller = guard::caller(request.extensions());
        let verdict = request.into_inner().verdict;
        let verdict = verdict.ok_or_else(|| Status::invalid_argument("verdict: required"))?;
        let judged = self.take(&caller, &[verdict]).await?;
        let position = judged.position;
        Ok(at(position, v1::SubmitResponse { position }))
    }

    async fn submit_batch(
        &self,
        request: Request<v1::SubmitBatchRequest>,
    ) -> Result<Response<v1::SubmitBatchResponse>, Status> {
        let caller = guard::caller(request.extensions());
        let judged = self.take(&caller, &request.into_inner().verdicts).await?;
        let rejected = judged.rejected.into_iter().map(|Rejected { index, error }| v1::Refused {
            index: u32::try_from(index).unwrap_or(u32::MAX),
            error,
        });
        let response = v1::SubmitBatchResponse {
            accepted: judged.accepted as u64,
            rejected: rejected.collect(),
            position: judged.position,
        };
        Ok(at(judged.position, response))
    }
}

impl Verdicts {
    async fn take(
        &self,
        caller: &Caller,
        sent: &[v1::Verdict],
    ) -> Result<verdicts::Judged, Status> {
        if sent.len() > VERDICTS_PER_REQUEST_MAX {
            let text = format!("expected at most {VERDICTS_PER_REQUEST_MAX} verdicts");
            return Err(Status::resource_exhausted(text));
        }
        let received = clock::now();
        let read = verdicts::gather(
            sent,
            |verdict, take| verdicts::read_message(verdict, received, take),
            received,
        );
        let judged = verdicts::take(&self.0, caller, read).await;
        let judged = judged.map_err(|refused| refused.status())?;
        match judged.rejected.first() {
            Some(first) if judged.accepted == 0 => Err(Status::invalid_argument(&first.error)),
            _ => Ok(judged),
        }
    }
}

/// Reads the books.
pub(super) struct Reads(pub(super) Gate);

#[tonic::async_trait]
impl Outcomes for Reads {
    async fn get_task(
        &self,
        request: Request<v1::GetTaskRequest>,
    ) -> Result<Response<v1::Task>, Status> {
        let caller = guard::caller(request.extensions());
        let name = request.into_inner().task;
        let found =
            self.0.ask(&caller, move |view| view.books.find(&name).as_ref().map(task)).await;
        let task = found.map_err(|refused| refused.status())?;
        task.map(Response::new).ok_or_else(|| Status::not_found("nothing is known of such a task"))
    }

    async fn list_outcomes(
        &self,
        request: Request<v1::ListOutcomesRequest>,
    ) -> Result<Response<v1::ListOutcomesResponse>, Status> {
        let caller = guard::caller(request.extensions());
        let request = request.into_inner();
        let by = match v1::GroupBy::try_from(request.by) {
            Ok(v1::GroupBy::Unspecified | v1::GroupBy::Workflow) => By::Workflow,
            Ok(v1::GroupBy::Route) => By::Route,
            Ok(v1::GroupBy::Model) => By::Model,
            Err(_) => return Err(Status::invalid_argument("by: expected a known GroupBy")),
        };
        let to = if request.to_unix_nano == 0 { u64::MAX } else { request.to_unix_nano };
        let window = Window { from: request.from_unix_nano, to, ..Window::ALL };
        let outcomes = move |view: &View<'_>| figures::outcomes(Work::all(view.books), by, window);
        let outcomes = self.0.ask(&caller, outcomes).await;
        let outcomes = outcomes.map_err(|refused| refused.status())?;
        Ok(Response::new(v1::ListOutcomesResponse {
            rows: outcomes.rows.into_iter().map(row).collect(),
            total: Some(row(outcomes.total)),
        }))
    }

    async fn get_totals(
        &self,
        request: Request<v1::GetTotalsRequest>,
    ) -> Result<Response<v1::Totals>, Status> {
        let caller = guard::caller(request.extensions());
        let shown = self.0.ask(&caller, |view| figures::totals(view.books.totals())).await;
        let shown = shown.map_err(|refused| refused.status())?;
        let tasks = shown.tasks;
        Ok(Response::new(v1::Totals {
            calls: Some(v1::Calls { ok: shown.calls.ok, failed: shown.calls.failed }),
            tokens: Some(v1::Tokens {
                input: shown.tokens.input,
                cache_read: shown.tokens.cache_read,
                cache_write: shown.tokens.cache_write,
                output: shown.tokens.output,
                reasoning: shown.tokens.reasoning,
            }),
            cost_usd: Some(v1::Costs {
                incurred: shown.cost_usd.incurred.0.to_string(),
                settled: shown.cost_usd.settled.0.to_string(),
                pending: shown.cost_usd.pending.0.to_string(),
                unattributed: shown.cost_usd.unattributed.0.to_string(),
                review: shown.cost_usd.review.0.to_string(),
            }),
            unpriced_calls: shown.unpriced_calls,
            tasks: Some(v1::TaskCounts {
                pending: tasks.pending,
                accepted: tasks.accepted,
                edited: tasks.edited,
                rejected: tasks.rejected,
                escalated: tasks.escalated,
                withdrawn: tasks.withdrawn,
                expired: tasks.expired,
                defect: tasks.defect,
            }),
        }))
    }
}

/// A response that tells where the books stand.
fn at<T>(position: u64, message: T) -> Response<T> {
    let mut response = Response::new(message);
    response.metadata_mut().insert(POSITION, MetadataValue::from(position));
    response
}

fn row(row: OutcomeRow) -> v1::OutcomeRow {
    let counts: Counts<Credit> = row.tasks;
    v1::OutcomeRow {
        name: row.name,
        allocated: row.allocated,
        tasks: Some(v1::OutcomeCounts {
            pending: counts.pending.number(),
            accepted: counts.accepted.number(),
            edited: counts.edited.number(),
            rejected: counts.rejected.number(),
            escalated: counts.escalated.number(),
            withdrawn: counts.withdrawn.number(),
            expired: counts.expired.number(),
            defect: counts.defect.number(),
        }),
        net_served: row.net_served.number(),
        settled_usd: row.cost_usd.settled.0.to_string(),
        pending_usd: row.cost_usd.pending.0.to_string(),
        review_usd: row.cost_usd.review.0.to_string(),
        per_accepted_usd: row.cost_usd.per_accepted.map(|dollars| dollars.0.to_string()),
        per_accepted_with_review_usd: row
            .cost_usd
            .per_accepted_with_review
            .map(|dollars| dollars.0.to_string()),
    }
}

#[allow(clippy::cast_precision_loss, reason = "seconds for readers")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

fn task(view: &TaskView<'_>) -> v1::Task {
    v1::Task {
        id: view.id().into_owned(),
        aliases: view.aliases().map(str::to_owned).collect(),
        traces: view.traces().iter().map(ToString::to_string).collect(),
        confidence: view.confidence().as_str().to_owned(),
        workflow: view.workflow().to_owned(),
        route: view.route().to_owned(),
        state: review_state(view.state()).into(),
        decided_at_unix_nano: view.decided(),
        started_at_unix_nano: view.started(),
        ended_at_unix_nano: view.ended(),
        attempts: view.attempts(),
        rounds: view.rounds(),
        cost_usd: view.cost().to_string(),
        review_cost_usd: view.review_cost().to_string(),
        review_seconds: seconds(view.review_ms()),
        lines: view.lines().iter().map(|it| line(view, it)).collect(),
        verdicts: view.verdicts().iter().map(|it| verdict(view, it)).collect(),
    }
}

fn line(view: &TaskView<'_>, line: &Line) -> v1::Line {
    v1::Line {
        model: view.text(line.model).to_owned(),
        provider: view.text(line.provider).to_owned(),
        component: line.component.as_str().to_owned(),
        stage: line.stage.as_str().to_owned(),
        calls: Some(v1::Calls { ok: line.calls_ok.into(), failed: line.calls_failed.into() }),
        unpriced_calls: line.calls_unpriced.into(),
        tokens: Some(v1::Tokens {
            input: line.usage.input,
            cache_read: line.usage.cache_read,
            cache_write: line.usage.cache_write,
            output: line.usage.output,
            reasoning: line.usage.reasoning,
        }),
        cost_usd: line.cost.to_string(),
    }
}

fn verdict(view: &TaskView<'_>, kept: &KeptVerdict) -> v1::KeptVerdict {
    v1::KeptVerdict {
        state: judgement(kept.judgement).into(),
        source: Some(v1::Source {
            kind: source_kind(kept.source).into(),
            system: view.text(kept.system).to_owned(),
        }),
        basis: basis(kept.basis).into(),
        effective_at_unix_nano: kept.effective,
        round: kept.round,
        reason: view.text(kept.reason).to_owned(),
        edit_ratio: kept.edit_ppm.map(|ppm| f64::from(ppm) / 1e6),
        review_seconds: kept.review_ms.map(seconds),
        superseded: kept.superseded,
    }
}

fn review_state(state: ReviewState) -> v1::ReviewState {
    match state {
        ReviewState::Pending => v1::ReviewState::Pending,
        ReviewState::Accepted => v1::ReviewState::Accepted,
        ReviewState::Edited => v1::ReviewState::Edited,
        ReviewState::Rejected => v1::ReviewState::Rejected,
        ReviewState::Escalated => v1::ReviewState::Escalated,
        ReviewState::Withdrawn => v1::ReviewState::Withdrawn,
        ReviewState::Expired => v1::ReviewState::Expired,
        ReviewState::Defect => v1::ReviewState::Defect,
    }
}

fn judgement(judgement: Judgement) -> v1::Judgement {
    match judgement {
        Judgement::Accepted => v1::Judgement::Accepted,
        Judgement::Edited => v1::Judgement::Edited,
        Judgement::Rejected => v1::Judgement::Rejected,
        Judgement::Escalated => v1::Judgement::Escalated,
        Judgement::Withdrawn => v1::Judgement::Withdrawn,
        Judgement::Defect => v1::Judgement::Defect,
    }
}

fn source_kind(kind: SourceKind) -> v1::SourceKind {
    match kind {
        SourceKind::Human => v1::SourceKind::Human,
        SourceKind::EndUser => v1::SourceKind::EndUser,
        SourceKind::System => v1::SourceKind::System,
        SourceKind::Code => v1::SourceKind::Code,
        SourceKind::Model => v1::SourceKind::Model,
    }
}

fn basis(basis: Basis) -> v1::Basis {
    match basis {
        Basis::Explicit => v1::Basis::Explicit,
        Basis::Implicit => v1::Basis::Implicit,
        Basis::Assumed => v1::Basis::Assumed,
    }
}
