//! Gitea and Forgejo: GitHub's shapes under names of their own, and reviews in another shape.

use countersign_core::fact::{Basis, Judgement, SourceKind};

use super::fields::Fields;
use super::forge;
use super::github;
use super::signature::body_code;
use super::source::{Delivery, Source, Unread};
use super::told::{Said, Told};
use crate::limits::HOOK_BYTES_MAX;

pub(super) const GITEA: Source = Source {
    kind: "gitea",
    schemes: &[
        body_code("x-gitea-signature", ""),
        body_code("x-forgejo-signature", ""),
        body_code("x-hub-signature-256", "sha256="),
    ],
    delivery: "x-gitea-delivery",
    bytes_max: HOOK_BYTES_MAX,
    read,
    ..Source::PLAIN
};

fn read(delivery: &Delivery<'_>, told: &mut Told) -> Result<(), Unread> {
    match delivery.header("x-gitea-event") {
        "pull_request_approved" => review(Judgement::Accepted, "approved", delivery, told),
        "pull_request_rejected" => review(Judgement::Rejected, "changes_requested", delivery, told),
        "pull_request_sync" => github::read("pull_request", delivery, told),
        event @ ("pull_request" | "push" | "issues") => github::read(event, delivery, told),
        _ => Err(Unread::Ignored),
    }
}

fn review(
    judgement: Judgement,
    reason: &'static str,
    delivery: &Delivery<'_>,
    told: &mut Told,
) -> Result<(), Unread> {
    let body: Fields = delivery.json()?;
    delivery.about(&[body.text("/repository/full_name")])?;
    let (url, reviewer) = (body.text("/pull_request/html_url"), body.text("/sender/login"));
    let revision = body.text("/pull_request/head/sha");
    // The header that says what it is, is not signed; the body says it too.
    let kind = body.text("/review/type");
    let means = if kind.contains("approved") { Judgement::Accepted } else { Judgement::Rejected };
    if url.is_empty() || means != judgement {
        return Err(Unread::Malformed);
    }
    if delivery.hook.is_agent(reviewer) {
        return Err(Unread::Ignored);
    }
    let is_approval = judgement == Judgement::Accepted;
    let basis = if is_approval { Basis::Implicit } else { Basis::Explicit };
    told.verdict(Said {
        id: &["review", url, reviewer, kind, revision],
        task: url,
        judgement,
        at: forge::time(body.text("/pull_request/updated_at")),
        source: SourceKind::Human,
        basis,
        reason,
    });
    Ok(())
}
