//! The inbox on the operator port: what waits, and the verdicts that people give there.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Query, State, rejection::QueryRejection};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::entry::Whose;
use super::{Port, Problem, bad, html, page};
use crate::access::{Caller, Scope};
use crate::clock;
use crate::ingest::verdicts::{Judged, read_json};
use crate::keeper::{Submission, SubmissionKind};
use crate::publish::figures::{self, Inbox, InboxOrder};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InboxQuery {
    by: Option<String>,
    /// Read by [`Whose`].
    #[serde(rename = "tenant")]
    _tenant: Option<String>,
}

type Asked = Result<Query<InboxQuery>, QueryRejection>;

async fn gather(
    port: &Port,
    Whose(tenant): Whose,
    query: Asked,
) -> Result<(Inbox, InboxOrder), Problem> {
    let Query(query) = query.map_err(|_| bad("this address takes by, once"))?;
    let by = query.by.as_deref().unwrap_or("oldest");
    let order = InboxOrder::parse(by).ok_or_else(|| bad("by: expected oldest or dearest"))?;
    let inbox = move |view: &crate::keeper::View<'_>| figures::inbox(view.books, order, view.now);
    Ok((port.0.keeper.ask_of(tenant, inbox).await?, order))
}

/// The page.
pub(super) async fn inbox_page(
    port: Port,
    whose: Whose,
    query: Asked,
) -> Result<Response, Problem> {
    let (inbox, order) = gather(&port, whose, query).await?;
    let page = page::inbox_page(&inbox, order, &port.0.operator.setting, clock::now());
    Ok(html(StatusCode::OK, page))
}

/// The same for machines.
pub(super) async fn inbox(port: Port, whose: Whose, query: Asked) -> Result<Response, Problem> {
    Ok(Json(gather(&port, whose, query).await?.0).into_response())
}

/// Takes verdicts as the HTTP port does. Pages of another origin do not come as far as this,
/// and a form of theirs cannot send JSON.
pub(super) async fn judge(
    State(shared): Port,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    if !caller.may(Scope::WriteVerdicts) {
        let text = format!("the credential has no scope {}", Scope::WriteVerdicts.as_str());
        return Err(Problem(StatusCode::FORBIDDEN, text));
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        let text = "Content-Type: expected application/json".to_owned();
        return Err(Problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    let read = read_json(&body, clock::now());
    let (judged, facts) = read.map_err(|refused| bad(&refused.text()))?;
    if let (0, Some(first)) = (judged.accepted, judged.rejected.first()) {
        return Err(bad(&first.error));
    }
    let kind = SubmissionKind::Verdicts;
    let (tenant, facts) = (caller.tenant().clone(), facts.into_bytes());
    let submission = Submission { tenant, kind, facts, relay: None };
    let receipt = shared.keeper.submit(submission).await?;
    Ok(Json(Judged { position: receipt.position, ..judged }).into_response())
}
