//! Hooks: verdicts from where reviewers already work. A delivery is proved by its signature over
//! the bytes as they came, read for ids, states and times, and booked before it is answered.

mod bitbucket;
mod fields;
mod forge;
mod gitea;
mod github;
mod gitlab;
mod hook;
mod intercom;
mod jira;
mod linear;
mod mapping;
mod pagerduty;
mod refusals;
mod signature;
mod slack;
mod source;
mod standard;
mod ticket;
mod told;
mod words;
mod zendesk;

#[cfg(test)]
mod tests;

pub use hook::{Hook, Secret};
pub use mapping::Mapping;
pub use refusals::Refusals;
pub(crate) use source::Source;

use std::borrow::Cow;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use countersign_core::diagnostic::Diagnostic;
use countersign_core::fact::UnixNanos;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::json;

use self::source::{Delivery, Unread};
use self::told::Told;
use super::answer::POSITION;
use super::body;
use super::gate::Gate;
use super::http::problem;
use super::refused::Refused;
use crate::access::Caller;
use crate::clock;
use crate::limits::{HOOK_BYTES_MAX, READ_IN_PLACE_BYTES_MAX};

/// Every kind of system that verdicts come from.
pub(crate) const VERDICT_SOURCES: &[&Source] = &[
    &github::GITHUB,
    &gitlab::GITLAB,
    &bitbucket::BITBUCKET,
    &gitea::GITEA,
    &zendesk::ZENDESK,
    &jira::JIRA,
    &pagerduty::PAGERDUTY,
    &linear::LINEAR,
    &intercom::INTERCOM,
    &slack::SLACK,
    &standard::STANDARD,
    &standard::CLOUDEVENTS,
    &standard::JSON,
];

/// The hooks of the configuration.
#[derive(Clone, Debug)]
struct Hooks {
    gate: Gate,
    hooks: Arc<[Hook]>,
    refusals: Refusals,
}

/// The routes of the hooks; to be merged into the OTLP/HTTP port. Deliveries carry proof of
/// their own, so no other credential is asked for.
pub fn hook_router(gate: Gate, hooks: Vec<Hook>, refusals: Refusals) -> Router {
    let hooks = Hooks { gate, hooks: hooks.into(), refusals };
    Router::new().route("/hooks/{source}", any(take)).with_state(hooks)
}

/// Why a delivery is answered otherwise than with success.
enum Failed {
    /// Not proved, or not for us: which, nobody is told.
    Unproved,
    Malformed,
    Ignored(StatusCode),
    TooLarge,
}

async fn take(State(hooks): State<Hooks>, Path(name): Path<String>, request: Request) -> Response {
    let received = clock::now();
    let (parts, body) = request.into_parts();
    if parts.method != Method::POST {
        let allow = Some((header::ALLOW, HeaderValue::from_static("POST")));
        return problem(StatusCode::METHOD_NOT_ALLOWED, "expected POST", json!({}), allow);
    }
    // All are read to the same length and checked, known or not, so that an answer tells nobody
    // which sources there are.
    let mut charge = hooks.gate.charge(&Caller::inside());
    let hook = hooks.hooks.iter().position(|hook| hook.name == name);
    let answer = match body::read(body, HOOK_BYTES_MAX, &mut charge).await {
        Ok(bytes) => hooks.read(hook, parts.headers, bytes, received).await,
        Err(refused) => Err(refused),
    };
    drop(charge);
    match answer {
        Ok(Ok(told)) => hooks.book(hook, told).await,
        Ok(Err(failed)) => hooks.failed(&failed),
        Err(refused) => refusal(&refused),
    }
}

impl Hooks {
    /// Reads a delivery; a large one on a thread of its own, so that it holds up nobody.
    async fn read(
        &self,
        hook: Option<usize>,
        headers: HeaderMap,
        bytes: Bytes,
        received: UnixNanos,
    ) -> Result<Result<Told, Failed>, Refused> {
        let hooks = Arc::clone(&self.hooks);
        let is_large = bytes.len() > READ_IN_PLACE_BYTES_MAX;
        let read = move || {
            let hook = hook.and_then(|hook| hooks.get(hook));
            read_delivery(hook, &headers, &bytes, received)
        };
        if !is_large {
            return Ok(read());
        }
        tokio::task::spawn_blocking(read).await.map_err(|_| Refused::Stopping)
    }

