//! GitHub: pull requests, reviews, pushes, issues and checks.
//!
//! Gitea speaks almost the same: see `gitea`.

mod shapes;

use countersign_core::fact::{Basis, Identity, Judgement, SourceKind, Verdict, issue_name};
use countersign_core::key::TraceId;

use self::shapes::{
    CheckDelivery, IssueDelivery, PullDelivery, PushDelivery, Repository, Stamp, Text, User,
};
use super::forge::{self, Change, Commit};
use super::hook::Hook;
use super::signature::body_code;
use super::source::{Delivery, Source, Unread};
use super::told::{Said, Told};
use super::words;
use crate::limits::HOOK_BYTES_MAX;

pub(super) const GITHUB: Source = Source {
    kind: "github",
    schemes: &[body_code("x-hub-signature-256", "sha256=")],
    delivery: "x-github-delivery",
    bytes_max: HOOK_BYTES_MAX,
    read: |delivery, told| read(delivery.header("x-github-event"), delivery, told),
    ..Source::PLAIN
};

/// Reads a delivery of this event.
pub(super) fn read(event: &str, delivery: &Delivery<'_>, told: &mut Told) -> Result<(), Unread> {
    match event {
        "pull_request" => pull_request(delivery, told),
        "pull_request_review" => review(delivery, told),
        "push" => push(delivery, told),
        "issues" => issue(delivery, told),
        "check_suite" | "workflow_run" => check(event, delivery, told),
        _ => Err(Unread::Ignored),
    }
}

/// Whether somebody acts as a person: no bot, and none of the agents.
fn is_person(user: Option<&User<'_>>, hook: &Hook) -> bool {
    user.is_some_and(|user| {
        user.kind != "Bot" && !user.login.ends_with("[bot]") && !hook.is_agent(&user.login)
    })
}

fn source(user: Option<&User<'_>>, hook: &Hook) -> SourceKind {
    if is_person(user, hook) { SourceKind::Human } else { SourceKind::System }
}

/// What somebody does is said; what a bot does follows from something.
fn basis(source: SourceKind) -> Basis {
    if source == SourceKind::Human { Basis::Explicit } else { Basis::Implicit }
}

