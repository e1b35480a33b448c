//! Jira: issues that are done, reopened and assigned.

use countersign_core::fact::SourceKind;

use super::fields::Fields;
use super::signature::body_code;
use super::source::{Delivery, Source, Unread};
use super::ticket::{Ticket, Turn};
use super::told::Told;

pub(super) const JIRA: Source = Source {
    kind: "jira",
    schemes: &[body_code("x-hub-signature", "sha256=")],
    delivery: "x-atlassian-webhook-identifier",
    read,
    ..Source::PLAIN
};

/// Resolutions that mean that nobody will use the work.
const DROPPED: [&str; 7] =
    ["won't do", "won't fix", "duplicate", "cannot reproduce", "declined", "invalid", "incomplete"];
/// Names of states that are done, where only the name is known.
const DONE: [&str; 4] = ["done", "closed", "resolved", "complete"];

fn read(delivery: &Delivery<'_>, told: &mut Told) -> Result<(), Unread> {
    let body: Fields = delivery.json()?;
    let key = body.text("/issue/key");
    match body.text("/webhookEvent") {
        "" => return Err(Unread::Malformed),
        "jira:issue_updated" if key.is_empty() => return Err(Unread::Malformed),
        "jira:issue_updated" => {}
        _ => return Err(Unread::Ignored),
    }
    delivery.about(&[key.split_once('-').map_or(key, |(project, _)| project)])?;
    let hook = delivery.hook;
    let mut turn = None;
    let is_done = body.text("/issue/fields/status/statusCategory/key") == "done";
    let resolution = body.text("/issue/fields/resolution/name").to_ascii_lowercase();
    for item in body.list("/changelog/items") {
        let was_done = DONE.contains(&&*item.text("/fromString").to_ascii_lowercase());
        let found = match item.text("/field") {
            "status" if is_done && DROPPED.contains(&&*resolution) => Turn::Dropped,
            "status" if is_done => Turn::Solved,
            "status" if was_done => Turn::Reopened,
            "resolution" if !is_done && item.has("/from") && !item.has("/to") => Turn::Reopened,
            "assignee"
                if hook.is_agent(&item.word("/from")) && !hook.is_agent(&item.word("/to")) =>
            {
                Turn::HandedOn
            }
            _ => continue,
        };
        turn = turn.or(Some(found));
    }
    let turn = turn.ok_or(Unread::Ignored)?;
    let by_person =
        body.text("/user/accountType") != "app" && !hook.is_agent(body.text("/user/accountId"));
    let source = if by_person { SourceKind::Human } else { SourceKind::System };
    let time = body.word("/timestamp");
    let at = (&*time, body.time("/timestamp"));
    let root = body.text("/issue/self").split_once("/rest/").map(|(root, _)| root);
    let url = root.map_or_else(String::new, |root| format!("{root}/browse/{key}"));
    Ticket::at(&url, "jira", key).tell(turn, at, source, delivery, told);
    Ok(())
}
