//! GitLab: merge requests, pushes, issues and pipelines.

use countersign_core::fact::{Basis, Identity, Judgement, SourceKind, Verdict, issue_name};
use countersign_core::key::TraceId;

use super::fields::Fields;
use super::forge::{self, Change, Commit, Repository};
use super::signature::{STANDARD_WEBHOOKS, Scheme};
use super::source::{Delivery, Source, Unread};
use super::told::{Said, Told};
use super::words;
use crate::limits::HOOK_BYTES_MAX;

pub(super) const GITLAB: Source = Source {
    kind: "gitlab",
    // The newer signing token first; the older one is the secret itself.
    schemes: &[STANDARD_WEBHOOKS, Scheme::Token { header: "x-gitlab-token", prefix: "" }],
    delivery: "idempotency-key",
    bytes_max: HOOK_BYTES_MAX,
    read,
    ..Source::PLAIN
};

fn read(delivery: &Delivery<'_>, told: &mut Told) -> Result<(), Unread> {
    let body: Fields = delivery.json()?;
    if !body.has("/object_kind") {
        return Err(Unread::Malformed);
    }
    delivery.about(&[body.text("/project/path_with_namespace")])?;
    match body.text("/object_kind") {
        "merge_request" => merge_request(&body, delivery, told),
        "push" => push(&body, told),
        "issue" => issue(&body, told),
        "pipeline" => pipeline(&body, told),
        _ => Err(Unread::Ignored),
    }
}

fn repository(body: &Fields) -> Repository<'_> {
    Repository {
        url: body.text("/project/web_url"),
        path: body.text("/project/path_with_namespace"),
    }
}

fn merge_request(body: &Fields, delivery: &Delivery<'_>, told: &mut Told) -> Result<(), Unread> {
    let it = |field: &str| format!("/object_attributes/{field}");
    let (url, action) = (body.text(&it("url")), body.text(&it("action")));
    let number: u64 = body.word(&it("iid")).parse().map_err(|_| Unread::Malformed)?;
    if url.is_empty() {
        return Err(Unread::Malformed);
    }
    let is_merge = action == "merge";
    let change = Change {
        url,
        repository: repository(body),
        number,
        branch_repository: body.text(&it("source/web_url")),
        branch: body.text(&it("source_branch")),
        revision: body.text(&it("last_commit/id")),
        merge_revision: if is_merge { body.text(&it("merge_commit_sha")) } else { "" },
        text: body.text(&it("description")),
    };
    let (user, login) = (body.word("/user/id"), body.text("/user/username"));
    let is_agent = delivery.hook.is_agent(login) || login.contains("_bot_");
    let source = if is_agent { SourceKind::System } else { SourceKind::Human };
    let is_author = user == body.word(&it("author_id"));
    let (updated, at) = (body.text(&it("updated_at")), forge::time(body.text(&it("updated_at"))));
    // An approval belongs to the commit that it was given for.
    let approval = ["approval", url, &user, change.revision];
    let said =
        |id, judgement, basis, reason| Said { id, task: url, judgement, at, source, basis, reason };
    // It happens once, whenever it is told.
    let merged = ["merged", url];
    let closed = ["closed", url, updated];
    let asked = ["review", url, &user, updated];
    let verdict = match action {
        "merge" => {
            let basis = if is_agent { Basis::Implicit } else { Basis::Explicit };
            Some(said(&merged[..], Judgement::Accepted, basis, "merged"))
        }
        "close" if is_author || is_agent => {
            Some(said(&closed[..], Judgement::Withdrawn, Basis::Implicit, "closed"))
        }
        "close" => Some(said(&closed[..], Judgement::Rejected, Basis::Explicit, "closed")),
        "approved" | "approval" if !is_agent => {
            Some(said(&approval[..], Judgement::Accepted, Basis::Implicit, "approved"))
        }
        "update" if asks_for_changes(body) && !is_agent => {
            Some(said(&asked[..], Judgement::Rejected, Basis::Explicit, "changes_requested"))
        }
        "open" | "reopen" | "update" | "unapproved" | "unapproval" => None,
        _ => return Err(Unread::Ignored),
    };
    change.tell_names(told);
    if let Some(verdict) = verdict {
        told.verdict(verdict);
    }
    if is_merge {
        change.tell_reverts(at, told);
    }
    if action == "update" && body.has(&it("oldrev")) && !is_author && !is_agent {
        change.tell_changed(at, told);
    }
    if action.starts_with("unapprov") {
        told.fact(Verdict {
            id: told.id(&["unapproved", url, &user, updated]),
            task: url,
            trace: TraceId::NONE,
            judgement: Judgement::Rejected,
            effective: told.time(at),
            source,
            system: delivery.hook.source.kind,
            basis: Basis::Implicit,
            round: 0,
            supersedes: told.id(&approval),
            reason: "review_dismissed",
            edit_ppm: None,
            review_ms: None,
            policy_version: "",
        });
    }
    Ok(())
}

