//! Talking to a running server, for the commands that do.

use std::time::Duration;

use anyhow::{Context, bail};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use reqwest::blocking::{Client, Response};

/// Where verdicts and telemetry go unless the command line says otherwise.
pub(super) const SERVER: &str = "http://127.0.0.1:4318";
/// Where the API and the pages are unless the command line says otherwise.
pub(super) const OPERATOR: &str = "http://127.0.0.1:4319";

/// The header of an answer that says where the books stood after the request.
pub(super) const POSITION: &str = "countersign-position";

/// Where the secret of a credential comes from: an argument would be seen by everybody on the
/// machine.
const TOKEN_VARIABLE: &str = "COUNTERSIGN_TOKEN";

/// A client that gives up after a while, and that sends a credential if the environment has one.
pub(super) fn client() -> anyhow::Result<Client> {
    let mut headers = HeaderMap::new();
    if let Ok(secret) = std::env::var(TOKEN_VARIABLE) {
        let value = HeaderValue::try_from(format!("Bearer {}", secret.trim()));
        let mut value = value.with_context(|| format!("{TOKEN_VARIABLE} is no secret of ours"))?;
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
    }
    Client::builder()
        .default_headers(headers)
        .timeout(Duration::from_secs(60))
        .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
        .build()
        .context("cannot set up HTTP")
}

/// A server's URL and a path on it.
pub(super) fn url(server: &str, path: &str) -> String {
    format!("{}{path}", server.trim_end_matches('/'))
}

/// Reads JSON from the API.
pub(super) fn get(
    client: &Client,
    server: &str,
    path: &str,
    query: &[(&str, String)],
) -> anyhow::Result<serde_json::Value> {
    let url = url(server, path);
    let answer = client
        .get(&url)
        .query(query)
        .send()
        .with_context(|| format!("cannot reach {server}: is `countersign serve` running?"))?;
    expect_success(answer)?.json().with_context(|| format!("{url} did not answer with JSON"))
}

/// The answer, if it is a good one; else what the server said.
pub(super) fn expect_success(answer: Response) -> anyhow::Result<Response> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    if status == StatusCode::UNAUTHORIZED {
        bail!("{} asks for a credential: put its secret into {TOKEN_VARIABLE}", answer.url());
    }
    let url = answer.url().clone();
    let said = answer.text().unwrap_or_default();
    let said: String = said.chars().take(500).collect();
    bail!("{url} answered {status}: {said}")
}
