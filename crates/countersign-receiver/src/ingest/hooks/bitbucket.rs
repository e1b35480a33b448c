//! Bitbucket Cloud: pull requests and pushes.

use countersign_core::fact::{Basis, Judgement, SourceKind, branch_name};

use super::fields::Fields;
use super::forge::{self, Change, Commit, Repository};
use super::signature::body_code;
use super::source::{Delivery, Source, Unread};
use super::told::{Said, Told};
use crate::limits::HOOK_BYTES_MAX;

pub(super) const BITBUCKET: Source = Source {
    kind: "bitbucket",
    schemes: &[body_code("x-hub-signature", "sha256=")],
    delivery: "x-request-uuid",
    bytes_max: HOOK_BYTES_MAX,
    read,
    ..Source::PLAIN
};

fn read(delivery: &Delivery<'_>, told: &mut Told) -> Result<(), Unread> {
    let body: Fields = delivery.json()?;
    delivery.about(&[body.text("/repository/full_name")])?;
    let event = delivery.header("x-event-key");
    match event.split_once(':') {
        Some(("pullrequest", what)) => pull_request(what, &body, delivery, told),
        Some(("repo", "push")) => push(&body, told),
        _ => Err(Unread::Ignored),
    }
}

fn repository(body: &Fields) -> Repository<'_> {
    Repository {
        url: body.text("/repository/links/html/href"),
        path: body.text("/repository/full_name"),
    }
}

fn pull_request(
    event: &str,
    body: &Fields,
    delivery: &Delivery<'_>,
    told: &mut Told,
) -> Result<(), Unread> {
    let url = body.text("/pullrequest/links/html/href");
    let number: u64 = body.word("/pullrequest/id").parse().map_err(|_| Unread::Malformed)?;
    if url.is_empty() {
        return Err(Unread::Malformed);
    }
    let change = Change {
        url,
        repository: repository(body),
        number,
        branch_repository: body.text("/pullrequest/source/repository/links/html/href"),
        branch: body.text("/pullrequest/source/branch/name"),
        revision: body.text("/pullrequest/source/commit/hash"),
        merge_revision: body.text("/pullrequest/merge_commit/hash"),
        text: body.text("/pullrequest/description"),
    };
    let (actor, author) = (body.text("/actor/uuid"), body.text("/pullrequest/author/uuid"));
    let is_agent = delivery.hook.is_agent(body.text("/actor/account_id"))
        || delivery.hook.is_agent(body.text("/actor/nickname"))
        || body.text("/actor/type") == "app_user";
    let is_state = |state: &str| body.text("/pullrequest/state") == state;
    let updated = body.text("/pullrequest/updated_on");
    let (judgement, basis, reason, at) = match event {
        "fulfilled" if is_state("MERGED") => {
            (Judgement::Accepted, Basis::Explicit, "merged", updated)
        }
        "rejected" if is_state("DECLINED") && (actor == author || is_agent) => {
            (Judgement::Withdrawn, Basis::Implicit, "closed", updated)
        }
        "rejected" if is_state("DECLINED") => {
            (Judgement::Rejected, Basis::Explicit, "closed", updated)
        }
        "approved" if !is_agent => {
            (Judgement::Accepted, Basis::Implicit, "approved", body.text("/approval/date"))
        }
        "changes_request_created" if !is_agent => {
            let at = body.text("/changes_request/date");
            (Judgement::Rejected, Basis::Explicit, "changes_requested", at)
        }
        "created" | "updated" => {
            change.tell_names(told);
            return Ok(());
        }
        _ => return Err(Unread::Ignored),
    };
    change.tell_names(told);
    let source = if is_agent { SourceKind::System } else { SourceKind::Human };
    let at = if at.is_empty() { updated } else { at };
    told.verdict(Said {
        id: &[reason, url, actor, at],
        task: url,
        judgement,
        at: forge::time(at),
        source,
        basis,
        reason,
    });
    if reason == "merged" {
        change.tell_reverts(forge::time(at), told);
    }
    Ok(())
}

fn push(body: &Fields, told: &mut Told) -> Result<(), Unread> {
    let repository = repository(body);
    for change in body.list("/push/changes") {
        let branch = change.text("/new/name");
        // Which branch is the default one, a push does not say: one that all work begins at.
        let default_branch = match branch_name(repository.url, branch) {
            Some(_) => "",
            None => branch,
        };
        let commits: Vec<Fields> = change.list("/commits").collect();
        let at = commits.iter().filter_map(|commit| forge::time(commit.text("/date"))).max();
        let commits: Vec<Commit<'_>> = commits
            .iter()
            .map(|it| Commit { revision: it.text("/hash"), message: it.text("/message") })
            .collect();
        forge::tell_push(repository, (branch, default_branch), &commits, at, told);
    }
    if told.count() == 0 { Err(Unread::Ignored) } else { Ok(()) }
}
