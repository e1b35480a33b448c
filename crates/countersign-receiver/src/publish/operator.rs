//! The operator port: pages, `/metrics`, health, and the API that is read by machines.

mod entry;
mod inbox;

use std::sync::Arc;

use axum::extract::{Path, Query, RawQuery, Request, State, rejection::QueryRejection};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use maud::Markup;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use self::entry::{Names, Whose, admitted, named};
use super::figures::{self, By, TimeBasis, Window};
use super::health::HealthShown;
use super::own::Own;
use super::page::{self, Setting};
use super::reloads::ReloadsShown;
use super::{calendar, openmetrics};
use crate::access::{Access, Caller, Scope};
use crate::clock;
use crate::journal::SoundnessShown;
use crate::keeper::{Condition, Keeper, Refusal, Tenant};

/// What the operator port needs to know beside the books.
#[derive(Clone, Debug)]
pub struct Operator {
    /// Why this is measured; where this program listens, with the real ports.
    pub setting: Setting,
    /// Link to a trace, with `{trace_id}` in the place of the id.
    pub trace_url: Option<String>,
    /// Names of the port beside those of loopback.
    pub hosts: Vec<String>,
    /// Who may look.
    pub access: Access,
    /// Whether the program takes telemetry: false before it is up and while it stops.
    pub ready: watch::Receiver<bool>,
    /// How the program fares.
    pub own: Arc<Own>,
}

struct Shared {
    keeper: Keeper,
    operator: Operator,
}

type Port = State<Arc<Shared>>;

/// The routes of the operator port.
///
/// What comes from a page in a browser that is not ours is refused by [`named`], what brings no
/// good credential by [`admitted`].
pub fn operator_router(keeper: Keeper, operator: Operator) -> Router {
    let names = Names::of(&operator);
    let access = operator.access.clone();
    let shared = Arc::new(Shared { keeper, operator });
    let router = Router::new()
        .route("/", get(home))
        .route("/tasks/{*task}", get(task_page))
        .route("/assets/countersign.css", get(|| asset("text/css; charset=utf-8", page::STYLE)))
        .route(
            "/assets/countersign.js",
            get(|| asset("text/javascript; charset=utf-8", page::SCRIPT)),
        )
        .route("/assets/countersign.svg", get(|| asset("image/svg+xml", page::MARK)))
        .route(
            "/assets/inbox.js",
            get(|| asset("text/javascript; charset=utf-8", page::INBOX_SCRIPT)),
        )
        .route("/inbox", get(inbox::inbox_page))
        .route("/api/v1/inbox", get(inbox::inbox))
        .route("/api/v1/verdicts", post(inbox::judge))
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/api/v1/totals", get(totals))
        .route("/api/v1/outcomes", get(outcomes))
        .route("/api/v1/cohorts", get(cohorts))
        .route("/api/v1/compare", get(compare))
        .route("/api/v1/tasks/{*task}", get(task))
        .route("/api/v1/status", get(status))
        .route("/api/v1/unpriced", get(unpriced))
        .route("/api/v1/reported", get(reported))
        .fallback(nothing)
        .method_not_allowed_fallback(|| async {
            problem(StatusCode::METHOD_NOT_ALLOWED, "this address can only be read: use GET")
        })
        .with_state(shared);
    router
        .layer(middleware::from_fn_with_state(access, admitted))
        .layer(middleware::from_fn_with_state(Arc::new(names), named))
        .layer(middleware::map_response(protected))
}

async fn home(State(shared): Port, Whose(tenant): Whose) -> Result<Response, Problem> {
    let asked =
        |view: &crate::keeper::View<'_>| figures::overview(view.books, view.tally, view.now);
    let overview = shared.keeper.ask_of(tenant, asked).await?;
    let overview = figures::Overview { now: clock::now(), ..overview };
    Ok(html(StatusCode::OK, page::home(&overview, &shared.operator.setting)))
}

async fn task_page(
    State(shared): Port,
    Whose(tenant): Whose,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let setting = &shared.operator.setting;
    match find(&shared, tenant.clone(), name.clone()).await? {
        Some(task) => Ok(html(StatusCode::OK, page::task_page(&task, setting, clock::now()))),
        None => {
            let waits =
                waiting(&shared, tenant, name).await?.map_or(0, |it| it.waiting_verdicts.len());
            let what = match waits {
                0 => "No task has this id or alias. It may not have been booked yet.".to_owned(),
                1 => "A verdict waits for this task. Its work has not come yet.".to_owned(),
                waits => format!("{waits} verdicts wait for this task. Its work has not come yet."),
            };
            let what = &what;
            Ok(html(StatusCode::NOT_FOUND, page::not_found(setting, what, clock::now())))
        }
    }
}

async fn task(
    State(shared): Port,
    Whose(tenant): Whose,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    match find(&shared, tenant.clone(), name.clone()).await? {
        Some(task) => Ok(Json(task).into_response()),
        None => match waiting(&shared, tenant, name).await? {
            Some(waiting) => Ok(Json(waiting).into_response()),
            None => Err(Problem(StatusCode::NOT_FOUND, "no task has this id or alias".into())),
        },
    }
}

