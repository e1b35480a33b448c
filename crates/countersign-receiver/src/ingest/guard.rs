//! Guard: lets a request in by its head, before any of its body is read, and says so in the
//! port's own words if it does not.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{Extensions, StatusCode, header};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::answer;
use super::counted::Transport;
use super::gate::{Gate, Spelling};
use super::http::spelling;
use crate::access::{CHALLENGES, Caller, Denied, Scope};
use crate::limits::{RETRY_AFTER_MS_MAX, RETRY_AFTER_MS_MIN};

/// What a path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asks {
    /// Nothing: who asks for it proves otherwise who it is, or need not.
    Nothing,
    /// A good credential.
    Credential,
    /// A good credential with this scope.
    For(Scope),
}

/// Whether a path is written in the one way that routes are: another spelling of a path must
/// not be held for another path.
fn is_plain(path: &str) -> bool {
    path.starts_with('/') && !path.contains("//") && !path.contains(['%', '\\'])
}

fn grpc_asks(path: &str) -> Asks {
    let service = path.strip_prefix('/').and_then(|path| path.split_once('/'));
    match service.map(|(service, _)| service) {
        // Who looks after the program has no secret to send along.
        Some("grpc.health.v1.Health") => Asks::Nothing,
        Some("countersign.v1.Verdicts") => Asks::For(Scope::WriteVerdicts),
        Some("countersign.v1.Outcomes") => Asks::For(Scope::ReadOutcomes),
        Some(service) if service.starts_with("opentelemetry.proto.collector.") => {
            Asks::For(Scope::WriteTelemetry)
        }
        Some(_) | None => Asks::Credential,
    }
}

fn http_asks(path: &str) -> Asks {
    match path {
        "/v1/traces" | "/v1/logs" | "/v1/metrics" => Asks::For(Scope::WriteTelemetry),
        "/v1/verdicts" => Asks::For(Scope::WriteVerdicts),
        // Their senders sign the body instead.
        path if path.starts_with("/hooks/") => Asks::Nothing,
        _ => Asks::Credential,
    }
}

/// Who sent a request that has passed.
pub(super) fn caller(extensions: &Extensions) -> Caller {
    extensions.get().cloned().expect("every route that asks for a caller is behind the guard")
}

/// Before every route of the gRPC port.
pub(super) async fn grpc(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if !is_plain(path) {
        return Status::unimplemented("no such method").into_http();
    }
    let scope = match grpc_asks(path) {
        Asks::Nothing => return next.run(request).await,
        Asks::Credential => None,
        Asks::For(scope) => Some(scope),
    };
    match admit(&gate, Transport::Grpc, scope, &mut request) {
        Ok(()) => next.run(request).await,
        Err(denied) => grpc_status(denied).into_http(),
    }
}

/// Lets a request pass with its caller, or counts that it may not.
fn admit(
    gate: &Gate,
    transport: Transport,
    scope: Option<Scope>,
    request: &mut Request,
) -> Result<(), Denied> {
    let caller = gate
        .access()
        .admit(request.headers(), scope)
        .inspect_err(|denied| gate.counted().refused(transport, *denied))?;
    request.extensions_mut().insert(caller);
    Ok(())
}

fn grpc_status(denied: Denied) -> Status {
    match denied {
        Denied::Unknown => Status::unauthenticated(UNKNOWN),
        Denied::Scope(scope) => Status::permission_denied(lacks(scope)),
        Denied::Rate(wait) => {
            let details = ErrorDetails::with_retry_info(Some(bounded(wait)));
            Status::with_error_details(Code::ResourceExhausted, TOO_MANY, details)
        }
    }
}

/// Before every route of the HTTP port.
pub(super) async fn http(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let shown = spelling(request.headers()).unwrap_or(Spelling::Json);
    let path = request.uri().path();
    if !is_plain(path) {
        let text = "no such path";
        return answer::plain(shown, StatusCode::NOT_FOUND, Code::Unimplemented, text, None);
    }
    let scope = match http_asks(path) {
        Asks::Nothing => return next.run(request).await,
        Asks::Credential => None,
        Asks::For(scope) => Some(scope),
    };
    match admit(&gate, Transport::Http, scope, &mut request) {
        Ok(()) => next.run(request).await,
        Err(denied) => http_refusal(shown, denied),
    }
}

fn http_refusal(spelling: Spelling, denied: Denied) -> Response {
    match denied {
        Denied::Unknown => {
            let http = StatusCode::UNAUTHORIZED;
            let mut response = answer::plain(spelling, http, Code::Unauthenticated, UNKNOWN, None);
            for challenge in CHALLENGES {
                response.headers_mut().append(header::WWW_AUTHENTICATE, challenge);
            }
            response
        }
        Denied::Scope(scope) => {
            let http = StatusCode::FORBIDDEN;
            answer::plain(spelling, http, Code::PermissionDenied, &lacks(scope), None)
        }
        Denied::Rate(wait) => answer::later(
            spelling,
            StatusCode::TOO_MANY_REQUESTS,
            Code::ResourceExhausted,
            TOO_MANY,
            bounded(wait),
        ),
    }
}

const UNKNOWN: &str = "a known credential is needed: `Authorization: Bearer SECRET`";
const TOO_MANY: &str = "too many requests: try again later";

fn lacks(scope: Scope) -> String {
    format!("the credential has no scope {}", scope.as_str())
}

/// A wait of whole seconds within the limits.
fn bounded(wait: Duration) -> Duration {
    let (least, most) =
        (Duration::from_millis(RETRY_AFTER_MS_MIN), Duration::from_millis(RETRY_AFTER_MS_MAX));
    Duration::from_secs(wait.as_secs_f64().ceil() as u64).clamp(least, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_spellings_of_a_path_are_no_path() {
        for path in ["/v1/traces", "/opentelemetry.proto.collector.trace.v1.TraceService/Export"] {
            assert!(is_plain(path), "{path}");
        }
        for path in ["v1/traces", "", "//v1/traces", "/v1//traces", "/v1/%74races", "/v1\\traces"] {
            assert!(!is_plain(path), "{path}");
        }
    }

    #[test]
    fn what_paths_ask_for() {
        let telemetry = Asks::For(Scope::WriteTelemetry);
        assert_eq!(http_asks("/v1/logs"), telemetry);
        assert_eq!(http_asks("/v1/verdicts"), Asks::For(Scope::WriteVerdicts));
        assert_eq!(http_asks("/hooks/github"), Asks::Nothing);
        assert_eq!(http_asks("/hooks"), Asks::Credential);
        assert_eq!(http_asks("/v1/traces/"), Asks::Credential);
        let logs = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
        assert_eq!(grpc_asks(logs), telemetry);
        assert_eq!(grpc_asks("/grpc.health.v1.Health/Check"), Asks::Nothing);
        assert_eq!(grpc_asks("/grpc.health.v1.Health"), Asks::Credential);
        assert_eq!(grpc_asks("/countersign.v1.Outcomes/GetTask"), Asks::For(Scope::ReadOutcomes));
        assert_eq!(grpc_asks("/countersign.v1.Verdicts/Submit"), Asks::For(Scope::WriteVerdicts));
        assert_eq!(grpc_asks("/x/y"), Asks::Credential);
    }
}
