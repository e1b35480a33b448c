//! A forge's API, page by page: what was closed in a repository.

use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::blocking::Client;
use serde_json::Value;
use zeroize::Zeroizing;

use super::{Forge, is_path};

/// Objects of one page: what the forges give at most.
const PAGE: usize = 100;
/// More pages than that are asked for in several files.
const PAGES_MAX: usize = 10_000;

/// Everything that was closed.
pub(super) fn closed(
    forge: Forge,
    api: Option<&str>,
    repository: &str,
    token: Option<&Zeroizing<String>>,
) -> anyhow::Result<Vec<Value>> {
    is_path(repository)?;
    // A client of its own: our credential is none of the forge's business.
    let client = Client::builder()
        .timeout(Duration::from_secs(60))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
        .build()?;
    let mut all = Vec::new();
    for state in states(forge) {
        for page in 1..=PAGES_MAX {
            let url = match forge {
                Forge::Github => format!(
                    "{}/repos/{repository}/pulls",
                    api.unwrap_or("https://api.github.com").trim_end_matches('/')
                ),
                Forge::Gitlab => format!(
                    "{}/projects/{}/merge_requests",
                    api.unwrap_or("https://gitlab.com/api/v4").trim_end_matches('/'),
                    repository.replace('/', "%2F")
                ),
            };
            let (page, size) = (page.to_string(), PAGE.to_string());
            let query = [("state", *state), ("per_page", &*size), ("page", &*page)];
            let mut get = client.get(&url).query(&query);
            if let Some(token) = token {
                get = get.bearer_auth(token.as_str());
            }
            let answer = get.send().with_context(|| format!("cannot reach {url}"))?;
            if !answer.status().is_success() {
                bail!("{url} answered {}: is the token good for it?", answer.status());
            }
            let objects: Vec<Value> =
                answer.json().with_context(|| format!("{url} did not answer with a list"))?;
            let is_last = objects.len() < PAGE;
            all.extend(objects);
            if is_last {
                break;
            }
        }
    }
    Ok(all)
}

fn states(forge: Forge) -> &'static [&'static str] {
    match forge {
        Forge::Github => &["closed"],
        Forge::Gitlab => &["merged", "closed"],
    }
}