async fn find(
    shared: &Shared,
    tenant: Tenant,
    name: String,
) -> Result<Option<figures::TaskShown>, Refusal> {
    let trace_url = shared.operator.trace_url.clone();
    let shape = move |view: &crate::keeper::View<'_>| {
        view.books.find(&name).map(|task| figures::task(&task, trace_url.as_deref()))
    };
    shared.keeper.ask_of(tenant, shape).await
}

async fn waiting(
    shared: &Shared,
    tenant: Tenant,
    name: String,
) -> Result<Option<figures::WaitingShown>, Refusal> {
    shared.keeper.ask_of(tenant, move |view| figures::waiting(view.books, &name)).await
}

async fn metrics(
    State(shared): Port,
    Whose(tenant): Whose,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    let format = openmetrics::Format::negotiate(accept);
    let text = if caller.may(Scope::Operate) && query.is_none() {
        let own = Arc::clone(&shared.operator.own);
        shared.keeper.ask(move |view| openmetrics::page_of_all(view, &own, format)).await?
    } else {
        shared.keeper.ask_of(tenant, move |view| openmetrics::page(view, format)).await?
    };
    Ok(([(header::CONTENT_TYPE, format.content_type())], text).into_response())
}

async fn healthz(State(shared): Port) -> Response {
    match shared.keeper.condition() {
        // What the disk refuses is for `/readyz`: a new start would not mend it.
        Condition::Well | Condition::Faulty(_) => "ok\n".into_response(),
        Condition::Slow { commit_ms } => degraded(commit_ms).into_response(),
        Condition::Stopped => Problem::from(Refusal::Stopping).into_response(),
    }
}

async fn readyz(State(shared): Port) -> Response {
    if !*shared.operator.ready.borrow() {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "not ready: starting or stopping");
    }
    let notes = shared.operator.own.reloads.show().notes(clock::now());
    match shared.keeper.condition() {
        Condition::Well => format!("ready\n{notes}").into_response(),
        Condition::Slow { commit_ms } => (degraded(commit_ms) + &notes).into_response(),
        Condition::Faulty(fault) => Problem::from(Refusal::Disk(fault)).into_response(),
        Condition::Stopped => Problem::from(Refusal::Stopping).into_response(),
    }
}

/// Still 200: what is slow takes requests, and is not taken out of service.
fn degraded(commit_ms: u64) -> String {
    format!("degraded: the disk took {commit_ms} ms for a commit\n")
}

async fn totals(State(shared): Port, Whose(tenant): Whose) -> Result<Response, Problem> {
    let shape = |view: &crate::keeper::View<'_>| figures::totals(view.books.totals());
    let totals = shared.keeper.ask_of(tenant, shape).await?;
    Ok(Json(totals).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutcomesQuery {
    by: Option<String>,
    basis: Option<String>,
    from: Option<String>,
    to: Option<String>,
    /// Read by [`Whose`].
    #[serde(rename = "tenant")]
    _tenant: Option<String>,
}

async fn outcomes(
    State(shared): Port,
    Whose(tenant): Whose,
    query: Result<Query<OutcomesQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) =
        query.map_err(|_| bad("this address takes by, basis, from and to, once each"))?;
    let by = query.by.as_deref().unwrap_or("workflow");
    let by = By::parse(by).ok_or_else(|| bad("by: expected workflow, route or model"))?;
    let basis = query.basis.as_deref().unwrap_or("flow");
    let basis = TimeBasis::parse(basis).ok_or_else(|| bad("basis: expected flow or cohort"))?;
    let window = Window {
        basis,
        from: time(query.from.as_deref(), "from")?.unwrap_or(0),
        to: time(query.to.as_deref(), "to")?.unwrap_or(u64::MAX),
    };
    let shape = move |view: &crate::keeper::View<'_>| {
        figures::outcomes(figures::Work::all(view.books), by, window)
    };
    Ok(Json(shared.keeper.ask_of(tenant, shape).await?).into_response())
}

async fn cohorts(State(shared): Port, Whose(tenant): Whose) -> Result<Response, Problem> {
    let shape = |view: &crate::keeper::View<'_>| figures::cohorts(view.books, view.now);
    let cohorts = shared.keeper.ask_of(tenant, shape).await?;
    Ok(Json(cohorts).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CompareQuery {
    a: String,
    b: String,
    from: Option<String>,
    to: Option<String>,
    /// Read by [`Whose`].
    #[serde(rename = "tenant")]
    _tenant: Option<String>,
}

async fn compare(
    State(shared): Port,
    Whose(tenant): Whose,
    query: Result<Query<CompareQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let needs = "this address needs two routes, a and b, and takes from and to, once each";
    let Query(query) = query.map_err(|_| bad(needs))?;
    if query.a == query.b {
        return Err(bad("a and b: expected two routes"));
    }
    let window = Window {
        basis: TimeBasis::Cohort,
        from: time(query.from.as_deref(), "from")?.unwrap_or(0),
        to: time(query.to.as_deref(), "to")?.unwrap_or(u64::MAX),
    };
    let shape = move |view: &crate::keeper::View<'_>| {
        figures::compare(view.books, (&query.a, &query.b), window)
    };
    Ok(Json(shared.keeper.ask_of(tenant, shape).await?).into_response())
}

fn time(text: Option<&str>, key: &str) -> Result<Option<u64>, Problem> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let time = calendar::read(text);
    let wrong = || bad(&format!("{key}: expected a date (2026-11-22) or RFC 3339 time"));
    time.map(Some).ok_or_else(wrong)
}

