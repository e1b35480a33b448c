//! Entry to the operator port: no other web page, and nobody without a credential.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use super::{Operator, problem};
use crate::access::{Access, CHALLENGES, Caller, Denied, Scope};
use crate::config::DEFAULT_TENANT;
use crate::keeper::Tenant;

/// By which names the port may be called.
pub(super) enum Names {
    /// Any: it is open to others, and what it is called there is not known.
    Any,
    /// Those of loopback, and these.
    LoopbackAnd(Vec<String>),
}

impl Names {
    /// On loopback, a page that had its own name point here must not read the figures; off
    /// loopback that is so where the configuration says what the port is called.
    pub(super) fn of(operator: &Operator) -> Names {
        let loopback = operator.setting.listen.operator.ip().is_loopback();
        match (loopback, operator.hosts.is_empty()) {
            (false, true) => Names::Any,
            (true, _) | (false, false) => Names::LoopbackAnd(operator.hosts.clone()),
        }
    }

    pub(super) fn know(&self, authority: &str) -> bool {
        let Names::LoopbackAnd(more) = self else { return true };
        let host = host_of(authority);
        is_loopback(host) || more.iter().any(|name| host.eq_ignore_ascii_case(name))
    }
}

/// The host of an authority, without its port and the brackets of IPv6.
fn host_of(authority: &str) -> &str {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        Some(_) | None => authority,
    };
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Refuses what a page of another origin asks for, and requests that call the port by a name
/// that is not its own.
pub(super) async fn named(
    State(names): State<Arc<Names>>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    // Over HTTP/2 the name is in the address; browsers always give one.
    let authority = match (text(headers, header::HOST), request.uri().authority()) {
        (Some(Ok(host)), _) => Some(host),
        (Some(Err(())), _) => return problem(StatusCode::FORBIDDEN, "Host: expected a name"),
        (None, Some(authority)) => Some(authority.as_str()),
        (None, None) => None,
    };
    if authority.is_some_and(|authority| !names.know(authority)) {
        let text = "this port answers only to localhost, 127.0.0.1, [::1] and the names under \
                    countersign.operator.hosts";
        return problem(StatusCode::FORBIDDEN, text);
    }
    if is_from_elsewhere(headers, authority) {
        return problem(StatusCode::FORBIDDEN, "pages of another origin may not read this");
    }
    next.run(request).await
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<Result<&str, ()>> {
    headers.get(name).map(|value| value.to_str().map_err(drop))
}

/// Whether another page asks. That somebody follows a link from there is no harm: the page
/// that they come from cannot see what they get.
fn is_from_elsewhere(headers: &HeaderMap, authority: Option<&str>) -> bool {
    let origin = headers.get(header::ORIGIN).map(HeaderValue::to_str);
    let other_origin = match origin {
        None => false,
        Some(Ok(origin)) => {
            let of_origin = origin.split_once("://").map(|(_, rest)| rest);
            of_origin.is_none() || of_origin != authority
        }
        Some(Err(_)) => true,
    };
    let is = |name, value: &str| headers.get(name).is_some_and(|given| given == value);
    let other_site = is(SEC_FETCH_SITE, "cross-site") && !is(SEC_FETCH_MODE, "navigate");
    other_origin || other_site
}

/// Refuses whom the rules do not know. Health is told to everybody: who looks after the program
/// has no secret to send along.
pub(super) async fn admitted(
    State(access): State<Access>,
    mut request: Request,
    next: Next,
) -> Response {
    if matches!(request.uri().path(), "/healthz" | "/readyz") {
        return next.run(request).await;
    }
    match access.admit(request.headers(), Some(Scope::ReadOutcomes)) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(Denied::Unknown) => {
            let mut response = problem(StatusCode::UNAUTHORIZED, "a known credential is needed");
            for challenge in CHALLENGES {
                response.headers_mut().append(header::WWW_AUTHENTICATE, challenge);
            }
            response
        }
        Err(Denied::Scope(scope)) => {
            let text = format!("the credential has no scope {}", scope.as_str());
            problem(StatusCode::FORBIDDEN, &text)
        }
        Err(Denied::Rate(wait)) => {
            let mut response = problem(StatusCode::TOO_MANY_REQUESTS, "too many requests");
            let seconds = wait.max(Duration::from_secs(1)).as_secs();
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            response
        }
    }
}

/// Whose figures are asked for: the caller's own, or those of `?tenant=NAME` if it operates.
pub(super) struct Whose(pub(super) Tenant);

impl<S: Sync> FromRequestParts<S> for Whose {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Whose, Response> {
        let caller: Option<&Caller> = parts.extensions.get();
        let Some(caller) = caller else {
            return Err(problem(StatusCode::UNAUTHORIZED, "a known credential is needed"));
        };
        let pairs = parts.uri.query().unwrap_or_default().split('&');
        // Names have no character that would be encoded.
        let Some(name) = pairs.filter_map(|pair| pair.strip_prefix("tenant=")).next() else {
            return Ok(Whose(caller.tenant().clone()));
        };
        let name = if name == DEFAULT_TENANT { "" } else { name };
        if name != caller.tenant().name() && !caller.may(Scope::Operate) {
            let text = "another tenant's figures are for credentials with the scope operate";
            return Err(problem(StatusCode::FORBIDDEN, text));
        }
        let expected = || problem(StatusCode::BAD_REQUEST, "tenant: expected a tenant's name");
        Tenant::named(name).map(Whose).ok_or_else(expected)
    }
}
