//! What is read of GitHub's deliveries. All else in them is skipped.

use std::borrow::Cow;

use serde::Deserialize;

pub(super) type Text<'a> = Cow<'a, str>;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct User<'a> {
    #[serde(borrow)]
    pub(super) login: Text<'a>,
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
}

#[derive(Deserialize)]
pub(super) struct Repository<'a> {
    #[serde(borrow)]
    pub(super) full_name: Text<'a>,
    #[serde(borrow)]
    pub(super) html_url: Text<'a>,
    #[serde(borrow, default)]
    pub(super) default_branch: Text<'a>,
    /// Unix seconds in a push, a text elsewhere.
    #[serde(default)]
    pub(super) pushed_at: Option<Stamp>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Stamp {
    Seconds(u64),
    Text(String),
}

#[derive(Deserialize)]
pub(super) struct Head<'a> {
    #[serde(borrow, rename = "ref")]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) sha: Text<'a>,
    #[serde(borrow, default)]
    pub(super) repo: Option<Repository<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Pull<'a> {
    #[serde(borrow)]
    pub(super) html_url: Text<'a>,
    pub(super) number: u64,
    #[serde(default)]
    pub(super) merged: Option<bool>,
    #[serde(borrow, default)]
    pub(super) merged_at: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) closed_at: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) updated_at: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) merge_commit_sha: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) body: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) user: Option<User<'a>>,
    #[serde(borrow, default)]
    pub(super) merged_by: Option<User<'a>>,
    #[serde(borrow)]
    pub(super) head: Head<'a>,
}

#[derive(Deserialize)]
pub(super) struct Review<'a> {
    pub(super) id: u64,
    #[serde(borrow, default)]
    pub(super) state: Text<'a>,
    #[serde(borrow, default)]
    pub(super) submitted_at: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) user: Option<User<'a>>,
}

#[derive(Deserialize)]
pub(super) struct PullDelivery<'a> {
    #[serde(borrow)]
    pub(super) action: Text<'a>,
    #[serde(borrow)]
    pub(super) pull_request: Pull<'a>,
    #[serde(borrow)]
    pub(super) repository: Repository<'a>,
    #[serde(borrow, default)]
    pub(super) sender: Option<User<'a>>,
    #[serde(borrow, default)]
    pub(super) review: Option<Review<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Issue<'a> {
    #[serde(borrow)]
    pub(super) html_url: Text<'a>,
    pub(super) number: u64,
    #[serde(borrow, default)]
    pub(super) state_reason: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) closed_at: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) updated_at: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) body: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(super) struct IssueDelivery<'a> {
    #[serde(borrow)]
    pub(super) action: Text<'a>,
    #[serde(borrow)]
    pub(super) issue: Issue<'a>,
    #[serde(borrow)]
    pub(super) repository: Repository<'a>,
    #[serde(borrow, default)]
    pub(super) sender: Option<User<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Pushed<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow, default)]
    pub(super) message: Text<'a>,
}

#[derive(Deserialize)]
pub(super) struct PushDelivery<'a> {
    #[serde(borrow, rename = "ref")]
    pub(super) name: Text<'a>,
    #[serde(borrow, default)]
    pub(super) commits: Vec<Pushed<'a>>,
    #[serde(borrow)]
    pub(super) repository: Repository<'a>,
}

#[derive(Deserialize)]
pub(super) struct Numbered {
    pub(super) number: u64,
}

#[derive(Deserialize)]
pub(super) struct Check<'a> {
    pub(super) id: u64,
    #[serde(borrow, default)]
    pub(super) conclusion: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) head_sha: Text<'a>,
    #[serde(borrow, default)]
    pub(super) head_branch: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) updated_at: Option<Text<'a>>,
    #[serde(default)]
    pub(super) run_attempt: u64,
    #[serde(default)]
    pub(super) pull_requests: Vec<Numbered>,
}

#[derive(Deserialize)]
pub(super) struct CheckDelivery<'a> {
    #[serde(borrow)]
    pub(super) action: Text<'a>,
    #[serde(borrow, alias = "workflow_run")]
    pub(super) check_suite: Check<'a>,
    #[serde(borrow)]
    pub(super) repository: Repository<'a>,
}