#[derive(Serialize)]
struct Status {
    /// Facts that were applied.
    position: u64,
    /// Facts that are booked for good.
    booked_to: u64,
    /// What is not booked for good yet.
    open: Open,
    /// Why the disk takes nothing at present, or null.
    fault: Option<String>,
    /// What is damaged in the journal; for the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    journal: Option<Journal>,
    /// How the destinations fare; for the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    destinations: Option<Vec<HealthShown>>,
    /// What became of changes of the configuration; for the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration: Option<ReloadsShown>,
}

#[derive(Serialize)]
struct Journal {
    damaged_ranges: u64,
    damaged_bytes: u64,
    /// When everything at rest was last read again, or null if not since the start.
    read_again_at: Option<String>,
}

impl Journal {
    fn of(shown: SoundnessShown) -> Journal {
        let SoundnessShown { damaged_ranges, damaged_bytes, read_again_at } = shown;
        let read_again_at = (read_again_at > 0).then(|| calendar::show(read_again_at));
        Journal { damaged_ranges, damaged_bytes, read_again_at }
    }
}

#[derive(Serialize)]
struct Open {
    traces: usize,
    waiting_verdicts: usize,
}

async fn status(
    State(shared): Port,
    Whose(tenant): Whose,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Problem> {
    let operates = caller.may(Scope::Operate);
    let own = &shared.operator.own;
    let destinations = own.destinations.iter().map(|health| health.show()).collect();
    let (journal, destinations, configuration) = match operates {
        true => {
            let journal = Journal::of(own.soundness.show());
            (Some(journal), Some(destinations), Some(own.reloads.show()))
        }
        false => (None, None, None),
    };
    let shape = move |view: &crate::keeper::View<'_>| Status {
        position: view.books.position(),
        booked_to: view.books.booked_to(),
        open: Open {
            traces: view.books.open_traces(),
            waiting_verdicts: view.books.waiting_verdicts(),
        },
        fault: view.fault.filter(|_| operates).map(str::to_owned),
        journal,
        destinations,
        configuration,
    };
    Ok(Json(shared.keeper.ask_of(tenant, shape).await?).into_response())
}

async fn unpriced(State(shared): Port, Whose(tenant): Whose) -> Result<Response, Problem> {
    let shape =
        |view: &crate::keeper::View<'_>| figures::unpriced(view.books, view.tally, view.now);
    Ok(Json(shared.keeper.ask_of(tenant, shape).await?).into_response())
}

async fn reported(State(shared): Port, Whose(tenant): Whose) -> Result<Response, Problem> {
    let shape = |view: &crate::keeper::View<'_>| figures::reported(view.books);
    Ok(Json(shared.keeper.ask_of(tenant, shape).await?).into_response())
}

async fn asset(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

async fn nothing(State(shared): Port, request: Request) -> Response {
    if request.uri().path().starts_with("/api/") {
        return problem(StatusCode::NOT_FOUND, "the API has nothing at this address");
    }
    let page = page::not_found(
        &shared.operator.setting,
        "There is no page at this address.",
        clock::now(),
    );
    html(StatusCode::NOT_FOUND, page)
}

fn html(status: StatusCode, page: Markup) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (status, headers, page.into_string()).into_response()
}

/// An error as `application/problem+json`.
struct Problem(StatusCode, String);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        problem(self.0, &self.1)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        let why = match refusal {
            Refusal::Busy { .. } => "busy: try again in a moment",
            Refusal::Disk(_) => "the data directory cannot be written",
            Refusal::Full => "the disk is full",
            Refusal::TooLarge | Refusal::TooManyTenants => "nothing is submitted here",
            Refusal::Stopping => "stopping",
        };
        Problem(StatusCode::SERVICE_UNAVAILABLE, why.into())
    }
}

fn bad(detail: &str) -> Problem {
    Problem(StatusCode::BAD_REQUEST, detail.into())
}

pub(super) fn problem(status: StatusCode, detail: &str) -> Response {
    let title = status.canonical_reason().unwrap_or("Error");
    let body = serde_json::json!({
        "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail,
    });
    let headers = [(header::CONTENT_TYPE, "application/problem+json")];
    (status, headers, body.to_string()).into_response()
}

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Headers of every answer: nothing is loaded from elsewhere, framed, sniffed or kept.
async fn protected(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let fixed: [(HeaderName, &'static str); 5] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests;
