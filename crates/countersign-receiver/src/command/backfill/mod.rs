//! `countersign backfill`: past outcomes of a forge, with their true times. What the forge's API
//! gives is delivered to the program's hook, so that it means what a delivery means, and can be
//! sent twice.

mod deliveries;
mod pages;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::blocking::Client;
use ring::hmac;
use serde_json::Value;
use zeroize::Zeroizing;

use self::deliveries::Delivery;
use super::{client, printed};
use crate::access::files::{self, Held};
use crate::limits::SEND_RETRIES_MAX;

/// A forge with a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Forge {
    /// GitHub: pull requests, their reviews, and issues.
    Github,
    /// GitLab: merge requests.
    Gitlab,
}

/// Arguments of `backfill`.
#[derive(Args, Debug)]
pub struct BackfillArgs {
    /// Whose history it is.
    #[arg(value_enum)]
    forge: Forge,
    /// Answers of the forge's API, each an object or a list of objects.
    #[arg(value_name = "FILE", required_unless_present = "repository")]
    files: Vec<PathBuf>,
    /// Asks the forge itself for what was closed in this repository.
    #[arg(long, value_name = "OWNER/NAME")]
    repository: Option<String>,
    /// File with the token to ask with.
    #[arg(long, value_name = "FILE", requires = "repository")]
    token_file: Option<PathBuf>,
    /// Where the forge's API is [default: that of github.com or gitlab.com].
    #[arg(long, value_name = "URL")]
    api: Option<String>,
    /// Name of the hook [default: the forge's].
    #[arg(long, value_name = "NAME")]
    hook: Option<String>,
    /// File with the hook's secret.
    #[arg(long, value_name = "FILE")]
    secret_file: PathBuf,
    /// The program's HTTP port.
    #[arg(long, value_name = "URL", default_value = client::SERVER)]
    server: String,
}

pub(super) fn run(args: &BackfillArgs) -> anyhow::Result<ExitCode> {
    let secret = secret(&args.secret_file)?;
    let client = client::client()?;
    let mut objects = Vec::new();
    for file in &args.files {
        let shown = file.display();
        let text = std::fs::read(file).with_context(|| format!("{shown}: cannot be read"))?;
        let value: Value =
            serde_json::from_slice(&text).with_context(|| format!("{shown}: not JSON"))?;
        if let Value::Array(all) = value {
            objects.extend(all);
        } else {
            objects.push(value);
        }
    }
    if let Some(repository) = &args.repository {
        let token = args.token_file.as_ref().map(|file| self::secret(file)).transpose()?;
        let api = args.api.as_deref();
        objects.extend(pages::closed(args.forge, api, repository, token.as_ref())?);
    }
    let hook = args.hook.as_deref().unwrap_or(match args.forge {
        Forge::Github => "github",
        Forge::Gitlab => "gitlab",
    });
    let url = client::url(&args.server, &format!("/hooks/{hook}"));
    let progress = ProgressBar::new(objects.len() as u64);
    let style = "{bar:30} {pos}/{len} {msg}";
    progress.set_style(ProgressStyle::with_template(style).context("the bar's template")?);
    let (mut delivered, mut silent) = (0_u64, 0_u64);
    for object in &objects {
        match deliveries::of(args.forge, object) {
            Some(delivery) => {
                deliver(&client, &url, args.forge, &secret, &delivery)?;
                delivered += 1;
            }
            None => silent += 1,
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    printed::line(format_args!("{delivered} delivered, {silent} say nothing of an outcome"))?;
    Ok(ExitCode::SUCCESS)
}

fn secret(file: &std::path::Path) -> anyhow::Result<Zeroizing<String>> {
    let bytes = files::read(file, Held::Secretly).map_err(anyhow::Error::msg)?;
    let text = Zeroizing::new(String::from_utf8(bytes).context("a secret that is no text")?);
    Ok(Zeroizing::new(text.trim_end().to_owned()))
}

fn deliver(
    client: &Client,
    url: &str,
    forge: Forge,
    secret: &Zeroizing<String>,
    delivery: &Delivery,
) -> anyhow::Result<()> {
    let body = delivery.body.to_string();
    for _ in 0..SEND_RETRIES_MAX {
        let post = client.post(url).header("content-type", "application/json");
        let post = match forge {
            Forge::Github => post
                .header("x-github-event", delivery.event)
                .header("x-hub-signature-256", code(secret, &body)),
            Forge::Gitlab => post.header("x-gitlab-token", secret.as_str()),
        };
        let answer = post.body(body.clone()).send().context("cannot reach the program")?;
        match answer.status().as_u16() {
            200 | 204 => return Ok(()),
            503 | 429 => std::thread::sleep(std::time::Duration::from_secs(1)),
            401 => bail!("{url} does not accept it: is this the hook's secret and repository?"),
            status => bail!("{url} answered {status}"),
        }
    }
    bail!("{url} was still busy after {SEND_RETRIES_MAX} attempts")
}

fn code(secret: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let code = hmac::sign(&key, body.as_bytes());
    let digits: String = code.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={digits}")
}

/// A forge's name for a repository must not lead elsewhere in its API.
fn is_path(repository: &str) -> anyhow::Result<()> {
    let plain = |part: &str| {
        !part.is_empty()
            && part != ".."
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    let is_path = repository.contains('/') && repository.split('/').all(plain);
    ensure!(is_path, "--repository: expected OWNER/NAME");
    Ok(())
}