    async fn book(&self, hook: Option<usize>, told: Told) -> Response {
        let count = told.count();
        let hook = hook.and_then(|hook| self.hooks.get(hook));
        let caller = hook.map_or_else(Caller::inside, |hook| Caller::of_tenant(&hook.tenant));
        match self.gate.take_facts(&caller, told.into_facts()).await {
            Ok(position) => {
                let body = json!({"facts": count, "position": position}).to_string();
                let mut response = Response::new(body.into());
                let headers = response.headers_mut();
                let json = HeaderValue::from_static("application/json");
                headers.insert(header::CONTENT_TYPE, json);
                headers.insert(POSITION, position.into());
                response
            }
            Err(refused) => refusal(&refused),
        }
    }

    fn failed(&self, failed: &Failed) -> Response {
        match failed {
            Failed::Unproved => {
                self.refusals.count(Diagnostic::HookRefused);
                problem(StatusCode::UNAUTHORIZED, "not accepted", json!({}), None)
            }
            Failed::Malformed => {
                self.refusals.count(Diagnostic::HookMalformed);
                let text = "not a delivery of this source";
                problem(StatusCode::BAD_REQUEST, text, json!({}), None)
            }
            Failed::TooLarge => refusal(&Refused::TooLarge),
            Failed::Ignored(status) => {
                self.refusals.count(Diagnostic::HookIgnored);
                let mut response = Response::new(axum::body::Body::empty());
                *response.status_mut() = *status;
                response
            }
        }
    }
}

fn refusal(refused: &Refused) -> Response {
    let wait = refused.retry_after().map(|delay| delay.as_secs().max(1).into());
    let wait = wait.map(|wait| (header::RETRY_AFTER, wait));
    problem(refused.http_status(), &refused.text(), json!({}), wait)
}

/// Proves and reads a delivery.
fn read_delivery(
    hook: Option<&Hook>,
    headers: &HeaderMap,
    bytes: &[u8],
    received: UnixNanos,
) -> Result<Told, Failed> {
    let Some(hook) = hook else {
        // As much work as for a hook that there is.
        signature::proves(github::GITHUB.schemes, &[Secret::decoy()], headers, bytes, received);
        return Err(Failed::Unproved);
    };
    let source = hook.source;
    if !signature::proves(source.schemes, &hook.secrets, headers, bytes, received) {
        return Err(Failed::Unproved);
    }
    if bytes.len() > source.bytes_max {
        return Err(Failed::TooLarge);
    }
    let body = payload(headers, bytes).ok_or(Failed::Malformed)?;
    read_proved(hook, headers, &body, received)
}

/// Reads a delivery that was proved.
fn read_proved(
    hook: &Hook,
    headers: &HeaderMap,
    body: &[u8],
    received: UnixNanos,
) -> Result<Told, Failed> {
    let mut told = Told::new(hook.source.kind, received);
    let delivery = Delivery { hook, headers, body, received };
    let read = match &hook.mapping {
        Some(mapping) => mapping.read(&delivery, &mut told),
        None => (hook.source.read)(&delivery, &mut told),
    };
    match read {
        Ok(()) => Ok(told),
        Err(Unread::Ignored) => Err(Failed::Ignored(hook.source.ignored)),
        Err(Unread::Malformed) => Err(Failed::Malformed),
        Err(Unread::Unknown) => Err(Failed::Unproved),
    }
}

/// The JSON of a delivery: the body, or the field `payload` of a form.
fn payload<'a>(headers: &HeaderMap, bytes: &'a [u8]) -> Option<Cow<'a, [u8]>> {
    let kind = signature::only(headers, "content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Some(Cow::Borrowed(bytes));
    }
    let (_, value) = form_urlencoded::parse(bytes).find(|(name, _)| name == "payload")?;
    Some(Cow::Owned(value.into_owned().into_bytes()))
}