impl<'a> Repository<'a> {
    fn as_forge(&'a self) -> forge::Repository<'a> {
        forge::Repository { url: &self.html_url, path: &self.full_name }
    }
}

impl<'a> PullDelivery<'a> {
    fn change(&'a self) -> Change<'a> {
        let pull = &self.pull_request;
        let is_merged = pull.merged.unwrap_or(pull.merged_at.is_some());
        Change {
            url: &pull.html_url,
            repository: self.repository.as_forge(),
            number: pull.number,
            branch_repository: pull
                .head
                .repo
                .as_ref()
                .map_or("", |repository| &repository.html_url),
            branch: &pull.head.name,
            revision: &pull.head.sha,
            merge_revision: text(&pull.merge_commit_sha, is_merged),
            text: text(&pull.body, true),
        }
    }
}

fn text<'a>(field: &'a Option<Text<'_>>, wanted: bool) -> &'a str {
    field.as_deref().filter(|_| wanted).unwrap_or_default()
}

fn pull_request(delivery: &Delivery<'_>, told: &mut Told) -> Result<(), Unread> {
    let event: PullDelivery<'_> = delivery.json()?;
    delivery.about(&[&event.repository.full_name])?;
    let (hook, pull, sender) = (delivery.hook, &event.pull_request, event.sender.as_ref());
    let change = event.change();
    let known = [
        "opened",
        "edited",
        "synchronize",
        "synchronized",
        "reopened",
        "closed",
        "ready_for_review",
        "review_requested",
        "converted_to_draft",
    ];
    if !known.contains(&&*event.action) {
        return Err(Unread::Ignored);
    }
    change.tell_names(told);
    let is_author =
        |user: &User<'_>| pull.user.as_ref().is_some_and(|author| author.login == user.login);
    let updated = forge::time(text(&pull.updated_at, true));
    match &*event.action {
        "closed" if pull.merged == Some(true) => {
            let merger = pull.merged_by.as_ref().or(sender);
            let source = source(merger, hook);
            let at = forge::time(text(&pull.merged_at, true)).or(updated);
            told.verdict(Said {
                id: &["merged", &pull.html_url, text(&pull.merged_at, true)],
                task: &pull.html_url,
                judgement: Judgement::Accepted,
                at,
                source,
                basis: basis(source),
                reason: "merged",
            });
            change.tell_reverts(at, told);
        }
        "closed" => {
            let turned_down = is_person(sender, hook) && !sender.is_some_and(is_author);
            let (judgement, basis) = match turned_down {
                true => (Judgement::Rejected, Basis::Explicit),
                false => (Judgement::Withdrawn, Basis::Implicit),
            };
            told.verdict(Said {
                id: &["closed", &pull.html_url, text(&pull.closed_at, true)],
                task: &pull.html_url,
                judgement,
                at: forge::time(text(&pull.closed_at, true)).or(updated),
                source: source(sender, hook),
                basis,
                reason: "closed",
            });
        }
        "synchronize" | "synchronized"
            if is_person(sender, hook) && !sender.is_some_and(is_author) =>
        {
            change.tell_changed(updated, told);
        }
        _ => {}
    }
    Ok(())
}

fn review(delivery: &Delivery<'_>, told: &mut Told) -> Result<(), Unread> {
    let event: PullDelivery<'_> = delivery.json()?;
    delivery.about(&[&event.repository.full_name])?;
    let review = event.review.as_ref().ok_or(Unread::Malformed)?;
    let reviewer = review.user.as_ref();
    let id = review.id.to_string();
    let parts = ["review", &event.pull_request.html_url, &id];
    let state = review.state.to_ascii_lowercase();
    let said = |judgement, basis, reason| Said {
        id: &parts,
        task: &event.pull_request.html_url,
        judgement,
        at: forge::time(text(&review.submitted_at, true)),
        source: SourceKind::Human,
        basis,
        reason,
    };
    let verdict = match (&*event.action, &*state) {
        ("submitted", "changes_requested") => {
            said(Judgement::Rejected, Basis::Explicit, "changes_requested")
        }
        ("submitted", "approved") => said(Judgement::Accepted, Basis::Implicit, "approved"),
        ("dismissed", _) => return dismissed(&event, reviewer, &parts, delivery.hook, told),
        _ => return Err(Unread::Ignored),
    };
    event.change().tell_names(told);
    if is_person(reviewer, delivery.hook) {
        told.verdict(verdict);
    } else {
        let number = event.pull_request.number.to_string();
        let identity = Identity {
            artifact: &event.pull_request.html_url,
            repository: &event.repository.html_url,
            change: &number,
            ..Identity::default()
        };
        told.evaluation(&parts, identity, ("review", verdict.reason), verdict.at);
    }
    Ok(())
}

/// A review that was dismissed counts no more, and the work is back where it was before it:
/// with those who do it. What the review had said, the delivery does not say.
fn dismissed(
    event: &PullDelivery<'_>,
    reviewer: Option<&User<'_>>,
    review: &[&str],
    hook: &Hook,
    told: &mut Told,
) -> Result<(), Unread> {
    if !is_person(reviewer, hook) {
        return Err(Unread::Ignored);
    }
    event.change().tell_names(told);
    let at = forge::time(text(&event.pull_request.updated_at, true));
    told.fact(Verdict {
        id: told.id(&[review, &["dismissed"]].concat()),
        task: &event.pull_request.html_url,
        trace: TraceId::NONE,
        judgement: Judgement::Rejected,
        effective: told.time(at),
        source: SourceKind::Human,
        system: hook.source.kind,
        basis: Basis::Implicit,
        round: 0,
        supersedes: told.id(review),
        reason: "review_dismissed",
        edit_ppm: None,
        review_ms: None,
        policy_version: "",
    });
    Ok(())
}

fn push(delivery: &Delivery<'_>, told: &mut Told) -> Result<(), Unread> {
    let event: PushDelivery<'_> = delivery.json()?;
    let repository = &event.repository;
    delivery.about(&[&repository.full_name])?;
    let branch = event.name.strip_prefix("refs/heads/").ok_or(Unread::Ignored)?;
    let commits: Vec<Commit<'_>> = event
        .commits
        .iter()
        .map(|commit| Commit { revision: &commit.id, message: &commit.message })
        .collect();
    let at = match &repository.pushed_at {
        Some(Stamp::Seconds(seconds)) => seconds.checked_mul(1_000_000_000),
        Some(Stamp::Text(text)) => forge::time(text),
        None => None,
    };
    let branches = (branch, &*repository.default_branch);
    forge::tell_push(repository.as_forge(), branches, &commits, at, told);
    if told.count() == 0 { Err(Unread::Ignored) } else { Ok(()) }
}

fn issue(delivery: &Delivery<'_>, told: &mut Told) -> Result<(), Unread> {
    let event: IssueDelivery<'_> = delivery.json()?;
    delivery.about(&[&event.repository.full_name])?;
    let issue = &event.issue;
    let (judgement, reason) = match (&*event.action, text(&issue.state_reason, true)) {
        ("opened" | "edited", _) => {
            tell_issue_names(&event, told);
            return Ok(());
        }
        ("reopened", _) => (Judgement::Defect, "reopened"),
        ("closed", "not_planned") => (Judgement::Withdrawn, "not_planned"),
        ("closed", "duplicate") => (Judgement::Withdrawn, "duplicate"),
        ("closed", _) => (Judgement::Accepted, "completed"),
        _ => return Err(Unread::Ignored),
    };
    let closed = text(&issue.closed_at, event.action == "closed");
    let at = if closed.is_empty() { text(&issue.updated_at, true) } else { closed };
    tell_issue_names(&event, told);
    told.verdict(Said {
        id: &["issue", reason, &issue.html_url, at],
        task: &issue.html_url,
        judgement,
        at: forge::time(at),
        // Whoever closes it again, serves it again.
        source: if judgement == Judgement::Defect {
            SourceKind::System
        } else {
            source(event.sender.as_ref(), delivery.hook)
        },
        basis: Basis::Implicit,
        reason,
    });
    Ok(())
}

fn tell_issue_names(event: &IssueDelivery<'_>, told: &mut Told) {
    let issue = &event.issue;
    if let Some(task) = words::task(text(&issue.body, true)) {
        told.same(task, &issue.html_url);
    }
    told.same(&issue.html_url, &issue_name(&event.repository.html_url, &issue.number.to_string()));
}

fn check(event: &str, delivery: &Delivery<'_>, told: &mut Told) -> Result<(), Unread> {
    let name = event;
    let event: CheckDelivery<'_> = delivery.json()?;
    delivery.about(&[&event.repository.full_name])?;
    let check = &event.check_suite;
    let conclusion = text(&check.conclusion, event.action == "completed");
    if conclusion.is_empty() {
        return Err(Unread::Ignored);
    }
    let change = check.pull_requests.first().map(|pull| pull.number.to_string());
    let identity = Identity {
        repository: &event.repository.html_url,
        change: change.as_deref().unwrap_or_default(),
        revision: &check.head_sha,
        branch: text(&check.head_branch, true),
        ..Identity::default()
    };
    let (id, attempt) = (check.id.to_string(), check.run_attempt.to_string());
    let id = [name, &event.repository.html_url, &id, &attempt, conclusion];
    let at = forge::time(text(&check.updated_at, true));
    told.evaluation(&id, identity, (name, conclusion), at);
    Ok(())
}
