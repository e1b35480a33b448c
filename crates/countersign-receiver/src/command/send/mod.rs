//! `countersign send`: replays OTLP requests that were kept as files.

mod files;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use reqwest::StatusCode;
use reqwest::blocking::{Client, Response};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};

use self::files::{Encoding, Request};
use super::{client, printed};
use crate::clock;
use crate::limits::{BOOKING_WAIT_MAX, SEND_RETRIES_MAX};

/// Arguments of `send`.
#[derive(Args, Debug)]
pub struct SendArgs {
    /// Files named traces-*, logs-* or metrics-* that end in .pb or .json, and folders of them.
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// Return when all that was sent is booked: open traces have closed by then.
    #[arg(long)]
    wait: bool,
    /// The server.
    #[arg(long, value_name = "URL", default_value = client::SERVER)]
    server: String,
    /// Its operator port, for --wait.
    #[arg(long, value_name = "URL", default_value = client::OPERATOR)]
    operator: String,
}

/// What became of all requests.
#[derive(Debug, Default)]
struct Sent {
    requests: u64,
    bytes: u64,
    refused: Vec<String>,
    rejected_records: u64,
    position: u64,
}

pub(super) fn run(args: SendArgs) -> anyhow::Result<ExitCode> {
    let requests = files::find(&args.paths)?;
    ensure!(!requests.is_empty(), "no OTLP requests in there: see `countersign send --help`");
    let client = client::client()?;
    let progress = ProgressBar::new(requests.len() as u64);
    progress.set_style(
        ProgressStyle::with_template("{bar:30} {pos}/{len} requests {wide_msg}")
            .context("the template is right")?,
    );
    let mut sent = Sent::default();
    for request in &requests {
        send(&client, &args.server, request, &mut sent)?;
        progress.inc(1);
    }
    progress.finish_and_clear();
    if args.wait {
        wait_until_booked(&client, &args.operator, sent.position)?;
    }
    summary(&sent)
}

fn summary(sent: &Sent) -> anyhow::Result<ExitCode> {
    printed::line(format_args!("sent {} requests, {} bytes", sent.requests, sent.bytes))?;
    if sent.rejected_records > 0 {
        printed::line(format_args!("{} records in them were rejected", sent.rejected_records))?;
    }
    for refused in &sent.refused {
        printed::line(format_args!("refused: {refused}"))?;
    }
    Ok(if sent.refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Sends one request, again and again while the server asks for patience.
fn send(client: &Client, server: &str, request: &Request, sent: &mut Sent) -> anyhow::Result<()> {
    let shown = request.path.display();
    let body = std::fs::read(&request.path).with_context(|| format!("cannot read {shown}"))?;
    let bytes = body.len() as u64;
    let url = client::url(server, request.signal.path());
    for _ in 0..SEND_RETRIES_MAX {
        let answer = client
            .post(&url)
            .header(CONTENT_TYPE, request.encoding.content_type())
            .body(body.clone())
            .send()
            .with_context(|| format!("cannot reach {server}: is `countersign serve` running?"))?;
        match answer.status() {
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => std::thread::sleep(wanted_pause(&answer)),
            status if status.is_success() => {
                sent.requests += 1;
                sent.bytes += bytes;
                sent.position = sent.position.max(position(&answer));
                sent.rejected_records += rejected_records(request.encoding, answer);
                return Ok(());
            }
            status => {
                let said: String = answer.text().unwrap_or_default().chars().take(200).collect();
                sent.refused.push(format!("{shown}: {status} {said:?}"));
                return Ok(());
            }
        }
    }
    bail!("{server} was still busy after {SEND_RETRIES_MAX} attempts to send {shown}")
}

fn wanted_pause(answer: &Response) -> Duration {
    let wanted = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let seconds = wanted.and_then(|seconds| seconds.parse().ok()).unwrap_or(1_u64);
    Duration::from_secs(seconds.clamp(1, 30))
}

/// The books' position after the request.
fn position(answer: &Response) -> u64 {
    let header = answer.headers().get(client::POSITION);
    header.and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0)
}

/// How many records of the request were rejected. The three signals' answers have the same
/// fields with the same numbers.
fn rejected_records(encoding: Encoding, answer: Response) -> u64 {
    let Ok(body) = answer.bytes() else { return 0 };
    let rejected = match encoding {
        Encoding::Protobuf => ExportTraceServiceResponse::decode(body)
            .ok()
            .and_then(|answer| answer.partial_success)
            .map(|partial| partial.rejected_spans),
        Encoding::Json => {
            serde_json::from_slice::<serde_json::Value>(&body).ok().and_then(|answer| {
                let partial = answer.get("partialSuccess")?.as_object()?;
                let count = partial.iter().find(|(key, _)| key.starts_with("rejected"))?.1;
                count.as_i64().or_else(|| count.as_str()?.parse().ok())
            })
        }
    };
    rejected.and_then(|count| u64::try_from(count).ok()).unwrap_or(0)
}

/// Waits until everything up to a position is booked for good.
fn wait_until_booked(client: &Client, operator: &str, position: u64) -> anyhow::Result<()> {
    let progress = ProgressBar::new_spinner().with_message("waiting until all of it is booked");
    let began = clock::instant();
    loop {
        let status = client::get(client, operator, "/api/v1/status", &[])?;
        let booked_to = status.get("booked_to").and_then(serde_json::Value::as_u64);
        let booked_to = booked_to.context("the server does not say what it has booked")?;
        if booked_to >= position {
            progress.finish_and_clear();
            return Ok(());
        }
        ensure!(
            began.elapsed() < BOOKING_WAIT_MAX,
            "after {} s the server has booked up to {booked_to} of {position}",
            BOOKING_WAIT_MAX.as_secs()
        );
        progress.tick();
        std::thread::sleep(Duration::from_millis(100));
    }
}
