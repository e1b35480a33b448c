//! Talking to a running server, for the commands that do.

use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::blocking::{Client, Response};

/// Where verdicts and telemetry go unless the command line says otherwise.
pub(super) const SERVER: &str = "http://127.0.0.1:4318";
/// Where the API and the pages are unless the command line says otherwise.
pub(super) const OPERATOR: &str = "http://127.0.0.1:4319";

/// The header of an answer that says where the books stood after the request.
pub(super) const POSITION: &str = "countersign-position";

/// A client that gives up after a while.
pub(super) fn client() -> anyhow::Result<Client> {
    Client::builder()
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
    let url = answer.url().clone();
    let said = answer.text().unwrap_or_default();
    let said: String = said.chars().take(500).collect();
    bail!("{url} answered {status}: {said}")
}