/// Whether a reviewer has just asked for changes.
fn asks_for_changes(body: &Fields) -> bool {
    let asking = |place: &str| {
        let reviewers = body.list(place);
        let asking = reviewers.filter(|reviewer| reviewer.text("/state") == "requested_changes");
        asking.map(|reviewer| reviewer.word("/id")).collect::<Vec<_>>()
    };
    let before = asking("/changes/reviewers/previous");
    asking("/changes/reviewers/current").iter().any(|reviewer| !before.contains(reviewer))
}

fn push(body: &Fields, told: &mut Told) -> Result<(), Unread> {
    let branch = body.text("/ref").strip_prefix("refs/heads/").ok_or(Unread::Ignored)?;
    let commits: Vec<Fields> = body.list("/commits").collect();
    let at = commits.iter().filter_map(|commit| forge::time(commit.text("/timestamp"))).max();
    let commits: Vec<Commit<'_>> = commits
        .iter()
        .map(|commit| Commit { revision: commit.text("/id"), message: commit.text("/message") })
        .collect();
    let branches = (branch, body.text("/project/default_branch"));
    forge::tell_push(repository(body), branches, &commits, at, told);
    if told.count() == 0 { Err(Unread::Ignored) } else { Ok(()) }
}

fn issue(body: &Fields, told: &mut Told) -> Result<(), Unread> {
    let url = body.text("/object_attributes/url");
    let (judgement, source, reason) = match body.text("/object_attributes/action") {
        "close" => (Judgement::Accepted, SourceKind::Human, "completed"),
        "reopen" => (Judgement::Defect, SourceKind::System, "reopened"),
        _ => return Err(Unread::Ignored),
    };
    if let Some(task) = words::task(body.text("/object_attributes/description")) {
        told.same(task, url);
    }
    let number = body.word("/object_attributes/iid");
    told.same(url, &issue_name(repository(body).url, &number));
    let at = body.text("/object_attributes/updated_at");
    told.verdict(Said {
        id: &["issue", reason, url, at],
        task: url,
        judgement,
        at: forge::time(at),
        source,
        basis: Basis::Implicit,
        reason,
    });
    Ok(())
}

fn pipeline(body: &Fields, told: &mut Told) -> Result<(), Unread> {
    let status = body.text("/object_attributes/status");
    if !["success", "failed", "canceled", "skipped"].contains(&status) {
        return Err(Unread::Ignored);
    }
    let (id, number) = (body.word("/object_attributes/id"), body.word("/merge_request/iid"));
    let identity = Identity {
        artifact: body.text("/merge_request/url"),
        repository: repository(body).url,
        change: &number,
        revision: body.text("/object_attributes/sha"),
        branch: body.text("/object_attributes/ref"),
        ..Identity::default()
    };
    let at = forge::time(body.text("/object_attributes/finished_at"));
    told.evaluation(&["pipeline", &id, status], identity, ("pipeline", status), at);
    Ok(())
}
