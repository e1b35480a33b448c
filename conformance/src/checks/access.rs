//! 26–28, 53, 54: who may send.

use std::net::SocketAddr;

use countersign_receiver::clock;

use crate::finding::{Found, expect, fails};
use crate::otlp::{Id, is_clean, one_span};
use crate::ours::Server;
use crate::target::{JSON, PROTOBUF, Target};
use crate::wire::grpc::{TRACES, code, framed};
use crate::wire::http1::{Answer, Connection, exchange};
use crate::wire::http2::Http2;

use super::http::{has_retry_after, is_status};

const AGENT: &str = "agent-secret-of-more-than-32-bytes";
const REVIEWER: &str = "reviewer-secret-of-more-than-32-bytes";
const HURRIED: &str = "hurried-secret-of-more-than-32-bytes";

/// Our program with credentials: an agent's, a reviewer's, and one of a tenant in a hurry.
fn guarded(target: &Target) -> Found<Server> {
    let configuration = "countersign:
  credentials:
    agent: { secret: '${env:AGENT}', scopes: [write_telemetry] }
    reviewer: { secret: '${env:REVIEWER}', scopes: [write_verdicts] }
    hurried: { secret: '${env:HURRIED}', tenant: hurried, scopes: [write_telemetry] }
  tenants: { hurried: { requests_per_second: 2 } }
";
    let known = [("AGENT", AGENT), ("REVIEWER", REVIEWER), ("HURRIED", HURRIED)];
    target.program()?.start_knowing(configuration, &known)
}

fn bearer(secret: &str) -> String {
    format!("Bearer {secret}")
}

fn post(target: &Target, server: &Server, secret: &str, path: &str) -> Found<Answer> {
    let bearer = bearer(secret);
    let headers = [PROTOBUF, ("Authorization", bearer.as_str())];
    let body = one_span(Id::fresh());
    exchange(server.http, &target.request(&format!("POST {path}"), &headers, &body))
}

/// No token or a bad one: 401 and how to do better, before the body is there.
pub(super) fn c026_strangers_are_refused_at_the_head(target: &Target) -> Found {
    if target.bearer().is_some() {
        is_clean(target.post_traces(&one_span(Id::fresh()))?)?;
        return strangers_over_http(target.http()?);
    }
    let server = guarded(target)?;
    is_clean(post(target, &server, AGENT, "/v1/traces")?)?;
    strangers_over_http(server.http)
}

fn strangers_over_http(address: SocketAddr) -> Found {
    let almost = format!("Bearer {}", AGENT.replace("32", "33"));
    let cases = [None, Some("Bearer x"), Some(&*almost), Some("Basic eDp5"), Some("x"), Some("")];
    for kind in ["application/x-protobuf", "application/json", "text/nonsense"] {
        for authorization in cases {
            let mut headers = vec![("Content-Type", kind), ("Content-Length", "5000")];
            headers.extend(authorization.map(|value| ("Authorization", value)));
            let mut connection = Connection::open(address)?;
            let began = clock::instant();
            connection.send(&Target::default().request("POST /v1/traces", &headers, b""));
            let answer = connection.answer()?.is(401)?;
            let took = began.elapsed();
            expect(took.as_secs() < 5, || format!("401 after {took:?}: not before the body"))?;
            expect(answer.header("www-authenticate").is_some(), || {
                "401 without WWW-Authenticate".to_owned()
            })?;
            is_status(&answer)?;
        }
    }
    Ok(())
}

/// A good token for something else: 403.
pub(super) fn c027_other_scopes_are_forbidden(target: &Target) -> Found {
    let server = guarded(target)?;
    is_status(&post(target, &server, REVIEWER, "/v1/traces")?.is(403)?)?;
    let bearer = bearer(AGENT);
    let headers = [JSON, ("Authorization", bearer.as_str())];
    let verdict = br#"[{"task":"t","state":"accepted"}]"#;
    exchange(server.http, &target.request("POST /v1/verdicts", &headers, verdict))?.is(403)?;
    Ok(())
}

/// More than a tenant's rate: 429 and when to try again; others do not notice.
pub(super) fn c028_rates_are_limited(target: &Target) -> Found {
    let server = guarded(target)?;
    for _ in 0..200 {
        let answer = post(target, &server, HURRIED, "/v1/traces")?.is_one_of(&[200, 429])?;
        if answer.status == 429 {
            has_retry_after(&answer)?;
            is_status(&answer)?;
            return is_clean(post(target, &server, AGENT, "/v1/traces")?);
        }
    }
    fails("200 requests at once are no more than 2 a second")
}

/// The same over gRPC, before the message is there.
pub(super) fn c053_strangers_are_refused_at_the_head(target: &Target) -> Found {
    if target.bearer().is_some() {
        target.call_traces(&[], &framed(0, &one_span(Id::fresh())))?.is(code::OK)?;
        return strangers_over_grpc(target.grpc()?);
    }
    let server = guarded(target)?;
    let bearer = bearer(AGENT);
    let body = framed(0, &one_span(Id::fresh()));
    let headers = [("authorization", bearer.as_str())];
    Http2::open(server.grpc)?.unary(TRACES, &headers, &body)?.is(code::OK)?;
    strangers_over_grpc(server.grpc)
}

fn strangers_over_grpc(address: SocketAddr) -> Found {
    for authorization in [None, Some("Bearer x"), Some("Basic eDp5"), Some("")] {
        let headers: Vec<_> =
            authorization.map(|value| ("authorization", value)).into_iter().collect();
        let mut connection = Http2::open(address)?;
        let stream = connection.call(TRACES, &headers)?;
        connection.called(stream)?.is(code::UNAUTHENTICATED)?;
    }
    Ok(())
}

/// A good token for something else.
pub(super) fn c054_other_scopes_are_forbidden(target: &Target) -> Found {
    let server = guarded(target)?;
    let bearer = bearer(REVIEWER);
    let headers = [("authorization", bearer.as_str())];
    let mut connection = Http2::open(server.grpc)?;
    let stream = connection.call(TRACES, &headers)?;
    connection.called(stream)?.is(code::PERMISSION_DENIED)?;
    Ok(())
}
